"""What the check of a coupon's message reads, in both languages, and what it cannot."""

from __future__ import annotations

import pytest

from course_lib.evaluation.true_messages import KINDS, Offer, check_message, may_be_sent
from course_lib.evaluation.true_reasons import Facts
from course_lib.experiments.message_drafts import facts_of, offers
from course_lib.explain.message_texts import HEARSAY, MISTAKES, drafts, message_request

KIND_OF = {"price": "price", "discount": "discount", "expiry": "expiry", "claim": "product", "boast": "boast",
           "opt_out": "opt_out"}  # fmt: skip


@pytest.fixture(params=["zh", "en"])
def facts(request: pytest.FixtureRequest) -> Facts:
    return facts_of(request.param)


@pytest.mark.parametrize("campaign", ["detergent", "diapers", "headphones"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_planted_mistakes_are_found_for_what_they_are(campaign: str, mistake: str, facts: Facts) -> None:
    """Flawless drafts pass, and so does what is said in words that the catalogue does not have."""
    for offer in offers(campaign):
        for text in drafts(facts, offer, mistake):
            wrong = {one.kind for one in check_message(text, offer, facts) if not one.right}
            if mistake in ("none", "hearsay"):
                assert wrong == set(), text
            else:
                assert KIND_OF[mistake] in wrong, text


SOAP = Offer(1, 50.0, 0.2, (7, 26))


@pytest.mark.parametrize(
    ("text", "language", "wrong"),
    [
        ("40 yuan until July 26, unsubscribe any time", "en", set()),
        ("10 yuan off, until 26th July. Reply STOP to opt out.", "en", set()),
        ("Half price until 26 July. Reply STOP.", "en", {"discount"}),
        ("Guaranteed 40 yuan until 26 July! Reply STOP.", "en", {"boast"}),
        ("Only 3 left! 40 yuan until 26 July. Reply STOP.", "en", {"boast"}),
        ("30 to 60 yuan until 26 July, reply stop", "en", set()),
        ("Until 26 July or 27 July: 40 yuan. Reply STOP.", "en", {"expiry"}),
        ("八折，7月26日前，回复T退订", "zh", set()),
        ("85折，7月26日前，回复T退订", "zh", {"discount"}),
        ("半价，7月26日前，回复T退订", "zh", {"discount"}),
        ("40元，2026-07-26 前，可退订", "zh", set()),
        ("保证40元，7月26日前，可退订", "zh", {"boast"}),
        ("", "en", {"expiry", "opt_out", "length"}),
        ("40元，7月26日前，可退订" + "啊" * 60, "zh", {"length"}),
        ("<script>alert(1)</script>", "en", {"expiry", "opt_out"}),
    ],
)
def test_by_hand(text: str, language: str, wrong: set[str]) -> None:
    found = check_message(text, SOAP, facts_of(language))
    assert {one.kind for one in found if not one.right and one.kind != "product"} == wrong
    assert {one.kind for one in found} <= set(KINDS)
    assert may_be_sent(found) == all(one.right for one in found)


def test_the_request_tells_what_the_check_asks_for(facts: Facts) -> None:
    offer = offers("diapers")[0]
    asked = message_request(facts, offer)
    assert f"{offer.now:.0f}" in asked
    assert ("退订" if facts.language == "zh" else "STOP") in asked
    assert HEARSAY[facts.language] not in asked
