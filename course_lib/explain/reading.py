"""What a trained model does with one history: the list it writes and where its attention goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from course_lib.data.histories import Histories
from course_lib.errors import CourseError

PLACES = 15  # of the newest products, in a matrix that is kept: it grows with their square


@torch.inference_mode()
def read_history(model: Any, history: Sequence[int], k: int = 10) -> dict[str, Any]:
    """``{"top": [{"item", "score", "p"}], "attention": [layer][head][position]}`` for a history, oldest first.

    Of a model that was trained ``score`` is the log-probability and ``p`` the probability of a product as the next one;
    of a counted one ``score`` is on its own scale and ``p`` None. Attention is that of the place that answers on each
    product of the window (at most ``history_length``); empty for an empty history and for a model without attention.
    Raises CourseError for products that the model does not know.
    """
    unknown = [item for item in history if not 1 <= item <= model.num_items]
    if unknown:
        raise CourseError("unknown_items", items=", ".join(map(str, unknown[:10])))
    trained = isinstance(model, torch.nn.Module)
    window = list(history)[-model.config.history_length :] if trained else list(history)
    if trained:
        model.eval()
    scores = model.score(Histories.from_lists([window]))[0]
    best = np.argsort(-scores, kind="stable")[: min(k, model.num_items)]  # padding is last
    attention: list[list[list[float]]] = []
    if trained and window:
        layers = model.attention(torch.tensor([window]))
        attention = [[[round(float(w), 4) for w in head[-1]] for head in layer[0]] for layer in layers]
    top = [
        {
            "item": int(i),
            "score": round(float(scores[i]), 5),
            "p": float(f"{np.exp(scores[i]):.4g}") if trained else None,
        }
        for i in best
    ]
    return {"top": top, "attention": attention}


@torch.inference_mode()
def read_matrix(model: Any, history: Sequence[int]) -> list[list[float]]:
    """Which place looks at which in the first layer's first head: row ``i`` has ``i + 1`` shares, oldest place first.

    In the first layer a place is still nothing but its product. The window is read whole (at most ``history_length``);
    of it the newest 15 places are returned, so a row adds up to 1 only with what it gives to older ones.
    Empty for an empty history, for a model without attention, and for one that looks ahead as well as back.
    """
    trained = isinstance(model, torch.nn.Module)
    if not trained or model.objective != "next" or not history:
        return []
    model.eval()
    window = list(history)[-model.config.history_length :]
    layers = model.attention(torch.tensor([window]))
    if not layers:
        return []
    newest = layers[0][0, 0, -PLACES:, -PLACES:].tolist()
    return [[round(share, 3) for share in row[: place + 1]] for place, row in enumerate(newest)]
