"""What a trial of a local target needs beside the load: its engine and the meters of this machine."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from flows.config import Range, Site
from flows.meterhook import MeterHook
from flows.spec import TrialSpec
from flows.stop import Stop
from probes.engines.llamacpp import start_llamacpp
from probes.engines.process import Engine, EngineSpec
from probes.engines.transformers_serve import start_transformers
from probes.power.readings import HookSpec, PowerOverrides, PowerRange
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
    return PowerSampler(folder / "power.jsonl", hz=10, overrides=power_overrides(spec))


def power_overrides(declared: Site | TrialSpec | None) -> PowerOverrides:
    """What a config says of this machine's meters, for the sampler and for the doctor; nothing without a [site]."""
    if declared is None:
        return PowerOverrides()
    return PowerOverrides(
        cpu_tdp_w=_range(declared.cpu_tdp_w),
        rapl_psys=declared.rapl_psys,
        hooks=tuple(map(_hook, declared.meters)),
    )


def _range(tdp: Range | None) -> PowerRange | None:
    if tdp is None:
        return None
    low, high = (tdp.central if bound is None else bound for bound in (tdp.low, tdp.high))
    return PowerRange(low=low, central=tdp.central, high=high)


def _hook(hook: MeterHook) -> HookSpec:
    return HookSpec(
        id=hook.id,
        component=hook.component,
        value=hook.value,
        unit=hook.unit,
        command=None if hook.command is None else tuple(hook.command),
        url=hook.url,
        header_env=tuple(hook.header_env.items()),
        json_path=hook.json_path,
        pattern=hook.pattern,
        period_s=hook.period_s,
        timeout_s=hook.timeout_s,
        resolution_s=hook.resolution_s,
    )
