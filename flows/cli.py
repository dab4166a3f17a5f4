"""The `megatoken` command. Until a command is chosen only the standard library is imported, so `--help` is quick."""

import argparse
import contextlib
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from flows.errors import ConfigError, NightError
from flows.options import Parser, add_command
from flows.options.account import add_account_options
from flows.options.bench import add_bench_options
from flows.options.canary import add_canary_options
from flows.options.check import add_check_options
from flows.options.factors import add_factors_options
from flows.options.fake import add_fake_options
from flows.options.footprint import add_footprint_options
from flows.options.grid import add_grid_options
from flows.options.leaderboard import add_leaderboard_options
from flows.options.prices import add_prices_options
from flows.options.pulse import add_pulse_options
from flows.options.replay import add_replay_options
from flows.options.report import add_report_options
from flows.options.sql import add_sql_options
from flows.options.track import add_track_options
from flows.options.ui import add_ui_options
from flows.options.watch import add_watch_options
from flows.version import VERSION

DEFAULT_CONFIG = "flows/configs/first-night.toml"
PULSE_CONFIG = "flows/configs/providers.example.toml"


def build_parser() -> argparse.ArgumentParser:
    """Every command with its options, a help text and an example."""
    parser = Parser(
        prog="megatoken",
        description="What a million tokens cost: in seconds, in dollars and in grams of CO2e, at each provider"
        " and on each machine.",
        epilog="example:\n  megatoken night && megatoken leaderboard",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"megatoken {VERSION}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)

    night = add_command(
        commands,
        "night",
        "measure every target of a config, account for it and publish the leaderboard",
        "megatoken night flows/configs/first-night.toml --max-usd 0.05",
    )
    night.add_argument("config", nargs="?", default=DEFAULT_CONFIG, metavar="CONFIG", help=f"default: {DEFAULT_CONFIG}")
    night.add_argument("--only", action="append", default=[], metavar="ID", help="measure this target only; repeatable")
    night.add_argument("--max-usd", type=float, metavar="X", help="stop before spending more (default: the config's)")
    night.add_argument("--run-id", metavar="ID", help="go on with that run: what has landed is not measured again")
    night.add_argument("--dry-run", action="store_true", help="show the plan and its worst-case cost; send nothing")
    night.add_argument("--no-prefect", action="store_true", help="run the same pipeline without Prefect")

    add_pulse_options(
        add_command(
            commands,
            "pulse",
            "send a few attempts to each hosted target of a config: when it is slow or down, between nights",
            "megatoken pulse my-night.toml --dry-run",
        ),
        PULSE_CONFIG,
    )

    add_bench_options(
        add_command(
            commands,
            "bench",
            "load one endpoint, without a config or Prefect",
            "megatoken bench http://127.0.0.1:8000/v1 --model llama --concurrency 8 --requests 64 --json\n"
            "  megatoken bench URL --model llama --arrivals gamma --rate 20 --burstiness 0.5 --duration 60\n"
            "  megatoken bench URL --model llama --trace azure.csv --trace-speed 2 --duration 600\n"
            "  megatoken bench URL --model llama --find-rate --slo-ttft-ms 500 --rate-max 200",
        )
    )

    add_canary_options(
        add_command(
            commands,
            "canary",
            "say of each target whether it still answers as it did, and who answers as whom; or ask now",
            "megatoken canary my-endpoint\n  megatoken canary --config flows/configs/first-night.toml",
        )
    )

    add_check_options(
        add_command(
            commands,
            "check",
            "ask an endpoint what it can do and where it leaves its standard, in some twenty cheap calls",
            "megatoken check my-endpoint --config my-night.toml\n"
            "  megatoken check --url http://127.0.0.1:8000/v1 --api openai-chat --model llama --no-land",
        ),
        DEFAULT_CONFIG,
    )

    add_leaderboard_options(
        add_command(
            commands,
            "leaderboard",
            "print the published leaderboard",
            "megatoken leaderboard --workload chat --by operational_gco2e_per_output_mtok",
        )
    )

    add_sql_options(
        add_command(
            commands,
            "sql",
            "ask the published snapshot in SQL, read-only",
            'megatoken sql "SELECT target_id, ttft_p50_s FROM leaderboard ORDER BY 2"\n'
            '  megatoken sql "FROM attempt_metrics" --output attempts.parquet',
        )
    )

    explain = add_command(
        commands,
        "explain",
        "show one trial under the definitions of other load generators, and why their numbers differ",
        "megatoken explain latest",
    )
    explain.add_argument(
        "trial",
        nargs="?",
        default="latest",
        metavar="TRIAL",
        help="a trial_id, the beginning of one, or latest (the default)",
    )
    explain.add_argument("--json", action="store_true", help="print one JSON object, in base units")

    add_account_options(
        add_command(
            commands,
            "account",
            "show one account with every factor behind it, or account history anew under today's factors",
            "megatoken account latest\n  megatoken account --recompute --since 2026-11-01",
        )
    )

    add_factors_options(
        add_command(
            commands,
            "factors",
            "list the factors that accounts rest on, with range, source and age, or what has changed",
            "megatoken factors grid_intensity --key FRA\n  megatoken factors --diff",
        )
    )

    add_footprint_options(
        add_command(
            commands,
            "footprint",
            "estimate what a training, a fine-tuning or an answer takes, from parameters alone",
            "megatoken footprint train --params 175e9 --tokens 300e9 --device V100 --count 10000 --achieved-tflops 24.6"
            "\n    --system-power-w 330 --pue 1.1 --grid-gco2e-per-kwh 429 --json\n  megatoken footprint validate",
        )
    )

    add_command(
        commands,
        "publish",
        "bring everything that has landed into the warehouse, account for it and publish a snapshot",
        "megatoken publish",
    )

    add_track_options(
        add_command(
            commands,
            "track",
            "meter any command, such as a training run, and account for what it took",
            "megatoken track --config night.toml --idle 30 --unit training_token --units 3e8 -- python train.py",
        )
    )
    add_grid_options(
        add_command(
            commands,
            "grid",
            "list the hourly grid intensities that accounts may use; bring more from a file or a provider",
            "megatoken grid import hours.csv --zone DEU --timezone Europe/Berlin",
        )
    )

    add_prices_options(
        add_command(
            commands,
            "prices",
            "list what every target costs, since when and by which source; where sources disagree; break-even",
            "megatoken prices --config flows/configs/providers.example.toml\n  megatoken prices --break-even my-gpu",
        )
    )

    add_replay_options(
        add_command(
            commands,
            "replay",
            "show what a failed attempt sent and got back, and send the same request once more"
            " (exit code 0: it is answered now; 1: it failed again; 2: a mistake)",
            "megatoken replay\n  megatoken replay bench-2026-11-23T090000Z-1a2b.adhoc.adhoc.1.00007 --show",
        )
    )

    add_report_options(
        add_command(
            commands,
            "report",
            "write the published figures as one HTML file to publish or mail, or as SVG badges",
            "megatoken report --html megatoken.html\n  megatoken report --badges badges --target openai-mini",
        )
    )

    add_ui_options(
        add_command(
            commands,
            "ui",
            "show every page in a browser, to this machine alone unless --host says otherwise",
            "megatoken ui --port 8501",
        )
    )

    add_watch_options(
        add_command(
            commands,
            "watch",
            "say what changed from night to night - figures, failures, prices - and what else differed that night",
            "megatoken watch --since 2026-11-01\n  megatoken watch my-endpoint --nights",
        )
    )

    add_fake_options(
        add_command(
            commands,
            "fake",
            "serve an endpoint that speaks every wire format and makes the trouble it is told to: test a client by it",
            "megatoken fake --list\n  megatoken fake --fixture http-429 --every 10 --log truth.jsonl\n"
            "  megatoken fake --script trouble.toml --ttft-ms 200 --itl-ms 20",
        )
    )

    doctor = add_command(
        commands,
        "doctor",
        "say which meters, engines, weights, keys and ports are usable here, and what to do about the others",
        "megatoken doctor flows/configs/providers.example.toml",
    )
    doctor.add_argument(
        "config",
        nargs="?",
        default=DEFAULT_CONFIG,
        metavar="CONFIG",
        help=f"whose keys to check (default: {DEFAULT_CONFIG})",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0; 1 for a night in which targets failed; 2 for a mistake of the user's."""
    options = build_parser().parse_args(arguments)
    gc.disable()  # what a module brings is no garbage: not to look for any spares a twentieth of the start
    command = importlib.import_module(f"flows.commands.{options.command}")
    gc.enable()
    try:
        code: int = command.run(options)
    except ConfigError as error:
        for problem in error.problems:
            print(f"megatoken: {problem}", file=sys.stderr)
        return 2
    except NightError as error:
        print(f"megatoken: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("megatoken: ended by Ctrl-C", file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has left (`| head`): nobody to tell
        return 0
    return code


def console() -> NoReturn:
    """The program: `main` on what was typed, and its code for the shell."""
    code = main()
    if "flows.commands.bench" in sys.modules:
        # All that it measured is on the disk. To take its objects apart one by one before the process ends takes a
        # twentieth of the CPU of a short bench.
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    console()
