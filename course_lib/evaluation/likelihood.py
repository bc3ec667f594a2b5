"""How likely a model finds a whole history: what an attacker asks it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_lib.data.histories import Histories
from course_lib.errors import CourseError
from course_lib.evaluation.membership import Attack, Crowd

AT_ONCE = 256


def own_losses(logits: Tensor, inputs: Tensor, targets: Tensor) -> Tensor:
    """(B,) each shopper's mean -log p over the places that have a product and a next one.

    ``logits`` (B, L, V + 1) with padding at -inf or far below, ``inputs`` and ``targets`` (B, L), 0 for nothing.
    """
    asked = (inputs != 0) & (targets != 0)
    own = logits.gather(-1, targets[..., None])[..., 0]
    lost = torch.where(asked, logits.logsumexp(-1) - own, 0.0)
    found: Tensor = lost.sum(-1) / asked.sum(-1).clamp(min=1)
    return found


@torch.inference_mode()
def likelihoods(model: Any, histories: Histories) -> NDArray[np.float64]:
    """(N,) mean log-probability of each purchase of a history after those before it, of the newest that the model
    reads. Raises CourseError for a model that does not predict the next product at each place."""
    if getattr(model, "objective", "") != "next":
        raise CourseError("no_likelihood")
    model.eval()
    length = int(model.config.history_length)
    found = np.empty(len(histories))
    order = np.argsort(histories.lengths, kind="stable")  # little padding
    for start in range(0, len(order), AT_ONCE):
        rows = order[start : start + AT_ONCE]
        some = histories.take(rows)
        window = torch.from_numpy(some.padded(int(min(max(some.lengths.max(), 2), length + 1))))
        inputs, targets = window[:, :-1], window[:, 1:]
        asked = (inputs != 0) & (targets != 0)
        own = torch.zeros(asked.shape)
        wanted, target = model(inputs)[0][asked], targets[asked]
        places = range(0, len(target), AT_ONCE)
        own[asked] = torch.cat(
            [_log_probabilities(model, wanted[n : n + AT_ONCE], target[n : n + AT_ONCE]) for n in places]
        )
        found[rows] = (own.sum(1) / asked.sum(1).clamp(min=1)).double().numpy()
    return found


def _log_probabilities(model: Any, wanted: Tensor, targets: Tensor) -> Tensor:
    """(T,) of ``targets`` where ``wanted`` (T, D) is wanted; a few at a time stay in the processor's cache."""
    logits = model.logits(wanted)
    logits[:, 0] = float("-inf")
    found: Tensor = logits.gather(1, targets[:, None])[:, 0] - logits.logsumexp(1)
    return found


def attack(model: Any, reference: Any, crowd: Crowd) -> dict[str, Attack]:
    """Both attacks on ``model``; raises CourseError for one that gives no probability at each place."""
    inside, outside = (likelihoods(model, some) for some in (crowd.members, crowd.outsiders))
    easy_in, easy_out = (likelihoods(reference, some) for some in (crowd.members, crowd.outsiders))
    return {"loss": Attack(inside, outside), "reference": Attack(inside - easy_in, outside - easy_out)}
