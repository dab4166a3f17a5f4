"""A scripted endpoint on the loopback interface that speaks every wire format and keeps its own times.

    megatoken fake --port 8100 --ttft-ms 50 --itl-ms 5 --tokens 64 --fixture stall --log truth.jsonl
    python -m probes.fake_endpoint ...   the same without the console command

It plays the trouble that real servers make, in each format that has it: on every request, on every n-th, or by a script
(`probes.fake.planfile`). For thousands of streams take `probes.fast_endpoint`: this one has the faults, that one the
pace.
"""

from typing import Final

from probes.fake.fixtures import FIXTURES
from probes.fake.script import FakeScript, Play, forecast
from probes.fake.server import fake_endpoint
from probes.fake.truth import FakeEndpoint, FakeRequest

__all__ = ["FAULTS", "FakeEndpoint", "FakeRequest", "FakeScript", "Play", "fake_endpoint", "forecast"]

FAULTS: Final = tuple(FIXTURES)

if __name__ == "__main__":
    from probes.fake.command import main

    raise SystemExit(main())
