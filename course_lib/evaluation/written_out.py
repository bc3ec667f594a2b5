r"""Metrics of a list as the sums they are, in LaTeX, with a shopper's own numbers in every fraction.

    of_list([True, False, True], relevant=2, k=3, pairs=...)["ndcg"]
    # \frac{1.500}{1.631} = 0.920, and under "dcg" \frac{1}{\log_2 2} + \frac{1}{\log_2 4} = 1.500

Nothing is computed here that is not in metrics.py or auc.py: a test reads every formula and finds their number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from course_lib.evaluation.auc import Grouped, Pairs

NONE = "0"  # a sum without parts


def of_list(hits: Sequence[bool], relevant: int, k: int, pairs: Pairs) -> dict[str, str]:
    """One list's metrics; ``hits`` from the top, ``relevant`` products in all, the first ``k`` places count."""
    places = [place for place, hit in enumerate(hits, 1) if hit and place <= k]
    count = len(places)
    dcg = " + ".join(_gain(place) for place in places) or NONE
    idcg = " + ".join(_gain(place) for place in range(1, min(relevant, k) + 1))
    gained = sum(1 / math.log2(place + 1) for place in places)
    best = sum(1 / math.log2(place + 1) for place in range(1, min(relevant, k) + 1))
    precisions = [(n, place) for n, place in enumerate(places, 1)]
    parts = " + ".join(rf"\frac{{{n}}}{{{place}}}" for n, place in precisions) or NONE
    return {
        "hr": str(min(count, 1)),
        "precision": _equals(rf"\frac{{{count}}}{{{k}}}", count / k),
        "recall": _equals(rf"\frac{{{count}}}{{{relevant}}}", count / relevant),
        "mrr": _equals(rf"\frac{{1}}{{{places[0]}}}", 1 / places[0]) if places else NONE,
        "map": _equals(
            rf"\frac{{1}}{{{relevant}}}\left({parts}\right)", sum(n / place for n, place in precisions) / relevant
        ),
        "dcg": _equals(dcg, gained) if places else NONE,
        "idcg": _equals(idcg, best),
        "ndcg": _equals(rf"\frac{{{gained:.3f}}}{{{best:.3f}}}", gained / best),
        "auc": pairs_written(pairs) if pairs.all else "",
    }


def pairs_written(pairs: Pairs) -> str:
    """Right pairs and half of the tied ones, over all."""
    tied = rf" + \frac{{1}}{{2}}\cdot {pairs.tied:.0f}" if pairs.tied else ""
    return _equals(rf"\frac{{{pairs.right:.0f}{tied}}}{{{pairs.all:.0f}}}", pairs.auc)


def means(values: Sequence[Mapping[str, float]], pooled: Pairs, grouped: Grouped) -> dict[str, str]:
    """Means of the shoppers' ``values``, AUC of all lists in one pot, and GAUC, which leaves out who has no pair."""
    written = {}
    for name in (name for name in values[0] if name != "auc"):
        parts = [one[name] for one in values]
        total = " + ".join(f"{part:.3f}" for part in parts)
        written[name] = _equals(rf"\frac{{{total}}}{{{len(parts)}}}", sum(parts) / len(parts))
    written["auc"] = pairs_written(pooled)
    counted = [(w, own) for w, own in zip(grouped.weights, grouped.aucs, strict=True) if own is not None]
    above = " + ".join(rf"{weight:.0f}\cdot {own:.3f}" for weight, own in counted)
    below = " + ".join(f"{weight:.0f}" for weight, _ in counted)
    written["gauc"] = _equals(rf"\frac{{{above}}}{{{below}}}", grouped.value)
    return written


def _gain(place: int) -> str:
    return rf"\frac{{1}}{{\log_2 {place + 1}}}"


def _equals(formula: str, value: float) -> str:
    return f"{formula} = {value:.3f}"
