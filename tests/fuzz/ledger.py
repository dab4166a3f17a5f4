"""What was searched, for how long, and what it came to: a row a parser and run, added up over days and machines.

python -m tests.fuzz.ledger                         # of each parser: CPU minutes at today's code, what is missing
python -m tests.fuzz.ledger --code anthropic        # what of ours counts as its code
"""

import argparse
import csv
import fcntl
import io
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Final

from tests.fuzz.parsers import code_of, parsers, reached

LEDGER: Final = Path("tests/recordings/fuzz/ledger.csv")
WANTED_MINUTES: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One search of one parser, to its end or to where it was ended. Unknown is None, an empty cell."""

    ended_at: datetime  # UTC
    parser: str
    code: str  # `parsers.code_of` it, when it began
    seed: int
    is_guided: bool  # by coverage
    cpu_minutes: float  # from the first input to the last, with the making of inputs
    inputs: int
    input_bytes: int
    slowest_cpu_s: float | None  # of one input; None without any
    memory_growth_mb: float | None  # of the peak, from the first inputs on; None if there were no more than these
    broken_inputs: int  # 0 or 1: a search ends with the first

    @classmethod
    def of(cls, row: dict[str, str]) -> "Search":
        """The search that a row of the ledger tells of."""
        return cls(
            ended_at=datetime.fromisoformat(row["ended_at"]),
            parser=row["parser"],
            code=row["code"],
            seed=int(row["seed"]),
            is_guided=row["is_guided"] == "1",
            cpu_minutes=float(row["cpu_minutes"]),
            inputs=int(row["inputs"]),
            input_bytes=int(row["input_bytes"]),
            slowest_cpu_s=float(row["slowest_cpu_s"]) if row["slowest_cpu_s"] else None,
            memory_growth_mb=float(row["memory_growth_mb"]) if row["memory_growth_mb"] else None,
            broken_inputs=int(row["broken_inputs"]),
        )

    def cells(self) -> dict[str, object]:
        """The row of the ledger that tells of it."""
        return asdict(self) | {
            "ended_at": self.ended_at.isoformat(timespec="seconds"),
            "is_guided": int(self.is_guided),
            "cpu_minutes": f"{self.cpu_minutes:.3f}",
            "slowest_cpu_s": "" if self.slowest_cpu_s is None else f"{self.slowest_cpu_s:.3f}",
            "memory_growth_mb": "" if self.memory_growth_mb is None else f"{self.memory_growth_mb:.1f}",
        }


def append(path: Path, search: Search) -> None:
    """Add a row, in one write, while others may add theirs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # for the heading only: it is written once
        text = io.StringIO(newline="")
        rows = csv.DictWriter(text, [field.name for field in fields(Search)], lineterminator="\n")
        if not os.fstat(handle).st_size:
            rows.writeheader()
        rows.writerow(search.cells())
        os.write(handle, text.getvalue().encode())
    finally:
        os.close(handle)


def searches(path: Path) -> list[Search]:
    """All rows of a ledger, in their order; none if there is no file yet."""
    if not path.exists():
        return []
    with path.open(newline="") as lines:
        return [Search.of(row) for row in csv.DictReader(lines)]


def minutes_at_code(rows: Sequence[Search], parser: str, code: str) -> float:
    """CPU minutes in which that code was searched."""
    return sum(row.cpu_minutes for row in rows if (row.parser, row.code) == (parser, code))


def next_seed(rows: Sequence[Search], parser: str) -> int:
    """One that no search of this parser began with: twice the same seed finds twice the same."""
    return max((row.seed for row in rows if row.parser == parser), default=-1) + 1


def table(rows: Sequence[Search]) -> str:
    """What was searched of each parser; figures of inputs are those at today's code."""
    head = ("parser", "code", "min now", "min ever", "missing", "inputs", "MB", "slowest s", "memory MB", "broken")
    lines = [head, *(_line(rows, parser) for parser in parsers())]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = ["  ".join(_cells(line, widths)).rstrip() for line in lines]
    wanted, missing = len(parsers()) * WANTED_MINUTES, sum(_missing(rows, parser) for parser in parsers())
    dialects = [f"{', '.join(apis[1:])} by {name}" for name, apis in parsers().items() if len(apis) > 1]
    return "\n".join(
        [
            *shown,
            "",
            f"min: CPU minutes, now: at today's code; {missing:.1f} of {wanted:g} are missing",
            "inputs, MB, slowest input (CPU s), growth of the peak of memory and broken inputs: at today's code",
            f"dialects read by the parser of another format: {'; '.join(dialects)}",
        ]
    )


def _line(rows: Sequence[Search], parser: str) -> tuple[str, ...]:
    code = code_of(parser)
    ever = [row for row in rows if row.parser == parser]
    now = [row for row in ever if row.code == code]
    slowest = [row.slowest_cpu_s for row in now if row.slowest_cpu_s is not None]
    growth = [row.memory_growth_mb for row in now if row.memory_growth_mb is not None]
    return (
        parser,
        code,
        f"{sum(row.cpu_minutes for row in now):.1f}",
        f"{sum(row.cpu_minutes for row in ever):.1f}",
        f"{_missing(rows, parser):.1f}",
        f"{sum(row.inputs for row in now):,}",
        f"{sum(row.input_bytes for row in now) / 1e6:,.0f}",
        f"{max(slowest):.2f}" if slowest else "-",
        f"{max(growth):.0f}" if growth else "-",
        str(sum(row.broken_inputs for row in now)),
    )


def _missing(rows: Sequence[Search], parser: str) -> float:
    return max(WANTED_MINUTES - minutes_at_code(rows, parser, code_of(parser)), 0.0)


def _cells(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    texts, figures = 2, len(line)
    return [
        *(cell.ljust(width) for cell, width in zip(line[:texts], widths[:texts], strict=True)),
        *(cell.rjust(width) for cell, width in zip(line[texts:figures], widths[texts:figures], strict=True)),
    ]


def main() -> int:
    """Print the table, or what counts as the code of one parser."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ledger", type=Path, default=LEDGER, help=f"default: {LEDGER}")
    parser.add_argument("--code", choices=parsers(), metavar="PARSER", help="print its definitions instead")
    options = parser.parse_args()
    if options.code:
        print("\n".join(f"{module}.{name}" for module, name in sorted(reached(options.code))))
    else:
        print(table(searches(options.ledger)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
