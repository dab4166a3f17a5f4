"""Options of `megatoken prices`."""

import argparse


def add_prices_options(prices: argparse.ArgumentParser) -> None:
    """Whose prices, of when, and what to compare."""
    prices.add_argument(
        "what",
        nargs="?",
        metavar="WHAT",
        help="a target, a model, or PROVIDER/MODEL of the list (default: all targets)",
    )
    prices.add_argument(
        "--config", metavar="CONFIG", help="prices of the targets of this config (default: of the published warehouse)"
    )
    prices.add_argument("--on", metavar="DAY", help="as they hold on that day, at noon UTC (default: now)")
    prices.add_argument("--tier", metavar="T", help="only this service tier: standard, batch, flex, priority, ...")
    prices.add_argument("--drift", action="store_true", help="only where two sources disagree, and by how much")
    prices.add_argument(
        "--break-even",
        metavar="TARGET",
        help="from how many tokens a month that machine of yours is cheaper than each API that was measured beside it",
    )
    prices.add_argument(
        "--bill",
        nargs="+",
        metavar="SPAN",
        help="what changed the bill: 7d (the last 7 days against those before), or two of 2026-W47, 2026-11,"
        " 2026-11-01..2026-11-15 and names of runs, the earlier first",
    )
    prices.add_argument("--workload", metavar="W", help="with --break-even: only this workload")
    prices.add_argument(
        "--min-goodput",
        type=float,
        default=95.0,
        metavar="PERCENT",
        help="with --break-even: requests of an API that must have met the service level (default: 95)",
    )
    prices.add_argument("--json", action="store_true", help="print JSON")
