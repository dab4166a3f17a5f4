"""One answer under way."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from probes.endpoint.truth import Truth

if TYPE_CHECKING:
    from probes.endpoint.answer import Answers
    from probes.endpoint.connection import Connection


@dataclass(slots=True, kw_only=True, eq=False)
class Stream:
    """What is still to be sent of it, to whom, and when the next write is due (CLOCK_MONOTONIC)."""

    connection: "Connection"
    answers: "Answers"
    truth: Truth
    tokens: int
    prompt_tokens: int
    sent: int = 0
    due_ns: int = 0
    late_sum_ns: int = 0
    late_max_ns: int = 0
    last_ns: int = 0  # the latest write
    writes: int = 0
