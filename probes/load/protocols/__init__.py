"""The wire formats we speak, one file each."""

import difflib
from typing import Final

from probes.errors import ProbeError
from probes.load.protocols.base import WireProtocol
from probes.load.protocols.openai_chat import OPENAI_CHAT

PROTOCOLS: Final[dict[str, WireProtocol]] = {OPENAI_CHAT.name: OPENAI_CHAT}


def protocol(api: str) -> WireProtocol:
    """The wire format of that name.

    Raises:
        ProbeError: there is none; suggests the nearest name.
    """
    if api in PROTOCOLS:
        return PROTOCOLS[api]
    near = difflib.get_close_matches(api, PROTOCOLS, n=1, cutoff=0.3)
    hint = f'did you mean "{near[0]}"?' if near else "known: " + ", ".join(sorted(PROTOCOLS))
    raise ProbeError(f'api "{api}" is not a wire format of ours; {hint}')
