"""Idle baselines: taken once for a host and target, used again while they are fresh, and missed by nobody when lost."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from flows.config import Night
from flows.idle import fresh_baseline, remember_baseline
from flows.spec import TrialSpec, read_json
from tests.warehouse.builders import STARTED_AT, meter_row, sample_row, trial_row
from warehouse.landing import has_landed, land

HOST = "host"
ENGINE = "b1"
TRIAL = "night-1.alpha.chat.1"


def spec(trial_id=TRIAL, *, target=None, **changes) -> TrialSpec:
    local = {
        "kind": "local", "id": "alpha", "engine": "llama.cpp", "model": "m", "device": "cpu", "threads": 1, "slots": 2,
    } | (target or {})  # fmt: skip
    workload = {
        "id": "chat", "arrivals": "closed", "concurrency": 1, "requests": 2, "prompt_tokens": 8, "output_tokens": 8,
    }  # fmt: skip
    fields = {
        "trial_id": trial_id,
        "run_id": "night-1",
        "try_number": 1,
        "target": local,
        "workload": workload,
        "timeouts": {},
        "idle_baseline_s": 30.0,
        "idle_fresh_s": 86_400.0,
        "weights": {"path": "w.gguf", "sha256": "ab" * 32, "quantisation": "Q8_0", "note": None},
        "cpu_tdp_w": None,
        "facts": [],
    }
    return read_json(json.dumps(fields | changes).encode())


def rows(*, seconds=30.0, meters=("modelled:cpu", "modelled:ram"), **trial):
    """What a trial lands that took a baseline of so many seconds."""
    found = [trial_row(engine_version=ENGINE, host_id=HOST, **trial)]
    for name in meters:
        found.append(meter_row(meter=name))
        for share in (0.0, 0.5, 1.0):
            found.append(sample_row(meter=name, phase="idle", second=-60 + share * seconds))
        found.append(sample_row(meter=name, phase="load", second=0))
    return found


def taken(data_dir: Path, **changes) -> list:
    """A trial whose baseline has landed and is remembered."""
    landed = rows(**changes)
    land(data_dir, batch_id=TRIAL, host_id=HOST, rows=landed)
    assert remember_baseline(data_dir, spec(), landed)
    return landed


def found(data_dir: Path, of: TrialSpec | None = None, *, host_id=HOST, engine=ENGINE, after=timedelta(hours=1)):
    return fresh_baseline(
        data_dir, of or spec("night-2.alpha.doc.1"), host_id=host_id, engine_version=engine, now=STARTED_AT + after
    )


def test_a_baseline_serves_the_other_workloads_of_its_target_until_it_is_a_day_old(tmp_path):
    assert found(tmp_path) is None
    taken(tmp_path)
    assert found(tmp_path) == TRIAL
    assert found(tmp_path, after=timedelta(hours=23, minutes=59)) == TRIAL
    assert found(tmp_path, after=timedelta(hours=24)) is None
    assert found(tmp_path, after=timedelta(seconds=-1)) is None  # a clock that went back knows nothing of age


@pytest.mark.parametrize(
    "other",
    [
        {"target": {"threads": 2}},
        {"target": {"slots": 4}},
        {"target": {"context_tokens": 4096}},
        {"target": {"device": "cuda"}},
        {"weights": {"path": "w.gguf", "sha256": "cd" * 32, "quantisation": "Q8_0", "note": None}},
        {"cpu_tdp_w": {"central": 20.0}},
        {"rapl_psys": True},
        {"idle_baseline_s": 60.0},
        {"idle_fresh_s": 0.0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_target_another_meter_or_a_longer_baseline_is_metered_anew(tmp_path, other):
    taken(tmp_path)
    assert found(tmp_path, spec("night-2.alpha.doc.1", **other)) is None
    assert found(tmp_path, spec("night-2.alpha.doc.1", target={"id": "renamed"})) == TRIAL


def test_another_host_and_another_version_of_the_engine_take_their_own(tmp_path):
    taken(tmp_path)
    assert found(tmp_path, host_id="elsewhere") is None
    assert found(tmp_path, engine="b2") is None


def test_a_file_that_is_damaged_or_whose_trial_is_gone_means_metering_again(tmp_path):
    taken(tmp_path)
    (kept,) = (tmp_path / "idle").iterdir()
    whole = kept.read_bytes()
    for damaged in (b"", whole[:-9], b"[1]", b'{"trial_id": 3}', whole.replace(b"2026", b"twenty"), b"\xff\xfe"):
        kept.write_bytes(damaged)
        assert found(tmp_path) is None
    kept.write_bytes(whole)
    assert found(tmp_path) == TRIAL
    (landed,) = (tmp_path / "landing").glob("date=*/*")
    landed.rename(tmp_path / "moved")
    assert not has_landed(tmp_path, batch_id=TRIAL, host_id=HOST)
    assert found(tmp_path) is None


def test_a_kill_while_it_is_written_down_leaves_the_earlier_one_or_none(tmp_path):
    taken(tmp_path)
    (kept,) = (tmp_path / "idle").iterdir()
    kept.with_suffix(".tmp").write_text('{"trial_id": "hal')
    assert found(tmp_path) == TRIAL
    kept.unlink()
    assert found(tmp_path) is None


def test_only_a_whole_baseline_is_remembered(tmp_path):
    assert not remember_baseline(tmp_path, spec(), rows(seconds=12.0))  # ended early
    whole = rows()
    unseen = [row for row in whole if getattr(row, "phase", None) != "idle" or row.meter != "modelled:ram"]
    assert not remember_baseline(tmp_path, spec(), unseen)
    broken = [
        replace(row, valid=False) if getattr(row, "meter", "") and hasattr(row, "valid") else row for row in whole
    ]
    assert not remember_baseline(tmp_path, spec(), broken)
    assert not remember_baseline(tmp_path, spec(), [row for row in whole if not hasattr(row, "phase")])
    assert not (tmp_path / "idle").exists()
    assert remember_baseline(tmp_path, spec(), whole)


def test_a_meter_that_did_not_hold_does_not_keep_the_others_from_being_used_again(tmp_path):
    rapl = meter_row(meter="rapl:package-0", valid=False, invalid_reason="not readable without root")
    assert remember_baseline(tmp_path, spec(), [*rows(), rapl])


@pytest.mark.parametrize(("load", "handed_on"), [(0.0, True), (0.09, True), (0.11, False)])
def test_a_baseline_of_a_busy_machine_is_not_handed_on(tmp_path, load, handed_on):
    busy = [replace(row, load_share=load) if getattr(row, "meter", "") == "modelled:cpu" and hasattr(row, "phase")
            else row for row in rows()]  # fmt: skip
    assert remember_baseline(tmp_path, spec(), busy) is handed_on


def test_a_trial_that_used_anothers_baseline_hands_on_none(tmp_path):
    later = [row for row in rows(idle_trial_id=TRIAL) if getattr(row, "phase", None) != "idle"]
    assert not remember_baseline(tmp_path, spec(), later)


def test_an_idle_baseline_lasts_thirty_seconds_and_a_day_unless_a_config_says_otherwise():
    night = Night(name="n", max_usd=0.0)
    assert (night.idle_baseline_s, night.idle_fresh_h) == (30.0, 24.0)
