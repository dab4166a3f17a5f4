"""Logging in and out: the buttons, the way to the identity provider, and the way back to the question one had.

Streamlit brings everybody who has been at the provider to the first page, whatever came of it. Where a browser set
out from is kept here, in this process, until it is back or ten minutes are over.
"""

import time
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

import streamlit as st

from ui import login_setup, markup
from ui.access import Access, auth_section

BACK_WITHIN_S = 600.0
_BEGAN, _TROUBLE = "login.began", "login.trouble"
_set_out: dict[str, tuple[float, Mapping[str, str]]] = {}  # by browser: when (monotonic, s), and what the address asked


def refuse(visitor: Access) -> None:
    """Why SQL is off for a visitor, and a button for each provider; or the way out for who may not ask."""
    elsewhere = _elsewhere(st.context.url) if visitor.can_log_in else ""
    why = st.session_state.get(_TROUBLE, visitor.why) if visitor.can_log_in else visitor.why
    st.html(markup.panel("SQL is off for you", why, tone="warn"))
    if elsewhere:
        asked = urlencode(st.query_params.to_dict())
        st.link_button(f"Log in at {elsewhere}", f"{elsewhere}/sql?{asked}", icon=":material/login:")
    elif visitor.can_log_in:
        with st.container(horizontal=True, gap="small"):
            for name in login_setup.providers(auth_section()):
                title = "Log in" if name is None else f"Log in by {name}"
                st.button(title, on_click=_leave, args=(name,), icon=":material/login:")
    elif visitor.who:
        st.button("Log out", on_click=st.logout, icon=":material/logout:")


def welcome(page: str, first: bool) -> None:
    """Once for each visit: take who comes back from the provider to the page that they set out from.

    Args:
        page: file of that page, as `st.switch_page` wants it.
        first: whether the visit begins at the first page, to which Streamlit brings them.
    """
    if _BEGAN in st.session_state:
        return
    st.session_state[_BEGAN] = True
    at, asked = _set_out.pop(_browser(), (None, {}))
    if not first or at is None or time.monotonic() - at > BACK_WITHIN_S:
        return
    if not st.user.get("is_logged_in", False):
        st.session_state[_TROUBLE] = (
            "You are not logged in: the identity provider did not let you in, or you came back before it could. Try"
            " again, or ask whoever runs this server: its log says why."
        )
    st.switch_page(page, query_params=dict(asked))


def _leave(name: str | None) -> None:
    """Log in was pressed: to the provider, if it answers; Streamlit would leave the visitor on an empty page."""
    why = login_setup.silence(str(login_setup.of_provider(auth_section(), name)["server_metadata_url"]))
    if why:
        st.session_state[_TROUBLE] = f"You are not logged in, and cannot log in now: {why}. Try again later."
        return
    st.session_state.pop(_TROUBLE, None)
    now = time.monotonic()
    for lost in [browser for browser, (at, _) in _set_out.items() if now - at > BACK_WITHIN_S]:
        _set_out.pop(lost, None)
    if browser := _browser():
        _set_out[browser] = (now, st.query_params.to_dict())
    st.login(name)


def _browser() -> str:
    """What tells this browser from others: Streamlit's token against forged requests, which it masks anew each time."""
    parts = st.context.cookies.get("_streamlit_xsrf", "").strip('"').split("|")
    try:
        mask, masked = bytes.fromhex(parts[1]), bytes.fromhex(parts[2])
    except (IndexError, ValueError):
        return ""
    return bytes(byte ^ mask[at % len(mask)] for at, byte in enumerate(masked)).hex() if mask else ""


def _elsewhere(address: str | None) -> str:
    """Where these pages would have to be open for log-in to come back to them, "" if they are."""
    back = str(auth_section()["redirect_uri"]).replace("{port}", str(st.get_option("server.port")))
    meant, here = urlsplit(back), urlsplit(address or "")
    if not here.netloc or (here.scheme, here.netloc) == (meant.scheme, meant.netloc):
        return ""
    return back.removesuffix(login_setup.CALLBACK)
