"""What one plain answer shows: that it came, how long it is, how it ended, what it counted, and how it streamed."""

from dataclasses import dataclass, replace
from typing import Final, Literal

from probes.capability.asks import ASKS
from probes.capability.caller import Caller
from probes.capability.finding import Finding, found, spelled
from probes.capability.reply import Reply
from probes.load.protocols.base import EventClass, StreamFacts
from probes.load.record import AttemptRecord
from probes.load.spec import LoadSpec

_S: Final = 1_000_000_000
_QUICK_S: Final = 0.05  # an answer this quick may come in one read from an honest server
_LEAST_GAP_S: Final = 1e-4  # no model makes 10,000 tokens a second for one user
_REQUEST_IDS: Final = (
    "x-request-id", "request-id", "x-generation-id", "x-amzn-requestid", "apim-request-id", "x-litellm-call-id",
    "cf-ray",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """The plain answer, and what had to be left out of the request to get it."""

    reply: Reply
    spec: LoadSpec  # what is asked from here on
    left_out: tuple[str, ...]  # what to write into the config, a phrase each


def ask_plain(caller: Caller) -> Plain:
    """Ask as a night would; a request that is refused as bad is tried without what servers are known to refuse."""
    spec = caller.spec
    reply = caller.send("plain", spec=spec)
    for n, (way, phrases) in enumerate(_ladder(spec), start=2):
        if reply.error_class != "bad_request":
            break
        tried = caller.send(f"plain-{n}", spec=way)
        if tried.answered:
            return Plain(reply=tried, spec=way, left_out=phrases)
    return Plain(reply=reply, spec=spec, left_out=())


def _ladder(spec: LoadSpec) -> list[tuple[LoadSpec, tuple[str, ...]]]:
    warm = replace(spec, temperature=None), ("it takes no temperature of 0",)
    if spec.api not in ("openai-chat", "azure-openai"):
        return [warm]
    other: Literal["max_tokens", "max_completion_tokens"] = (
        "max_completion_tokens" if spec.max_tokens_field == "max_tokens" else "max_tokens"
    )
    says = f'set max_tokens_field = "{other}"'
    renamed = replace(spec, max_tokens_field=other)
    return [warm, (renamed, (says,)), (replace(renamed, temperature=None), (*warm[1], says))]


def answer_findings(caller: Caller, plain: Plain) -> list[Finding]:
    """What the plain answer shows; its answer has come."""
    reply, facts = plain.reply, plain.reply.facts
    findings = [_answers(plain), _identity(reply), _request_id(reply), _rate_limits(reply)]
    if facts is None:
        return findings
    findings += [_usage(caller, reply, facts), _usage_right(facts)]
    if not caller.promise.generates:
        return findings
    findings += [_max_tokens(caller, facts), _finish_reason(caller, facts)]
    if caller.wire.streams:
        findings += [_streams(reply, facts), as_made(reply.record), _role_first(facts)]
        findings.append(_terminator(caller, reply, facts))
    return findings


def _answers(plain: Plain) -> Finding:
    reply = plain.reply
    named = reply.record.model_returned
    said = f"HTTP {reply.status} at {reply.url}" + (f", model {named}" if named else "")
    fault = reply.error_class
    if fault == "empty" and reply.record.reasoning_tokens:
        said += f"; all {reply.record.reasoning_tokens} tokens went into hidden reasoning"
    elif fault == "empty":  # the model's doing, not the endpoint's
        return found("answers", "unknown", f"{said}: {reply.said}", reply.took_s)
    elif fault is not None:
        return found("answers", "deviates", f"{said}, and then: {reply.said}", reply.took_s)
    if plain.left_out:
        # that the config asks otherwise is no deviation of the endpoint's
        return found("answers", "yes", f"{said}, but {'; '.join(plain.left_out)}", reply.took_s)
    return found("answers", "yes", said, reply.took_s)


def _identity(reply: Reply) -> Finding:
    coding = reply.exchange.encoding
    if coding is None:
        return found("identity", "yes", "no content coding")
    return found("identity", "deviates", f"{coding}, although only identity was accepted: gaps between tokens blur")


def _request_id(reply: Reply) -> Finding:
    given = {name: reply.exchange.header(name) for name in _REQUEST_IDS}
    own = [name for name, value in given.items() if value and value != reply.asked_as]
    if own:
        return found("request_id", "yes", ", ".join(own))
    back = [name for name, value in given.items() if value]
    said = f"gives ours back, in {back[0]}" if back else f"none of {', '.join(_REQUEST_IDS)}"
    return found("request_id", "yes" if back else "no", said)


def _rate_limits(reply: Reply) -> Finding:
    told = [f"{name}: {value}" for name, value in reply.exchange.headers if "ratelimit" in name.replace("-", "")]
    evidence = f"{', '.join(told[:6])}{f' and {len(told) - 6} more' if len(told) > 6 else ''}"
    return found("rate_limits", "yes" if told else "no", evidence or "no header of that kind")


def _usage(caller: Caller, reply: Reply, facts: StreamFacts) -> Finding:
    required = caller.promise.counts
    if facts.output_tokens is None and facts.prompt_tokens is None:
        searches = facts.search_units
        wanted = "no counts in the answer" if searches is None else f"none, but what it bills by: searches, {searches}"
        return found("usage", "deviates" if required else "no", facts.usage_fault or wanted, required=required)
    if facts.payload_ends and facts.streamed and not facts.output_tokens and not facts.prompt_tokens:
        said = f"0 tokens counted of {len(facts.payload_ends)} events with payload: that is no count"
        return found("usage", "deviates", said, required=required)
    counts = [f"{facts.prompt_tokens} in" if facts.prompt_tokens is not None else "prompt not counted"]
    if caller.promise.generates:
        counts.append(f"{facts.output_tokens} out" if facts.output_tokens is not None else "answer not counted")
    evidence = f"{' + '.join(counts)}{_usage_place(caller, reply, facts)}"
    whole = facts.output_tokens is not None or not caller.promise.generates
    return found("usage", "yes" if whole else "deviates", evidence, required=required)


def _usage_place(caller: Caller, reply: Reply, facts: StreamFacts) -> str:
    """Where counts first stand: found by reading the body up to each event."""
    body, classes = reply.exchange.body, facts.event_classes
    if not facts.streamed or len(facts.event_ends) < 2:
        return ""
    read = caller.wire.read_stream
    first = next((n for n, end in enumerate(facts.event_ends) if read(body[:end]).output_tokens is not None), None)
    if first is None:
        return ""
    last_payload = facts.event_ends.index(facts.payload_ends[-1]) if facts.payload_ends else -1
    if first < last_payload:
        return f", running from event {first + 1} of {len(classes)} on"
    if classes[first] == EventClass.USAGE:
        return ", in an event of its own"
    return ", with the finish reason" if read(body[: facts.event_ends[first]]).terminal else ", in the last events"


def _usage_right(facts: StreamFacts) -> Finding:
    if facts.usage_fault is not None:
        return found("usage_right", "deviates", facts.usage_fault)
    counted, events = facts.output_tokens, len(facts.payload_ends)
    if counted is None or not facts.streamed:
        if facts.prompt_tokens is None:
            return found("usage_right", "not applicable", "nothing was counted")
        return found("usage_right", "yes" if facts.prompt_tokens > 0 else "deviates", f"{facts.prompt_tokens} in")
    said = f"{counted} tokens counted, {events} events with payload"
    # a last event may flush what is no whole token; a token never comes in two otherwise
    fits = events <= counted + 1 and (facts.prompt_tokens is None or facts.prompt_tokens > 0)
    if (facts.cached_tokens or 0) > (facts.prompt_tokens or 0):
        return found("usage_right", "deviates", f"{facts.cached_tokens} of {facts.prompt_tokens} tokens from a cache")
    return found("usage_right", "yes" if fits else "deviates", said)


def _max_tokens(caller: Caller, facts: StreamFacts) -> Finding:
    asked, events = ASKS["plain"].output_tokens, len(facts.payload_ends)
    counted = _counted(facts)
    if counted is not None:
        return found("max_tokens", "yes" if counted <= asked else "deviates", f"asked for {asked}, counted {counted}")
    if events > asked:
        return found("max_tokens", "deviates", f"asked for {asked}, {events} events with payload came")
    # a format without counts cannot be held to a count
    said = f"asked for {asked}, {events} events came, no token was counted"
    return found("max_tokens", "unknown", said, required=caller.promise.counts)


def _finish_reason(caller: Caller, facts: StreamFacts) -> Finding:
    promise, reason, asked = caller.promise, facts.finish_reason, ASKS["plain"].output_tokens
    if not promise.at_limit:
        return found("finish_reason", "not applicable", "its wire format tells no reason")
    if reason is None:
        return found("finish_reason", "deviates", "no finish reason came")
    if reason not in promise.at_limit | promise.at_end:
        return found("finish_reason", "deviates", f'"{reason}" is none of its standard for an answer like this')
    counted = _counted(facts)
    at_limit = counted is not None and counted >= asked
    if at_limit and reason not in promise.at_limit:
        return found("finish_reason", "deviates", f'"{reason}" of an answer that its limit of {asked} tokens ended')
    after = f"{counted} of {asked} tokens" if counted is not None else f"{len(facts.payload_ends)} events"
    return found("finish_reason", "yes", f'"{reason}" after {after}')


def _counted(facts: StreamFacts) -> int | None:
    """Output tokens by the server's count; None without one, and of a zero beside payload."""
    return None if not facts.output_tokens and facts.payload_ends else facts.output_tokens


def _streams(reply: Reply, facts: StreamFacts) -> Finding:
    events = len(facts.payload_ends)
    if not facts.streamed or (events == 0 and reply.error_class != "empty"):
        return found("streams", "deviates", "one document, although a stream was asked for")
    if events == 1 and (facts.output_tokens or 0) > 3:
        return found("streams", "deviates", f"all {facts.output_tokens} tokens came in one event")
    each = ""
    if facts.output_tokens and events:
        each = (
            ", a token each" if facts.output_tokens == events else f", {facts.output_tokens / events:.2g} tokens each"
        )
    kind = reply.exchange.header("content-type") or "no content type"
    return found("streams", "yes", f"{len(facts.event_ends)} events, {events} of them with payload{each}; {kind}")


def as_made(record: AttemptRecord) -> Finding:
    """Whether the events of an answer came one after the other, or all of them when the last was made."""
    chunks, first, last, start = record.chunks or 0, record.t_first_ns, record.t_last_ns, record.t_start_ns
    if chunks < 3 or first is None or last is None or start is None:
        return found("as_made", "unknown", f"{chunks} events are too few to tell")
    reads = chunks - (record.coalesced_chunks or 0)
    whole_s, spread_s = (last - start) / _S, (last - first) / _S
    said = f"{chunks} events in {reads} reads over {spelled(spread_s)}, the first after {spelled((first - start) / _S)}"
    if reads > 1 and spread_s / (chunks - 1) > _LEAST_GAP_S:  # what is held back may still need two reads
        return found("as_made", "yes", said, whole_s)
    if whole_s < _QUICK_S:
        return found("as_made", "unknown", f"{said}: too quick an answer to tell", whole_s)
    return found("as_made", "deviates", f"{said}: something on the way holds them back", whole_s)


def _role_first(facts: StreamFacts) -> Finding:
    if not facts.payload_ends:
        return found("role_first", "unknown", "no payload came")
    before = facts.event_ends.index(facts.payload_ends[0])
    if before == 0:
        return found("role_first", "no", "the first event holds payload already")
    return found("role_first", "yes", f"payload begins with event {before + 1}; time to first token is taken there")


def _terminator(caller: Caller, reply: Reply, facts: StreamFacts) -> Finding:
    if facts.ends_with_body:
        return found("terminator", "not applicable", "its wire format has no end but that of the HTTP message")
    if not facts.terminal:
        return found("terminator", "deviates", reply.said)
    if caller.promise.done and EventClass.DONE not in facts.event_classes:
        return found("terminator", "deviates", "a finish reason, but no [DONE]")
    open_still = " and leaves the connection open after it" if not reply.exchange.keeps_alive else ""
    return found("terminator", "yes", ("[DONE]" if caller.promise.done else "its last event says so") + open_still)
