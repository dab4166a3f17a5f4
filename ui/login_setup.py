"""Log-in as the secrets file sets it up: what is missing there, by whom one can log in, and whether those answer.

Without Streamlit, so that the server can say what is wrong before it starts.
"""

import http.client
import json
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

CALLBACK = "/oauth2callback"  # where Streamlit waits for whoever comes back
SHORTEST_SECRET = 32  # characters; whoever guesses it writes log-in cookies
ANSWER_WITHIN_S = 5.0
_OF_A_PROVIDER = ("client_id", "client_secret", "server_metadata_url")


def providers(auth: Mapping[str, Any]) -> Sequence[str | None]:
    """By whom one can log in: the names of the [auth.NAME] sections; None is what [auth] itself names, if it does."""
    named = [name for name, value in auth.items() if isinstance(value, Mapping) and name != "client_kwargs"]
    own = any(key in auth for key in _OF_A_PROVIDER)
    return [*([None] if own or not named else []), *named]


def problem(auth: object) -> str:
    """What is wrong with what stands under `auth` in a secrets file, in one sentence; "" if nothing is."""
    if not isinstance(auth, Mapping):
        return f"auth must be a section, [auth], not a {type(auth).__name__}"
    missing = [f"[auth] {key}" for key in ("redirect_uri", "cookie_secret") if not auth.get(key)]
    for name in providers(auth):
        section, title = of_provider(auth, name), "auth" if name is None else f"auth.{name}"
        missing += [f"[{title}] {key}" for key in _OF_A_PROVIDER if not section.get(key)]
    if missing:
        return f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
    return next(_values(auth), "")


def of_provider(auth: Mapping[str, Any], name: str | None) -> Mapping[str, Any]:
    """The section that names a provider."""
    section: Mapping[str, Any] = auth if name is None else auth[name]
    return section


def silence(address: str) -> str:
    """Why nobody can log in at a provider now, "" if it says by itself where one does.

    Args:
        address: server_metadata_url, asked once, for at most `ANSWER_WITHIN_S` between two of its bytes.
    """
    host = urlsplit(address).netloc
    try:
        with urllib.request.urlopen(address, timeout=ANSWER_WITHIN_S) as answer:
            said = json.loads(answer.read(1_000_000))
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "reason", error)  # of what urllib wraps; of HTTP, its own words
        return f"{host} does not answer ({getattr(why, 'strerror', None) or why})"
    except ValueError:
        return f"{host} answers, but not with JSON"
    if not isinstance(said, dict) or not {"authorization_endpoint", "token_endpoint", "jwks_uri"} <= said.keys():
        return f"{host} answers, but not as an OpenID Connect provider does"
    return ""


def _values(auth: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the values, one sentence each."""
    back, secret = str(auth["redirect_uri"]), str(auth["cookie_secret"])
    if not _is_address(back) or not back.endswith(CALLBACK):
        yield (
            f'[auth] redirect_uri = "{back}" must be the address of these pages and {CALLBACK},'
            f" such as https://board.example.org{CALLBACK}"
        )
    if len(secret) < SHORTEST_SECRET:
        yield (
            f"[auth] cookie_secret has {len(secret)} characters, it must have {SHORTEST_SECRET} or more:"
            ' `python -c "import secrets; print(secrets.token_hex())"` makes one'
        )
    for name in providers(auth):
        address = str(of_provider(auth, name)["server_metadata_url"])
        if not _is_address(address):
            yield f'server_metadata_url = "{address}" must begin with https:// or http://'
        if name is not None and "_" in name:
            yield f"[auth.{name}] must be named without an underscore"


def _is_address(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.netloc)
