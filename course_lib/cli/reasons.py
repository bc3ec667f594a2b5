"""``python -m course_lib reasons``: a language model of one's own writes reasons, and each claim in them is checked.

The model is a local one (LIVEREC_WRITER: a folder, or a name on the Hugging Face hub), or one behind an address that
speaks OpenAI's protocol (--address and --model). Its key is read from LIVEREC_WRITER_KEY, or asked for where somebody
sits at the terminal; it is kept for this command alone, and never written anywhere.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from course_lib.cli.console import OK, language, note, say
from course_lib.errors import CourseError

PRODUCTS = 10
MOST = 1000
KEY = "LIVEREC_WRITER_KEY"


def register(commands: Any) -> None:
    """Adds ``reasons``."""
    parser = commands.add_parser("reasons", help=say("help_reasons"), description=say("help_reasons"))
    parser.add_argument("--dataset", metavar="NAME", default="shop", help=say("help_dataset"))
    parser.add_argument("--products", metavar="N", default=str(PRODUCTS), help=say("help_reasons_products"))
    parser.add_argument("--address", metavar="URL", default="", help=say("help_reasons_address"))
    parser.add_argument("--model", metavar="NAME", default="", help=say("help_reasons_model"))
    parser.add_argument("--json", action="store_true", help=say("help_json"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Lets the model write, prints each reason with its claims, then the shares that are true."""
    import numpy as np
    from tqdm import tqdm

    from course_lib.data import registry
    from course_lib.evaluation.few_texts import shares_of_few
    from course_lib.evaluation.true_reasons import Facts, shares
    from course_lib.explain.reason_texts import request_for
    from course_lib.models.catalogue import Setting

    count = int(Setting("products", PRODUCTS, 1, MOST).check(arguments.products))
    items = registry.load_items(registry.resolve(arguments.dataset))
    facts = Facts.of(items, language(), registry.currency(arguments.dataset))
    write = writer(arguments.address, arguments.model)
    drawn = 1 + np.sort(np.random.default_rng(0).permutation(len(items))[:count])
    written = []
    for item in tqdm(drawn.tolist(), file=sys.stderr, disable=not sys.stderr.isatty()):
        text = write(request_for(facts, item))
        written.append((item, text, facts.check(text, item)))
    checked = [claims for *_, claims in written]
    found = {**shares(checked), **shares_of_few(checked)}
    if arguments.json:
        reasons = [
            {"item": item, "text": text, "claims": [{"kind": c.kind, "said": c.said, "true": c.true} for c in claims]}
            for item, text, claims in written
        ]
        print(json.dumps({"dataset": arguments.dataset, "reasons": reasons, "measures": found}, ensure_ascii=False))
        return OK
    for item, text, claims in written:
        marks = " · ".join(f"{'✓' if claim.true else '✗'} {claim.said}" for claim in claims)
        print(f"{facts.titles[item - 1]}\n    {text}\n    {marks or say('no_claims')}")
    for name in ("true", "unreadable"):
        if name in found:
            one = found[name]
            note(
                say(f"reasons_{name}", share=f"{one['value']:.0%}", low=f"{one['low']:.0%}", high=f"{one['high']:.0%}")
            )
    return OK


def writer(address: str, model: str) -> Callable[[str], str]:
    """Answers one prompt: the model at the address, else the local one.

    Raises CourseError where neither is named, and for an address without the name of a model.
    """
    from course_lib.models.writer_address import ask_address

    if not address:
        from course_lib.models.reason_writer import own_writer

        local = own_writer()
        return lambda prompt: local.write([prompt])[0]
    if not model:
        raise CourseError("cli_missing", command="python -m course_lib reasons", name="--model")
    key = os.environ.get(KEY) or (getpass.getpass(say("reasons_key")) if sys.stdin.isatty() else "")
    return lambda prompt: ask_address(address, key, model, prompt)
