"""`megatoken canary`: does each target still answer as it did, and who answers as whom; or ask now."""

import argparse
from pathlib import Path

from flows.errors import ConfigError, NightError
from flows.paths import data_dir
from probes.errors import ProbeError
from warehouse.errors import WarehouseError

_MOST_NIGHTS = 14


def run(options: argparse.Namespace) -> int:
    """Print what is known, after asking if a config is named."""
    _check(options)
    data = data_dir(options.data)
    if options.config is not None:
        try:
            asked = _ask(options, data)
        except (WarehouseError, ProbeError) as error:
            raise NightError(str(error)) from error
        if not asked:
            return 0
    return _show(options, data)


def _check(options: argparse.Namespace) -> None:
    if options.config is None:
        needless = [name for name in ("only", "max_usd", "run_id", "dry_run") if getattr(options, name)]
        if needless:
            raise ConfigError([f"--{needless[0].replace('_', '-')} goes with --config, which names whom to ask"])
    elif options.target is not None:
        raise ConfigError([f"{options.target}: with --config, name a target by --only {options.target}"])


def _ask(options: argparse.Namespace, data: Path) -> bool:
    """Ask the targets of a config; False for a dry run."""
    from flows.canaryrun import canary_plan, canary_request, canary_run
    from flows.config import load_config
    from flows.progress import TerminalObserver
    from flows.terminal import board_console, plain_console
    from flows.words import usd
    from warehouse.canary_questions import questions

    request = canary_request(
        load_config(Path(options.config)),
        data,
        only=tuple(options.only),
        max_usd=options.max_usd,
        run_id=options.run_id,
    )
    console = plain_console(stderr=True) if options.json else board_console()
    plan = canary_plan(request)
    due = plan.canaries_due
    console.print(f"run {plan.run_id}: {len(questions())} questions to each of {len(due)} targets")
    console.print(
        f"  worst case {usd(plan.quote_usd_worst)}; nobody is asked beyond {usd(request.budget_usd)} (max_usd)"
    )
    for planned in plan.canaries:
        if planned.skip_reason is not None:
            console.print(f"  {planned.target.id} is not asked: {planned.skip_reason}")
    if options.dry_run:
        return False
    with TerminalObserver(console) as observer:
        spent_usd = canary_run(request, plan, observer)
    console.print(f"  {usd(spent_usd)}\n")
    return True


def _show(options: argparse.Namespace, data: Path) -> int:
    from flows.canarytable import print_target, print_verdicts, target_json
    from flows.terminal import board_console
    from warehouse.canary import changed_answers, group_agreement, latest_verdict_rows, target_nights
    from warehouse.query import open_published

    try:
        with open_published(data) as con:
            rows = latest_verdict_rows(con)
            names = [row["target_id"] for row in rows]
            if options.target is None:
                if options.json:
                    return _print_json(rows)
                print_verdicts(board_console(), rows)
                return 0
            if options.target not in names:
                known = f"there are {', '.join(names)}" if names else "no target has been asked yet"
                raise ConfigError([f"{options.target} has no canary; {known}"])
            nights = target_nights(con, options.target, limit=_MOST_NIGHTS)
            pairs, changed = group_agreement(con, options.target), changed_answers(con, options.target)
    except WarehouseError as error:
        raise ConfigError([str(error)]) from error
    if options.json:
        return _print_json(target_json(nights, pairs, changed))
    print_target(board_console(), nights, pairs, changed)
    return 0


def _print_json(value: object) -> int:
    import orjson

    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
    return 0
