"""The products: titles in two languages, brand, price, and latent traits that no model ever sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.columns import ITEM_COLUMNS, Columns
from course_lib.shop.parameters import Parameters

Floats = NDArray[np.float32]
PATTERN_ZH = "{brand} {line}{name} {option}"
PATTERN_EN = "{brand} {line} {name}, {option}"


@dataclass(frozen=True)
class Catalogue:
    """``V`` products. Row ``i`` of each array is item ``i + 1``."""

    items: pd.DataFrame  # ITEM_COLUMNS, what a model or a learner may see
    type: NDArray[np.int32]  # (V,) index of the product type
    appeal: Floats  # (V,) log weight within the type: a power law of a random rank
    style: Floats  # (V, S) latent style, unit normal
    price_level: Floats  # (V,) log price in standard deviations of its type
    parts: NDArray[np.int32]  # (V, 3) which brand of the content, line and option of the type make the title


def make_catalogue(parameters: Parameters) -> Catalogue:
    """All products of the shop, deterministic in the parameters."""
    rng = np.random.default_rng([parameters["seed"], 1])
    content = parameters.content
    departments = {row["id"]: row for row in content["department"]}
    per_type = parameters["catalogue.products_per_type"]
    dimensions = parameters["catalogue.style_dimensions"]
    share = parameters["catalogue.brand_style"]
    brand_style = {brand["id"]: rng.standard_normal(dimensions) for brand in content["brand"]}

    rows: list[dict[str, Any]] = []
    types, appeals, styles, levels, parts = [], [], [], [], []
    for index, kind in enumerate(content["type"]):
        brands = [brand for brand in content["brand"] if kind["department"] in brand["departments"]]
        combinations = len(brands) * len(kind["lines_zh"]) * len(kind["options_zh"])
        chosen = np.sort(rng.choice(combinations, size=per_type, replace=False))
        brand_of, line_of, option_of = np.unravel_index(
            chosen, (len(brands), len(kind["lines_zh"]), len(kind["options_zh"]))
        )
        tier = np.array([brands[b]["tier"] for b in brand_of], dtype=float)
        # Price: evenly over the type's range on a log scale, moved by the brand's tier.
        low, high = np.log(kind["price"][0]), np.log(kind["price"][1])
        position = np.clip(rng.random(per_type) * 0.6 + 0.2 + 0.2 * tier, 0.0, 1.0)
        price = np.maximum(np.round(np.exp(low + (high - low) * position)), 1.0) - 0.1
        log_price = np.log(price)
        levels.append((log_price - log_price.mean()) / (log_price.std() + 1e-9))
        ranks = rng.permutation(per_type) + 1
        appeals.append(-parameters["catalogue.popularity_exponent"] * np.log(ranks))
        own = rng.standard_normal((per_type, dimensions))
        from_brand = np.stack([brand_style[brands[b]["id"]] for b in brand_of])
        styles.append(np.sqrt(share) * from_brand + np.sqrt(1 - share) * own)
        types.append(np.full(per_type, index))
        parts.append(np.column_stack([[content["brand"].index(brands[b]) for b in brand_of], line_of, option_of]))
        department = departments[kind["department"]]
        for n in range(per_type):
            brand = brands[brand_of[n]]
            line, option = line_of[n], option_of[n]
            rows.append(
                {
                    Columns.ITEM: len(rows) + 1,
                    Columns.CODE: f"{kind['id']}-{n + 1:02d}",
                    Columns.TITLE_ZH: kind.get("title_zh", PATTERN_ZH).format(
                        brand=brand["name_zh"],
                        name=kind["name_zh"],
                        line=kind["lines_zh"][line],
                        option=kind["options_zh"][option],
                    ),
                    Columns.TITLE_EN: kind.get("title_en", PATTERN_EN).format(
                        brand=brand["name_en"],
                        name=kind["name_en"],
                        line=kind["lines_en"][line],
                        option=kind["options_en"][option],
                    ),
                    Columns.DEPARTMENT: kind["department"],
                    Columns.DEPARTMENT_ZH: department["name_zh"],
                    Columns.DEPARTMENT_EN: department["name_en"],
                    Columns.TYPE: kind["id"],
                    Columns.TYPE_ZH: kind["name_zh"],
                    Columns.TYPE_EN: kind["name_en"],
                    Columns.BRAND: brand["id"],
                    Columns.PRICE: float(price[n]),
                    Columns.EMOJI: kind["emoji"],
                    Columns.COLOUR: department["colour"],
                }
            )
    items = pd.DataFrame(rows, columns=list(ITEM_COLUMNS)).astype({Columns.ITEM: "int32"})
    return Catalogue(
        items,
        np.concatenate(types).astype(np.int32),
        np.concatenate(appeals).astype(np.float32),
        np.concatenate(styles).astype(np.float32),
        np.concatenate(levels).astype(np.float32),
        np.concatenate(parts).astype(np.int32),
    )
