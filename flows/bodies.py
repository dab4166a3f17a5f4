"""What a config may add to the bodies of requests: nothing by which they would cost more than they are quoted for."""

from collections.abc import Mapping
from typing import Any, Final

# How the wire formats name the longest answer, and how many are wanted.
_LENGTHS: Final = frozenset(
    {
        "max_tokens",
        "max_completion_tokens",
        "max_output_tokens",
        "max_new_tokens",
        "num_predict",
        "maxOutputTokens",
        "maxTokens",
    }
)
_COUNTS: Final = frozenset({"n", "best_of", "candidateCount"})


def body_problem(extra_body: Mapping[str, Any]) -> str | None:
    """Why it may not be, as the end of a sentence that names it; None if it may."""
    said = dict(extra_body)
    for inner in extra_body.values():
        said |= inner if isinstance(inner, dict) else {}  # generationConfig, options and the like
    for name, value in said.items():
        if name in _LENGTHS:
            return f"must not say {name}, by which max_usd could not be kept; set output_tokens of the workload"
        if name in _COUNTS and value != 1:
            return f"must not say {name} = {value!r}, by which max_usd could not be kept; leave it out"
    if "model" in extra_body:
        return "must not say model, whose price and name would be another's; set model of the target"
    return None
