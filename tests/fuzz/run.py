"""Search for what breaks a parser: crashes, hangs, memory.

    python -m tests.fuzz.run --minutes 60 anthropic gemini        # no names: every parser, one after another
    python -m tests.fuzz.run --guided --minutes 60 bedrock        # by coverage; needs `pip install atheris`
    python -m tests.fuzz.run --ledger tests/recordings/fuzz/ledger.csv --until-ledger 60 --rounds 5 --minutes 10

The last is a lane: five times, it takes the parser with the fewest minutes at today's code that no other lane holds,
and adds a row to the ledger; as many lanes may run at once as there are cores. An end by SIGTERM or Ctrl-C adds its row
too. An input that breaks anything is written to a file, and the command ends with 1.
"""

import argparse
import contextlib
import fcntl
import hashlib
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Final

from probes.load.protocols import PROTOCOLS
from tests.fuzz import ledger
from tests.fuzz.keeper import Kept, Tally, keep
from tests.fuzz.mutations import mutated
from tests.fuzz.parsers import code_of, parser_of, parsers
from tests.probes.load.laws import check
from tests.probes.load.long_answers import long_answers
from tests.probes.load.streams import STREAMS

HANG_S: Final = 10  # CPU seconds of one input; a million bytes take one
MEMORY_MB: Final = 100  # more than the process had after its first inputs
_CORPUS: Final = 64
_SEED_EVENTS: Final = 40  # enough for what is read the quick way
_LEAST_MINUTES: Final = 1e-4  # what is missing less than that is not missing


class Hang(Exception):
    """An input took too long."""


def main() -> int:
    """Fuzz the parsers of the formats that are named."""
    parser, options = _options()
    unknown = [api for api in options.apis if api not in PROTOCOLS]
    if unknown:
        parser.error(f"no wire format of ours: {', '.join(unknown)}; known: {', '.join(sorted(PROTOCOLS))}")
    if options.ledger is None and (options.rounds is not None or options.until_ledger is not None):
        parser.error("--rounds and --until-ledger go by a ledger: name it by --ledger FILE")
    if options.guided and find_spec("atheris") is None:
        parser.error("--guided needs atheris: pip install atheris")
    names = list(dict.fromkeys(map(parser_of, options.apis))) or list(parsers())
    if options.ledger is not None and options.seed is not None:
        again = [row.parser for row in ledger.searches(options.ledger) if row.seed == options.seed]
        if twice := sorted({name for name in again if name in names}):
            parser.error(f"seed {options.seed} is in the ledger already ({', '.join(twice)}): leave out --seed")
    broken = False
    for name in _taken(names, options):
        kept = _search_once(name, options)
        broken = broken or kept.fault is not None
        if kept.stopped_by is not None:
            return 128 + kept.stopped_by
    return 1 if broken else 0


def _options() -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("apis", nargs="*", metavar="API", help="wire formats (default: all)")
    parser.add_argument("--minutes", type=float, default=1.0, help="CPU minutes of each parser (default: 1)")
    parser.add_argument("--seed", type=int, help="default: 0; with a ledger the next that is not in it")
    parser.add_argument("--guided", action="store_true", help="by coverage, with atheris")
    parser.add_argument("--keep", type=Path, default=Path("tests/output/fuzz"), help="where broken inputs are put")
    parser.add_argument("--ledger", type=Path, metavar="FILE", help=f"add a row for each search; ours: {ledger.LEDGER}")
    parser.add_argument("--until-ledger", type=float, metavar="MINUTES", help="only what has fewer at today's code")
    parser.add_argument("--rounds", type=int, help="so often, take what has the fewest minutes in the ledger")
    return parser, parser.parse_args()


def _taken(names: Sequence[str], options: argparse.Namespace) -> Iterator[str]:
    """The parsers to search, one after another; each is ours alone until the next is asked for."""
    if options.ledger is None:
        yield from names
        return
    tried: list[str] = []
    for _ in range(len(names) if options.rounds is None else options.rounds):
        open_ = [name for name in names if options.rounds is not None or name not in tried]
        with _held(_fewest_first(open_, options), options.keep / "held") as name:
            if name is None:
                return
            tried.append(name)
            if _fewest_first([name], options):  # another lane may have searched it since we looked
                yield name


def _fewest_first(names: Sequence[str], options: argparse.Namespace) -> list[str]:
    """Those of which minutes are missing, that with the fewest first."""
    rows = ledger.searches(options.ledger)
    minutes = {name: ledger.minutes_at_code(rows, name, code_of(name)) for name in names}
    until = options.until_ledger
    return sorted((name for name in names if until is None or minutes[name] < until - _LEAST_MINUTES), key=minutes.get)


@contextlib.contextmanager
def _held(names: Sequence[str], folder: Path) -> Iterator[str | None]:
    """Hold the first of these that no other lane holds; None if there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        with (folder / name).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield name
            return
    yield None


def _search_once(name: str, options: argparse.Namespace) -> Kept:
    """One search of one parser, said and written down."""
    minutes, seed, code = options.minutes, options.seed or 0, code_of(name)
    if options.ledger is not None:
        rows = ledger.searches(options.ledger)
        seed = ledger.next_seed(rows, name) if options.seed is None else options.seed
        if options.until_ledger is not None:
            minutes = min(minutes, options.until_ledger - ledger.minutes_at_code(rows, name, code))
    way = guided if options.guided else search
    kept = keep(lambda tally: way(name, minutes, seed, options.keep, tally))
    tally = kept.tally
    if options.ledger is not None:
        done = ledger.Search(
            ended_at=datetime.now(UTC),
            parser=name,
            code=code,
            seed=seed,
            is_guided=options.guided,
            cpu_minutes=tally.cpu_s / 60,
            inputs=tally.inputs,
            input_bytes=tally.input_bytes,
            slowest_cpu_s=tally.slowest_cpu_s if tally.inputs else None,
            memory_growth_mb=tally.growth_mb,
            broken_inputs=0 if kept.fault is None else 1,
        )
        ledger.append(options.ledger, done)
    growth = "unknown" if tally.growth_mb is None else f"+{tally.growth_mb:.0f} MB"
    end = kept.fault or ("nothing broke" if kept.stopped_by is None else f"ended early by {kept.stopped_by.name}")
    print(
        f"{name}: {tally.inputs:,} inputs, {tally.input_bytes / 1e6:,.0f} MB in {tally.cpu_s / 60:.2f} CPU minutes from"
        f" seed {seed}; slowest {tally.slowest_cpu_s:.2f} s, memory {growth}; {end}",
        flush=True,
    )
    return kept


def search(name: str, minutes: float, seed: int, keep_in: Path, tally: Tally) -> bool:
    """Mutate a parser's samples, and what came of it, until the time is over; False once something broke."""
    generator = random.Random(f"{seed}:{name}")
    seeds = _samples(name)
    corpus = seeds.copy()
    signal.signal(signal.SIGPROF, _hang)
    tally.start()
    end = time.process_time() + 60 * minutes
    parent = os.getppid()  # nobody would write down what we find after it
    while time.process_time() < end and os.getppid() == parent:
        body = mutated(generator.choice(corpus), generator)
        before_s = time.process_time()
        fault = outcome(name, body)
        tally.add(len(body), time.process_time() - before_s)
        if fault is None and tally.growth_mb is not None and tally.growth_mb > MEMORY_MB:
            fault = f"memory grew from {tally.settled_mb:.0f} to {tally.peak_mb:.0f} MB"
        if fault is not None:
            keep_in.mkdir(parents=True, exist_ok=True)
            path = keep_in / f"{name}-{hashlib.sha256(body).hexdigest()[:12]}"
            path.write_bytes(body)
            print(f"{name}: {fault}; the input is in {path}", flush=True)
            return False
        if len(body) < 50_000 and generator.random() < 0.02:  # some go on to be mutated further
            corpus = [*seeds, *[*corpus[len(seeds) :], body][-_CORPUS:]]
    return True


def _samples(name: str) -> list[bytes]:
    """An answer in each format that the parser reads, and longer ones."""
    apis = parsers()[name]
    return [
        *dict.fromkeys(STREAMS[api].body for api in apis),
        *(body for api in apis for body in long_answers(api, _SEED_EVENTS)),
    ]


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


def guided(name: str, minutes: float, seed: int, keep_in: Path, tally: Tally) -> bool:
    """Let libFuzzer look for new ways through the parser. It ends the process itself; what it breaks on it keeps."""
    import atheris

    def mutate(data: bytes, most: int, of: int) -> bytes:
        return mutated(data, random.Random(of))[:most]

    def once(data: bytes) -> None:
        before_s = time.process_time()
        check(name, data)
        tally.add(len(data), time.process_time() - before_s)

    atheris.instrument_all()
    corpus = keep_in / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    for n, body in enumerate(_samples(name)):
        (corpus / f"sample-{n}").write_bytes(body)
    limits = [f"-max_total_time={max(round(60 * minutes), 1)}", f"-seed={seed + 1}", f"-timeout={HANG_S}"]
    more = ["-max_len=200000", "-print_final_stats=1", f"-artifact_prefix={keep_in}/{name}-"]
    atheris.Setup([sys.argv[0], str(corpus), *limits, *more], once, custom_mutator=mutate)
    tally.start()
    atheris.Fuzz()
    return True


def _hang(_number: int, _frame: FrameType | None) -> None:
    raise Hang


if __name__ == "__main__":
    sys.exit(main())
