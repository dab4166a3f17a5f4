"""Pydantic's findings as sentences for the person who wrote the config."""

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError


def sentences(error: ValidationError, raw: Mapping[str, Any], holders: Mapping[str, type[Any]]) -> Iterator[str]:
    """One sentence a mistake: where it is, the value, what is allowed.

    Args:
        error: what pydantic found.
        raw: the table that was checked, for naming list items by their id.
        holders: the model or dataclass under each key, "" for the whole, for naming the nearest known key.
    """
    for problem in error.errors():
        where = _path([str(p) if not isinstance(p, int) else p for p in problem["loc"]], raw)
        message = problem["msg"].removeprefix("Value error, ")
        value = problem["input"]
        if problem["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
            yield f"{where} is not a known key{_nearest(problem['loc'], holders)}"
        elif problem["type"] == "missing":
            yield f"{where} is missing and has no default"
        elif isinstance(value, dict | list) or "_env" in where:  # it may be a secret in the wrong place
            yield f"{where}: {message}" if where else message
        else:
            yield f"{where} = {value!r}: {_plain(message)}"


def _plain(message: str) -> str:
    """Pydantic's sentence in our words: what is allowed, without saying "input" to a person."""
    message = message.replace("Input should be", "must be").replace("greater than or equal to", ">=")
    message = message.replace("less than or equal to", "<=").replace("greater than", ">").replace("less than", "<")
    return message[0].lower() + message[1:]


def _path(loc: list[str | int], raw: Any) -> str:  # noqa: ANN401 - walks whatever the file held
    """`targets[2] "groq" price`: the place in the file, without the union tags that pydantic puts into its paths."""
    parts: list[str] = []
    here = raw
    for step in loc:
        if isinstance(step, int):
            label = here[step].get("id") if isinstance(here, list) and isinstance(here[step], dict) else None
            parts[-1:] = [f"{parts[-1]}[{step}]" + (f' "{label}"' if isinstance(label, str) else "")]
            here = here[step] if isinstance(here, list) else None
        elif step in ("endpoint", "local") and isinstance(here, dict) and here.get("kind") == step:
            continue
        else:
            parts.append(step)
            here = here.get(step) if isinstance(here, dict) else None
    return " ".join(parts)


def _nearest(loc: tuple[int | str, ...], holders: Mapping[str, type[Any]]) -> str:
    holder = next((holders[p] for p in reversed(loc[:-1]) if isinstance(p, str) and p in holders), holders[""])
    known = list(holder.model_fields if issubclass(holder, BaseModel) else (f.name for f in dataclasses.fields(holder)))
    return nearest_sentence(str(loc[-1]), known)


def nearest_sentence(given: str, known: list[str]) -> str:
    """What may have been meant, or what there is; to be put behind a sentence."""
    near = difflib.get_close_matches(given, known, n=1)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known)}"
