"""What an endpoint makes of requests that are wrong, odd, or beyond what it may know."""

from dataclasses import replace
from typing import Final

import orjson

from probes.capability.answer import Plain
from probes.capability.asks import TOO_WIDE_PIXELS
from probes.capability.caller import MADE_UP_MODEL, Caller
from probes.capability.finding import Finding, Verdict, found
from probes.capability.reply import Reply
from probes.load.sse import cut_events

_STRANGE_FIELD: Final = ("megatoken_check",)


def made_up_model(caller: Caller, plain: Plain) -> Finding:
    """A model that nobody has."""
    if not caller.promise.model_decides or not caller.names_model:
        return found("made_up_model", "not applicable", "no name in a request decides which model answers")
    reply = caller.send("made-up-model", spec=replace(plain.spec, model=MADE_UP_MODEL))
    if reply.not_tried:
        return found("made_up_model", "unknown", reply.not_tried, reply.took_s)
    if reply.answered:
        said = f"HTTP {reply.status}: it answers under any name, so nothing says which model it is"
        return found("made_up_model", "deviates", said, reply.took_s)
    verdict: Verdict = "yes" if reply.refused else "deviates"
    return found("made_up_model", verdict, f"{reply.error_class}: {reply.said}", reply.took_s)


def bad_request(caller: Caller, plain: Plain) -> Finding:
    """A request without what every request needs."""
    needs = caller.promise.needs
    if not needs or not caller.speaks_json:
        return found("bad_request", "not applicable", "how to ask badly is not known here")
    reply = caller.send("bad-request", spec=plain.spec, without=(needs,))
    if reply.not_tried:
        return found("bad_request", "unknown", reply.not_tried, reply.took_s)
    said = f'without "{needs}" {reply.said}'
    if reply.answered:
        return found("bad_request", "deviates", f'HTTP {reply.status} to a request without "{needs}"', reply.took_s)
    if not reply.refused:
        return found("bad_request", "deviates", f"{said}: its own fault, it says", reply.took_s)
    if not caller.promise.is_error(_json(reply)):
        return found("bad_request", "deviates", f"{said}; not in the form of its standard", reply.took_s)
    return found("bad_request", "yes", said, reply.took_s)


def wrong_key(caller: Caller, plain: Plain) -> Finding:
    """A made-up key in the place of the real one, which is not sent."""
    if plain.spec.api_key is None:
        return found("wrong_key", "not applicable", "no key is configured")
    if caller.wire.sign is not None:
        return found("wrong_key", "not applicable", "requests are signed, no key is sent")
    reply = caller.send("wrong-key", spec=plain.spec, wrong_key=True)
    if reply.not_tried:
        return found("wrong_key", "unknown", reply.not_tried, reply.took_s)
    if reply.answered:
        return found("wrong_key", "deviates", f"HTTP {reply.status}: it answers under any key", reply.took_s)
    is_about_it = reply.error_class == "auth" or (reply.refused and "key" in reply.said.lower())
    return found("wrong_key", "yes" if is_about_it else "deviates", reply.said, reply.took_s)


def unknown_field(caller: Caller, plain: Plain) -> Finding:
    """A field of ours."""
    if not caller.speaks_json:
        return found("unknown_field", "not applicable", "its requests are not JSON")
    reply = caller.send("unknown-field", spec=plain.spec, fields={_STRANGE_FIELD: 1})
    if reply.not_tried:
        return found("unknown_field", "unknown", reply.not_tried, reply.took_s)
    verdict: Verdict = "yes" if reply.answered else "no" if reply.refused else "deviates"
    said = f"HTTP {reply.status}" if reply.answered else reply.said
    return found("unknown_field", verdict, said, reply.took_s)


def empty_prompt(caller: Caller, plain: Plain) -> Finding:
    """Nothing at all."""
    return _borne("empty_prompt", caller.send("empty", spec=plain.spec), "")


def pictures(caller: Caller, plain: Plain) -> list[Finding]:
    """A small red square; where it is taken, one that is wider than providers take."""
    if not caller.promise.pictures:
        said = "its wire format has no place for one"
        return [found(name, "not applicable", said) for name in ("picture", "large_picture")]
    reply = caller.send("picture", spec=plain.spec)
    small = _small_picture(reply)
    if not reply.answered:
        return [small, found("large_picture", "not applicable", "it takes no picture at all")]
    large = caller.send("large-picture", spec=plain.spec)
    return [small, _borne("large_picture", large, f"{TOO_WIDE_PIXELS:,} pixels wide: ")]


def _small_picture(reply: Reply) -> Finding:
    if reply.not_tried:
        return found("picture", "unknown", reply.not_tried, reply.took_s)
    if not reply.answered:
        return found("picture", "no" if reply.refused else "deviates", reply.said, reply.took_s)
    text = " ".join((reply.text or "").split())
    if "red" in text.lower():
        return found("picture", "yes", f"a red square is {text!r}", reply.took_s)
    return found("picture", "unknown", f"it answers, but not that the square is red: {text[:60]!r}", reply.took_s)


def _borne(finding_id: str, reply: Reply, what: str) -> Finding:
    """An answer or a refusal is fine, a breakdown is not."""
    if reply.not_tried:
        return found(finding_id, "unknown", reply.not_tried, reply.took_s)
    if reply.answered:
        return found(finding_id, "yes", f"{what}HTTP {reply.status}, it answers", reply.took_s)
    return found(finding_id, "yes" if reply.refused else "deviates", f"{what}{reply.said}", reply.took_s)


def _json(reply: Reply) -> object:
    """The document of an answer, or that of its first event: Triton refuses a stream by an event."""
    body = reply.exchange.body
    events = cut_events(body).data if body.startswith(b"data:") else []
    try:
        parsed: object = orjson.loads(events[0] if events else body)
    except orjson.JSONDecodeError:
        return None
    return parsed
