"""What a trial sends: prompts of the right length, request bytes, and when each is due.

spec -> prompts + arrivals -> Planned requests, which the loop only has to send
"""

import sys
from collections.abc import Iterator, Sequence
from time import monotonic_ns
from typing import Final

from probes.load.arrivals import planned_offsets_ns
from probes.load.flight import Planned
from probes.load.origin import Origin, request_head
from probes.load.prompts import PromptSource, TokenFit, fit_tokens
from probes.load.protocols.base import WireProtocol
from probes.load.record import Phase
from probes.load.spec import LoadSpec

_OPEN_LOOP_LEAD_NS: Final = 5_000_000  # from fixing the plan to its start
_OPEN_LOOP_MOST_AHEAD: Final = 1024
_USER_AGENT: Final = "megatoken"


class RequestSource:
    """The requests of one trial against one origin."""

    def __init__(self, spec: LoadSpec, protocol: WireProtocol, origin: Origin) -> None:
        self._spec = spec
        self._protocol = protocol
        headers = {
            "User-Agent": _USER_AGENT,
            "Accept": protocol.accept,
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
        }
        if spec.api_key:
            headers |= protocol.key_headers(spec.api_key)
        self._head = request_head(origin, headers | dict(spec.extra_headers))
        self._prompts = PromptSource(seed=spec.seed)
        self._fit: TokenFit = fit_tokens([])

    def learn(self, samples: Sequence[tuple[int, int]]) -> None:
        """Take (words sent, prompt tokens counted by the server) of warm-ups, so that prompts get the length asked."""
        self._fit = fit_tokens(samples)

    def calibration_words(self, n: int) -> int:
        """Words of text for the n-th warm-up sent to learn how the server counts: each of another length."""
        return max(1, self._fit.words(self._spec.prompt_tokens) // (n + 1))

    def warmup(self, seq: int, *, words: int | None = None) -> Planned:
        """A request that counts in nothing; due at once."""
        return self._planned("warmup", seq, None, words)

    def measured(self) -> Iterator[Planned]:
        """The measured requests in the order of their sends. The plan starts to run when the first is asked for."""
        spec = self._spec
        if spec.arrivals == "closed":
            count = spec.requests if spec.requests is not None else sys.maxsize
            for n in range(count):
                yield self._planned("measured", n, None, None)
            return
        offsets = planned_offsets_ns(
            "poisson" if spec.arrivals == "poisson" else "constant",
            rate_rps=spec.rate_rps or 0.0,
            requests=spec.requests,
            duration_s=spec.duration_s,
            seed=spec.seed,
        )
        start_ns = monotonic_ns() + _OPEN_LOOP_LEAD_NS
        for n, offset_ns in enumerate(offsets):
            yield self._planned("measured", n, start_ns + offset_ns, None)

    def warmup_limit(self) -> int:
        """How many warm-ups to keep in flight."""
        return self._spec.concurrency or round((self._spec.rate_rps or 1) + 1)

    def connections_ahead(self, mean_s: float | None) -> int:
        """Connections to have open before the first measured send.

        Args:
            mean_s: mean duration of an attempt as seen in the warm-ups; None without any.
        """
        spec = self._spec
        if spec.concurrency is not None:
            return min(spec.concurrency, spec.requests or spec.concurrency)
        # Little's law: as many as will be in flight, half as many again, and some for the tail.
        return min(round((spec.rate_rps or 1) * (1.0 if mean_s is None else mean_s) * 1.5) + 8, _OPEN_LOOP_MOST_AHEAD)

    def _planned(self, phase: Phase, seq: int, t_sched_ns: int | None, words: int | None) -> Planned:
        spec = self._spec
        attempt_id = f"{spec.attempt_prefix}.w{seq:02d}" if phase == "warmup" else f"{spec.attempt_prefix}.{seq:05d}"
        prompt = self._prompts.prompt(attempt_id, words=words or self._fit.words(spec.prompt_tokens))
        body = self._protocol.request_body(spec, prompt)
        tail = f"X-Request-Id: {attempt_id}\r\nContent-Length: {len(body)}\r\n\r\n".encode("ascii")
        return Planned(
            attempt_id=attempt_id,
            seq=seq,
            phase=phase,
            t_sched_ns=t_sched_ns,
            request=self._head + tail + body,
            prompt_tokens_asked=spec.prompt_tokens,
            output_tokens_asked=spec.output_tokens,
        )
