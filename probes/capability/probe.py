"""One endpoint, checked: its way first, then a plain answer, then one question after another."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from probes.capability import mistakes, sampling
from probes.capability.address import listed_finding, listed_models, what_is_wrong
from probes.capability.answer import Plain, answer_findings, ask_plain
from probes.capability.caller import Caller
from probes.capability.finding import Finding, Score, found, in_order, score
from probes.capability.network import Network, TlsFacts, http_finding, look, round_trip_finding
from probes.load.origin import parse_origin
from probes.load.protocols import protocol
from probes.load.spec import LoadSpec

_ROUNDS: Final = 3
NOT_REACHED: Final = "it was not reached"
NOT_ANSWERED: Final = "it did not answer the plain request"
_OF_TEXT: Final = (
    "max_tokens", "finish_reason", "stop_sequence", "unstreamed", "cached_tokens", "picture", "repeats", "seed",
    "ignore_eos", "min_tokens", "empty_prompt", "large_picture", "streams", "as_made", "role_first", "terminator",
)  # fmt: skip
_OF_STREAMS: Final = ("streams", "as_made", "role_first", "terminator")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What a check found. Counts are what the server said of all calls, None where it said nothing."""

    base_url: str
    api: str
    model: str
    started_at: datetime
    ended_at: datetime
    findings: tuple[Finding, ...]  # all of `QUESTIONS`, in their order
    advice: str | None  # what is wrong where the plain request was not answered, or was only with a change
    answered: bool
    calls: int
    prompt_tokens: int | None
    output_tokens: int | None
    connect_p50_s: float | None
    tls: TlsFacts | None
    http_version: str | None

    @property
    def score(self) -> Score:
        """How much of what is required it does."""
        return score(self.findings)

    @property
    def conformance_share(self) -> float | None:
        """The score's share; None where the plain request was not answered, for a wrong model says nothing of it."""
        return self.score.share if self.answered else None


def check_endpoint(spec: LoadSpec, *, on_call: Callable[[str], None] = lambda _: None) -> CheckReport:
    """Ask everything; takes as long as some twenty short answers.

    Args:
        spec: the endpoint; its load (arrivals, counts, lengths) is not used.
        on_call: told of each call before it is sent.

    Raises:
        ProbeError: a bad URL, an unknown api, a certificate file that cannot be read.
    """
    origin = parse_origin(spec.base_url, protocol(spec.api).path(spec))
    started_at = datetime.now(UTC)
    network = look(origin, spec.timeouts, spec.ca_file)
    if network.link is None:
        kind, said = network.failure or ("connect_refused", NOT_REACHED)
        return _report(spec, network, started_at, list(network.findings), f"not reached ({kind}): {said}")
    with Caller(spec, network, on_call) as caller:
        return _asked(caller, network, started_at)


def _asked(caller: Caller, network: Network, started_at: datetime) -> CheckReport:
    findings = list(network.findings)
    plain = ask_plain(caller)
    version = plain.reply.exchange.http_version
    findings.append(http_finding(network, version))
    # who does not answer at all is not waited for again
    names, listing = listed_models(caller) if plain.reply.status is not None else (None, None)
    advice: str | None
    if plain.reply.answered and plain.reply.facts is not None and plain.reply.facts.event_ends:
        advice = "; ".join(plain.left_out) or None
        rest, left = _of_answer(caller, plain), "it was not asked"
        findings.append(listed_finding(caller, names, listing))
    else:
        advice = what_is_wrong(caller, plain.reply, names) or plain.reply.said
        rest = [found("answers", "no", advice, plain.reply.took_s)]
        left = NOT_ANSWERED
        if listing is not None:
            findings.append(listed_finding(caller, names, listing))
    if plain.reply.status is not None:
        findings.append(_round_trip(caller, network))
    return _report(caller.spec, network, started_at, findings + rest, advice, caller, version, left)


def _of_answer(caller: Caller, plain: Plain) -> list[Finding]:
    """All that can be asked of who answers."""
    findings = answer_findings(caller, plain) + sampling.keep_alive_and_repeats(caller, plain)
    if caller.promise.generates:
        findings.append(sampling.unstreamed(caller, plain))
        if caller.speaks_json:
            findings += [sampling.stop_sequence(caller, plain), sampling.seed(caller, plain)]
            findings += sampling.lengths(caller, plain)
        findings += [sampling.cached_tokens(caller, plain), *mistakes.pictures(caller, plain)]
        findings.append(mistakes.empty_prompt(caller, plain))
    findings += [
        ask(caller, plain)
        for ask in (mistakes.made_up_model, mistakes.bad_request, mistakes.wrong_key, mistakes.unknown_field)
    ]
    asked = {each.finding_id for each in findings}
    absent = [*(() if caller.promise.generates else _OF_TEXT), *(() if caller.wire.streams else _OF_STREAMS)]
    said = f"{caller.spec.api} has no such thing"
    return findings + [found(name, "not applicable", said) for name in absent if name not in asked]


def _round_trip(caller: Caller, network: Network) -> Finding:
    """Small exchanges on one connection: lists of models, or of nothing where there is no list."""
    place = caller.promise.models
    path = place[0] if place is not None else "/"
    seconds = []
    for _ in range(_ROUNDS):
        exchange = caller.get(path)
        if exchange.failure is not None:
            break
        if exchange.first_byte_ns is not None and exchange.reused:
            seconds.append((exchange.first_byte_ns - exchange.start_ns) / 1e9)
    return round_trip_finding(network, seconds, f"GET {parse_origin(caller.spec.base_url, path).target}")


def _report(
    spec: LoadSpec,
    network: Network,
    started_at: datetime,
    findings: list[Finding],
    advice: str | None,
    caller: Caller | None = None,
    http_version: str | None = None,
    left: str = NOT_REACHED,
) -> CheckReport:
    return CheckReport(
        base_url=spec.base_url,
        api=spec.api,
        model=spec.model,
        started_at=started_at,
        ended_at=datetime.now(UTC),
        findings=in_order(findings, left),
        advice=advice,
        answered=caller is not None and left != NOT_ANSWERED,
        calls=caller.calls if caller is not None else 0,
        prompt_tokens=caller.prompt_tokens if caller is not None else None,
        output_tokens=caller.output_tokens if caller is not None else None,
        connect_p50_s=network.connect_p50_s,
        tls=network.tls,
        http_version=http_version,
    )
