"""Who may ask SQL: whoever sits at the machine that serves, and whoever has logged in where log-in is set up.

All other pages show published figures and are open to whoever reaches the server. What decides is pure; what it
decides on is read from Streamlit in one place, since `st.user.is_logged_in` is an error where no log-in is set up.
"""

import importlib.util
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

# Headers by which a proxy says that somebody else asks than who is connected.
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip")
_SET_UP = "put an [auth] section into .streamlit/secrets.toml (README, Log-in)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the decision rests on."""

    address: str | None  # what the server is bound to; None: every address
    host: str | None  # the host that the browser asked for, a port perhaps behind it
    forwarded: bool  # whether a proxy stands between
    login_set_up: bool
    library: bool  # whether Authlib is there, which Streamlit logs in by
    logged_in: bool
    email: str | None
    verified: bool  # False only if the identity provider says that the e-mail address is not
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
    who = (asked.email or "somebody logged in") if asked.logged_in else None
    if is_local(asked.address) and is_local(asked.host or asked.address) and not asked.forwarded:
        return Access(allowed=True, who=who)
    if asked.logged_in:
        if asked.users is None or (asked.verified and _is_among(asked.email, asked.users)):
            return Access(allowed=True, who=who)
        return Access(
            allowed=False,
            who=who,
            why=f"{who} may not ask SQL here; whoever runs this server lists the addresses that may, as sql_users"
            " under [megatoken] in .streamlit/secrets.toml.",
        )
    why = "This server can be reached from other machines, and you are not logged in."
    if not asked.login_set_up:
        return Access(
            allowed=False, who=None, why=f"{why} No log-in is set up: ask on the machine itself, or {_SET_UP}."
        )
    if not asked.library:
        why += " Log-in is set up, but Authlib is missing: install authlib>=1.3.2 beside Megatoken, then start anew."
    return Access(allowed=False, who=None, why=why, can_log_in=asked.library)


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


def access() -> Access:
    """The decision for the visitor whom Streamlit serves right now."""
    secrets = st.secrets if st.secrets.load_if_toml_exists() else {}
    own = secrets.get("megatoken", {})
    headers = st.context.headers
    users = own.get("sql_users")
    email = st.user.get("email")
    return decide(
        Asked(
            address=st.get_option("server.address"),
            host=headers.get("Host"),
            forwarded=any(name in headers for name in _FORWARDED),
            login_set_up="auth" in secrets,
            library=importlib.util.find_spec("authlib") is not None,
            logged_in=bool(st.user.get("is_logged_in", False)),
            email=str(email) if email else None,
            verified=st.user.get("email_verified") is not False,
            users=None if users is None else [str(user) for user in users],
        )
    )


def _is_among(email: str | None, users: Sequence[str]) -> bool:
    if not email:
        return False
    asks = email.casefold()
    return any(asks.endswith(user.casefold()) if user.startswith("@") else asks == user.casefold() for user in users)
