"""The catalogue of an added dataset: titles, categories, prices as far as the file tells; emoji and colour by rule."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.columns import ITEM_COLUMNS, Columns
from course_lib.data.complete_journey import slug

OTHER = ("other", "其他", "Other")  # a product without a category
LONGEST = 200  # characters of a title
# An emoji stands for the first of these words in the category, else in the title; else a box.
EMOJI = {
    "🍷": "wine beer bottle 酒",
    "☕": "coffee tea mug cup 咖啡 茶 杯",
    "🍎": "fruit food grocery fresh 食品 水果 生鲜 零食",
    "🎂": "cake baking 蛋糕 烘焙",
    "📚": "book books notebook stationery 书 图书 文具",
    "🎬": "movie film drama comedy thriller action documentary romance 电影",
    "🎮": "game games 游戏",
    "🎵": "music cd 音乐",
    "🎸": "guitar instrument instruments 乐器",
    "🧸": "toy toys children baby kids 玩具 母婴 儿童",
    "👗": "dress clothing fashion shirt apparel 服装 女装 男装 衣 裙",
    "👟": "shoe shoes 鞋",
    "👜": "bag bags handbag luggage 包 箱包",
    "💄": "beauty makeup cosmetics 美妆 护肤 化妆",
    "📱": "phone phones cell mobile 手机",
    "💻": "computer laptop electronics software 电脑 数码",
    "🏠": "home house kitchen furniture 家居 家具 厨房",
    "💡": "light lights lamp lantern 灯",
    "🕯️": "candle candles holder t-light 蜡烛",
    "🌱": "garden plant flower 园艺 花",
    "🏃": "sport sports outdoors fitness 运动 户外",
    "🐶": "pet pets dog cat 宠物",
    "🔧": "tool tools industrial hardware 工具 五金",
    "🚗": "car automotive 汽车",
    "💊": "health medicine pharmacy 药 健康",
    "💍": "jewellery jewelry ring necklace 珠宝 首饰",
    "🎁": "gift gifts card cards 礼",
    "🎄": "christmas party decoration 圣诞 装饰",
}
BOX = "📦"
COLOURS = (
    "#f9d9e6", "#fbe3c0", "#dfe3f7", "#f3d9f2", "#fdf0bf", "#f8cfcb", "#dcf0d0", "#cdebcb", "#cde8f2", "#d5e4f5",
    "#e6dcf0", "#e3f2c8",
)  # fmt: skip
_WORDS = {word: emoji for emoji, words in EMOJI.items() for word in words.split()}


def emoji_of(*texts: str) -> str:
    """The emoji of the first text that holds a known word.

    >>> emoji_of("", "WHITE METAL LANTERN"), emoji_of("女装/连衣裙"), emoji_of("whatnot")
    ('💡', '👗', '📦')
    """
    for text in texts:
        for word in re.findall(r"[a-z][a-z'-]*", text.lower()):
            if word in _WORDS:
                return _WORDS[word]
        for word, emoji in _WORDS.items():
            if not word.isascii() and word in text:
                return emoji
    return BOX


def colour_of(department: str) -> str:
    """The card's background: the same for a department everywhere."""
    return COLOURS[hashlib.sha256(department.encode()).digest()[0] % len(COLOURS)]


def levels(category: str) -> tuple[str, str]:
    """Department and type that a category names: the ends of a path "A > B", the first of a list "A|B".

    >>> levels("Home > Kitchen > Mugs"), levels("Comedy|Drama"), levels("")
    (('Home', 'Mugs'), ('Comedy', 'Comedy'), ('', ''))
    """
    path = [one.strip() for one in category.split("|")[0].split(">") if one.strip()]
    return (path[0][:LONGEST], path[-1][:LONGEST]) if path else ("", "")


def _id(name: str) -> str:
    """An id made of a name in any language."""
    plain = slug(name)
    return plain if plain and name.isascii() else f"c{hashlib.sha256(name.encode()).hexdigest()[:10]}"


def _titles(codes: list[str], titles: Mapping[str, str]) -> list[str]:
    """Each item's title, its code where it has none; titles that several items share get the code behind them."""
    found = [re.sub(r"\s+", " ", titles.get(code, "")).strip()[:LONGEST] or code for code in codes]
    counts: dict[str, int] = {}
    for title in found:
        counts[title] = counts.get(title, 0) + 1
    unique = [f"{title} ({code})" if counts[title] > 1 else title for code, title in zip(codes, found, strict=True)]
    seen: set[str] = set()
    for n, title in enumerate(unique):  # a title may equal another one with its code behind it
        while title in seen:
            title += "'"
        unique[n] = title
        seen.add(title)
    return unique


def catalogue(codes: list[str], facts: Mapping[str, Mapping[str, str]], prices: NDArray[np.float64]) -> pd.DataFrame:
    """ITEM_COLUMNS for items 1..V in the order of ``codes``. The file has one language, so both titles are the same."""
    titles = _titles(codes, facts["title"])
    rows = []
    for code, title in zip(codes, titles, strict=True):
        department, kind = levels(facts["category"].get(code, ""))
        names = (department, department) if department else OTHER[1:]
        kinds = (kind, kind) if kind else OTHER[1:]
        rows.append(
            (code, title, title, _id(department) if department else OTHER[0], *names, _id(kind) if kind else OTHER[0],
             *kinds, facts["brand"].get(code, "")[:LONGEST], emoji_of(kind, department, title),
             colour_of(department))
        )  # fmt: skip
    columns = [
        Columns.CODE, Columns.TITLE_ZH, Columns.TITLE_EN, Columns.DEPARTMENT, Columns.DEPARTMENT_ZH,
        Columns.DEPARTMENT_EN, Columns.TYPE, Columns.TYPE_ZH, Columns.TYPE_EN, Columns.BRAND, Columns.EMOJI,
        Columns.COLOUR,
    ]  # fmt: skip
    items = pd.DataFrame(rows, columns=columns)
    items[Columns.ITEM] = np.arange(1, len(items) + 1, dtype=np.int32)
    items[Columns.PRICE] = np.round(prices, 2).astype(np.float64)
    items.loc[~(items[Columns.PRICE] > 0), Columns.PRICE] = np.nan
    return items[list(ITEM_COLUMNS)]
