"""What experiments share that are asked about a history: the shoppers whom their frames follow."""

from __future__ import annotations

from typing import Any

from course_lib.data.histories import Holdout
from course_lib.explain.followed import shoppers_to_follow


def followed(test: Holdout, length: int) -> list[dict[str, Any]]:
    """``[{"user", "history", "target"}]``, histories cut to their last ``length`` products."""
    return [
        {
            "user": int(test.users[n]),
            "history": test.histories[n][-length:].tolist(),
            "target": int(test.targets[n]),
        }
        for n in shoppers_to_follow(test)
    ]
