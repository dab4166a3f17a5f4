"""Options of `megatoken bench`, in groups."""

import argparse

TEXTS = ("prose", "code", "table", "dialogue", "languages", "mixed")
ARRIVALS = (
    "closed", "constant", "poisson", "gamma", "linear-ramp", "exponential-ramp", "piecewise", "trace",
)  # fmt: skip


def add_bench_options(bench: argparse.ArgumentParser) -> None:
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

    limits = bench.add_argument_group("a limit of the endpoint to stay under (a closed loop waits for it)")
    limits.add_argument("--max-rps", type=float, metavar="R", help="at most so many requests a second, evenly")
    limits.add_argument(
        "--max-tokens-per-minute", type=float, metavar="N", help="at most so many, of prompts and longest answers"
    )
    limits.add_argument("--pace", choices=("headers",), help="wait as its answers say what is left, and how long")

    what = bench.add_argument_group("what to send")
    what.add_argument("--prompt-tokens", metavar="N", help="a number, or lengths to draw from (default: 64), such as"
                      " uniform:min=10,max=90  normal:mean=500,stdev=100,max=900"
                      "  lognormal:median=500,sigma=0.8,max=8000  empirical:file=F")  # fmt: skip
    what.add_argument("--output-tokens", metavar="N", help="likewise; a trace brings both")
    what.add_argument("--warmup", type=int, default=2, metavar="N", help="requests before the measured (default: 2)")
    what.add_argument("--cold", action="store_true", help="a new connection for every request, measured with it")
    what.add_argument("--seed", type=int, default=0, metavar="N", help="of prompts and arrivals (default: 0)")
    what.add_argument(
        "--processes", type=int, default=1, metavar="N", help="of the load client, a core each (default: 1)"
    )
    what.add_argument("--repeats", type=int, default=1, metavar="N", help="measure so many times (default: 1)")

    _add_prompt_options(bench.add_argument_group("what prompts are made of"))

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


def _add_prompt_options(made: "argparse._ArgumentGroup") -> None:
    made.add_argument("--text", choices=TEXTS, metavar="KIND", help=f"{', '.join(TEXTS)} (default: prose)")
    made.add_argument(
        "--tokenizer", metavar="T", help="count text by warm-ups (usage, the default), its server, or a tokenizer.json"
    )
    made.add_argument("--prompts", metavar="FILE", help="JSON lines of messages or prompts, or ShareGPT JSON")
    made.add_argument("--shuffle", action="store_true", help="take its rows in an order drawn by --seed")
    made.add_argument("--shared-prefix", type=float, metavar="S", help="share of each prompt that is common to all")
    made.add_argument("--no-nonce", action="store_true", help="let caches answer (with --prompts or --shared-prefix)")
    made.add_argument("--turns", type=int, metavar="N", help="conversations of at most N turns, in a closed loop")
    made.add_argument("--think-s", metavar="S", help="pause before a later turn: seconds, or a spread as above")
    made.add_argument("--recorded-history", action="store_true", help="later turns repeat the file's answers, or text")
    made.add_argument("--images", type=int, metavar="N", help="pictures drawn for each request")
    made.add_argument("--image-size", metavar="WxH", help="in pixels (default: 512x512)")
    made.add_argument("--documents", type=int, metavar="N", help="made for each request, to embed or rank")
    made.add_argument("--document-tokens", type=int, metavar="N", help="of each (default: 100)")
    made.add_argument(
        "--audio-s", type=float, metavar="S", help="seconds of sound made for each request, to transcribe"
    )
