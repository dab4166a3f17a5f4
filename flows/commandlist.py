"""Every command: its name, what it does and an example, in the order in which help lists them.

Its options are added by `flows.options.NAME`, its work is done by `flows.commands.NAME`; neither is read before it is
chosen.
"""

from typing import Final

WITHOUT_OPTIONS: Final = "publish"  # but for `--data`, which all have

COMMANDS: Final[tuple[tuple[str, str, str], ...]] = (
    (
        "night",
        "measure every target of a config, account for it and publish the leaderboard",
        "megatoken night flows/configs/first-night.toml --max-usd 0.05",
    ),
    (
        "pulse",
        "send a few attempts to each hosted target of a config: when it is slow or down, between nights",
        "megatoken pulse my-night.toml --dry-run",
    ),
    (
        "bench",
        "load one endpoint, without a config or Prefect",
        "megatoken bench http://127.0.0.1:8000/v1 --model llama --concurrency 8 --requests 64 --json\n"
        "  megatoken bench URL --model llama --arrivals gamma --rate 20 --burstiness 0.5 --duration 60\n"
        "  megatoken bench URL --model llama --trace azure.csv --trace-speed 2 --duration 600\n"
        "  megatoken bench URL --model llama --find-rate --slo-ttft-ms 500 --rate-max 200",
    ),
    (
        "canary",
        "say of each target whether it still answers as it did, and who answers as whom; or ask now",
        "megatoken canary my-endpoint\n  megatoken canary --config flows/configs/first-night.toml",
    ),
    (
        "check",
        "ask an endpoint what it can do and where it leaves its standard, in some twenty cheap calls",
        "megatoken check my-endpoint --config my-night.toml\n"
        "  megatoken check --url http://127.0.0.1:8000/v1 --api openai-chat --model llama --no-land",
    ),
    (
        "leaderboard",
        "print the published leaderboard",
        "megatoken leaderboard --workload chat --by operational_gco2e_per_output_mtok",
    ),
    (
        "sql",
        "ask the published snapshot in SQL, read-only",
        'megatoken sql "SELECT target_id, ttft_p50_s FROM leaderboard ORDER BY 2"\n'
        '  megatoken sql "FROM attempt_metrics" --output attempts.parquet',
    ),
    (
        "explain",
        "show one trial under the definitions of other load generators, and why their numbers differ",
        "megatoken explain latest",
    ),
    (
        "account",
        "show one account with every factor behind it, or account history anew under today's factors",
        "megatoken account latest\n  megatoken account --recompute --since 2026-11-01",
    ),
    (
        "factors",
        "list the factors that accounts rest on, with range, source and age, or what has changed",
        "megatoken factors grid_intensity --key FRA\n  megatoken factors --diff",
    ),
    (
        "footprint",
        "estimate what a training, a fine-tuning or an answer takes, from parameters alone",
        "megatoken footprint train --params 175e9 --tokens 300e9 --device V100 --count 10000 --achieved-tflops"
        " 24.6\n"
        "    --system-power-w 330 --pue 1.1 --grid-gco2e-per-kwh 429 --json\n"
        "  megatoken footprint validate",
    ),
    (
        "publish",
        "bring everything that has landed into the warehouse, account for it and publish a snapshot",
        "megatoken publish",
    ),
    (
        "track",
        "meter any command, such as a training run, and account for what it took",
        "megatoken track --config night.toml --idle 30 --unit training_token --units 3e8 -- python train.py",
    ),
    (
        "grid",
        "list the hourly grid intensities that accounts may use; bring more from a file or a provider",
        "megatoken grid import hours.csv --zone DEU --timezone Europe/Berlin",
    ),
    (
        "prices",
        "list what every target costs, since when and by which source; where sources disagree; break-even",
        "megatoken prices --config flows/configs/providers.example.toml\n  megatoken prices --break-even my-gpu",
    ),
    (
        "replay",
        "show what a failed attempt sent and got back, and send the same request once more (exit code 0: it is"
        " answered now; 1: it failed again; 2: a mistake)",
        "megatoken replay\n  megatoken replay bench-2026-11-23T090000Z-1a2b.adhoc.adhoc.1.00007 --show",
    ),
    (
        "report",
        "write the published figures as one HTML file to publish or mail, or as SVG badges",
        "megatoken report --html megatoken.html\n  megatoken report --badges badges --target openai-mini",
    ),
    (
        "ui",
        "show every page in a browser, to this machine alone unless --host says otherwise",
        "megatoken ui --port 8501",
    ),
    (
        "watch",
        "say what changed from night to night - figures, failures, prices - and what else differed that night",
        "megatoken watch --since 2026-11-01\n  megatoken watch my-endpoint --nights",
    ),
    (
        "fake",
        "serve an endpoint that speaks every wire format and makes the trouble it is told to: test a client by it",
        "megatoken fake --list\n"
        "  megatoken fake --fixture http-429 --every 10 --log truth.jsonl\n"
        "  megatoken fake --script trouble.toml --ttft-ms 200 --itl-ms 20",
    ),
    (
        "doctor",
        "say which meters, engines, weights, keys and ports are usable here, and what to do about the others",
        "megatoken doctor flows/configs/providers.example.toml",
    ),
)
