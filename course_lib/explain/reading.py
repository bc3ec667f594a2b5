"""What a trained model does with one history: the list it writes and where its attention goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from course_lib.data.histories import Histories
from course_lib.errors import CourseError


@torch.inference_mode()
def read_history(model: Any, history: Sequence[int], k: int = 10) -> dict[str, Any]:
    """``{"top": [{"item", "score", "p"}], "attention": [layer][head][position]}`` for a history, oldest first.

    ``score`` is the log-probability and ``p`` the probability of a product as the next one. Attention is that of the
    newest place on each product of the window (at most ``history_length``); empty for an empty history.
    Raises CourseError for products that the model does not know.
    """
    unknown = [item for item in history if not 1 <= item <= model.num_items]
    if unknown:
        raise CourseError("unknown_items", items=", ".join(map(str, unknown[:10])))
    model.eval()
    window = list(history)[-model.config.history_length :]
    scores = model.score(Histories.from_lists([window]))[0]
    best = np.argsort(-scores, kind="stable")[:k]
    attention: list[list[list[float]]] = []
    if window:
        _, layers = model(torch.tensor([window]))
        attention = [[[round(float(w), 4) for w in head[-1]] for head in layer[0]] for layer in layers]
    top = [{"item": int(i), "score": round(float(scores[i]), 5), "p": float(f"{np.exp(scores[i]):.4g}")} for i in best]
    return {"top": top, "attention": attention}
