"""The power log: what meters said, line by line as it came, readable after any end of its writer.

JSON lines. First one `{"meter": {...}}` for each meter, then a list for each reading:
`[meter's number, phase, t_ns, energy_j, power_w_low, power_w, power_w_high, load_share]`; in between
`{"invalid": number, "reason": ..., "t_ns": ...}` when a meter fails, and `{"end": t_ns}` when all went well.
`{"sampler_died": reason}` is written by the parent of a sampler that did not get so far.
"""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from probes.errors import ProbeError
from probes.power.readings import MeterRecord, Phase, PowerSample, Reading


def meter_line(record: MeterRecord) -> str:
    """The line that introduces a meter; its number is its place among them, from 0."""
    return json.dumps({"meter": asdict(record)})


def sample_line(meter_number: int, phase: Phase, t_ns: int, reading: Reading) -> str:
    """The line of one reading."""
    # Ten times a second with cold caches this costs a third of json.dumps; a float's repr is its JSON.
    values = (reading.energy_j, reading.power_w_low, reading.power_w, reading.power_w_high, reading.load_share)
    rest = ",".join("null" if value is None else repr(value) for value in values)
    return f'[{meter_number},"{phase}",{t_ns},{rest}]'


def invalid_line(meter_number: int, reason: str, t_ns: int) -> str:
    """The line that ends a meter's validity; its earlier readings stay."""
    return json.dumps({"invalid": meter_number, "reason": reason, "t_ns": t_ns})


def end_line(t_ns: int) -> str:
    """The closing line."""
    return json.dumps({"end": t_ns})


def died_line(reason: str) -> str:
    """The line by which a parent tells that the sampler did not reach its end; begins anew after a torn line."""
    return "\n" + json.dumps({"sampler_died": reason})


def read_power_log(path: Path) -> tuple[list[MeterRecord], list[PowerSample]]:
    """Meters and readings of one log.

    A log whose writer was killed reads up to its last whole line: those readings are real. Whether they cover a window
    is for the reader to judge.

    Args:
        path: the file a sampler wrote, finished or not.

    Returns:
        The meters, invalid ones with their reason, and the samples in the order they were taken; neither if there is
        no such file, which is how a trial that nobody metered looks.

    Raises:
        ProbeError: a line inside the file is no line of a power log.
    """
    if not path.exists():
        return [], []
    lines = path.read_text(encoding="utf-8").split("\n")
    meters: list[MeterRecord] = []
    samples: list[PowerSample] = []
    torn: int | None = None
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        entry = _parse(line)
        if torn is not None and not (isinstance(entry, dict) and "sampler_died" in entry):
            raise ProbeError(f"{path}, line {torn} is not a line of a power log: {lines[torn - 1][:80]!r}")
        match entry:
            case None:
                torn = number  # the writer was killed while writing: only the last line can be so
            case {"meter": fields}:
                meters.append(MeterRecord(**fields))
            case {"invalid": int(index), "reason": str(reason)}:
                meters[index] = _invalid(meters[index], reason)
            case {"sampler_died": str(reason)}:
                torn = None
                meters = [_invalid(meter, reason) for meter in meters]
            case [int(index), *values]:
                samples.append(_sample(meters[index].meter, values))
            case {"end": int()}:
                pass
            case _:
                raise ProbeError(f"{path}, line {number} is not a line of a power log: {line[:80]!r}")
    return meters, samples


def _parse(line: str) -> dict[str, Any] | list[Any] | None:
    try:
        entry: dict[str, Any] | list[Any] = json.loads(line)
        return entry
    except json.JSONDecodeError:
        return None


def _invalid(meter: MeterRecord, reason: str) -> MeterRecord:
    return replace(meter, valid=False, invalid_reason=reason) if meter.valid else meter


def _sample(meter: str, values: list[Any]) -> PowerSample:
    phase, t_ns, energy_j, low, central, high, load = values
    return PowerSample(
        meter=meter,
        phase=phase,
        t_ns=t_ns,
        energy_j=energy_j,
        power_w_low=low,
        power_w=central,
        power_w_high=high,
        load_share=load,
    )
