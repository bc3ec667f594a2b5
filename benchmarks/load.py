"""A browser tab without a browser: speaks Streamlit's websocket protocol and keeps what a tab would keep.

    async with Session(url) as session:
        await session.open("user_understanding", lang="en")     # seconds until the page is complete
        await session.press("lab.user_understanding.train")     # a button by its key
        await session.tick()                                     # what the browser does once a second during a run

Only a server on this machine is accepted.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlparse

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

LOOPBACK = ("127.0.0.1", "localhost", "::1")
ANSWER_S = 120.0  # a server that takes longer has broken down


@dataclass
class Widget:
    """An element that can be worked."""

    id: str
    fragment: str  # the fragment that it is in, "" for the page itself
    data: Mapping[str, Any]  # what a component was given


class PageError(RuntimeError):
    """The page shows an exception or an error."""


class Session:
    """One tab. Each method that makes the server run a script returns the seconds until that run has ended."""

    def __init__(self, url: str) -> None:
        address = urlparse(url)
        if address.hostname not in LOOPBACK:
            raise ValueError(f"{url} is not on this machine")
        self._address = address
        self._page = ""  # page_script_hash
        self._query = ""
        self._pages: dict[str, str] = {}  # url path -> page_script_hash
        self.widgets: dict[str, Widget] = {}  # by the key that the page gave them
        self.timer: str | None = None  # the fragment that asks again by itself, while a run is live
        self.interval_s = 0.0  # how often the page lets it ask
        self.bytes = 0  # received

    async def __aenter__(self) -> Session:
        place = self._address.netloc
        self._socket = await websockets.connect(
            f"ws://{place}{self._address.path.rstrip('/')}/_stcore/stream",
            subprotocols=[websockets.Subprotocol("streamlit")],
            origin=websockets.Origin(f"http://{place}"),
            max_size=None,
            compression=None,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()

    async def open(self, page: str = "", **query: str) -> float:
        """Opens a page, the first time or from another one; ``page`` is its address, "" for home."""
        state = ClientState()
        if self._pages:
            state.page_script_hash = self._page = self._pages[page]
        elif page:
            state.page_name = page
        self._query = urlencode(query)
        return await self._run(state)

    async def press(self, key: str) -> float:
        """Presses a button."""
        return await self._work(key, trigger_value=True)

    async def send(self, key: str, value: Any) -> float:
        """Gives a component of ours a new state."""
        return await self._work(key, json_value=json.dumps(value))

    async def tick(self) -> float:
        """The timer's fragment once more; the page's own script too, where the run has ended."""
        assert self.timer is not None
        return await self._run(ClientState(fragment_id=self.timer, is_auto_rerun=True))

    async def _work(self, key: str, **value: Any) -> float:
        widget = self.widgets[key]
        state = ClientState(fragment_id=widget.fragment)
        state.widget_states.widgets.append(WidgetState(id=widget.id, **value))
        return await self._run(state)

    async def _run(self, state: ClientState) -> float:
        state.query_string = self._query
        if not state.page_script_hash and not state.page_name:
            state.page_script_hash = self._page
        state.context_info.locale, state.context_info.timezone = "en-US", "UTC"
        state.context_info.color_scheme = "light"
        began = time.perf_counter()
        await self._socket.send(BackMsg(rerun_script=state).SerializeToString())
        async with asyncio.timeout(ANSWER_S):
            while not self._take(await self._socket.recv(decode=False)):
                pass
        return time.perf_counter() - began

    def _take(self, raw: bytes) -> bool:
        """Keeps what one message says; True when it says that the script has run to its end."""
        self.bytes += len(raw)
        message = ForwardMsg.FromString(raw)
        kind = message.WhichOneof("type")
        if kind == "delta":
            self._see(message)
        elif kind == "new_session":
            self._page = message.new_session.page_script_hash
            if not message.metadata.run.fragment_ids:  # the whole page, not a part of it
                self.timer = None
                self.widgets.clear()
        elif kind == "navigation":
            self._pages = {one.url_pathname: one.page_script_hash for one in message.navigation.app_pages}
            for one in message.navigation.app_pages:
                if one.is_default:
                    self._pages[""] = one.page_script_hash
        elif kind == "auto_rerun":
            self.timer, self.interval_s = message.auto_rerun.fragment_id, message.auto_rerun.interval
        elif kind == "script_finished":
            return bool(message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN)
        return False

    def _see(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            raise PageError(element.exception.message)
        if kind == "alert" and element.alert.format == element.alert.ERROR:
            raise PageError(element.alert.body)
        if kind in ("button", "bidi_component"):
            one = getattr(element, kind)
            key = one.id.split("-", 2)[-1]  # "$$ID-<hash>-<key>"
            data = json.loads(one.json) if kind == "bidi_component" and one.WhichOneof("data") == "json" else {}
            self.widgets[key] = Widget(one.id, message.delta.fragment_id, data)
