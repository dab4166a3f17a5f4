"""A short way to run a trial against the fake endpoint."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from probes.load.client import LoadResult, LoadSpec, Timeouts, run_load

# Nothing waits for these: who tests a limit sets that one, and a machine that stands still for a second passes none.
PATIENT = Timeouts(connect_s=60, first_token_s=60, stall_s=60, total_s=60)


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Callable[..., LoadResult]]:
    """`load(base_url, **spec)`; callbacks and stop go by their own names."""
    count = 0

    def run(base_url: str, **given) -> LoadResult:
        nonlocal count
        count += 1
        hooks = {name: given.pop(name) for name in ("stop", "on_progress", "on_window_start") if name in given}
        spec = {"model": "fake", "requests": 4, "output_tokens": 8, "attempt_prefix": "t", "timeouts": PATIENT} | given
        if spec.get("arrivals", "closed") == "closed":
            spec.setdefault("concurrency", 2)
        return run_load(LoadSpec(base_url=base_url, **spec), spool_path=tmp_path / f"spool{count}", **hooks)

    yield run
