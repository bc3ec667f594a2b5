"""``python -m course_lib shop make``: a shop of one's own as a dataset, or only what it would be like.

python -m course_lib shop make strict --set plan_order=10 --set customers=500
python -m course_lib shop make forgetful --ready long_memory --seed 7
python -m course_lib shop make any --ready taste --preview
"""

from __future__ import annotations

import argparse
import signal
from contextlib import closing
from typing import TYPE_CHECKING, Any

from course_lib.cli.console import OK, Progress, note, say
from course_lib.errors import CourseError

if TYPE_CHECKING:
    from course_lib.shop.made import MadeShop


def add_make(actions: Any) -> None:
    """Adds ``make``."""
    parser = actions.add_parser("make", help=say("help_shop_make"), description=say("help_shop_make"))
    parser.add_argument("name", metavar="NAME", help=say("help_shop_make_name"))
    known = ", ".join(NAMES)
    parser.add_argument(
        "--set",
        metavar="NAME=N",
        action="append",
        default=[],
        dest="given",
        help=say("help_shop_make_set", known=known),
    )
    parser.add_argument("--ready", metavar="ID", default="", help=say("help_shop_make_ready", known=", ".join(READY)))
    parser.add_argument("--seed", metavar="N", help=say("help_shop_seed"))
    parser.add_argument("--owner", metavar="KEY", default="", help=say("help_shop_make_owner"))
    parser.add_argument("--preview", action="store_true", help=say("help_shop_make_preview"))
    parser.set_defaults(run=make)


# Named here so that help loads neither pandas nor numpy; tests/cli/test_make_shop.py compares.
NAMES = (
    "customers", "variety", "purchases_each", "plan_order", "interruptions", "plan_memory", "broken_off",
    "interest_drift", "done_once", "taste_spread", "price_limits", "sales_skew", "restocking", "same_again", "seasons",
)  # fmt: skip
READY = ("no_order", "markov", "long_memory", "taste", "again")


def make(arguments: argparse.Namespace) -> int:
    """Makes the shop that the options describe, or shows what can be known in it."""
    from course_lib.data.intake import store
    from course_lib.data.receipts import SHARED
    from course_lib.runs import shop_maker

    made, owner = described(arguments.given, arguments.ready, arguments.seed), arguments.owner or SHARED
    for name, because in made.idle():
        note(say("shop_idle", name=name, because=because, value=f"{made.values[because]:g}"))
    if arguments.preview:
        show(made)
        return OK
    store.check_free(arguments.name, owner)
    seconds, size = made.expected()
    note(say("shop_expected", seconds=f"{seconds:,.0f}", megabytes=f"{size / 2**20:,.1f}"))
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill clears up as Ctrl-C does
    try:
        with closing(Progress(say("shop_making", name=arguments.name))) as bar:
            key = shop_maker.make(made, arguments.name, owner, bar.take)
    finally:
        signal.signal(signal.SIGTERM, before)
    card = store.find(key)
    assert card is not None
    counts = {name: f"{card.counts[kind]:,}" for name, kind in COUNTS.items()}
    print(say("shop_made", name=arguments.name, dataset=key, **counts))
    return OK


COUNTS = {"customers": "users", "products": "items", "purchases": "events"}


def described(given: list[str], ready_id: str, seed: str | None) -> MadeShop:
    """The shop of ``--set``, ``--ready`` and ``--seed``; raises CourseError for what cannot be."""
    from course_lib.shop.made import MadeShop, ready

    values: dict[str, Any] = {}
    if ready_id:
        found = {one.id: one for one in ready()}
        if ready_id not in found:
            raise CourseError("shop_no_ready", name=ready_id, known=", ".join(found))
        values = dict(found[ready_id].shop.values)
    for one in given:
        name, sign, value = one.partition("=")
        if not sign or not name:
            raise CourseError("shop_set", value=one, known=", ".join(NAMES))
        values[name.strip()] = value.strip()
    return MadeShop.of(values, 1 if seed is None else seed)


def show(made: MadeShop) -> None:
    """A line a model, the best possible last."""
    from course_lib.cli.console import language
    from course_lib.figures.base import model_name
    from course_lib.figures.made_shop import ORDER
    from course_lib.training.shop_preview import preview

    scores = preview(made)["scores"]
    for name in ORDER:
        if name in scores:
            numbers = {key: f"{value:.3f}" for key, value in scores[name].items()}
            print(say("shop_score", name=model_name(name, language()), **numbers))
