"""The filtered oracle's order of all products for every test target, so that it can be asked about candidates only.

training/references.py keeps how high the oracle puts each target among all products. A cascade asks more: how high
would it be among the hundred candidates that are left? For that the whole order is needed. It depends on the dataset
alone, so it is computed once and kept beside the prepared data.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from course_lib.code_version import code_version
from course_lib.data.cache import cached
from course_lib.data.dataset import Dataset
from course_lib.settings import load_settings
from course_lib.shop.published import shop
from course_lib.shop.truth.next_product import true_chances

Order = NDArray[np.uint16]


def oracle_order(dataset: Dataset) -> Order | None:
    """(N, V + 1) the place of each product by its true chance to come last in shopper n's history, 1 is likeliest.

    Equals share the last of their places; column 0 is padding. None for a dataset without a truth.
    """
    if dataset.address.name != "shop":
        return None
    folder = load_settings().datasets / f"{dataset.address.folder}-oracle-order-{code_version(__name__)}"
    frame = cached(folder, ("order",), lambda: {"order": _frame(dataset)})[0]
    return frame["place"].to_numpy(np.uint16).reshape(-1, dataset.num_items + 1)


def _frame(dataset: Dataset) -> pd.DataFrame:
    parts = [
        rankdata(-block.filtered, method="max", axis=1).astype(np.uint16)
        for (block,) in true_chances(shop(), dataset.num_users, ago=(1,))
    ]
    return pd.DataFrame({"place": np.pad(np.concatenate(parts), ((0, 0), (1, 0))).ravel()})


def oracle_ranks_among(order: Order, candidates: NDArray[np.int64], targets: NDArray[np.integer]) -> NDArray[np.int64]:
    """(N,) rank from 0 of each target where the oracle sorts the candidates (N, C) only; V where it is none of them."""
    own = order[np.arange(len(targets)), targets][:, None]
    ahead = (np.take_along_axis(order, candidates, 1) <= own).sum(1) - 1
    ranks: NDArray[np.int64] = np.where((candidates == targets[:, None]).any(1), ahead, order.shape[1] - 1)
    return ranks
