"""A log of requests as gateways and providers export it, read for the tokens that are in it and for nothing else.

CSV, JSON lines (nested objects are looked into) or Parquet. Columns are found by the names that exports use: those of
OpenAI's and Anthropic's answers, of OpenAI's usage export (a row may hold many requests: `num_model_requests`), of
Gemini, and of the public Azure and Mooncake traces. Whatever else a row holds is not looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from warehouse.errors import WarehouseError
from warehouse.formulas.breakeven import SECONDS_PER_MONTH
from warehouse.formulas.usage import Floats, Usage
from warehouse.usage_log_file import table_of

if TYPE_CHECKING:
    import polars as pl

MAX_BYTES: Final = 50_000_000
MAX_ROWS: Final = 1_000_000
MAX_TOKENS: Final = 100_000_000  # of one request; a larger number is no count of tokens
_NAMES: Final = {
    "prompt": (
        "prompt_tokens", "input_tokens", "usage.prompt_tokens", "usage.input_tokens", "prompt_token_count",
        "n_context_tokens_total", "contexttokens", "input_length",
    ),
    "output": (
        "completion_tokens", "output_tokens", "usage.completion_tokens", "usage.output_tokens",
        "candidates_token_count", "n_generated_tokens_total", "generatedtokens", "output_length",
    ),
    "cached": (
        "cached_tokens", "input_cached_tokens", "cached_input_tokens", "cache_read_input_tokens",
        "usage.cache_read_input_tokens", "prompt_tokens_details.cached_tokens", "input_tokens_details.cached_tokens",
        "usage.prompt_tokens_details.cached_tokens", "usage.input_tokens_details.cached_tokens",
        "cached_content_token_count",
    ),
    "written": (
        "cache_write_tokens", "cache_creation_input_tokens", "usage.cache_creation_input_tokens",
        "usage.prompt_tokens_details.cache_write_tokens",
    ),
    "requests": ("num_model_requests", "n_requests", "num_requests", "requests"),
}  # fmt: skip
_STARTS: Final = ("timestamp", "start_time", "created_at", "created", "started_at", "time", "date")
_ENDS: Final = ("end_time", "ended_at")
_WANTED: Final = frozenset(
    name.rsplit(".", 1)[-1] for name in (*(name for names in _NAMES.values() for name in names), *_STARTS, *_ENDS)
)
# Anthropic counts what was read from or written to its cache beside input_tokens, not in it.
_BESIDE_THE_INPUT: Final = ("cache_read_input_tokens", "cache_creation_input_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageLog:
    """What a log holds. `span_s` is None where it does not say over which time; `notes` what a reader should know."""

    requests: Floats  # of each row
    prompt: Floats  # tokens of one request of it, and so on
    cached: Floats
    written: Floats
    output: Floats
    span_s: float | None
    columns: tuple[str, ...]  # those that were read
    notes: tuple[str, ...]

    def month(self, span_s: float) -> Usage:
        """The log as a month of it, if it covers so many seconds."""
        return Usage(
            requests=self.requests * (SECONDS_PER_MONTH / span_s),
            prompt=self.prompt,
            cached=self.cached,
            written=self.written,
            output=self.output,
        )


def read_usage_log(data: bytes, name: str) -> UsageLog:
    """Read a log.

    Args:
        data: the file.
        name: its name; the ending says what it is: .csv, .json, .jsonl, .ndjson or .parquet.

    Raises:
        WarehouseError: it is too large, cannot be read, has no columns of tokens, or a line is no request: one sentence
            with the line.
    """
    if len(data) > MAX_BYTES:
        raise WarehouseError(
            f"{name} has {len(data) / 1e6:,.0f} MB; at most {MAX_BYTES / 1e6:.0f} MB are read, give a part of it"
        )
    frame, first_line = table_of(data, name, wanted=_WANTED)
    if frame.height == 0:
        raise WarehouseError(f"{name} holds no row; give a log with one request in each")
    if frame.height > MAX_ROWS:
        raise WarehouseError(f"{name} has {frame.height:,} rows; at most {MAX_ROWS:,} are read, give a part of it")
    found = {what: _column(frame, names) for what, names in _NAMES.items()}
    prompt_column, output_column = found["prompt"], found["output"]
    if prompt_column is None or output_column is None:
        lacking = " and ".join(what for what in ("prompt", "output") if found[what] is None)
        raise WarehouseError(
            f"{name} has no column of {lacking} tokens; it has {_listed(frame.columns)}, and wanted are, for example,"
            " prompt_tokens and completion_tokens"
        )
    where = _Where(name=name, first_line=first_line)
    prompt, output = _counts(frame, prompt_column, where), _counts(frame, output_column, where)
    nothing = np.zeros(frame.height)
    cached = nothing if found["cached"] is None else _counts(frame, found["cached"], where, blank=0.0)
    written = nothing if found["written"] is None else _counts(frame, found["written"], where, blank=0.0)
    notes = []
    beside = [c for c in (found["cached"], found["written"]) if c is not None and c.endswith(_BESIDE_THE_INPUT)]
    if beside and prompt_column.endswith("input_tokens"):
        prompt = prompt + sum(_counts(frame, c, where, blank=0.0) for c in beside)
        notes.append(
            f"{' and '.join(beside)} count beside {prompt_column}, as Anthropic reports them: added to the prompts"
        )
    requests = np.ones(frame.height)
    if found["requests"] is not None:
        requests = _counts(frame, found["requests"], where)
        if (requests > 1).any():
            notes.append("rows hold several requests each: their lengths are means, so that a price by length is rough")
    kept = requests > 0
    if not kept.any():
        raise WarehouseError(f"{name} holds no request: every row counts 0 of them")
    over = np.maximum(requests, 1) if found["requests"] is not None else 1.0
    prompt, output, cached, written = prompt / over, output / over, cached / over, written / over
    _check(where, prompt, cached, written, output)
    return UsageLog(
        requests=requests[kept],
        prompt=prompt[kept],
        cached=cached[kept],
        written=written[kept],
        output=output[kept],
        span_s=_span_s(frame),
        columns=tuple(dict.fromkeys(column for column in found.values() if column is not None)),
        notes=tuple(notes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Where:
    name: str
    first_line: int | None  # line of the first row; None where rows are no lines

    def row(self, at: int) -> str:
        return f"{self.name} row {at + 1}" if self.first_line is None else f"{self.name} line {at + self.first_line}"


def _column(frame: "pl.DataFrame", names: Sequence[str]) -> str | None:
    by_name = {column.lower().strip(): column for column in frame.columns}
    return next((by_name[name] for name in names if name in by_name), None)


def _counts(frame: "pl.DataFrame", column: str, where: _Where, *, blank: float | None = None) -> Floats:
    """A column as numbers; `blank` stands for a cell that is empty, if one may be."""
    import polars as pl

    text = frame[column].cast(pl.String).str.strip_chars()
    numbers = text.cast(pl.Float64, strict=False)
    empty = text.is_null() | (text == "")
    if blank is not None:
        numbers = pl.select(pl.when(empty).then(pl.lit(blank)).otherwise(numbers)).to_series()
    values = np.asarray(numbers.to_numpy(), dtype=np.float64)
    wrong = ~(np.isfinite(values) & (values >= 0) & (values <= MAX_TOKENS * 1e6))
    if wrong.any():
        at = int(np.argmax(wrong))
        said = text[at]
        raise WarehouseError(f"{where.row(at)}: {column} is {_short(said)}; it must be a count, 0 or more")
    return values


def _check(where: _Where, prompt: Floats, cached: Floats, written: Floats, output: Floats) -> None:
    too_many = cached + written > prompt * (1 + 1e-9)
    if too_many.any():
        at = int(np.argmax(too_many))
        raise WarehouseError(
            f"{where.row(at)}: {cached[at] + written[at]:g} cached tokens are more than the {prompt[at]:g} of the"
            " prompt; they are part of it"
        )
    too_long = (prompt > MAX_TOKENS) | (output > MAX_TOKENS)
    if too_long.any():
        at = int(np.argmax(too_long))
        raise WarehouseError(
            f"{where.row(at)}: a request of {max(prompt[at], output[at]):g} tokens cannot be; a sum of many requests"
            " needs their number beside it, in num_model_requests"
        )


def _span_s(frame: "pl.DataFrame") -> float | None:
    """From the first start to the last end, seconds; None if no column of times can be read as a whole."""
    column = _column(frame, _STARTS)
    if column is None:
        return None
    starts = _instants(frame[column])
    end_column = _column(frame, _ENDS)
    ends = starts if end_column is None else _instants(frame[end_column])
    if not starts or not ends:
        return None
    seconds = (max(ends) - min(starts)).total_seconds()
    return seconds if seconds > 0 else None


def _instants(series: "pl.Series") -> list[datetime]:
    """Instants of a column; empty if one of them is none."""
    import polars as pl

    if series.dtype in (pl.Datetime, pl.Date):
        return [_utc(value) for value in (series.min(), series.max()) if isinstance(value, datetime)]
    text = series.cast(pl.String).drop_nulls()
    numbers = text.cast(pl.Float64, strict=False)
    if not text.len():
        return []
    if numbers.null_count() == 0:
        ends = [float(value) for value in (numbers.min(), numbers.max()) if isinstance(value, float)]
        # seconds since 1970, or thousandths of them; a trace that counts from its own start has smaller ones
        scale = 1e3 if ends and ends[-1] > 1e11 else 1.0
        return [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value / scale) for value in ends]
    parsed = []
    for value in (text.min(), text.max()):
        try:
            parsed.append(_utc(datetime.fromisoformat(str(value))))
        except ValueError:
            return []
    return parsed


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _listed(columns: Sequence[str]) -> str:
    shown = ", ".join(_short(column) for column in columns[:8])
    return f"{shown} and {len(columns) - 8} more" if len(columns) > 8 else shown or "none"


def _short(value: object) -> str:
    if value is None or value == "":
        return "empty"
    text = repr(str(value))
    return text if len(text) <= 42 else f"{text[:39]}...'"
