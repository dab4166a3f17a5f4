"""An answer of the sandbox as a data frame and as files to take along."""

from io import BytesIO
from typing import TYPE_CHECKING

from warehouse.sandbox import Answer

if TYPE_CHECKING:
    import polars


def frame(answer: Answer) -> "polars.DataFrame":
    """The answer in its own types; a column with an integer beyond 64 bits, or with no value at all, is text."""
    import polars

    series = []
    for at, column in enumerate(answer.columns):
        values = [row[at] for row in answer.rows]
        if any(isinstance(value, int) and not -(1 << 63) <= value < 1 << 63 for value in values):
            values = [None if value is None else str(value) for value in values]
        nothing = all(value is None for value in values)
        series.append(polars.Series(column.name, values, dtype=polars.String if nothing else None, strict=False))
    return polars.DataFrame(series)


def to_csv(answer: Answer) -> str:
    """The answer as CSV with a head; an unknown value is empty, an instant is ISO 8601."""
    return frame(answer).write_csv()


def to_parquet(answer: Answer) -> bytes:
    """The answer as a Parquet file."""
    file = BytesIO()
    frame(answer).write_parquet(file)
    return file.getvalue()
