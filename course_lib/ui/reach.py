"""What a page may ask on behalf of whoever is in front of it: an address that a visitor names is asked by this server.

Served to this machine alone, the course may ask any address, a model on localhost above all. Served to others, it asks
public addresses only: a visitor could otherwise look into the network in which the server stands. The operator's
LIVEREC_WRITER_HOSTS decides otherwise:

    any           every address, for everybody
    public        public ones alone, even on this machine
    llm.lan, ...  these hosts beside public ones
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import streamlit as st

from course_lib.models.writer_address import Reach
from course_lib.settings import load_settings
from course_lib.ui.identity_cookie import FORWARDED, loopback


def reach() -> Reach:
    """What this page may ask."""
    return reach_of(load_settings().writer_hosts, served_alone(st.get_option("server.address"), st.context.headers))


def reach_of(setting: str, alone: bool) -> Reach:
    """What the setting allows, where the course is served to this machine alone or to others."""
    if setting == "any" or (alone and setting != "public"):
        return Reach()
    named = {one.strip().strip("[]") for one in setting.split(",")} - {"", "public"}
    return Reach(anywhere=False, hosts=frozenset(named))


def served_alone(listens: str | None, headers: Mapping[str, str]) -> bool:
    """Whether the server listens to this machine alone and a browser of it is asking, no proxy between them."""
    known = {name.lower(): value for name, value in headers.items()}
    shown = [urlsplit(f"//{known['host']}").hostname] if "host" in known else []
    shown += [urlsplit(known["origin"]).hostname] if "origin" in known else []
    return loopback(listens) and all(loopback(one) for one in shown) and not any(name in known for name in FORWARDED)
