"""Whether a coupon's message may be sent: plain string work that reads what a draft promises and checks each of it.

    offer = Offer.of(facts, item=42, discount=0.2, until=(7, 26))
    check_message("...", offer, facts)       # [Finding("price", "83 yuan", True), ...]

    product    type, brand, department and features as true_reasons.py reads them
    price      each price is the full one, the one with the coupon, or what the coupon saves, to the yuan
    discount   each percentage, or 折 in Chinese, is the coupon's; half price is 50%
    expiry     the last day is named, and no other one
    boast      no superlative and no guarantee: nobody can show that they hold (in China, Article 9 of the Advertising
               Law forbids such words)
    opt_out    the reader is told how to get no more of these
    length     it fits one text message: 160 Latin characters, 70 where a Chinese one is among them

What this cannot do: a claim in words that the catalogue does not have ("dermatologists love it") is no claim to it.
A person has to read what is sent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from course_lib.evaluation.true_reasons import Facts, Price

KINDS = ("product", "price", "discount", "expiry", "boast", "opt_out", "length")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
BOASTS = {
    "zh": r"最好|最佳|最低|最便宜|最优|最强|全网|第一|唯一|保证|绝对|百分之百|100\s*%|国家级|顶级|仅剩\s*\d+|永久|永远",
    "en": r"\b(?:best|cheapest|lowest|greatest|guaranteed?|guarantees|only \d+ left|number one|once in a lifetime"
    r"|forever|never again|unbeatable)\b|#\s*1\b|100\s*%",
}
OPT_OUT = {
    "zh": r"退订|取消接收|不再接收|拒收请?回复",
    "en": r"\bunsubscribe\b|\bopt[ -]?out\b|\breply stop\b|\btext stop\b|\bstop to\b",
}
FOLDS = {numeral: value for value, numeral in enumerate("一二三四五六七八九", 1)}
LONGEST = {"zh": 70, "en": 160}  # characters of one text message, by whether it holds other letters than Latin ones


@dataclass(frozen=True)
class Finding:
    """One thing that a draft says, or should say, and whether that is right."""

    kind: str  # one of KINDS
    said: str  # in the draft's own words; "" where something is missing
    right: bool

    def to_dict(self) -> dict[str, str | bool]:
        """A JSON-ready form."""
        return {"kind": self.kind, "said": self.said, "right": self.right}


@dataclass(frozen=True)
class Offer:
    """What a coupon truly offers."""

    item: int
    price: float  # yuan, without the coupon
    discount: float  # share of the price
    until: tuple[int, int]  # month and day, the last

    @property
    def now(self) -> float:
        """Yuan with the coupon."""
        return self.price * (1 - self.discount)


def check_message(text: str, offer: Offer, facts: Facts) -> list[Finding]:
    """What a draft says, by kind in the order of KINDS; nothing of a kind that it need not have and has not."""
    boasts = [Finding("boast", match.group(), False) for match in re.finditer(BOASTS[facts.language], text, re.I)]
    plain = re.sub(BOASTS[facts.language], " ", text, flags=re.I)
    off, days = discounts(plain, facts.language), dates(plain)
    words = plain
    for said, _ in (*off, *days):  # their numbers are no features
        words = words.replace(said, "\n" * len(said))
    found = [
        Finding("product", claim.said, claim.true)
        for claim in facts.check(words, offer.item, ("type", "brand", "department", "feature"))
    ]
    found += [
        Finding("price", said.said, _is_price(said.value, offer))
        for said in facts.read(plain)
        if isinstance(said.value, Price)
    ]
    found += [Finding("discount", said, abs(share - offer.discount) < 0.005) for said, share in off]
    found += [Finding("expiry", said, day == offer.until) for said, day in days] or [Finding("expiry", "", False)]
    found += boasts
    how = re.search(OPT_OUT[facts.language], text, re.I)
    found.append(Finding("opt_out", how.group() if how else "", how is not None))
    limit = LONGEST["en" if text.isascii() else "zh"]
    found.append(Finding("length", f"{len(text)} / {limit}", 0 < len(text) <= limit))
    return found


def may_be_sent(findings: Sequence[Finding]) -> bool:
    """Whether nothing is wrong."""
    return all(one.right for one in findings)


def _is_price(price: Price, offer: Offer) -> bool:
    """A round price may be off by what rounding takes: half a yuan."""
    known = (offer.price, offer.now, offer.price - offer.now)
    if not price.about:
        return any(price.low <= one <= price.high for one in known[:2])
    return any(abs(price.low - one) <= 0.51 for one in known)


def discounts(text: str, language: str) -> list[tuple[str, float]]:
    """Each discount that a text names, as a share of the price.

    >>> discounts("20% off, 8折, 八五折", "zh")
    [('20%', 0.2), ('8折', 0.2), ('八五折', 0.15)]
    """
    found = [(match.start(), match.group(), float(match.group(1)) / 100)
             for match in re.finditer(r"(\d+(?:\.\d+)?)\s*[%％]", text)]  # fmt: skip
    for match in re.finditer(r"(\d+(?:\.\d+)?|[一二三四五六七八九]{1,2})\s*折", text):
        said = match.group(1)
        digits = said if said[0].isdigit() else "".join(str(FOLDS[one]) for one in said)
        left = float(digits) / (10 ** len(digits.split(".")[0]))
        found.append((match.start(), match.group(), round(1 - left, 4)))
    half = r"半价" if language == "zh" else r"\bhalf[ -]price\b|\bhalf off\b"
    found += [(match.start(), match.group(), 0.5) for match in re.finditer(half, text, re.I)]
    return [(said, share) for _, said, share in sorted(found)]


def dates(text: str) -> list[tuple[str, tuple[int, int]]]:
    """Each day that a text names, as month and day.

    >>> dates("until 26 July, 7月26日, Jul 27, 2026-07-28")
    [('26 July', (7, 26)), ('7月26日', (7, 26)), ('Jul 27', (7, 27)), ('2026-07-28', (7, 28))]
    """
    names = "|".join(month[:3] for month in MONTHS)
    patterns = (
        rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?P<name>{names})[a-z]*",
        rf"(?P<name>{names})[a-z]*\s+(?P<day>\d{{1,2}})(?!\d)",
        r"(?P<month>\d{1,2})\s*月\s*(?P<day>\d{1,2})\s*[日号]",
        r"\d{4}-(?P<month>\d{2})-(?P<day>\d{2})",
    )
    found, left = [], text
    for pattern in patterns:
        for match in re.finditer(pattern, left, re.I):
            parts = match.groupdict()
            month = int(parts["month"]) if parts.get("month") else 0
            if not month:
                month = [one[:3] for one in MONTHS].index(str(parts["name"])[:3].lower()) + 1
            found.append((match.start(), match.group(), (month, int(parts["day"]))))
        left = re.sub(pattern, lambda match: "\n" * len(match.group()), left, flags=re.I)
    return [(said, day) for _, said, day in sorted(found)]
