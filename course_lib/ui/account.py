"""Accounts, where a provider of OpenID Connect is configured: whoever has logged in is the account, on every device.

The providers stand under ``[auth]`` in ``.streamlit/secrets.toml``, as ``st.login`` reads them. Without them nothing of
this is seen and a browser is its cookie. Issuer and subject name an account for good; its address and name may change,
so they are shown and never stored. Its learner's key is a keyed hash of both, twice as long as a browser's name: no
cookie and no resume code can hold it, so nobody becomes an account without logging in.
"""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAuthError, StreamlitMissingAuthlibError

from course_lib.course.installation_key import keyed_hash
from course_lib.errors import CourseError
from course_lib.ui.language import t
from course_lib.ui.this_run import once
from course_lib.ui.trouble import guarded, plain, told

DEFAULT = "default"  # Streamlit's name for the provider that stands in [auth] itself
SLOT = "account"
LOOK_S = 5.0  # before a file that was not there is looked for again: each look waits for those of all other pages
_no_secrets: tuple[Any, float] = (None, 0.0)  # the secrets without a file, and until when they are taken to have none


def providers() -> tuple[str, ...]:
    """The configured providers, the unnamed one first; none where nobody can log in."""
    return once("providers", _providers)


def _providers() -> tuple[str, ...]:
    global _no_secrets
    of, until = _no_secrets
    if of is st.secrets and time.monotonic() < until:
        return ()
    auth = None
    if st.secrets.load_if_toml_exists():
        auth = st.secrets.get("auth")
    else:
        _no_secrets = (st.secrets, time.monotonic() + LOOK_S)
    if not isinstance(auth, Mapping):
        return ()
    named = [str(name) for name, one in auth.items() if isinstance(one, Mapping) and "client_id" in one]
    return (*([DEFAULT] if "client_id" in auth else []), *named)


def account() -> str | None:
    """The learner's key of the account that has logged in: 64 hexadecimal digits; None where nobody has.

    Raises CourseError: ``account_unnamed`` where the provider does not say whose account it is, and what
    :func:`keyed_hash` raises.
    """
    user = st.user.to_dict() if providers() else {}
    if user.get("is_logged_in") is not True:
        return None
    named = [user.get("iss"), user.get("sub")]
    if not all(isinstance(one, str) and one for one in named):
        raise CourseError("account_unnamed")
    return keyed_hash("account", json.dumps(named))


def draw() -> None:
    """In the header: the way in, one for each provider, or the way out; nothing where none is configured."""
    found = providers()
    if found and st.user.is_logged_in:
        who = st.user.get("name") or st.user.get("email") or ""
        shown = plain(str(who)) or None
        st.button(
            t("account.log_out"), key="account_out", type="tertiary", help=shown, on_click=guarded(_log_out, SLOT)
        )
        return
    for provider in found:
        label = t("account.log_in") if len(found) == 1 else t("account.log_in_with", provider=plain(provider))
        st.button(
            label, key=f"account_in_{provider}", type="tertiary", on_click=guarded(_log_in, SLOT), args=(provider,)
        )


def tell() -> None:
    """Below the header: why the last press on one of these did nothing."""
    told(SLOT)


def _log_in(provider: str) -> None:
    if any(importlib.util.find_spec(name) is None for name in ("authlib", "httpx")):
        raise CourseError("account_authlib")
    try:
        st.login(None if provider == DEFAULT else provider)
    except StreamlitMissingAuthlibError as problem:  # it is there, and too old
        raise CourseError("account_authlib") from problem
    except StreamlitAuthError as problem:
        raise CourseError("account_settings", reason=str(problem)) from problem


def _log_out() -> None:
    st.logout()
    st.session_state.clear()  # what the account had open must not become the browser's while the page is left
