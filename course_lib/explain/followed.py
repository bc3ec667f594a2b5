"""The five shoppers that a run's frames follow, and what is drawn of them and of the products after some training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from course_lib.data.histories import Holdout
from course_lib.explain.projection import Points, project
from course_lib.explain.reading import read_history, read_matrix

SHOPPERS = 5


class Followed:
    """Reads a model again and again for the same shoppers, and keeps the map of products the same way up."""

    def __init__(self, model: Any, test: Holdout) -> None:
        self.model = model
        rows = shoppers_to_follow(test)
        self.shoppers = [(int(test.users[n]), test.histories[n].tolist(), int(test.targets[n])) for n in rows]
        self._before: Points | None = None

    def resume(self, view: dict[str, Any]) -> None:
        """Takes up the map where an earlier :meth:`view` left it."""
        self._before = np.stack([view["map"]["x"], view["map"]["y"]], axis=1)

    def view(self) -> dict[str, Any]:
        """``{"shoppers": [{"user", "history", "target", "top", "attention", "matrix"}], "map": {"x", "y"}}``.

        A history is as long as the model reads; lists and attention as in reading.py. A counted model has no vectors,
        and ``map`` is None.
        """
        trained = isinstance(self.model, torch.nn.Module)
        length = int(self.model.config.history_length) if trained else 0  # 0: all of it
        shoppers = [
            {
                "user": user,
                "history": history[-length:],
                "target": target,
                **read_history(self.model, history),
                "matrix": read_matrix(self.model, history),
            }
            for user, history, target in self.shoppers
        ]
        if not trained:
            return {"shoppers": shoppers, "map": None}
        points: Points = project(self.model.item.weight.detach().numpy()[1:], self._before).round(4)
        self._before = points  # rounded as it is kept, so that a resumed run turns the next map by the same numbers
        x, y = points.T.tolist()
        return {"shoppers": shoppers, "map": {"x": x, "y": y}}


def shoppers_to_follow(test: Holdout) -> Sequence[int]:
    """Rows of the shoppers that frames follow: users 0 to 4 where all are asked (the shop's personas), else five whose
    histories are short, middling and long."""
    first = np.flatnonzero(test.users < SHOPPERS)
    if len(first) == SHOPPERS:
        return [int(n) for n in first]
    order = np.argsort(test.histories.lengths, kind="stable")
    places = np.linspace(0.1, 0.9, SHOPPERS) * (len(order) - 1)
    return [int(order[int(place)]) for place in places]
