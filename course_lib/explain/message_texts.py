"""Drafts of coupon messages from templates, in both languages, and the mistakes that are planted to try the check.

A template has what every message must say: what it is about, what the coupon does to the price, until when, and how to
get no more of them. A mistake changes one of these, as a hurried colleague or a language model would.
"""

from __future__ import annotations

from course_lib.evaluation.true_messages import MONTHS, Offer
from course_lib.evaluation.true_reasons import Facts
from course_lib.explain.reason_texts import attributes

MISTAKES = ("none", "price", "discount", "expiry", "claim", "boast", "opt_out", "hearsay")
TEMPLATES = {
    "en": (
        "{brand} {type}: {off}% off with your coupon, {now} yuan instead of {price}. Until {until}. {stop}",
        "Your coupon for {type} takes {off}% off. By {brand}: {now} yuan, until {until}. {stop}",
        "At {now} yuan instead of {price}: {type} by {brand}. Your {off}% coupon ends on {until}. {stop}",
        "Until {until} you get {brand}'s {type} at {now} yuan, {off}% off. {stop}",
    ),
    "zh": (
        "{brand}{type}：凭券{fold}折，原价{price}元，现价{now}元，{until}前有效。{stop}",
        "送你一张{type}优惠券，{fold}折。{brand}的只要{now}元，{until}截止。{stop}",
        "{brand}的{type}，用券{now}元，原价{price}元。{fold}折券{until}到期。{stop}",
        "{until}之前，{brand}的{type}{fold}折，只要{now}元。{stop}",
    ),
}
STOP = {"en": "Reply STOP to opt out.", "zh": "回复T退订。"}
BOAST = {"en": "The best price anywhere!", "zh": "全网最低！"}
HEARSAY = {"en": "Doctors recommend it.", "zh": "医生都说好。"}  # a claim in words that no catalogue has


def drafts(facts: Facts, offer: Offer, mistake: str = "none") -> list[str]:
    """One draft a template, each with the mistake."""
    said = slots(facts, offer)
    if mistake == "price":
        said |= {"now": f"{offer.now * 0.7:.0f}"}
    if mistake == "discount":
        said |= _off(offer.discount + 0.2)
    if mistake == "expiry":
        said |= {"until": _day((offer.until[0] % 12 + 1, offer.until[1]), facts.language)}
    if mistake == "claim":
        said |= {"brand": _other_brand(facts, offer.item)}
    if mistake == "opt_out":
        said |= {"stop": ""}
    added = {"boast": BOAST, "hearsay": HEARSAY}.get(mistake)
    texts = [template.format(**said).strip() for template in TEMPLATES[facts.language]]
    if added is None:
        return texts
    gap = " " if facts.language == "en" else ""
    return [f"{added[facts.language]}{gap}{text}" for text in texts]


def slots(facts: Facts, offer: Offer) -> dict[str, str]:
    """What a template may say of an offer."""
    known = attributes(facts, offer.item)
    kind = known["type"]
    return {
        "type": kind, "brand": known.get("brand", kind), "price": f"{offer.price:.0f}", "now": f"{offer.now:.0f}",
        "until": _day(offer.until, facts.language), "stop": STOP[facts.language], **_off(offer.discount),
    }  # fmt: skip


def _off(discount: float) -> dict[str, str]:
    return {"off": f"{100 * discount:.0f}", "fold": f"{10 * (1 - discount):g}"}


def _day(day: tuple[int, int], language: str) -> str:
    return f"{day[1]} {MONTHS[day[0] - 1].capitalize()}" if language == "en" else f"{day[0]}月{day[1]}日"


def _other_brand(facts: Facts, item: int) -> str:
    """The next product's brand that is another one; the products of a type follow each other."""
    own, count = facts.brands[item - 1], len(facts.brands)
    following = (facts.brands[(item - 1 + step) % count] for step in range(1, count))
    return next((brand for brand in following if brand and brand != own), own)


def message_request(facts: Facts, offer: Offer) -> str:
    """What a language model of one's own is asked for: the offer, and everything that the check asks for."""
    said = slots(facts, offer)
    if facts.language == "zh":
        return (
            f"商品：{facts.titles[offer.item - 1]}\n原价{said['price']}元，优惠券{said['fold']}折，"
            f"券后{said['now']}元，{said['until']}前有效。\n"
            "写一条促销短信，70 字以内，写明券后价格、截止日期，以及回复T退订。"
            "只说上面写明的事实，不用“最”字和“保证”之类的话。"
        )
    return (
        f"Product: {facts.titles[offer.item - 1]}\nPrice {said['price']} yuan; the coupon takes {said['off']}% off, "
        f"{said['now']} yuan with it, until {said['until']}.\nWrite one text message of at most 160 characters that "
        "offers the coupon. Name the price with the coupon, the last day, and that replying STOP opts out. State only "
        "facts given above; no superlatives, no guarantees."
    )
