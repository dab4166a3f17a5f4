"""Tables of a config or of a command line, as dataclasses that say beside each type what a field allows.

pydantic reads what they say, and it alone tells a person what is wrong. But its import takes as long as two thousand
requests do, and a bench has one table or two, which are mostly right: one that is plainly right is made without it.
"""

import dataclasses
import math
import re
import types
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin

if TYPE_CHECKING:
    from pydantic import ConfigDict, GetCoreSchemaHandler
    from pydantic_core import CoreSchema

# For `__pydantic_config__` of a table: an unknown key is a mistake.
STRICT_KEYS: "Final[ConfigDict]" = {"extra": "forbid", "str_strip_whitespace": True}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """Bounds of a number, the pattern of a text, the fewest of a list: the parameters of pydantic's `Field`."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    allow_inf_nan: bool | None = None
    pattern: str | None = None
    min_length: int | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: "GetCoreSchemaHandler") -> "CoreSchema":  # noqa: ANN401 - a type
        """What pydantic makes of it."""
        from pydantic import Field

        given = {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}
        return handler.generate_schema(Annotated[source, Field(**given)])

    def holds(self, value: Any) -> bool:  # noqa: ANN401 - of the type that stands beside it
        """Whether a finite number, a text or a list of the right type is allowed."""
        return (
            (self.ge is None or value >= self.ge)
            and (self.gt is None or value > self.gt)
            and (self.le is None or value <= self.le)
            and (self.lt is None or value < self.lt)
            and (self.pattern is None or re.search(self.pattern, value) is not None)
            and (self.min_length is None or len(value) >= self.min_length)
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Checked:
    """What else is asked of a field: `check` returns the value to keep, or raises a ValueError that says why not."""

    check: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: "GetCoreSchemaHandler") -> "CoreSchema":  # noqa: ANN401 - a type
        """What pydantic makes of it."""
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(self.check, handler(source))


@dataclasses.dataclass(frozen=True, slots=True)
class Before:
    """What a value may stand for: `change` is given it before its type is looked at."""

    change: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: "GetCoreSchemaHandler") -> "CoreSchema":  # noqa: ANN401 - a type
        """What pydantic makes of it."""
        from pydantic_core import core_schema

        return core_schema.no_info_before_validator_function(self.change, handler(source))


@dataclasses.dataclass(frozen=True, slots=True)
class OneOf:
    """Which of several tables it is, its key `key` says."""

    key: str

    def __get_pydantic_core_schema__(self, source: Any, handler: "GetCoreSchemaHandler") -> "CoreSchema":  # noqa: ANN401 - a type
        """What pydantic makes of it."""
        from pydantic import Field

        return handler.generate_schema(Annotated[source, Field(discriminator=self.key)])


class _Doubtful(ValueError):
    """It is for pydantic to say whether it is right."""


AnyTable = TypeVar("AnyTable")


def plainly_right(table: type[AnyTable], raw: Mapping[str, Any]) -> AnyTable | None:
    """The table, if every value is of the very type of its field and allowed there: pydantic would make the same.

    Args:
        table: a dataclass with `STRICT_KEYS`.
        raw: its values by key.

    Returns:
        None if that is not plain: what would have to be converted, or is no kind of field that is looked at here, or is
        wrong. pydantic knows which.
    """
    try:
        return table(**{key: _value(_annotations(table)[key], value) for key, value in raw.items()})
    except (
        _Doubtful,
        KeyError,
        TypeError,
        ValueError,
    ):  # the last two of the table itself: a key missing, a rule broken
        return None


def _annotations(table: type[Any]) -> dict[str, Any]:
    return {field.name: field.type for field in dataclasses.fields(table)}


def _value(annotation: Any, value: Any) -> Any:  # noqa: ANN401 - any value of any type
    if get_origin(annotation) is Annotated:
        inner, *said = get_args(annotation)
        value = _value(inner, value)
        for each in said:
            value = _said(each, value)
        return value
    if get_origin(annotation) in (Union, types.UnionType):
        [inner, *others] = [each for each in get_args(annotation) if each is not type(None)]
        if others or type(None) not in get_args(annotation):
            raise _Doubtful
        return None if value is None else _value(inner, value)
    if get_origin(annotation) is Literal:
        right = type(value) is str and value in get_args(annotation)
    elif annotation is str:
        right = type(value) is str and value == value.strip()
    elif annotation is int:
        right = type(value) is int
    elif annotation is float:
        right = type(value) is float and math.isfinite(value)
    else:
        right = False
    if not right:
        raise _Doubtful
    return value


def _said(said: Any, value: Any) -> Any:  # noqa: ANN401 - any value of any type
    if isinstance(said, Checked):
        return said.check(value)
    if not isinstance(said, Allowed) or not said.holds(value):
        raise _Doubtful
    return value
