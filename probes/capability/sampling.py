"""What can be set: where to stop, how random, how long; and what comes of asking twice."""

from typing import Final

import orjson

from probes.capability.answer import Plain
from probes.capability.asks import ASKS
from probes.capability.caller import Caller
from probes.capability.finding import Finding, found
from probes.capability.promises import Place
from probes.capability.reply import Reply

_SEED: Final = 7


def keep_alive_and_repeats(caller: Caller, plain: Plain) -> list[Finding]:
    """The same request once more, on the same connection if it is still there."""
    again = caller.send("again", spec=plain.spec)
    reused = again.exchange.reused
    keeps = found(
        "keep_alive",
        "yes" if reused else "no",
        "the next request went over the same connection" if reused else "every request needs a new connection",
    )
    if not caller.promise.generates:
        return [keeps]
    return [keeps, _repeats(plain, again)]


def _repeats(plain: Plain, again: Reply) -> Finding:
    if again.not_tried:
        return found("repeats", "unknown", again.not_tried, again.took_s)
    if plain.spec.temperature is None:
        return found("repeats", "not applicable", "it takes no temperature of 0", again.took_s)
    if not plain.reply.text or again.text is None:
        return found("repeats", "unknown", "no text came that could be compared", again.took_s)
    same = plain.reply.text == again.text
    return found("repeats", "yes" if same else "no", _texts(plain.reply.text, again.text), again.took_s)


def seed(caller: Caller, plain: Plain) -> Finding:
    """The same request twice with a seed, at a temperature at which answers vary."""
    promise = caller.promise
    if not promise.seed:
        return found("seed", "not applicable", "its wire format has no seed")
    fields = {promise.seed: _SEED, promise.temperature: 1.0}
    first = caller.send("seed", spec=plain.spec, fields=fields)
    if first.not_tried or first.refused:
        return found("seed", "unknown" if first.not_tried else "no", f"with a seed: {first.said}", first.took_s)
    second = caller.send("seed-again", spec=plain.spec, fields=fields)
    took_s = first.took_s + second.took_s
    if second.not_tried or not first.text or second.text is None:
        return found("seed", "unknown", second.not_tried or "no text came that could be compared", took_s)
    said = f"at temperature 1 and seed {_SEED} {_texts(first.text, second.text)}"
    return found("seed", "yes" if first.text == second.text else "no", said, took_s)


def stop_sequence(caller: Caller, plain: Plain) -> Finding:
    """A piece of the plain answer as a stop sequence: asked the same again, the answer must end before it."""
    place, text = caller.promise.stop, plain.reply.text or ""
    if not place:
        return found("stop_sequence", "not applicable", "its wire format has no stop sequences")
    stop = _piece(text)
    if stop is None:
        return found("stop_sequence", "unknown", "the plain answer is too short to stop in")
    reply = caller.send("stop", spec=plain.spec, fields={place: [stop]})
    if not reply.answered:
        return found("stop_sequence", "unknown" if reply.not_tried else "deviates", reply.said, reply.took_s)
    came, reason, at_end = reply.text or "", reply.record.finish_reason, caller.promise.at_end
    said = f"asked to stop at {stop!r}: {_short(came)}, {f'finish reason {reason}' if reason else 'no finish reason'}"
    if stop in came or (text.startswith(came) and at_end and reason not in at_end):
        return found("stop_sequence", "deviates", said, reply.took_s)
    if text.startswith(came):
        return found("stop_sequence", "yes", said, reply.took_s)
    return found("stop_sequence", "unknown", f"{said}; it answered otherwise, so this need not be why", reply.took_s)


def _piece(text: str) -> str | None:
    """A word of an answer that does not stand at its beginning; None if there is none."""
    head = text.lstrip()
    for word in head.split()[1:]:
        clean = word.strip(".,;:!?\"'*")
        if clean and clean not in head.split()[0]:
            return clean
    return None


def unstreamed(caller: Caller, plain: Plain) -> Finding:
    """The same in one piece."""
    promise = caller.promise
    if not caller.wire.streams:
        return found("unstreamed", "not applicable", "its wire format knows nothing else")
    if not promise.unstreamed_field and promise.unstreamed_path is None:
        return found("unstreamed", "not applicable", "how to ask for it is not known here")
    fields: dict[Place, object] | None = {("stream",): False} if promise.unstreamed_field else None
    without = ("stream_options",) if promise.unstreamed_field else ()
    path = promise.unstreamed_path
    reply = caller.send("unstreamed", spec=plain.spec, fields=fields, without=without, path=path)
    if not reply.answered:
        return found("unstreamed", "unknown" if reply.not_tried else "deviates", reply.said, reply.took_s)
    wanted = f'one JSON document with "{promise.document_key}"'
    if _has_key(reply.exchange.body, promise.document_key):
        return found("unstreamed", "yes", wanted, reply.took_s)
    kind = reply.exchange.header("content-type") or "no content type"
    return found("unstreamed", "deviates", f"the answer ({kind}) is not {wanted}", reply.took_s)


def _has_key(body: bytes, key: str) -> bool:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    first = document[0] if isinstance(document, list) and document else document
    return isinstance(first, dict) and key in first


def lengths(caller: Caller, plain: Plain) -> list[Finding]:
    """Whether an answer that would end by itself can be made to go on. Both fields are of open models' servers."""
    promise = caller.promise
    if not promise.ignore_eos:
        said = "its wire format has no such field"
        return [found(name, "not applicable", said) for name in ("ignore_eos", "min_tokens")]
    asked = ASKS["natural"].output_tokens
    natural = caller.send("natural", spec=plain.spec)
    ended_at = natural.record.output_tokens
    if natural.not_tried or ended_at is None or ended_at >= asked:
        why = natural.not_tried or f"no answer ends by itself within {asked} tokens"
        return [found(name, "unknown", why, natural.took_s) for name in ("ignore_eos", "min_tokens")]
    return [
        _longer(caller, plain, "ignore_eos", "ignore-eos", {promise.ignore_eos: True}, ended_at),
        _longer(caller, plain, "min_tokens", "min-tokens", {promise.min_tokens: asked}, ended_at),
    ]


def _longer(
    caller: Caller, plain: Plain, finding_id: str, name: str, fields: dict[tuple[str, ...], object], ended_at: int
) -> Finding:
    reply = caller.send(name, spec=plain.spec, fields=fields)
    asked, came = ASKS[name].output_tokens, reply.record.output_tokens
    if reply.not_tried:
        return found(finding_id, "unknown", reply.not_tried, reply.took_s)
    if not reply.answered:
        return found(finding_id, "no", f"refuses the field: {reply.said}", reply.took_s)
    if came is None:
        return found(finding_id, "unknown", "no token was counted", reply.took_s)
    said = f"{came} of {asked} tokens, {ended_at} without it"
    return found(finding_id, "yes" if came >= asked else "no", said, reply.took_s)


def cached_tokens(caller: Caller, plain: Plain) -> Finding:
    """The same long prompt twice."""
    if not caller.promise.counts or not caller.promise.generates:
        return found("cached_tokens", "not applicable", "its wire format counts no such tokens")
    first = caller.send("prefix", spec=plain.spec)
    if first.not_tried or not first.answered:
        return found("cached_tokens", "unknown", f"the long prompt: {first.said}", first.took_s)
    second = caller.send("prefix-again", spec=plain.spec)
    took_s = first.took_s + second.took_s
    if second.not_tried or not second.answered:
        return found("cached_tokens", "unknown", f"the long prompt again: {second.said}", took_s)
    prompt, cached = second.record.prompt_tokens, second.record.cached_tokens
    if cached is None:
        long = "a long text" if prompt is None else f"{prompt} tokens"
        return found("cached_tokens", "no", f"says nothing of a cache, for {long} sent twice", took_s)
    said = f"{cached} of {prompt} tokens the second time, {first.record.cached_tokens or 0} the first"
    return found("cached_tokens", "yes" if cached else "no", said, took_s)


def _texts(first: str, second: str) -> str:
    if first == second:
        return f"twice {_short(first)}"
    return f"{_short(first)}, then {_short(second)}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 40 else f"{line[:39]}\N{HORIZONTAL ELLIPSIS}")
