"""One JSON document over HTTP, with limits: a provider that fails is one sentence, and a key is never in it."""

import json
import time
from collections.abc import Mapping
from typing import Any

from probes.errors import ProbeError

CONNECT_S = 10.0
TOTAL_S = 60.0
MAX_BYTES = 32 * 1024 * 1024

_WHY = {
    400: "it did not understand the request; check the zone and the dates",
    401: "it does not accept the key; check the environment variable that key_env names",
    403: "the key is not allowed to read this; check the zone and what the subscription covers",
    404: "it does not know this zone or range",
    429: "too many requests; wait, and ask for fewer days at once",
}


def get_json(
    url: str,
    *,
    provider: str,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    basic: tuple[str, str] | None = None,
) -> Any:  # noqa: ANN401 - whatever the provider sent; the caller checks its shape
    """Fetch a document. Proxies of the environment are used, redirects are not followed: they would carry the key.

    Args:
        url: what to fetch.
        provider: who that is, for sentences.
        params: the query.
        headers: such as one that holds the key.
        basic: user name and password.

    Raises:
        ProbeError: it cannot be reached, answers with an error, with too much, or with something else than JSON.
    """
    # 0.2 s to import: only who asks a provider waits for it
    import httpx

    deadline_s = time.monotonic() + TOTAL_S
    body = bytearray()
    try:
        with (
            httpx.Client(timeout=httpx.Timeout(TOTAL_S, connect=CONNECT_S), auth=basic) as client,
            client.stream("GET", url, params=dict(params or {}), headers=dict(headers or {})) as answer,
        ):
            if answer.status_code != 200:
                raise ProbeError(f"{provider} answered {answer.status_code}: {_why(answer.status_code)}")
            for part in answer.iter_bytes():
                body += part
                if len(body) > MAX_BYTES:
                    raise ProbeError(f"{provider} sent more than {MAX_BYTES // 2**20} MB; ask for fewer days at once")
                if time.monotonic() > deadline_s:
                    raise ProbeError(f"{provider} did not finish its answer within {TOTAL_S:g} s; try again later")
    except httpx.TimeoutException:
        raise ProbeError(f"{provider} did not answer within {TOTAL_S:g} s; try again later") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        # only the kind: the text of some of these repeats what was sent
        raise ProbeError(
            f"{provider} cannot be reached ({type(error).__name__}); check the network and base_url"
        ) from None
    try:
        return json.loads(body)
    except ValueError:
        raise ProbeError(f"{provider} sent no JSON ({len(body)} bytes); check base_url") from None


def _why(status: int) -> str:
    if status >= 500:
        return "it has a fault of its own; try again later"
    if 300 <= status < 400:
        return "it points elsewhere; check base_url"
    return _WHY.get(status, "this is not expected; check base_url and the zone")
