"""What reading an answer costs, for each wire format: CPU seconds per million events.

    python -m tests.benchmarks.parsing_speed [--events 100000] [--rounds 5] [API ...]

The sample of each format made longer, and answers as servers send them (`tests.probes.load.long_answers`), are read as
a trial reads them (cut into events, JSON, classes, counts), the best of some rounds. Target: 3.
"""

import argparse
import sys
import time
from typing import Final

from probes.load.protocols import PROTOCOLS
from tests.probes.load.long_answers import NAMES, long_answer
from tests.probes.load.streams import STREAMS

FLOOR_CPU_S: Final = 3.0


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 1 if a format is over the floor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("apis", nargs="*", metavar="API", help="wire formats (default: all that stream events)")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    apis = options.apis or [api for api in sorted(PROTOCOLS) if STREAMS[api].payloads > 1]
    costs = {api: cpu_s_per_million(api, *stretched(api, options.events), options.rounds) for api in apis}
    for name in NAMES:
        api, body, count = long_answer(name, options.events)
        if not options.apis or api in options.apis:
            costs[name] = cpu_s_per_million(api, body, count, options.rounds * (options.events // count))
    for name, cost in costs.items():
        print(f"{name:31} {cost:6.2f} CPU s per million events{'' if cost <= FLOOR_CPU_S else '   over the floor'}")
    return 0 if max(costs.values()) <= FLOOR_CPU_S else 1


def cpu_s_per_million(api: str, body: bytes, count: int, rounds: int) -> float:
    """CPU seconds per million events of a body that has so many."""
    read = PROTOCOLS[api].read_stream
    costs = []
    for _ in range(rounds):
        before_s = time.process_time()
        facts = read(body)
        costs.append(time.process_time() - before_s)
        assert len(facts.event_ends) == count, f"{api}: {len(facts.event_ends)} events read of {count}"
    return min(costs) / count * 1e6


def stretched(api: str, events: int) -> tuple[bytes, int]:
    """The format's sample with its first payloads repeated, and how many events it has then."""
    body = STREAMS[api].body
    facts = PROTOCOLS[api].read_stream(body)
    ends = facts.event_ends
    first, last = ends.index(facts.payload_ends[0]), ends.index(facts.payload_ends[-2])
    start = ends[first - 1] if first else 0
    middle = body[start : ends[last]]
    times = max(1, events // (last - first + 1))
    return body[:start] + middle * times + body[ends[last] :], len(ends) + (times - 1) * (last - first + 1)


if __name__ == "__main__":
    sys.exit(main())
