"""Who may ask SQL: whoever sits at the machine that serves, and whoever has logged in where log-in is set up.

All other pages show published figures and are open to whoever reaches the server. What decides is pure; what it
decides on is read from Streamlit in one place, since `st.user.is_logged_in` is an error where no log-in is set up.
"""

import importlib.util
import ipaddress
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from ui import login_setup

# Headers by which a proxy says that somebody else asks than who is connected.
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip")
_SET_UP = "put an [auth] section into .streamlit/secrets.toml (README, Log-in)"
# Streamlit's cookie is good for thirty days, in which somebody may have left the house.
LASTS_S = 12 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the decision rests on."""

    address: str | None  # what the server is bound to; None: every address
    host: str | None  # the host that the browser asked for, a port perhaps behind it
    origin: str | None  # the address of the page that asked, which a proxy that says nothing of itself passes on, too
    forwarded: bool  # whether a proxy stands between
    login_set_up: bool
    problem: str  # what is wrong with how it is set up
    library: bool  # whether Authlib is there, which Streamlit logs in by
    logged_in: bool
    since_s: float | None  # how long ago the identity provider said who this is
    subject: str | None  # what it calls them
    email: str | None
    verified: bool  # False only if it says that the e-mail address is not
    users: Sequence[str] | None  # addresses, or @domains, that may ask; None: whoever can log in


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Whether SQL may be asked, by whom, and if not why and whether logging in would help."""

    allowed: bool
    who: str | None
    why: str = ""
    can_log_in: bool = False


def decide(asked: Asked) -> Access:
    """Whether this visitor may ask SQL."""
    fresh = asked.logged_in and asked.since_s is not None and asked.since_s <= LASTS_S
    who = (asked.email or f"subject {asked.subject}") if fresh else None
    if _is_local(asked):
        return Access(allowed=True, who=who)
    if fresh:
        if asked.users is None or (asked.verified and _is_among(asked.email, asked.users)):
            return Access(allowed=True, who=who)
        return Access(
            allowed=False,
            who=who,
            why=f"{who} may not ask SQL here; whoever runs this server lists the addresses that may, as sql_users"
            " under [megatoken] in .streamlit/secrets.toml.",
        )
    why = "This server can be reached from other machines, and you are not logged in."
    if asked.logged_in:
        why = f"You logged in more than {LASTS_S / 3600:.0f} hours ago: please do so again."
    if not asked.login_set_up:
        return Access(
            allowed=False, who=None, why=f"{why} No log-in is set up: ask on the machine itself, or {_SET_UP}."
        )
    if asked.problem:
        why += f" Log-in is set up, but not rightly: {asked.problem} (.streamlit/secrets.toml; README, Log-in)."
    elif not asked.library:
        why += " Log-in is set up, but Authlib is missing: install authlib>=1.3.2 beside Megatoken, then start anew."
    return Access(allowed=False, who=None, why=why, can_log_in=asked.library and not asked.problem)


def is_local(host: str | None) -> bool:
    """Whether a host, with or without a port, is this machine and nothing but it."""
    if not host:
        return False
    name = host.strip().lower()
    name = name[1:].split("]")[0] if name.startswith("[") else name
    name = name.split(":")[0] if name.count(":") == 1 else name
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def auth_section() -> Mapping[str, Any]:
    """What the secrets file says under [auth]; empty if there is none."""
    section: Mapping[str, Any] = st.secrets.get("auth", {}) if st.secrets.load_if_toml_exists() else {}
    return section


def access() -> Access:
    """The decision for the visitor whom Streamlit serves right now."""
    auth = auth_section()
    headers = st.context.headers
    own = st.secrets.get("megatoken", {}) if st.secrets.load_if_toml_exists() else {}
    users = own.get("sql_users")
    email, issued_at, subject = (st.user.get(claim) for claim in ("email", "iat", "sub"))
    return decide(
        Asked(
            address=st.get_option("server.address"),
            host=headers.get("Host"),
            origin=headers.get("Origin"),
            forwarded=any(name in headers for name in _FORWARDED),
            login_set_up=bool(auth),
            problem=login_setup.problem(auth) if auth else "",
            library=importlib.util.find_spec("authlib") is not None,
            logged_in=bool(st.user.get("is_logged_in", False)),
            since_s=time.time() - issued_at if isinstance(issued_at, int | float) else None,
            subject=None if subject is None else str(subject),
            email=str(email) if email else None,
            # some say it as a string
            verified=str(st.user.get("email_verified", True)).casefold() != "false",
            users=None if users is None else [users] if isinstance(users, str) else [str(user) for user in users],
        )
    )


def _is_local(asked: Asked) -> bool:
    """Whether this machine itself asks, by its own name and through nobody."""
    return (
        is_local(asked.address)
        and is_local(asked.host or asked.address)
        and (asked.origin is None or is_local(urlsplit(asked.origin).netloc))
        and not asked.forwarded
    )


def _is_among(email: str | None, users: Sequence[str]) -> bool:
    if not email:
        return False
    asks = email.casefold()
    return any(asks.endswith(user.casefold()) if user.startswith("@") else asks == user.casefold() for user in users)
