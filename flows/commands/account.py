"""`megatoken account`: one account with every factor behind it, or all of them anew under today's factors."""

import argparse
import dataclasses
from datetime import UTC, date, datetime
from typing import Any

from flows.errors import ConfigError, NightError
from flows.paths import data_dir, with_data
from warehouse.errors import WarehouseError


def run(options: argparse.Namespace) -> int:
    """Print an account, or what accounting anew has changed."""
    return _recompute(options) if options.recompute else _show(options)


def _show(options: argparse.Namespace) -> int:
    from warehouse.account_report import account_reports, find_subjects

    if options.since is not None:
        raise ConfigError(["--since says from when to account anew; give it with --recompute"])
    folder = data_dir(options.data)
    try:
        found = find_subjects(folder, options.trial or "latest")
        reports = account_reports(folder, found.ids)
    except WarehouseError as error:
        raise ConfigError([str(error)]) from error
    if options.json:
        _print_json(
            {
                "passed_over": found.passed_over,
                "accounts": [_report_json(dataclasses.asdict(report)) for report in reports],
            }
        )
        return 0
    from flows.accounttable import print_account
    from flows.commands.explain import print_passed_over
    from flows.terminal import board_console

    console = board_console()
    print_passed_over(console, found.passed_over)
    for report in reports:
        print_account(console, report)
    return 0


def _recompute(options: argparse.Namespace) -> int:
    from flows.ledgerfacts import today
    from warehouse.account_changes import account_changes
    from warehouse.accounts import account
    from warehouse.publish import publish

    if options.trial is not None:
        raise ConfigError([f"--recompute accounts all trials anew, not {options.trial} alone; --since limits it"])
    since = _day(options.since)
    folder = with_data(data_dir(options.data))
    began = datetime.now(UTC)
    try:
        accounted = account(folder, recompute=True, since=since, refresh=today)
        publish(folder)
        changes = account_changes(folder, since=began)
    except WarehouseError as error:
        raise NightError(str(error)) from error
    if options.json:
        _print_json({"accounted": accounted, "changes": [dataclasses.asdict(change) for change in changes]})
        return 0
    from flows.changestable import print_changes
    from flows.terminal import board_console

    print_changes(board_console(), accounted, changes)
    return 0


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError([f"--since {text} is no day; give one such as 2026-11-23"]) from None


def _report_json(report: dict[str, Any]) -> dict[str, Any]:
    for spread in report["spreads"]:
        spread["variance_shares"] = [
            {"quantity": quantity, "share": share} for quantity, share in spread["variance_shares"]
        ]
    return report


def _print_json(found: dict[str, Any]) -> None:
    import orjson

    print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
