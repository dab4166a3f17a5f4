"""What a trial sends: prompts of the right length, request bytes, and when each is due.

spec -> plan + prompts -> Planned requests, which the loop only has to send
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, islice
from pathlib import Path
from time import monotonic_ns
from typing import Final

from probes.load.ahead import BuiltAhead
from probes.load.composing import Composer
from probes.load.conversation import Conversation, Maker
from probes.load.flight import Planned
from probes.load.head import fixed_head
from probes.load.origin import Origin
from probes.load.plan import Plan, Send
from probes.load.prompt import Prompt
from probes.load.protocols.base import WireProtocol
from probes.load.record import Phase
from probes.load.spec import LoadSpec
from probes.load.spread import Spread, draws_of
from probes.load.token_table import table_of_file, table_of_server

_OPEN_LOOP_MOST_AHEAD: Final = 1024
_SIGNED_AHEAD_NS: Final = 60_000_000_000  # a signature holds for five minutes


class RequestSource:
    """The requests of one trial against one origin.

    Raises:
        ProbeError: the plan cannot be made (`Plan`).
    """

    def __init__(self, spec: LoadSpec, protocol: WireProtocol, origin: Origin) -> None:
        self._spec = spec
        self._protocol = protocol
        self._url = origin.url
        self.plan = Plan(spec)
        self._head = fixed_head(spec, protocol, origin)
        self._composer = Composer(spec, self.plan)
        self._says_length = self._composer.is_counted and spec.images is None
        firsts = (send for send in self.plan.sends() if not send.turn)
        self._warmup_mix = list(islice(firsts, max(spec.warmup_requests, 1)))
        self._warmup_words: dict[str, int] = {}  # by attempt
        self._specs: dict[int, LoadSpec] = {}  # by output tokens

    @property
    def calibrates(self) -> bool:
        """Whether there is anything to learn from how a server counts warm-ups."""
        return self._composer.is_counted

    def token_table(self) -> Sequence[int] | None:
        """How many tokens each word of the text is; None if that is to be learnt from warm-ups alone.

        Raises:
            ProbeError: the server does not say, or the file cannot be read.
        """
        spec = self._spec
        if spec.tokenizer == "usage":
            return None
        text = self._composer.table_text
        if spec.tokenizer == "server":
            headers = self._protocol.key_headers(spec.api_key) if spec.api_key else {}
            return table_of_server(spec, text, headers | dict(spec.extra_headers))
        return table_of_file(Path(spec.tokenizer), text)

    def take_table(self, unit_tokens: Sequence[int] | None) -> None:
        """Use such a table from now on."""
        if unit_tokens is not None:
            self._composer.take_table(unit_tokens)

    def learn(self, samples: Sequence[tuple[int, int]]) -> None:
        """Take (words sent, prompt tokens counted by the server) of warm-ups, so that prompts get the length asked."""
        self._composer.learn(samples)

    def sample(self, attempt_id: str, prompt_tokens: int) -> tuple[int, int] | None:
        """What a count of a warm-up tells; None if its text alone cannot be what was counted."""
        words = self._warmup_words.get(attempt_id)
        return None if words is None else (words, prompt_tokens)

    def calibration_words(self, n: int) -> int:
        """Words of text for the n-th warm-up sent to learn how the server counts: each of another length."""
        return self._composer.calibration_words(n)

    def warmup(self, seq: int, *, words: int | None = None) -> Planned:
        """A request that counts in nothing, due at once: as long as the seq-th measured one, or so many words."""
        send = self.plan.mean_send if words is not None else self._warmup_mix[seq % len(self._warmup_mix)]
        planned = self._planned("warmup", seq, replace(send, offset_ns=None, hash_ids=(), conversation=None), words)
        if words is not None or self._says_length:
            self._warmup_words[planned.attempt_id] = self._composer.words(send) if words is None else words
        return planned

    def measured(self, *, part: int = 0, parts: int = 1, start_ns: int | None = None) -> Iterator[Planned]:
        """The measured requests in the order of their sends.

        Those of an open loop are built ahead, by this call: a tenth of a second at most.

        Args:
            part: 0 to parts - 1: which of the requests, dealt out like cards, where several processes send them.
            parts: how many processes.
            start_ns: CLOCK_MONOTONIC instant at which the plan starts to run; None: when the first is asked for.
        """
        requests = self.unscheduled(part=part, parts=parts)
        if self._spec.arrivals == "closed":
            return requests
        ahead = BuiltAhead(requests, None if self._protocol.sign is None else _SIGNED_AHEAD_NS)
        ahead.build_until(None)
        return ahead.run(start_ns)

    def unscheduled(self, *, part: int = 0, parts: int = 1) -> Iterator[Planned]:
        """The same requests, each built when it is asked for; those of an open loop are due as from 0."""
        if self._spec.turns > 1:
            return self._conversations(part, parts)
        dealt = islice(enumerate(self.plan.sends()), part, None, parts)
        return (self._planned("measured", n, send, None) for n, send in dealt)

    def given(self, attempt_id: str, seq: int, prompt: str, asked: LoadSpec) -> Planned:
        """A request of that very text, without a nonce, due at once.

        Args:
            attempt_id: sent as X-Request-Id; ASCII.
            seq: its place among its kind.
            prompt: the text.
            asked: what else the body says: a spec for the same origin.
        """
        return self._request(attempt_id, seq, "measured", asked, Prompt.of(prompt))

    def warmup_limit(self) -> int:
        """How many warm-ups to keep in flight."""
        spec = self._spec
        return spec.concurrency or round((spec.rate_rps or self.plan.facts.mean_rate_rps or 1) + 1)

    def connections_ahead(self, mean_s: float | None) -> int:
        """Connections to have open before the first measured send.

        Args:
            mean_s: mean duration of an attempt as seen in the warm-ups; None without any.
        """
        spec = self._spec
        if spec.connections == "cold":
            return 0
        if spec.concurrency is not None:
            return min(spec.concurrency, spec.requests or spec.concurrency)
        mean_s = 1.0 if mean_s is None else mean_s
        if spec.arrivals in ("constant", "poisson"):
            in_flight = (spec.rate_rps or 1) * mean_s * 1.5  # Little's law, and half as many again
        else:
            in_flight = self.plan.busiest(mean_s) * 1.25  # the same at the peak, which the plan knows
        return min(round(in_flight) + 8, spec.requests or _OPEN_LOOP_MOST_AHEAD, _OPEN_LOOP_MOST_AHEAD)

    def _planned(self, phase: Phase, seq: int, send: Send, words: int | None) -> Planned:
        attempt_id = self._attempt_id(phase, seq)
        prompt = self._composer.prompt(attempt_id, f"{phase}:{seq}", send, words)
        planned = self._asking(attempt_id, seq, phase, send, prompt)
        planned.t_sched_ns = send.offset_ns
        return planned

    def _asking(self, attempt_id: str, seq: int, phase: Phase, send: Send, prompt: Prompt) -> Planned:
        """A request of that prompt; how long it was to be is said only where our own text is all of it."""
        planned = self._request(attempt_id, seq, phase, self._spec_asking(send.output_tokens), prompt)
        if self._says_length and not send.turn:
            planned.prompt_tokens_asked = send.prompt_tokens
        planned.output_tokens_asked = send.output_tokens
        return planned

    def _attempt_id(self, phase: Phase, seq: int) -> str:
        prefix = self._spec.attempt_prefix
        return f"{prefix}.w{seq:02d}" if phase == "warmup" else f"{prefix}.{seq:05d}"

    def _conversations(self, part: int, parts: int) -> Iterator[Planned]:
        """The first turn of each conversation; a process has all turns of those that it is dealt."""
        spec = self._spec
        make = Maker(
            spec=spec,
            composer=self._composer,
            request=lambda seq, send, prompt: self._asking(
                self._attempt_id("measured", seq), seq, "measured", send, prompt
            ),
            think=draws_of(spec.think_s or Spread.always(0.0)),
            answer_text=self._protocol.answer_text,
            attempt_id=lambda seq: self._attempt_id("measured", seq),
        )
        by_conversation = groupby(enumerate(self.plan.sends()), key=lambda numbered: numbered[1].conversation)
        for n, (_, turns) in enumerate(by_conversation):
            if n % parts == part:
                sends = list(turns)
                row = sends[0][1].row
                yield Conversation(make, sends, None if row is None else self.plan.file_prompts[row]).first()

    def _request(self, attempt_id: str, seq: int, phase: Phase, asked: LoadSpec, prompt: Prompt) -> Planned:
        body = self._protocol.request_body(asked, prompt)
        tail = f"X-Request-Id: {attempt_id}\r\nContent-Length: {len(body)}\r\n\r\n".encode("ascii")
        request = self._head + tail + body
        planned = Planned(attempt_id=attempt_id, seq=seq, phase=phase, t_sched_ns=None, request=request)
        sign = self._protocol.sign
        if sign is not None:
            size = len(body)

            def signed(request: bytes) -> bytes:
                body = request[len(request) - size :]
                headers = sign(asked, self._url, body)
                lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("ascii")
                return self._head + lines + tail + body

            planned.sign, planned.signed_ns = signed, monotonic_ns()
            planned.request = signed(request)
        return planned

    def _spec_asking(self, output_tokens: int) -> LoadSpec:
        """The spec with that output length: what a protocol builds a body from."""
        if output_tokens == self._spec.output_tokens:
            return self._spec
        spec = self._specs.get(output_tokens)
        if spec is None:
            spec = self._specs[output_tokens] = replace(self._spec, output_tokens=output_tokens)
        return spec
