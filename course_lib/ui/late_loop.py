"""Event loops that take no file descriptors before somebody runs them.

Streamlit gives every session an event loop for the thread that its script runs in, for scripts that want one. A loop
holds three descriptors from its birth: one to wait on and a pair to be woken by; they stay for as long as the session
is remembered, minutes after its tab has gone. The course's pages never run theirs. So a class of a hundred would cost
three hundred descriptors for nothing, where a system often allows 1,024, or 256.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


class LateLoop(asyncio.AbstractEventLoop):
    """A loop that is made when one of its methods is first used; until then it can be installed, asked and closed."""

    def __init__(self, make: Callable[[], asyncio.AbstractEventLoop]) -> None:
        self._make = make
        self._made: asyncio.AbstractEventLoop | None = None
        self._closed = False

    @property
    def real(self) -> asyncio.AbstractEventLoop:
        """The loop itself, made now if it was not there; raises RuntimeError after :meth:`close`."""
        if self._made is None:
            if self._closed:
                raise RuntimeError("Event loop is closed")
            self._made = self._make()
        return self._made

    def is_running(self) -> bool:
        """Whether it runs now."""
        return self._made is not None and self._made.is_running()

    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._closed if self._made is None else self._made.is_closed()

    def close(self) -> None:
        """Gives back what it has taken."""
        self._closed = True
        if self._made is not None:
            self._made.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


def _handed_on(name: str) -> Callable[..., Any]:
    def call(self: LateLoop, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.real, name)(*args, **kwargs)

    return call


for _name in vars(asyncio.AbstractEventLoop):  # each is there, and says that it is not implemented
    if not _name.startswith("_") and _name not in vars(LateLoop):
        setattr(LateLoop, _name, _handed_on(_name))


class LatePolicy(asyncio.DefaultEventLoopPolicy):  # policies go with Python 3.16; Streamlit may have changed by then
    """Gives a late loop to whoever makes one while another runs in the same thread: it is for another thread to run.

    Who makes a loop to run it at once, as ``asyncio.run`` does, gets the usual one.
    """

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """A loop, late where a loop is running here."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return super().new_event_loop()
        return LateLoop(super().new_event_loop)  # type: ignore[abstract]  # its methods are set above


def install() -> None:
    """From now on, new event loops are late where that is possible."""
    if not isinstance(asyncio.get_event_loop_policy(), LatePolicy):
        asyncio.set_event_loop_policy(LatePolicy())
