"""A real trial on an H100, as its child process left it: landed, loaded and accounted by what a night uses."""

import gzip
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from flows.spool import land_spool
from probes.power.log import read_power_log
from warehouse.loader import load
from warehouse.rows import AttemptRow, MeterRow, TrialRow

RECORDING = Path(__file__).parents[1] / "recordings" / "h100-trial"
REQUESTS, WARM_UPS, OUTPUT_TOKENS = 64, 4, 128
IDLE_S = 10
COUNTER_REFRESH_S = 0.1  # by so much each edge of a window may be off, see EnergyCounterMeter


@pytest.fixture(scope="module")
def spool(tmp_path_factory):
    """The spool folder as it lay on that machine."""
    folder = tmp_path_factory.mktemp("gpu") / "spool" / "recorded.llama-7b-random.steady.1"
    folder.mkdir(parents=True)
    for path in RECORDING.iterdir():
        if path.suffix == ".gz":
            (folder / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
        elif path.suffix == ".json":
            (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture(scope="module")
def power_log(tmp_path_factory):
    """The power log by itself: landing takes the spool folder away."""
    path = tmp_path_factory.mktemp("log") / "power.jsonl"
    path.write_bytes(gzip.decompress((RECORDING / "power.jsonl.gz").read_bytes()))
    return path


@pytest.fixture(scope="module")
def counter(power_log):
    """Readings of the card's counter under load, (t_ns, joules)."""
    _, samples = read_power_log(power_log)
    return [(s.t_ns, s.energy_j) for s in samples if s.meter == "nvml:0" and s.phase == "load"]


@pytest.fixture(scope="module")
def landed(spool):
    """What landed, and the warehouse that it was loaded into."""
    data_dir = spool.parents[1]
    rows = land_spool(data_dir, spool, status="completed", reason=None)
    assert load(data_dir).loaded_batches == (spool.name,)
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as con:
        yield rows, con


def test_every_attempt_lands_and_every_one_was_answered_in_full(landed):
    attempts = [row for row in landed[0] if isinstance(row, AttemptRow)]
    measured = [a for a in attempts if a.phase == "measured"]
    assert (len(measured), len(attempts)) == (REQUESTS, REQUESTS + WARM_UPS)
    assert {(a.error_class, a.finish_reason, a.output_tokens) for a in measured} == {(None, "length", OUTPUT_TOKENS)}
    assert landed[1].execute("SELECT count(*) FROM attempts WHERE phase = 'measured'").fetchone() == (REQUESTS,)


def test_the_trial_names_its_card_its_engine_and_that_its_weights_are_random(landed):
    (trial,) = [row for row in landed[0] if isinstance(row, TrialRow)]
    assert (trial.gpu_models, trial.engine, trial.device) == ("NVIDIA H100 80GB HBM3", "transformers", "cuda")
    assert trial.quantisation == "BF16"
    assert trial.weights_note.startswith("random weights")
    assert all(row.valid for row in landed[0] if isinstance(row, MeterRow))


def test_the_cards_energy_is_measured_and_is_the_counters_difference_over_the_window(landed, counter):
    rows, con = landed
    (trial,) = [row for row in rows if isinstance(row, TrialRow)]
    energy_j, basis, method = con.execute(
        "SELECT energy_j, basis::VARCHAR, method FROM energy_accounts WHERE component = 'gpu'"
    ).fetchone()
    assert (basis, method) == ("measured", "nvml-energy-counter")
    (first_ns, first_j), (last_ns, last_j) = counter[0], counter[-1]
    most_w = max((b - a) / (t - s) * 1e9 for (s, a), (t, b) in pairwise(counter) if t - s > 1e9)
    edges_s = (abs(trial.window_start_ns - first_ns) + abs(trial.window_end_ns - last_ns)) / 1e9
    assert abs(energy_j - (last_j - first_j)) <= most_w * (2 * COUNTER_REFRESH_S + edges_s)
    assert edges_s < 0.1
    assert most_w < 700.0  # the card's limit


def test_processor_and_memory_are_modelled_with_a_range_where_no_counter_is(landed):
    found = landed[1].execute(
        "SELECT component, basis::VARCHAR, energy_j_low < energy_j AND energy_j < energy_j_high"
        " FROM energy_accounts WHERE component <> 'gpu' ORDER BY component"
    )
    assert found.fetchall() == [("cpu", "modelled", True), ("ram", "modelled", True)]


def test_joules_per_token_are_all_components_over_all_output_tokens(landed):
    _, con = landed
    low, central, high = con.execute(
        "SELECT j_per_output_token_low, j_per_output_token, j_per_output_token_high FROM energy"
    ).fetchone()
    (total_j,) = con.execute("SELECT sum(energy_j) FROM energy_accounts WHERE in_total").fetchone()
    (card_j,) = con.execute("SELECT energy_j FROM energy_accounts WHERE component = 'gpu'").fetchone()
    tokens = REQUESTS * OUTPUT_TOKENS
    assert central == pytest.approx(total_j / tokens)
    assert 0 < card_j / tokens < low < central < high


def test_the_card_drew_more_under_load_than_in_the_idle_seconds_before(power_log, counter):
    _, samples = read_power_log(power_log)
    idle = [(s.t_ns, s.energy_j) for s in samples if s.meter == "nvml:0" and s.phase == "idle"]
    until_ns = idle[0][0] + (IDLE_S + 1) * 10**9  # what follows it in the log is the warm-up
    assert mean_w([reading for reading in idle if reading[0] < until_ns]) < mean_w(counter)


def mean_w(readings):
    (first_ns, first_j), (last_ns, last_j) = readings[0], readings[-1]
    return (last_j - first_j) / (last_ns - first_ns) * 1e9


def test_latency_is_ttft_plus_tpot_times_the_tokens_after_the_first_in_every_attempt(landed):
    _, con = landed
    checked = con.execute("SELECT count(latency_check_s), max(abs(latency_check_s)) FROM attempt_metrics").fetchall()
    ((attempts, largest_s),) = checked
    assert attempts == REQUESTS
    assert largest_s < 1e-6
