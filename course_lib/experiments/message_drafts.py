"""Message drafts: coupon messages from templates, each checked before it may be sent, and who may still get one.

    python -m course_lib run message_drafts --campaign diapers --mistake price --json

A mistake is planted into every draft, and the check (course_lib/evaluation/true_messages.py) has to find it; drafts
without one it has to let pass. Nothing is sent anywhere. Whoever may get a message at all is decided before that:

    share left = (1 - opted_out) P(N < cap),    N ~ Poisson(others): messages that the shop sent them this week already

A cap is a promise to the reader: no more than so many a week, whoever in the shop wants to send one.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any

from course_lib.data import registry
from course_lib.data.columns import Columns
from course_lib.evaluation.true_messages import Finding, Offer, check_message, may_be_sent
from course_lib.evaluation.true_reasons import Facts
from course_lib.experiments.events import exact
from course_lib.explain.message_texts import MISTAKES, drafts, message_request
from course_lib.shop.parameters import load_parameters
from course_lib.text import LANGUAGES

SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "campaign": ("diapers", "detergent", "diapers", "headphones"),
    "mistake": ("none", "none", "price", "discount", "expiry", "claim", "boast", "opt_out", "hearsay"),
    "cap": (2, 1, 7),  # messages a week that one shopper may get
    "others": (1.0, 0.0, 7.0),  # that other teams of the shop send a shopper and week, on average
    "opted_out": (0.08, 0.0, 1.0),  # share of the shoppers
}
MEASURES = {
    "drafts": "count",
    "drafts_stopped": "share",  # by the check, with the planted mistake
    "fair_stopped": "share",  # of those without a mistake
    "recipients_left": "share",  # of the shoppers, who may get one more message this week
    "recipients_capped": "share",  # who have not opted out, and have had their messages
}
ASKS: dict[str, Any] = {}
TINY = {"campaign": "detergent"}

UNTIL = (7, 26)  # the last day of the coupons, month and day
PRODUCTS = 3  # of the coupon's type, each with every template
CAPS = tuple(range(1, 8))


def answer(settings: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Drafts of the first product with what the check says, how often it stops each mistake, and who is left.

    ``drafts``: by language, [{"text", "findings", "sent"}]. ``caught``: [{"mistake", "language", "share"}]. ``caps``:
    [{"cap", "left", "capped"}].
    """
    campaign, mistake = str(settings["campaign"]), str(settings["mistake"])
    others, out = float(settings["others"]), float(settings["opted_out"])
    share = {(one, language): stopped(campaign, one, language) for one in MISTAKES for language in LANGUAGES}
    caught = [{"mistake": one, "language": language, "share": found} for (one, language), found in share.items()]
    caps = [{"cap": cap, "left": (1 - out) * below(cap, others), "capped": (1 - out) * (1 - below(cap, others))}
            for cap in CAPS]  # fmt: skip
    now = caps[int(settings["cap"]) - 1]
    of_both = {one: sum(share[one, language] for language in LANGUAGES) / len(LANGUAGES) for one in (mistake, "none")}
    return {
        "measures": {
            "drafts": exact(len(LANGUAGES) * len(offers(campaign)) * len(written(campaign, "zh", mistake))),
            "drafts_stopped": exact(of_both[mistake]),
            "fair_stopped": exact(of_both["none"]),
            "recipients_left": exact(now["left"]),
            "recipients_capped": exact(now["capped"]),
        },
        "drafts": {language: written(campaign, language, mistake) for language in LANGUAGES},
        "caught": caught,
        "caps": caps,
        "opted_out": out,
    }


def below(cap: int, mean: float) -> float:
    """P(N < cap) of a Poisson variable.

    >>> round(below(1, 1.0), 4), below(3, 0.0)
    (0.3679, 1.0)
    """
    return math.fsum(math.exp(-mean) * mean**n / math.factorial(n) for n in range(cap))


@functools.lru_cache(maxsize=2)
def facts_of(language: str) -> Facts:
    """What the simulated shop's catalogue says."""
    return Facts.of(registry.load_items(registry.resolve("shop")), language)


@functools.lru_cache(maxsize=4)
def offers(campaign: str) -> tuple[Offer, ...]:
    """The coupon for the first PRODUCTS of its type."""
    row = next(one for one in load_parameters().content["campaign"] if one["id"] == f"{campaign}_test")
    items = registry.load_items(registry.resolve("shop"))
    ids = items.loc[items[Columns.TYPE] == row["type"], Columns.ITEM].tolist()[:PRODUCTS]
    prices = items.set_index(Columns.ITEM)[Columns.PRICE]
    return tuple(Offer(int(item), float(prices[item]), float(row["discount"]), UNTIL) for item in ids)


def judged(text: str, offer: Offer, language: str) -> list[Finding]:
    """What the check says of any draft for an offer."""
    return check_message(text, offer, facts_of(language))


def request(offer: Offer, language: str) -> str:
    """What a language model is asked for."""
    return message_request(facts_of(language), offer)


@functools.lru_cache(maxsize=64)
def stopped(campaign: str, mistake: str, language: str) -> float:
    """Share of the drafts with this mistake that may not be sent."""
    facts = facts_of(language)
    found = [
        may_be_sent(judged(text, offer, language))
        for offer in offers(campaign)
        for text in drafts(facts, offer, mistake)
    ]
    return 1 - sum(found) / len(found)


def written(campaign: str, language: str, mistake: str) -> list[dict[str, Any]]:
    """The drafts for the first product, each with its findings."""
    offer = offers(campaign)[0]
    rows = []
    for text in drafts(facts_of(language), offer, mistake):
        findings = judged(text, offer, language)
        rows.append({"text": text, "findings": [one.to_dict() for one in findings], "sent": may_be_sent(findings)})
    return rows
