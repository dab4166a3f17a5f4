"""`megatoken explain`: one landed trial under our definitions and those of other load generators."""

import argparse
from typing import TYPE_CHECKING, Any

from flows.errors import ConfigError
from flows.paths import data_dir
from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from warehouse.explain import Explained

# metric -> (name, unit, what a stored value is multiplied by)
SHOWN = {
    **{
        f"{name}_p{percent}_s": (f"{name.upper()} p{percent}", "ms", 1e3)
        for name in ("ttft", "tpot", "itl", "e2e")
        for percent in (50, 95, 99)
    },
    "output_tokens_per_s": ("output", "tokens/s", 1.0),
    "goodput_share": ("goodput", "%", 100.0),
    "goodput_rps": ("goodput", "requests/s", 1.0),
}
ALIKE_SHARE = 0.0005  # closer than this a deviation is shown as none
LARGE_SHARE = 0.05
MOST_COLUMNS = 100


def run(options: argparse.Namespace) -> int:
    """Print the figures of one trial under every definition."""
    from warehouse.explain import explain, find_trial

    folder = data_dir(options.data)
    try:
        found = find_trial(folder, options.trial)
        explained = explain(folder, found.ids[0])
    except WarehouseError as error:
        raise ConfigError([str(error)]) from error
    if options.json:
        import orjson

        print(orjson.dumps(as_json(explained, found.passed_over), option=orjson.OPT_INDENT_2).decode())
        return 0
    from flows.terminal import board_console

    console = board_console()
    print_passed_over(console, found.passed_over)
    print_explained(console, explained)
    return 0


def print_passed_over(console: "Console", said: str | None) -> None:
    """Which newer trial `latest` does not mean, if there is one."""
    if said is not None:
        from rich.text import Text

        console.print(Text(said, style="yellow"), width=min(console.width, MOST_COLUMNS))
        console.print()


def as_json(explained: "Explained", passed_over: str | None = None) -> dict[str, Any]:
    """What `--json` prints: figures in base units (seconds, tokens per second, shares), None where there is none."""
    return {
        "trial_id": explained.trial_id,
        "passed_over": passed_over,
        "started_at": explained.started_at.isoformat(),
        "attempts": explained.attempts,
        "ok": explained.ok,
        "events": explained.events,
        "events_missing": explained.events_missing,
        "tools": {
            tool: {
                "figures": dict(row),
                "deviation_shares": {metric: deviation_share(explained, tool, metric) for metric in row},
                "why": explained.why[tool],
            }
            for tool, row in explained.figures.items()
        },
    }


def deviation_share(explained: "Explained", tool: str, metric: str) -> float | None:
    """(theirs - ours) / ours; None if one of the two is not there, or ours is 0."""
    ours = next(iter(explained.figures.values())).get(metric)
    theirs = explained.figures[tool].get(metric)
    return None if not ours or theirs is None else (theirs - ours) / ours


def print_explained(console: "Console", explained: "Explained") -> None:
    """What it rests on, the table, and a sentence for each tool."""
    from rich.table import Table
    from rich.text import Text

    width = min(console.width, MOST_COLUMNS)
    ours = next(iter(explained.figures))
    console.print(Text(explained.trial_id, style="bold"))
    began = f"{explained.started_at:%Y-%m-%d %H:%M} UTC, {explained.attempts} measured attempts, {explained.ok} ok"
    rests = f"{explained.events} events" if explained.events_missing is None else explained.events_missing
    console.print(Text(f"{began}; {rests}", style="dim"), width=width)
    console.print()
    console.print(explained_table(explained))
    console.print()
    reasons = Table.grid(padding=(0, 2, 0, 0))
    for tool, why in explained.why.items():
        reasons.add_row(Text(tool, style="bold"), Text(f"{why}."))
    console.print(reasons, width=width)
    console.print()
    note = (
        f"Percentages are against {ours}. Clock readings, what counts as a success, token counts and percentiles"
        " (nearest rank) are ours in every column: only the definitions differ."
    )
    console.print(Text(note, style="dim"), width=width)


def explained_table(explained: "Explained") -> "Table":
    """A row a metric, a column a tool; metrics that no tool has a figure of are left out."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for n, tool in enumerate(explained.figures):
        # the longest name in two lines, and the others on the lower one
        head = "inference-\nperf" if tool == "inference-perf" else f"\n{tool}"
        table.add_column(head, justify="right", no_wrap=True, vertical="top", style="bold" if n == 0 else "")
    for metric, (name, unit, scale) in SHOWN.items():
        values = [row.get(metric) for row in explained.figures.values()]
        if any(value is not None for value in values):
            label = Text(name).append(f"\n{unit}", style="dim")
            cells = (_cell(explained, tool, metric, scale) for tool in explained.figures)
            table.add_row(label, *cells)
    return table


def _cell(explained: "Explained", tool: str, metric: str, scale: float) -> "Text":
    from rich.text import Text

    value = explained.figures[tool].get(metric)
    if value is None:
        return Text("-", style="dim")
    cell = Text(significant(value * scale))
    if tool == next(iter(explained.figures)):
        return cell
    deviation = deviation_share(explained, tool, metric)
    if deviation is None:
        return cell
    if abs(deviation) < ALIKE_SHARE:
        return cell.append("\n=", style="dim")
    return cell.append(f"\n{_percent(deviation)}", style="yellow" if abs(deviation) >= LARGE_SHARE else "dim")


def _percent(share: float) -> str:
    if share >= 9.995:
        return f"x {significant(share + 1, 3)}"
    return f"{share * 100:+.{1 if abs(share) < 0.0995 else 0}f} %"


def significant(value: float, digits: int = 4) -> str:
    """A number to so many significant digits, and no exponent."""
    if value == 0:
        return "0"
    from math import floor, log10

    return f"{value:.{max(digits - 1 - floor(log10(abs(value))), 0)}f}"
