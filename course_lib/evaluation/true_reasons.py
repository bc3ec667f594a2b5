"""Whether a reason for a product is true: plain string work that reads claims out of any text and checks each.

    facts = Facts.of(items, "en")
    facts.check("Brenlan's basketball, size 6, at about 62 yuan", item=1)

A claim is a name of the catalogue (a product type, a brand, a department, a feature that titles name) or a price:

    type, brand     said and the product's own, the same name
    department      only where the text says that it means one: "from the sports department", 运动类
    feature         said, and the product's title has it, or its department's name ("outdoor")
    price           "about 62 yuan" within a tenth of the price; "under", "over" and "between" as they say

A text is true where it makes at least one claim and all of them are true. One that claims nothing is unreadable: praise
alone ("a great choice") can be neither true nor false. What this cannot do: a name that the catalogue does not have is
read as no claim; "not a basketball" is read as a basketball; a second product named in a text counts as a claim about
the first. Features are common words (black, large), so for texts of other writers they may be left out by ``kinds``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from course_lib.data.columns import Columns
from course_lib.errors import CourseError
from course_lib.evaluation.intervals import bootstrap, bootstrap_ratio

KINDS = ("type", "brand", "department", "feature", "price")
NEAR = 0.1  # how far "about" may be off, as a share of the price
NAMES = {
    "zh": {"title": Columns.TITLE_ZH, "type": Columns.TYPE_ZH, "department": Columns.DEPARTMENT_ZH},
    "en": {"title": Columns.TITLE_EN, "type": Columns.TYPE_EN, "department": Columns.DEPARTMENT_EN},
}
UNITS = {(False, "zh"): "元", (False, "en"): "yuan", (True, "zh"): "美元", (True, "en"): "dollars"}  # by "is it $"
NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
YUAN = r"[\s-]*(?:yuan|cny|rmb|usd|dollars?)(?![a-z])"
YUAN_ZH = r"\s*(?:美?元|块钱)"
PRICES = {  # tried in this order; a part that one has read is not read again
    "zh": (
        ("between", rf"[¥￥]\s*(?P<low>{NUMBER})\s*[到至–—~～-]\s*[¥￥]\s*(?P<high>{NUMBER})"),
        ("between", rf"(?P<low>{NUMBER})(?:{YUAN_ZH})?\s*[到至–—~～-]\s*(?P<high>{NUMBER}){YUAN_ZH}(?!以)(?:之间)?"),
        ("under", rf"(?:不到|低于|少于|不超过)\s*(?P<high>{NUMBER}){YUAN_ZH}"),
        ("under", rf"(?P<high>{NUMBER}){YUAN_ZH}\s*(?:以下|以内)"),
        ("over", rf"(?:超过|高于|多于)\s*(?P<low>{NUMBER}){YUAN_ZH}"),
        ("over", rf"(?P<low>{NUMBER}){YUAN_ZH}\s*以上"),
        ("about", rf"(?:大约|约|¥|￥)?\s*(?P<about>{NUMBER}){YUAN_ZH}(?:左右)?"),
        ("about", rf"(?:¥|￥)\s*(?P<about>{NUMBER})"),
    ),
    "en": (
        ("between", rf"(?:between\s+)?[¥$]\s*(?P<low>{NUMBER})\s*(?:and|to|-|–)\s*[¥$]\s*(?P<high>{NUMBER})"),
        ("between", rf"(?:between\s+)?(?P<low>{NUMBER})\s*(?:and|to|-|–)\s*(?P<high>{NUMBER}){YUAN}"),
        ("under", rf"(?:under|below|less than|up to)\s+(?:[¥$]\s*(?P<high>{NUMBER})|(?P<high2>{NUMBER}){YUAN})"),
        ("over", rf"(?:over|above|more than|at least)\s+(?:[¥$]\s*(?P<low>{NUMBER})|(?P<low2>{NUMBER}){YUAN})"),
        ("about", rf"(?:about|around)?\s*(?P<about>{NUMBER}){YUAN}"),
        ("about", rf"[¥$]\s*(?P<about>{NUMBER})"),
    ),
}  # fmt: skip
AFTER_DEPARTMENT = {  # what must follow its name: "sports" alone is a word like any other
    "zh": re.compile(r"类|区|频道|部|专区|用品"),
    "en": re.compile(r"\s+(?:department|section|category|shelf|shelves)\b"),
}


@dataclass(frozen=True)
class Claim:
    """One thing that a text says of a product."""

    kind: str  # one of KINDS
    said: str  # in the text's own words
    true: bool

    def to_dict(self) -> dict[str, str | bool]:
        """A JSON-ready form."""
        return {"kind": self.kind, "said": self.said, "true": self.true}


@dataclass(frozen=True)
class Price:
    """A price that a text names, as an interval; ``about`` has both ends equal."""

    low: float
    high: float
    about: bool

    def fits(self, price: float | None) -> bool:
        """Whether a product at ``price`` may be said to cost this; never where the price is not known."""
        if price is None:
            return False
        return abs(price - self.low) <= NEAR * price if self.about else self.low <= price <= self.high


@dataclass(frozen=True)
class Said:
    """A claim as read, before anybody asks which product it is about."""

    kind: str
    said: str
    value: str | Price  # a name in small letters, or a price


@dataclass(frozen=True)
class Facts:
    """What a catalogue says of its products in one language. Row ``i - 1`` is item ``i``; "" is not known."""

    language: str
    titles: tuple[str, ...]
    types: tuple[str, ...]
    brands: tuple[str, ...]
    departments: tuple[str, ...]
    lines: tuple[str, ...]  # what a title says before the type: "soft-grip"
    options: tuple[str, ...]  # and after it: "size 6"
    prices: tuple[float | None, ...]
    names: tuple[Names, ...]
    unit: str  # of prices, as a text writes it

    @classmethod
    def of(cls, items: pd.DataFrame, language: str, currency: str = "¥") -> Facts:
        """Reads the table of products; ``currency`` is the sign of its prices.

        Raises CourseError where no product has a title in this language, or none has a type: then no reason could be
        checked.
        """
        names = NAMES[language]
        titles = _column(items, names["title"])
        if not any(titles):
            raise CourseError("reasons_no_titles", column=names["title"])
        types = _column(items, names["type"], Columns.TYPE)
        if not any(types):
            raise CourseError("reasons_no_attributes", column=names["type"])
        brands = _brand_names(_column(items, Columns.BRAND), titles)
        departments = _column(items, names["department"], Columns.DEPARTMENT)
        parts = [_features(*one) for one in zip(titles, types, brands, strict=True)]
        lines, options = (tuple(part[side] for part in parts) for side in (0, 1))
        found = items[Columns.PRICE].tolist() if Columns.PRICE in items else [None] * len(items)
        prices = tuple(None if price is None or not np.isfinite(price) else float(price) for price in found)
        named = {"type": types, "brand": brands, "department": departments, "feature": [*lines, *options]}
        return cls(
            language, tuple(titles), tuple(types), tuple(brands), tuple(departments), lines, options, prices,
            _names(named), UNITS[currency == "$", language],
        )  # fmt: skip

    def read(self, text: str) -> list[Said]:
        """Every claim of a text, each once, in the text's order."""
        found: list[tuple[int, Said]] = []
        left = text
        for price, pattern in PRICES[self.language]:
            for match in re.finditer(pattern, left, re.IGNORECASE):
                found.append((match.start(), Said("price", match.group().strip(), _price(price, match))))
            left = re.sub(pattern, _blank, left, flags=re.IGNORECASE)
        left = _small(left)
        for names in self.names:
            for at, end in names.find(left, AFTER_DEPARTMENT[self.language] if names.kind == "department" else None):
                found.append((at, Said(names.kind, text[at:end], left[at:end])))
                left = left[:at] + "\n" * (end - at) + left[end:]
        once = {(one.kind, one.value): (at, one) for at, one in sorted(found, key=lambda pair: -pair[0])}
        return [one for _, one in sorted(once.values(), key=lambda pair: pair[0])]

    def check(self, text: str, item: int, kinds: Sequence[str] = KINDS) -> list[Claim]:
        """The claims of a text about product ``item``, of these kinds, each true or not."""
        return [Claim(one.kind, one.said, self.fits(one, item)) for one in self.read(text) if one.kind in kinds]

    def fits(self, one: Said, item: int) -> bool:
        """Whether a claim is true of product ``item``."""
        row = item - 1
        if isinstance(one.value, Price):
            return one.value.fits(self.prices[row])
        if one.kind == "feature":
            known = _small(f"{self.titles[row]}, {self.departments[row]}")
            return bool(Names.of("feature", [one.value]).find(known))
        own_name = _small({"type": self.types, "brand": self.brands, "department": self.departments}[one.kind][row])
        # English names stand in the catalogue as singular or plural, and a text may say the other.
        return bool(own_name) and one.value in (own_name, f"{own_name}s", own_name.removesuffix("s"))


def _column(items: pd.DataFrame, *columns: str) -> list[str]:
    """The first of the columns that the table has, as text."""
    for column in columns:
        if column in items and items[column].notna().any():
            return items[column].fillna("").astype(str).str.strip().tolist()
    return [""] * len(items)


def _brand_names(brands: Sequence[str], titles: Sequence[str]) -> list[str]:
    """Brands as titles write them. The catalogue has only an id: "camellia_lane", in titles Camellia Lane, 山茶巷.

    An id whose words a title has is written as there. Otherwise the first word of most of the brand's titles stands for
    it, if no other brand's titles begin with it; else the id itself.
    """
    words = {brand: re.sub(r"[_\s]+", " ", brand) for brand in brands if brand}
    firsts: dict[str, Counter[str]] = {}
    found: dict[str, str] = {}
    for brand, title in zip(brands, titles, strict=True):
        if not brand or not title:
            continue
        at = title.lower().find(words[brand].lower())
        if at >= 0:
            found[brand] = title[at : at + len(words[brand])]
        firsts.setdefault(brand, Counter())[title.split()[0]] += 1
    shared = Counter(first for one in firsts.values() for first in one)
    for brand, one in firsts.items():
        (first, times), *_ = one.most_common(1)
        if brand not in found and shared[first] == 1 and times > one.total() / 2:
            found[brand] = first
    return [found.get(brand, words[brand]) if brand else "" for brand in brands]


def _features(title: str, kind: str, brand: str) -> tuple[str, str]:
    """What a title says beside brand and type: before the type, and after it.

    >>> _features("Brenlan soft-grip basketball, size 6", "basketball", "Brenlan")
    ('soft-grip', 'size 6')
    >>> _features("奔岚 软握感篮球 6号", "篮球", "奔岚")
    ('软握感', '6号')
    """
    [(at, _), *_] = Names.of("type", [kind]).find(_small(title)) or [(-1, -1)]
    if at < 0:
        return "", ""
    before, after = title[:at], title[at + len(kind) :]
    before = re.sub(re.escape(brand), "", before, count=1, flags=re.IGNORECASE) if brand else before
    line, option = before.strip(" ,，"), after.strip(" ,，")
    return (line if len(line) > 1 else ""), (option if len(option) > 1 else "")


def _split(option: str) -> list[str]:
    """The parts of what stands behind the type: "black, size M" is both."""
    return [part for part in re.split(r"[,，]\s*|(?<=[\u4e00-\u9fff])\s+|\s+(?=[\u4e00-\u9fff])", option) if part]


def _names(named: Mapping[str, Sequence[str]]) -> tuple[Names, ...]:
    """The names of each kind, in the order in which they are read; what one kind has taken no other reads again.

    A feature that holds a type's name comes first: litter that smells of "green tea" is no tea. Other features come
    last: a "lightweight hiking backpack" is no "lightweight hiking" thing.
    """
    types = Names.of("type", named["type"])
    features = {part for name in named["feature"] for part in (name, *_split(name)) if len(part) > 1}
    first = {name for name in features if types.find(_small(name)) and _small(name) not in types.names}
    others = (Names.of(kind, named[kind]) for kind in ("department", "brand"))
    return (Names.of("feature", first), types, *others, Names.of("feature", features - first))


@dataclass(frozen=True)
class Names:
    """All names of one kind, found by looking up every part of a text: quicker than a pattern of a thousand names."""

    kind: str
    names: frozenset[str]  # in small letters
    lengths: Mapping[str, tuple[int, ...]]  # by first two letters, the longest first: 篮球鞋 is no 篮球

    @classmethod
    def of(cls, kind: str, names: Iterable[str]) -> Names:
        """Types are found as plural, too."""
        every = {_small(name) for name in names if len(name) > 1}
        if kind == "type":
            every |= {f"{name}s" for name in every if _latin(name[-1])}
        lengths: dict[str, set[int]] = {}
        for name in every:
            lengths.setdefault(name[:2], set()).add(len(name))
        return cls(kind, frozenset(every), {key: tuple(sorted(one, reverse=True)) for key, one in lengths.items()})

    def find(self, text: str, after: re.Pattern[str] | None = None) -> list[tuple[int, int]]:
        """Where names stand in a text in small letters; ``after`` must match what follows."""
        found = []
        at = 0
        while at < len(text):
            end = at
            if text[at : at + 2] in self.lengths and (at == 0 or not _joined(text[at - 1], text[at])):
                for length in self.lengths[text[at : at + 2]]:
                    if text[at : at + length] in self.names and self._ends(text, at + length, after):
                        end = at + length
                        found.append((at, end))
                        break
            at = max(end, at + 1)
        return found

    def _ends(self, text: str, end: int, after: re.Pattern[str] | None) -> bool:
        """Letters are no part of a longer word, and a number none of a longer one: 6号 is not in 16号."""
        if end > len(text) or (end < len(text) and _joined(text[end - 1], text[end])):
            return False
        return after is None or after.match(text, end) is not None


def _joined(one: str, other: str) -> bool:
    """Whether two characters belong to one number or one word of Latin letters."""
    return (one.isdigit() and other.isdigit()) or (_latin(one) and _latin(other))


def _latin(letter: str) -> bool:
    return letter.isalpha() and ord(letter) < 0x2E80


def _small(words: str) -> str:
    """In small letters, of the same length: a few letters have no small form of their own length."""
    if len(words.lower()) == len(words):
        return words.lower()
    return "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in words)


def _blank(match: re.Match[str]) -> str:
    """Space of the same length, so that what was read is not read again and places stay."""
    return "\n" * len(match.group())


def _price(kind: str, match: re.Match[str]) -> Price:
    ends = {name.rstrip("2"): float(value.replace(",", "")) for name, value in match.groupdict().items() if value}
    if kind == "about":
        return Price(ends["about"], ends["about"], about=True)
    return Price(ends.get("low", 0.0), ends.get("high", float("inf")), about=False)


# Shares over many texts


def is_true(claims: Sequence[Claim]) -> bool:
    """Whether a text makes claims, and all are true."""
    return bool(claims) and all(claim.true for claim in claims)


def shares(checked: Sequence[Sequence[Claim]]) -> dict[str, dict[str, float]]:
    """Measures of one text a product, with bootstrap intervals by product.

    ``true``, ``unreadable``, ``claims`` a text, and ``true_<kind>``: of the claims of a kind that were made, the true
    ones; left out where nobody made any.
    """
    found = {
        "true": bootstrap(np.array([is_true(claims) for claims in checked], float)).to_dict(),
        "unreadable": bootstrap(np.array([not claims for claims in checked], float)).to_dict(),
        "claims": bootstrap(np.array([len(claims) for claims in checked], float)).to_dict(),
    }
    for kind in KINDS:
        made = np.array([sum(claim.kind == kind for claim in claims) for claims in checked], float)
        right = np.array([sum(claim.kind == kind and claim.true for claim in claims) for claims in checked], float)
        some = made > 0
        if some.any():
            found[f"true_{kind}"] = bootstrap_ratio(right[some, None], made[some, None]).to_dict()
    return found


def check_reasons(
    texts: Mapping[int, str], items: pd.DataFrame, language: str, kinds: Sequence[str] = KINDS
) -> dict[str, dict[str, float]]:
    """The shares of any writer's texts, ``{item: text}``, as :func:`shares` gives them.

    Raises CourseError for products that the catalogue does not have, for no texts, and as :meth:`Facts.of` does.
    """
    unknown = [item for item in texts if not 1 <= item <= len(items)]
    if unknown:
        raise CourseError("unknown_items", items=", ".join(map(str, unknown[:10])))
    if not texts:
        raise CourseError("reasons_no_texts")
    facts = Facts.of(items, language)
    return shares([facts.check(text, item, kinds) for item, text in texts.items()])
