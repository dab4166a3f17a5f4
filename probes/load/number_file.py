"""Files of numbers: a number a line, or two with a comma between, such as lengths of prompts and of answers."""

from functools import lru_cache
from pathlib import Path
from typing import Final

from probes.errors import ProbeError

MOST: Final = 10_000_000.0  # beyond it a number is taken for a slip
_MOST_FILE_BYTES: Final = 64 << 20


@lru_cache(maxsize=8)
def read_numbers(path: Path, column: int) -> tuple[float, ...]:
    """A column of a file of numbers: a number a line, or two with a comma between. A first line of words is skipped.

    Raises:
        ProbeError: no such file, a row that is no number >= 0, no number at all. Names the row.
    """
    try:
        if path.stat().st_size > _MOST_FILE_BYTES:
            raise ProbeError(f"{path.name} is over 64 MiB; a file of lengths has a number or two a line")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise ProbeError(f"{path} cannot be read: {error.strerror}; it must have a number or two a line") from error
    except UnicodeDecodeError as error:
        raise ProbeError(f"{path.name} is not UTF-8 ({error.reason}); it must have a number or two a line") from error
    numbers: list[float] = []
    for row, line in enumerate(lines, start=1):
        cells = [cell.strip() for cell in line.split(",")]
        if cells == [""] or (row == 1 and not any(number_in(cell) is not None for cell in cells)):
            continue
        values = [value for cell in cells if (value := number_in(cell)) is not None]
        if len(values) < len(cells) or len(cells) > 2:
            raise ProbeError(f'{path.name} row {row} is "{line[:40]}"; it must be a number >= 0, or two: 512,128')
        numbers.append(values[min(column, len(values) - 1)])
    if not numbers:
        raise ProbeError(f"{path.name} has no number; it must have one or two a line")
    return tuple(numbers)


def number_in(text: str) -> float | None:
    """The number that a text is; None if it is none, or out of all bounds."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= MOST else None
