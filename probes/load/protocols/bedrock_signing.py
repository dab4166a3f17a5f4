"""Signature Version 4 for Amazon Bedrock, made by botocore with whatever credentials botocore finds.

Signed is what the client sends for certain: Host, Content-Type, the date, the body, and headers of the user's that
Amazon wants signed. X-Request-Id and Content-Length follow later. A signature holds for five minutes.
"""

import os
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from probes.errors import ProbeError
from probes.load.spec import LoadSpec

_SERVICE: Final = "bedrock"
_REGION_IN_HOST: Final = re.compile(r"bedrock-runtime(?:-fips)?\.([a-z]{2,}(?:-[a-z]+)+-\d+)\.")
_CONTENT_TYPE: Final = "application/json"
_KEY_INSTEAD: Final = "or name the environment variable of a Bedrock API key in api_key_env"

# URL, headers, body -> headers to add
Signer = Callable[[str, Mapping[str, str], bytes], dict[str, str]]


def sign(spec: LoadSpec, url: str, body: bytes) -> dict[str, str]:
    """The headers that sign one request; none if it carries an API key or an Authorization of the user's.

    Args:
        spec: of the request: its own headers are signed where Amazon wants them signed.
        url: as it is sent, percent-encoded.
        body: as it is sent.

    Raises:
        ProbeError: botocore is not installed, or it finds no credentials or region.

    Source: AWS IAM User Guide, "Create a signed AWS API request".
    """
    own = _own_headers(spec)
    if not _is_signed(spec):
        return {}
    signed = {name: value for name, value in own.items() if name.startswith("x-amz")}
    signer = signer_for(_region(url))
    return signer(url, {"content-type": own.get("content-type", _CONTENT_TYPE), **signed}, body)


def secret(spec: LoadSpec) -> str:
    """The session token that goes with temporary credentials and is sent with each request; "" if none is.

    Raises:
        ProbeError: as for `sign`.
    """
    if not _is_signed(spec):
        return ""
    signer_for(_region(spec.base_url))  # asked before the first send: botocore takes a third of a second to import
    return _frozen(credentials()).token or ""


def _region(url: str) -> str | None:
    found = _REGION_IN_HOST.search(urlsplit(url).hostname or "")
    return found[1] if found else None


def _own_headers(spec: LoadSpec) -> dict[str, str]:
    return {name.lower(): value for name, value in spec.extra_headers.items()}


def _is_signed(spec: LoadSpec) -> bool:
    return not spec.api_key and "authorization" not in _own_headers(spec)


@lru_cache
def credentials() -> Any:  # noqa: ANN401 - botocore has no types
    """What botocore finds, once; what expires is renewed by botocore while it is used."""
    try:
        import botocore.exceptions
        import botocore.session
    except ImportError as error:
        raise ProbeError(
            "botocore, which signs requests to Amazon Bedrock, is not installed; "
            f"pip install 'megatoken[bedrock]', {_KEY_INSTEAD}"
        ) from error
    try:
        found = botocore.session.Session().get_credentials()
    except botocore.exceptions.BotoCoreError as error:
        raise ProbeError(f"botocore finds no credentials for Amazon Bedrock: {error}") from error
    if found is None:
        raise ProbeError(
            "botocore finds no credentials for Amazon Bedrock; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            f"or AWS_PROFILE, {_KEY_INSTEAD}"
        )
    return found


def _frozen(found: Any) -> Any:  # noqa: ANN401 - botocore has no types
    """Those of this moment, which belong together."""
    import botocore.exceptions

    try:
        return found.get_frozen_credentials()
    except botocore.exceptions.BotoCoreError as error:
        raise ProbeError(f"botocore cannot renew the credentials for Amazon Bedrock: {error}") from error


@lru_cache
def signer_for(region: str | None) -> Signer:
    """Signs for one region.

    Args:
        region: as the host names it; None: that of the environment or the profile.
    """
    found = credentials()
    import botocore.auth
    import botocore.awsrequest
    import botocore.session

    region = region or os.environ.get("AWS_REGION") or botocore.session.Session().get_config_variable("region")
    if not region:
        raise ProbeError(
            "the host of base_url names no region to sign for; set AWS_REGION, "
            "or write it like https://bedrock-runtime.us-east-1.amazonaws.com"
        )

    def headers_for(url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        request = botocore.awsrequest.AWSRequest(method="POST", url=url, headers=dict(headers), data=body)
        botocore.auth.SigV4Auth(_frozen(found), _SERVICE, region).add_auth(request)
        return {name: value for name, value in request.headers.items() if name.lower() not in headers}

    return headers_for
