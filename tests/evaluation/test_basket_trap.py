"""The order trap, planted in a toy and measured in the real files."""

from __future__ import annotations

import tomllib

import numpy as np
import pandas as pd

from course_lib.data.columns import Columns
from course_lib.data.splits import as_sets
from course_lib.evaluation.basket_trap import MEASURED, measured, next_line


def test_a_chain_reads_a_planted_order_and_not_a_random_one() -> None:
    rng = np.random.default_rng(0)
    baskets = [np.sort(rng.choice(200, 20, replace=False)) + 1 for _ in range(600)]
    events = pd.DataFrame(
        {
            Columns.USER: np.repeat(np.arange(60), 200).astype(np.int32),
            Columns.ITEM: np.concatenate(baskets).astype(np.int32),
            Columns.TIME: np.repeat(np.arange(600), 20),
            Columns.BASKET: np.repeat(np.arange(600), 20),
        }
    )
    planted, shuffled = next_line(events, 200), next_line(as_sets(events), 200)
    assert planted.low > 2 * shuffled.high
    assert shuffled.value < 0.08  # ten of two hundred by chance: 0.05


def test_the_measured_figures_are_those_of_the_files_and_the_trap_is_real() -> None:
    text = measured()
    assert text == MEASURED.read_text(encoding="utf-8"), "run: python -m course_lib.evaluation.basket_trap"
    figures = tomllib.loads(text)
    assert figures["articles"]["file_order"]["low"] > 2 * figures["articles"]["random_order"]["high"]
    assert figures["types"]["file_order"]["low"] > figures["types"]["random_order"]["high"]
