"""Changes to a webhook: one POST of JSON a night, with a `text` that chat services show as it is."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from flows.errors import NightError
from flows.told import Told
from flows.version import VERSION

TIMEOUT_S = 10.0


class _Unmoved(urllib.request.HTTPRedirectHandler):
    """A redirected POST would arrive as a GET without its changes: said instead of followed."""

    def redirect_request(self, *_: Any) -> None:  # noqa: ANN401 - as urllib calls it
        return None


def post_changes(variable: str, url: str | None, run_id: str, members: Sequence[Told]) -> None:
    """Post changes, and wait for the answer.

    Args:
        variable: name of the environment variable that holds the address, for what is said of a failure.
        url: the address; it often holds a secret, so nothing of it is ever said.
        run_id: the night.
        members: at least one.

    Raises:
        NightError: it was not accepted.
    """
    if not url:
        raise NightError(f"the environment variable {variable} is not set")
    if not _is_web_address(url):
        raise NightError(f"the environment variable {variable} holds no http:// or https:// address")
    told = {
        "source": "megatoken",
        "run_id": run_id,
        "text": "\n".join([f"Megatoken, run {run_id}:", *(f"- {one.title}, {first_line(one)}" for one in members)]),
        "changes": [
            {
                "id": one.change_id,
                "kind": one.change_kind,
                "target_id": one.target_id,
                "workload_id": one.workload_id,
                "metric_id": one.metric_id,
                "changed_on": one.changed_on.isoformat(),
                "title": one.title,
                "details": one.text.split("\n"),
            }
            for one in members
        ],
    }
    request = urllib.request.Request(
        url,
        data=json.dumps(told).encode(),
        headers={"Content-Type": "application/json", "User-Agent": f"megatoken/{VERSION}"},
        method="POST",
    )
    try:
        with urllib.request.build_opener(_Unmoved).open(request, timeout=TIMEOUT_S):
            pass
    except urllib.error.HTTPError as error:
        error.close()
        raise NightError(f"the address in {variable} answered {error.code}") from None
    except TimeoutError:
        raise NightError(f"the address in {variable} gave no answer within {TIMEOUT_S:g} s") from None
    except urllib.error.URLError as error:
        reason = getattr(error.reason, "strerror", None) or type(error.reason).__name__
        raise NightError(f"the address in {variable} could not be reached: {reason}") from None
    except (http.client.HTTPException, OSError, ValueError) as error:
        # their texts may repeat the address
        raise NightError(f"the address in {variable} could not be used: {type(error).__name__}") from None


def first_line(one: Told) -> str:
    """Since when."""
    return one.text.partition("\n")[0]


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
