"""Which endpoints are OpenAI's own: they pad each event with random text unless asked not to, and others may refuse to
be asked.
"""

import re
from functools import cache
from typing import Final
from urllib.parse import urlsplit

_OPENAI: Final = re.compile(r"(?:[a-z0-9-]+\.)?api\.openai\.com")  # also of a region: eu.api.openai.com
_AZURE: Final = re.compile(r"[a-z0-9-]+\.(?:openai\.azure|cognitiveservices\.azure|services\.ai\.azure)\.com")


def stream_options(base_url: str, **more: bool) -> dict[str, bool]:
    """Options of a stream: `more`, and no padding where it is known that the server pads and can be told not to.

    These are OpenAI's own hosts and the unversioned route of Azure ("/openai/v1"); dated versions of Azure know the
    fields of their day only.
    """
    return more | {"include_obfuscation": False} if _pads(base_url) else more


@cache
def _pads(base_url: str) -> bool:
    url = urlsplit(base_url)
    host = url.hostname or ""
    is_azure = _AZURE.fullmatch(host) is not None and url.path.rstrip("/").endswith("/openai/v1")
    return is_azure or _OPENAI.fullmatch(host) is not None
