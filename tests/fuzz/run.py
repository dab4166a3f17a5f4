"""Search for what breaks a parser: crashes, hangs, memory.

    python -m tests.fuzz.run --minutes 60 anthropic gemini        # no names: every format, one after another
    python -m tests.fuzz.run --guided --minutes 60 bedrock        # by coverage; needs `pip install atheris`

An input that breaks anything is written to a file, and the command ends with 1.
"""

import argparse
import hashlib
import random
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final

from probes.load.protocols import PROTOCOLS
from tests.fuzz.mutations import mutated
from tests.probes.load.laws import check
from tests.probes.load.long_answers import long_answers
from tests.probes.load.streams import STREAMS

HANG_S: Final = 10  # CPU seconds of one input; a million bytes take one
MEMORY_MB: Final = 100  # more than the process had after its first inputs
_CORPUS: Final = 64
_SEED_EVENTS: Final = 40  # enough for what is read the quick way


class Hang(Exception):
    """An input took too long."""


def main() -> int:
    """Fuzz the formats that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("apis", nargs="*", metavar="API", help="wire formats (default: all)")
    parser.add_argument("--minutes", type=float, default=1.0, help="of each format (default: 1)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--guided", action="store_true", help="by coverage, with atheris; one format only")
    parser.add_argument("--keep", type=Path, default=Path("tests/output/fuzz"), help="where broken inputs are put")
    options = parser.parse_args()
    unknown = [api for api in options.apis if api not in PROTOCOLS]
    if unknown:
        parser.error(f"no wire format of ours: {', '.join(unknown)}; known: {', '.join(sorted(PROTOCOLS))}")
    apis = options.apis or sorted(PROTOCOLS)
    if options.guided:
        return guided(apis[0], options.minutes, options.seed)
    broken = [api for api in apis if not search(api, options.minutes, options.seed, options.keep)]
    return 1 if broken else 0


def search(api: str, minutes: float, seed: int, keep: Path) -> bool:
    """Mutate the format's sample, and what came of it, until the time is over; False once something broke."""
    generator = random.Random(f"{seed}:{api}")
    seeds = [STREAMS[api].body, *long_answers(api, _SEED_EVENTS)]
    corpus = seeds.copy()
    signal.signal(signal.SIGPROF, _hang)
    end = time.process_time() + 60 * minutes
    inputs, size, start_mb, slowest_s = 0, 0, 0.0, 0.0
    while time.process_time() < end:
        body = mutated(generator.choice(corpus), generator)
        before_s = time.process_time()
        fault = outcome(api, body)
        slowest_s = max(slowest_s, time.process_time() - before_s)
        inputs, size = inputs + 1, size + len(body)
        if inputs == 2000:
            start_mb = peak_mb()
        if fault is None and start_mb and peak_mb() > start_mb + MEMORY_MB:
            fault = f"memory grew from {start_mb:.0f} to {peak_mb():.0f} MB"
        if fault is not None:
            keep.mkdir(parents=True, exist_ok=True)
            path = keep / f"{api}-{hashlib.sha256(body).hexdigest()[:12]}"
            path.write_bytes(body)
            print(f"{api}: {fault}; the input is in {path}", flush=True)
            return False
        if len(body) < 50_000 and generator.random() < 0.02:  # some go on to be mutated further
            corpus = [*seeds, *[*corpus[len(seeds) :], body][-_CORPUS:]]
    print(
        f"{api}: {inputs:,} inputs, {size / 1e6:,.0f} MB in {minutes:g} CPU minutes; slowest {slowest_s:.2f} s,"
        f" memory +{peak_mb() - (start_mb or peak_mb()):.0f} MB; nothing broke",
        flush=True,
    )
    return True


def outcome(api: str, body: bytes, checked: Callable[[str, bytes], None] = check) -> str | None:
    """What broke on an input; None if nothing did."""
    signal.setitimer(signal.ITIMER_PROF, HANG_S)
    try:
        checked(api, body)
    except Hang:
        return f"no end after {HANG_S} CPU seconds"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
        return f"{type(error).__name__}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return None


def guided(api: str, minutes: float, seed: int) -> int:
    """Let libFuzzer look for new ways through the parser."""
    try:
        import atheris
    except ImportError:
        print("--guided needs atheris: pip install atheris", file=sys.stderr)
        return 2

    def mutate(data: bytes, most: int, of: int) -> bytes:
        return mutated(data, random.Random(of))[:most]

    def once(data: bytes) -> None:
        check(api, data)

    atheris.instrument_all()
    corpus = Path("tests/output/fuzz/corpus") / api
    corpus.mkdir(parents=True, exist_ok=True)
    (corpus / "sample").write_bytes(STREAMS[api].body)
    limits = [f"-max_total_time={round(60 * minutes)}", f"-seed={seed + 1}", f"-timeout={HANG_S}", "-max_len=200000"]
    atheris.Setup([sys.argv[0], str(corpus), *limits, "-print_final_stats=1"], once, custom_mutator=mutate)
    atheris.Fuzz()
    return 0


def peak_mb() -> float:
    """Largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _hang(_number: int, _frame: FrameType | None) -> None:
    raise Hang


if __name__ == "__main__":
    sys.exit(main())
