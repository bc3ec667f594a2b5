"""``python -m course_lib shop simulate | make | order | oracle-error``: shops, and the numbers of the data card.

python -m course_lib shop simulate --shoppers 1000000 --to million   # a minute and a half; Ctrl-C leaves nothing behind
python -m course_lib shop simulate --shoppers 100000 --with search,slates --to some   # or --with all
python -m course_lib shop order          # 125 trainings: a quarter of an hour on two cores; can be stopped, continues
python -m course_lib shop oracle-error   # two minutes
"""

from __future__ import annotations

import argparse
import os
import re
import signal
from contextlib import closing
from typing import Any

from course_lib.cli.console import OK, Progress, given_path, note, say
from course_lib.cli.make_shop import add_make
from course_lib.errors import CourseError
from course_lib.models.catalogue import Setting
from course_lib.settings import PROJECT, load_settings

FILE = PROJECT / "data" / "shop" / "measured.toml"


def register(commands: Any) -> None:
    """Adds ``shop``."""
    parser = commands.add_parser("shop", help=say("help_shop"), description=say("help_shop"))
    actions = parser.add_subparsers(metavar=say("help_action"), required=True, dest="action")
    for name, run in (("order", order), ("oracle-error", oracle_error)):
        key = f"help_shop_{name.replace('-', '_')}"
        actions.add_parser(name, help=say(key), description=say(key)).set_defaults(run=run)
    parser = actions.add_parser("simulate", help=say("help_shop_simulate"), description=say("help_shop_simulate"))
    parser.add_argument("--shoppers", metavar="N", required=True, help=say("help_shop_shoppers"))
    parser.add_argument("--to", metavar="FOLDER", required=True, help=say("help_shop_to"))
    parser.add_argument("--seed", metavar="N", help=say("help_shop_seed"))
    parser.add_argument("--with", metavar="PART,...", dest="parts", default="", help=say("help_shop_with"))
    parser.set_defaults(run=simulate)
    add_make(actions)


def simulate(arguments: argparse.Namespace) -> int:
    """Writes a shop of ``--shoppers`` into the folder ``--to``."""
    from course_lib.experiments.config import SEED
    from course_lib.shop.disk import MOST, write_shop
    from course_lib.shop.logs import chosen
    from course_lib.shop.published import shop

    shoppers = int(Setting("shoppers", 1, 1, MOST).check(arguments.shoppers))
    seed = None if arguments.seed is None else int(SEED.check(arguments.seed))
    folder = given_path(arguments.to)
    parts = chosen(arguments.parts)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill clears up as Ctrl-C does
    try:
        writing = write_shop(folder, shop(), shoppers, seed, parts=parts)
        with closing(writing), closing(Progress(say("shop_simulating"))) as bar:
            for done, total in writing:
                bar.take(done / total)
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
        raise CourseError("table_file_refused", path=folder, reason=reason) from problem
    finally:
        signal.signal(signal.SIGTERM, before)
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(say("shop_simulated", shoppers=f"{shoppers:,}", size=f"{size / 2**20:,.1f}", path=folder))
    return OK


def order(arguments: argparse.Namespace) -> int:
    """Makes the table of models by parameter and writes it."""
    from course_lib.training.robustness import ORDER, order_table

    results = load_settings().home / "shop-order.jsonl"
    results.parent.mkdir(parents=True, exist_ok=True)
    head = "| | " + " | ".join(ORDER) + " | separate |"
    lines = [head, "|---" * (len(ORDER) + 2) + "|"]
    for done, total, rows in order_table(results, workers=os.cpu_count() or 1):
        note(say("shop_order_progress", done=done, total=total))
        for row in rows:
            name = f"{row.parameter} x {row.factor:g}" if row.parameter else "as published"
            cells = [f"{row.scores[n].value:.3f} [{row.scores[n].low:.3f}, {row.scores[n].high:.3f}]" for n in ORDER]
            lines.append(f"| {name} | " + " | ".join(cells) + f" | {'yes' if row.separate else 'no'} |")
    _write("order", {"table": "\n".join(lines)})
    print("\n".join(lines))
    return OK


def oracle_error(arguments: argparse.Namespace) -> int:
    """Measures what the point set costs the filtered bound and writes it."""
    from course_lib.training.robustness import oracle_error

    found = oracle_error()
    lines = ["| taste points | " + " | ".join(f"draw {n + 1}" for n in range(len(next(iter(found.values()))))) + " |"]
    lines.append("|---" * (len(next(iter(found.values()))) + 1) + "|")
    lines += [f"| {points:,} | " + " | ".join(f"{v:.4f}" for v in values) + " |" for points, values in found.items()]
    every = [value for values in found.values() for value in values]
    _write("oracle", {"table": "\n".join(lines), "error": f"{max(every) - min(every):.4f}"})
    print("\n".join(lines))
    return OK


def _write(section: str, entries: dict[str, str]) -> None:
    """Replaces one table of measured.toml."""
    source = FILE.read_text(encoding="utf-8") if FILE.exists() else "# Written by: python -m course_lib shop ...\n"
    source = re.sub(rf"^\[{section}\]\n.*?(?=^\[|\Z)", "", source, flags=re.S | re.M).rstrip()
    body = "\n".join(
        f'{key} = """\n{value}"""' if "\n" in value else f'{key} = "{value}"' for key, value in entries.items()
    )
    FILE.write_text(f"{source}\n\n[{section}]\n{body}\n", encoding="utf-8")
