"""A process that makes shops of one's own, and shows beforehand what they would be like.

    python -m course_lib.runs.shop_maker shops

Orders are JSON objects, one a line, on standard input: ``{"id": 1, "do": "preview", "shop": {...}}``, or "save" with
"name" and "owner". On standard output come ``{"id": 1, "share": 0.5}`` while a shop is made, and in the end the same id
with "answer", or with "error". It ends with standard input.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO

from course_lib.errors import CourseError

Message = dict[str, Any]
Tell = Callable[[float], None]


def preview(order: Message, tell: Tell) -> Any:
    """What the shop would be like; see training/shop_preview.py."""
    from course_lib.shop.made import MadeShop
    from course_lib.training import shop_preview

    return shop_preview.preview(MadeShop.from_dict(order["shop"]))


def save(order: Message, tell: Tell) -> Any:
    """Makes the shop a dataset of its owner; returns the name that the registry knows. Raises CourseError."""
    from course_lib.shop.made import MadeShop

    return make(MadeShop.from_dict(order["shop"]), order["name"], order["owner"], tell)


def make(made: Any, name: str, owner: str, tell: Tell) -> str:
    """Simulates ``made``, a MadeShop, and stores it; ``tell`` hears the share that is done. Raises CourseError."""
    import pandas as pd

    from course_lib.data.intake import store

    store.check_free(name, owner)  # before the work
    world, parts = made.world(), []
    for part in made.blocks(world):
        parts.append(part)
        tell(len(parts) / made.steps)
    events = pd.concat(parts, ignore_index=True)
    return store.save_shop(events, world.catalogue.items, made.to_dict(), name, owner).key


DOES: dict[str, Callable[[Message, Tell], Any]] = {"preview": preview, "save": save}


def work(orders: BinaryIO, answers: int) -> None:
    """Carries out one order after the other."""

    def say(**message: Any) -> None:
        rest = memoryview(json.dumps(message, ensure_ascii=False).encode() + b"\n")
        while rest:
            rest = rest[os.write(answers, rest) :]

    for line in orders:
        order = json.loads(line)

        def told(share: float, id: int = order["id"]) -> None:
            say(id=id, share=round(share, 4))

        try:
            found = DOES[order["do"]](order, told)
        except CourseError as error:
            say(id=order["id"], error=error.to_dict())
        except MemoryError:
            say(id=order["id"], error=CourseError("shop_too_large_here").to_dict())
        except Exception:  # the learner reads a sentence, the server's log has the traceback
            traceback.print_exc()
            say(id=order["id"], error=CourseError("shop_not_made").to_dict())
        else:
            say(id=order["id"], answer=found)


def main() -> None:
    """Loads what a preview needs, then works until standard input ends."""
    from course_lib.shop.parameters import load_parameters
    from course_lib.training import shop_preview

    load_parameters()
    assert shop_preview.MOST
    answers = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints must not end up among the answers
    work(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
