"""Options of `megatoken grid`."""

import argparse
from datetime import date

from flows.options import Help


def add_grid_options(grid: argparse.ArgumentParser) -> None:
    """What hours are there, and two ways to bring some."""
    grid.add_argument("--json", action="store_true", help="print a JSON list of rows")
    actions = grid.add_subparsers(dest="action", metavar="import | fetch", parser_class=type(grid))

    bring = _action(
        actions,
        "import",
        "bring the hours of a CSV file",
        "megatoken grid import hours.csv --zone DEU\n"
        "  megatoken grid import DE_2025_hourly.csv --zone DEU --source 'Electricity Maps 2025'",
        "Known files: columns hour_at and gco2e_per_kwh, or an hourly download of Electricity Maps (life cycle); any"
        " other by naming its columns. Instants need an offset, or --timezone.",
    )
    bring.add_argument("file", metavar="FILE", help="CSV with a header")
    bring.add_argument("--zone", required=True, metavar="Z", help="zone of the grid, as [site] of a config names it")
    bring.add_argument(
        "--signal", choices=("average", "marginal"), default="average", help="accounts use average (default: average)"
    )
    bring.add_argument("--source", metavar="TEXT", help="who published it (default: the name of the file)")
    bring.add_argument("--timezone", metavar="TZ", help="of instants without an offset, such as Europe/Berlin")
    bring.add_argument("--time-column", metavar="NAME", help="column that says when")
    bring.add_argument("--value-column", metavar="NAME", help="column that says gCO2e/kWh")

    fetch = _action(
        actions,
        "fetch",
        "ask the provider that a config names in [site.grid_provider]",
        "megatoken grid fetch --config night.toml --from 2026-11-01 --to 2026-11-07",
        "Providers: electricity-maps, watttime (marginal), uk-carbon-intensity. Keys come from the environment. Hours"
        " that are known and unchanged are not stored again.",
    )
    fetch.add_argument("--config", required=True, metavar="CONFIG", help="whose [site.grid_provider] to ask")
    fetch.add_argument(
        "--from",
        dest="first",
        type=_day,
        metavar="D",
        help="first day, UTC (default: a day before the last known hour)",
    )
    fetch.add_argument("--to", dest="last", type=_day, metavar="D", help="last day, UTC, with it (default: until now)")


def _action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, summary: str, example: str, more: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}. {more}",
        epilog=f"example:\n  {example}",
        formatter_class=Help,
    )
    # Without a default of its own: it would undo what was given before the action.
    parser.add_argument("--data", metavar="DIR", default=argparse.SUPPRESS, help="where data lives")
    return parser


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day; write it as 2026-11-01") from None
