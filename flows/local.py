"""What a trial of a local target needs beside the load: its engine and the meters of this machine."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from flows.spec import TrialSpec
from flows.stop import Stop
from probes.engines.llamacpp import start_llamacpp
from probes.engines.process import Engine, EngineSpec
from probes.engines.transformers_serve import start_transformers
from probes.power.readings import PowerOverrides, PowerRange
from probes.power.sampler import PowerSampler

if TYPE_CHECKING:
    from flows.trial import Report


@contextlib.contextmanager
def engine_of(spec: TrialSpec, folder: Path, stop: Stop, report: "Report") -> Iterator[Engine]:
    """The engine of a local target, ready to answer; it ends with the block.

    Raises:
        ProbeError: it did not become ready; says why.
    """
    local, weights = spec.local, spec.weights
    assert local is not None and weights is not None  # a local trial without weights has landed as setup_failed
    report("phase", {"phase": "engine start"})
    engine_spec = EngineSpec(
        model_path=weights.path,
        threads=local.threads,
        slots=local.slots,
        context_tokens_per_slot=local.context_tokens,
        port=local.port,
        device=local.device,
    )
    start_engine = start_transformers if local.engine == "transformers" else start_llamacpp
    with start_engine(
        engine_spec,
        log_path=folder / "engine.log",
        ready_timeout_s=spec.timeouts.engine_ready_s,
        should_stop=lambda: stop.reason() is not None,
    ) as engine:
        yield engine


def power_sampler(spec: TrialSpec, folder: Path) -> PowerSampler:
    """Meters of this machine that write to the trial's folder; nothing is read before its block begins."""
    return PowerSampler(folder / "power.jsonl", hz=10, overrides=_overrides(spec))


def _overrides(spec: TrialSpec) -> PowerOverrides:
    tdp = spec.cpu_tdp_w
    if tdp is None:
        return PowerOverrides()
    low, high = (tdp.central if bound is None else bound for bound in (tdp.low, tdp.high))
    return PowerOverrides(cpu_tdp_w=PowerRange(low=low, central=tdp.central, high=high))
