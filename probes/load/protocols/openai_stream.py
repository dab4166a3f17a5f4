"""What streams of choices (chat, completions) have in common."""

import re
from collections.abc import Iterator
from typing import Any, Final

from probes.load.protocols.reading import last_count, parse_json_events
from probes.load.sse import cut_events

_TERMINATOR: Final = re.compile(rb"data: ?\[DONE\][\r\n]*\Z").search

Choice = dict[str, Any]


def has_terminator(body: bytes) -> bool:
    """Whether a body under way ends with the terminator event."""
    return _TERMINATOR(body, max(len(body) - 32, 0)) is not None


output_tokens: Final = last_count("completion_tokens")


def first_choices(body: bytes) -> Iterator[Choice]:
    """The first choice of each event that has it; as far as the stream is JSON."""
    events, _ = parse_json_events(cut_events(body).data)
    for event in events:
        choices = event.get("choices") if isinstance(event, dict) else None
        for choice in choices if isinstance(choices, list) else []:
            if isinstance(choice, dict) and not choice.get("index"):
                yield choice
