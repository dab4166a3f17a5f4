"""The `megatoken` command. Until a command is chosen only the standard library is imported, so `--help` is quick."""

import argparse
import importlib
import sys
from collections.abc import Sequence

from flows.errors import ConfigError, NightError
from flows.version import VERSION

ARRIVALS = (
    "closed", "constant", "poisson", "gamma", "linear-ramp", "exponential-ramp", "piecewise", "trace",
)  # fmt: skip
DEFAULT_CONFIG = "flows/configs/first-night.toml"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]  # argparse says NoReturn; so is this
        self.exit(2, f"megatoken: {message}; see {self.prog} --help\n")


def _command(
    commands: "argparse._SubParsersAction[_Parser]", name: str, summary: str, example: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", metavar="DIR", help="where data lives (default: $MEGATOKEN_DATA, else ./data)")
    return parser


def _bench(bench: argparse.ArgumentParser) -> None:
    """Options of `megatoken bench`, in groups."""
    bench.add_argument("url", metavar="URL", help="base address, such as https://api.example.com/v1")
    bench.add_argument("--model", required=True, metavar="M", help="model name to ask for")
    bench.add_argument("--api", default="openai-chat", metavar="NAME", help="wire format (default: openai-chat)")
    bench.add_argument("--api-key-env", metavar="NAME", help="environment variable that holds the key")

    when = bench.add_argument_group("when to send")
    load = when.add_mutually_exclusive_group()
    load.add_argument("--concurrency", type=int, metavar="N", help="closed loop: requests kept in flight (default: 1)")
    load.add_argument("--rate", type=float, metavar="R", help="open loop: requests per second; of a ramp, at its start")
    when.add_argument("--arrivals", choices=ARRIVALS, metavar="KIND", help=f"{', '.join(ARRIVALS)} (default: poisson)")
    when.add_argument("--burstiness", type=float, metavar="B", help="gamma: 1 is Poisson, below 1 comes in bursts")
    when.add_argument("--rate-end", type=float, metavar="R2", help="ramps: rate at the end of --duration")
    when.add_argument("--rates", metavar="FILE", help="piecewise: CSV of start_s,rate_rps")
    when.add_argument("--trace", metavar="FILE", help="replay a trace: Azure LLM inference CSV, or Mooncake JSONL")
    when.add_argument("--trace-speed", type=float, metavar="X", help="2 replays it twice as fast (default: 1)")
    when.add_argument("--requests", type=int, metavar="N", help="end after so many (default: 30, if no time ends it)")
    when.add_argument("--duration", type=float, metavar="S", help="send for so many seconds")

    what = bench.add_argument_group("what to send")
    what.add_argument("--prompt-tokens", type=int, metavar="N", help="default: 64; a trace brings its own")
    what.add_argument("--output-tokens", type=int, metavar="N", help="default: 64; a trace brings its own")
    what.add_argument("--warmup", type=int, default=2, metavar="N", help="requests before the measured (default: 2)")
    what.add_argument("--cold", action="store_true", help="a new connection for every request, measured with it")
    what.add_argument("--seed", type=int, default=0, metavar="N", help="of prompts and arrivals (default: 0)")
    what.add_argument(
        "--processes", type=int, default=1, metavar="N", help="of the load client, a core each (default: 1)"
    )
    what.add_argument("--repeats", type=int, default=1, metavar="N", help="measure so many times (default: 1)")

    search = bench.add_argument_group("searches over rates (every point is a trial of its own)")
    kind = search.add_mutually_exclusive_group()
    kind.add_argument("--find-rate", action="store_true", help="the largest rate that meets the service level")
    kind.add_argument("--sweep", action="store_true", help="rising rates until the target is over-saturated")
    search.add_argument("--slo-ttft-ms", type=float, metavar="MS", help="p95 limit, and of goodput (default: 1000)")
    search.add_argument("--slo-tpot-ms", type=float, metavar="MS", help="p95 limit, and of goodput (default: 100)")
    search.add_argument("--rate-min", type=float, metavar="R", help="where to begin (default: 1)")
    search.add_argument("--rate-max", type=float, metavar="R", help="the highest rate to try (default: 1000)")
    search.add_argument("--tolerance", type=float, metavar="X", help="bracket, high / low, to end at (default: 1.05)")

    bench.add_argument("--no-land", action="store_true", help="keep nothing")
    bench.add_argument("--json", action="store_true", help="print JSON: an object a trial, one a line")


def build_parser() -> argparse.ArgumentParser:
    """Every command with its options, a help text and an example."""
    parser = _Parser(
        prog="megatoken",
        description="What a million tokens cost: in seconds, in dollars and in grams of CO2e, at each provider"
        " and on each machine.",
        epilog="example:\n  megatoken night && megatoken leaderboard",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"megatoken {VERSION}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)

    night = _command(
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

    _bench(
        _command(
            commands,
            "bench",
            "load one endpoint, without a config or Prefect",
            "megatoken bench http://127.0.0.1:8000/v1 --model llama --concurrency 8 --requests 64 --json\n"
            "  megatoken bench URL --model llama --arrivals gamma --rate 20 --burstiness 0.5 --duration 60\n"
            "  megatoken bench URL --model llama --trace azure.csv --trace-speed 2 --duration 600\n"
            "  megatoken bench URL --model llama --find-rate --slo-ttft-ms 500 --rate-max 200",
        )
    )

    board = _command(
        commands,
        "leaderboard",
        "print the published leaderboard",
        "megatoken leaderboard --workload chat --by operational_gco2e_per_output_mtok",
    )
    board.add_argument("--workload", metavar="W", help="only this workload")
    board.add_argument("--by", metavar="METRIC", help="metric to rank by (default: usd_per_output_mtok)")
    board.add_argument(
        "--any-grade",
        action="store_true",
        help="rank also where the load client is graded C or D (default: A and B)",
    )
    board.add_argument("--json", action="store_true", help="print a JSON list of rows")

    sql = _command(
        commands,
        "sql",
        "ask the published snapshot in SQL, read-only",
        'megatoken sql "SELECT target_id, ttft_p50_s FROM leaderboard ORDER BY 2"',
    )
    sql.add_argument(
        "query", nargs="?", metavar="QUERY", help="without it: DuckDB's shell, or the views and their columns"
    )
    sql.add_argument("--json", action="store_true", help="print a JSON list of rows")

    explain = _command(
        commands,
        "explain",
        "show one trial under the definitions of other load generators, and why their numbers differ",
        "megatoken explain latest",
    )
    explain.add_argument("trial", metavar="TRIAL", help="a trial_id, the beginning of one, or latest")
    explain.add_argument("--json", action="store_true", help="print one JSON object, in base units")

    _command(
        commands,
        "publish",
        "bring everything that has landed into the warehouse, account for it and publish a snapshot",
        "megatoken publish",
    )

    ui = _command(commands, "ui", "show the leaderboard in a browser, on this machine only", "megatoken ui --port 8501")
    ui.add_argument("--port", type=int, default=8501, metavar="P", help="default: 8501")

    doctor = _command(
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
    command = importlib.import_module(f"flows.commands.{options.command}")
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


if __name__ == "__main__":
    sys.exit(main())
