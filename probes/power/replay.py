"""A recorded meter: plays the readings of one meter of a power log, one a reading, in their order."""

from collections.abc import Iterator
from pathlib import Path

from probes.errors import ProbeError
from probes.power.log import read_power_log
from probes.power.readings import MeterRecord, Reading


class ReplayMeter:
    """Stands in for hardware that is not here; reads as the recorded meter did, then fails as one that vanished."""

    period_s = None

    def __init__(self, record: MeterRecord, readings: Iterator[Reading]) -> None:
        """Play `readings` under the name of `record`."""
        self.record = record
        self._readings = readings

    def read(self) -> Reading:
        """The next recorded reading; ProbeError when the recording is over."""
        reading = next(self._readings, None)
        if reading is None:
            raise ProbeError(f"the recording of {self.record.meter} is over")
        return reading


def replay_meters(recording: Path) -> list[ReplayMeter]:
    """One meter for each valid meter of a recorded power log; ProbeError if the file is none."""
    records, samples = read_power_log(recording)
    return [
        ReplayMeter(
            record,
            iter(
                [
                    Reading(
                        energy_j=sample.energy_j,
                        power_w_low=sample.power_w_low,
                        power_w=sample.power_w,
                        power_w_high=sample.power_w_high,
                        load_share=sample.load_share,
                    )
                    for sample in samples
                    if sample.meter == record.meter
                ]
            ),
        )
        for record in records
        if record.valid
    ]
