"""A pool of no processes, for tests of code that would start some."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Any


class InTurn:
    """In place of ProcessPoolExecutor: does everything here, when it is asked."""

    def __init__(self, *_: Any) -> None:
        pass

    def __enter__(self) -> InTurn:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def map(self, work: Callable[..., Any], *arguments: Iterable[Any]) -> Iterator[Any]:
        """As ProcessPoolExecutor has it."""
        return map(work, *arguments)

    def submit(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """As ProcessPoolExecutor has it."""
        future: Future[Any] = Future()
        future.set_result(work(*arguments))
        return future

    def shutdown(self, **_: Any) -> None:
        """There is nothing to end."""
