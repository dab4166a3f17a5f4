"""The parameters of a workload in words, for every place that shows what was measured under it."""

from collections.abc import Mapping, Sequence
from typing import Any

from ui import words

MIDDLE = "\N{MIDDLE DOT}"


def terms_words(terms: Sequence[Mapping[str, Any]]) -> str:
    """What was sent and what was asked of it.

    Args:
        terms: rows of `ui.snapshot.workload_terms`, one unless the config changed between measurements.
    """
    if not terms:
        return "No target has been measured under this workload."
    said = [
        f"{_arrivals(t)} {MIDDLE} prompts of {t['prompt_tokens_asked']:,} tokens,"
        f" answers of {t['output_tokens_asked']:,}"
        f" {MIDDLE} service level: first token within {words.duration(t['slo_ttft_s'])},"
        f" then at most {words.figure(1e3 * t['slo_tpot_s'])} ms a token"
        for t in terms
    ]
    if len(said) == 1:
        return said[0]
    return "The workload's config changed between these measurements: " + "; or ".join(said)


def _arrivals(terms: Mapping[str, Any]) -> str:
    if terms["arrivals"] != "closed":
        return f"{words.figure(terms['rate_rps'])} requests/s ({terms['arrivals']})"
    return "One request at a time" if terms["concurrency"] == 1 else f"{terms['concurrency']} requests in flight"
