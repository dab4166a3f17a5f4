"""What the bodies of requests of several wire formats have in common."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from probes.load.prompt import Prompt

_BREAK: Final = "\n\n"


def system_text(prompt: Prompt) -> str | None:
    """The turns of the system as one text, for formats that keep it apart; None without any."""
    texts = [turn.text for turn in prompt.turns if turn.role == "system"]
    return _BREAK.join(texts) if texts else None


def dump_body(body: Mapping[str, Any], extra: Mapping[str, object]) -> bytes:
    """The JSON of a request; what the user adds wins, and an object of his is merged into ours, key by key."""
    merged = dict(body)
    for name, value in extra.items():
        ours = merged.get(name)
        merged[name] = {**ours, **value} if isinstance(ours, Mapping) and isinstance(value, Mapping) else value
    return orjson.dumps(merged)


def bearer(key: str) -> dict[str, str]:
    """The header of a key, as most have it."""
    return {"Authorization": f"Bearer {key}"}
