"""A meter that fails in whatever way: its reason lands, its energy is unknown, and the trial's latencies stay.

The trial is the one recorded on an H100; its power log is constructed anew from the recorded answers of a card.
"""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from flows.spool import land_spool, rows_of
from probes.errors import ProbeError
from probes.power import log
from probes.power.cards import card_meter
from probes.power.nvml import NvmlCard
from probes.power.readings import MeterRecord
from tests.probes.power.drivers import recorded_nvml
from warehouse.loader import load
from warehouse.rows import AttemptRow, TrialRow

RECORDING = Path(__file__).parents[2] / "recordings" / "h100-trial"
STEP_S = 2.0


def whole():
    return recorded_nvml()


def vanished():
    driver = recorded_nvml()
    driver.answers = driver.answers[:20]
    return driver


def went_back():
    return recorded_nvml("constructed-counter-went-back")


def split():
    driver = recorded_nvml()
    driver.facts["mig_instances"] = 3
    return driver


def sampled():
    return recorded_nvml(energy_mj="NotSupported")


# (the card, seconds of the window in which nobody read it)
CASES = {
    "whole": (whole, None),
    "vanished": (vanished, None),
    "went-back": (went_back, None),
    "mig": (split, None),
    "sampled": (sampled, None),
    "sampled-gap": (sampled, (20.0, 24.5)),
}


def power_lines(driver, gap_s, start_ns, end_ns):
    """The lines of a sampler that read this card every two seconds from start to end, and at the end."""
    meter = card_meter(NvmlCard(driver, 0))
    if isinstance(meter, MeterRecord):
        return [log.meter_line(meter), log.end_line(end_ns)]
    lines = [log.meter_line(meter.record)]
    t_ns = start_ns - 1_000_000
    while t_ns < end_ns + STEP_S * 1e9:
        if gap_s is None or not gap_s[0] < (t_ns - start_ns) / 1e9 < gap_s[1]:
            try:
                lines.append(log.sample_line(0, "load", t_ns, meter.read()))
            except ProbeError as error:
                lines.append(log.invalid_line(0, str(error), t_ns))
                break
        t_ns += int(STEP_S * 1e9)
    return [*lines, log.end_line(end_ns)]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("data")
    attempts = gzip.decompress((RECORDING / "attempts.spool.gz").read_bytes())
    for number, (card, gap_s) in enumerate(CASES.values(), start=1):
        folder = data_dir / "spool" / f"recorded.llama-7b-random.steady.{number}"
        folder.mkdir(parents=True)
        (folder / "attempts.spool").write_bytes(attempts)
        for name in ("start.json", "end.json"):
            (folder / name).write_bytes((RECORDING / name).read_bytes())
        spec = json.loads((RECORDING / "spec.json").read_text())
        (folder / "spec.json").write_text(json.dumps(spec | {"trial_id": folder.name, "try_number": number}))
        trial = next(r for r in rows_of(folder, status="completed", reason=None) if isinstance(r, TrialRow))
        lines = power_lines(card(), gap_s, trial.window_start_ns, trial.window_end_ns)
        (folder / "power.jsonl").write_text("".join(f"{line}\n" for line in lines))
        # Each attempt is named after the trial that recorded it, and a row lands once.
        rows = [
            replace(row, attempt_id=row.attempt_id.replace(".steady.1.", f".steady.{number}."))
            if isinstance(row, AttemptRow)
            else row
            for row in rows_of(folder, status="completed", reason=None)
        ]
        land_spool(data_dir, folder, status="completed", reason=None, rows=rows)
    assert len(load(data_dir).loaded_batches) == len(CASES)
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as con:
        yield con


def landed(con, case):
    """(the meter's valid, its reason, joules of the card, what is missing of them)."""
    trial_id = f"recorded.llama-7b-random.steady.{[*CASES].index(case) + 1}"
    valid, reason = con.execute("SELECT valid, invalid_reason FROM meters WHERE trial_id = ?", [trial_id]).fetchone()
    energy_j, missing = con.execute(
        "SELECT energy_j, missing FROM energy_accounts WHERE trial_id = ? AND component = 'gpu'", [trial_id]
    ).fetchone()
    return valid, reason, energy_j, missing


def test_a_card_that_holds_has_joules_and_its_resolution_and_limit_land(warehouse):
    valid, reason, energy_j, missing = landed(warehouse, "whole")
    assert (valid, reason, missing) == (True, None, None)
    assert energy_j > 0
    assert warehouse.execute("SELECT resolution_s, power_w_max FROM meters LIMIT 1").fetchone() == (0.1, None)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("vanished", "GPU 0 cannot be read any more"),
        ("went-back", "energy counter went back"),
        ("mig", "GPU 0 is split into 3 instances and its counter covers them all"),
    ],
)
def test_a_card_that_fails_is_invalid_with_its_reason_and_unknown_not_zero(warehouse, case, words):
    valid, reason, energy_j, missing = landed(warehouse, case)
    assert (valid, energy_j) == (False, None)
    assert words in reason
    assert words in missing


def test_power_samples_without_a_gap_are_integrated(warehouse):
    assert landed(warehouse, "sampled")[2] > 0


def test_a_gap_of_more_than_three_seconds_between_power_samples_leaves_the_energy_unknown(warehouse):
    _, _, energy_j, missing = landed(warehouse, "sampled-gap")
    assert energy_j is None
    assert "no power reading for 6.00 s" in missing


def test_the_latencies_of_a_trial_whose_meter_failed_stay(warehouse):
    measured = "SELECT count(*) FROM attempts WHERE phase = 'measured' AND error_class IS NULL GROUP BY trial_id"
    assert warehouse.execute(measured).fetchall() == [(64,)] * len(CASES)
