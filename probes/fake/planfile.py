"""A script as a TOML file: what a fake endpoint plays, to which requests.

ttft_ms = 50                 # also: itl_ms, gap_ms, hold_s, tokens, model, models, framing, line_end, seed
[[play]]                     # the first rule that has something for a request wins
fixture = "http-429"
every = 10                   # requests 10, 20, ... of those that fit; start = 1: requests 1, 11, ...
[[play]]
api = "anthropic"            # only requests in that format; path = "/v1/m": only at paths that begin so
requests = [3, 7]            # the 3rd and the 7th of those
fixture = "stall"
[[play]]
weights = { none = 90, http-529 = 7, truncated = 3 }   # drawn from seed; cycle = ["none", "gzip"]: each in turn
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from probes.errors import ProbeError
from probes.fake.fixtures import nearest
from probes.fake.script import FakeScript, Play
from probes.fake.steps import Framing, LineEnd

_FRAMINGS: Final = get_args(Framing)
_LINE_ENDS: Final = get_args(LineEnd)


@dataclass(frozen=True, slots=True)
class _Key:
    """How one key of the file is read: what it may be, and the field it fills."""

    field: str
    allowed: str  # for people
    fits: Callable[[Any], bool]
    made: Callable[[Any], Any]


def read_script(path: Path) -> dict[str, Any]:
    """The fields of a `FakeScript` that a file sets; those it leaves out have their defaults.

    Raises:
        ProbeError: the file cannot be read, or a key or value in it cannot be; says where, and what would be right.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProbeError(f"the script {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProbeError(f"{path.name} is not TOML: {error}") from error
    try:
        rules = table.pop("play", [])
        given = _fields(table, _SCRIPT_KEYS, ("play",))
        if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
            raise ProbeError("play must be a list of tables: write [[play]] before each rule")
        given["plays"] = tuple(_play(n, rule) for n, rule in enumerate(rules, 1))
        FakeScript(**given)  # a value out of range is the file's mistake
    except ProbeError as error:
        raise ProbeError(f"{path.name}: {error}") from error
    return given


def _play(n: int, rule: Mapping[str, Any]) -> Play:
    try:
        return Play(**_fields(rule, _PLAY_KEYS))
    except ProbeError as error:
        raise ProbeError(f"[[play]] {n}: {error}") from error


def _fields(table: Mapping[str, Any], keys: Mapping[str, _Key], more: tuple[str, ...] = ()) -> dict[str, Any]:
    fields = {}
    for name, value in table.items():
        if name not in keys:
            known = (*keys, *more)
            raise ProbeError(f'"{name}" is not a key here{nearest(name, known) or "; known: " + ", ".join(known)}')
        key = keys[name]
        if not key.fits(value):
            raise ProbeError(f"{name} = {value!r} must be {key.allowed}")
        fields[key.field] = key.made(value)
    return fields


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _each(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and bool(value) and all(map(fits, value))


def _ms(field: str) -> _Key:
    return _Key(field, "a number of milliseconds", _is_number, lambda value: value / 1e3)


def _choice(field: str, names: tuple[str, ...]) -> _Key:
    return _Key(field, " or ".join(f'"{name}"' for name in names), lambda value: value in names, str)


_SCRIPT_KEYS: Final[dict[str, _Key]] = {
    "ttft_ms": _ms("ttft_s"),
    "itl_ms": _ms("itl_s"),
    "gap_ms": _ms("gap_s"),
    "hold_s": _Key("hold_s", "a number of seconds", _is_number, float),
    "tokens": _Key("tokens", "a whole number", _is_count, int),
    "model": _Key("model", "a name", _is_text, str),
    "models": _Key("models", "a list of names", _each(_is_text), tuple),
    "framing": _choice("framing", _FRAMINGS),
    "line_end": _choice("line_end", _LINE_ENDS),
    "seed": _Key("seed", "a whole number", _is_count, int),
}
_PLAY_KEYS: Final[dict[str, _Key]] = {
    "fixture": _Key("fixture", "the name of a fixture", _is_text, str),
    "cycle": _Key("cycle", "a list of names of fixtures", _each(_is_text), tuple),
    "weights": _Key(
        "weights",
        "a table of fixtures with their shares, as { none = 90, truncated = 10 }",
        lambda value: isinstance(value, dict) and bool(value) and all(map(_is_number, value.values())),
        dict,
    ),
    "api": _Key("api", "the name of a format", _is_text, str),
    "path": _Key("path", "the beginning of a path", _is_text, str),
    "model": _Key("model", "the name of a model", _is_text, str),
    "requests": _Key("requests", "a list of whole numbers", _each(_is_count), tuple),
    "every": _Key("every", "a whole number", _is_count, int),
    "start": _Key("start", "a whole number", _is_count, int),
}
