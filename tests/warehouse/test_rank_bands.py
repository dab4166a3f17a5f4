"""Rank bands out of a warehouse: which nights count, what is tied and why, and inputs that targets share."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import duckdb
import numpy as np
import pytest

from tests.warehouse.bands import workload_bands
from tests.warehouse.builders import run_row
from tests.warehouse.synthetic import FIRST_NIGHT_AT, Target, _trial, copy_synthetic
from warehouse import schema
from warehouse.decision import banded_rows
from warehouse.errors import WarehouseError
from warehouse.loader import derive
from warehouse.publish import published_link
from warehouse.query import ranked
from warehouse.rank_bands import RankBand
from warehouse.rows import FactRow
from warehouse.shared_inputs import drawn_figures
from warehouse.tables import by_table, insert_rows

W = "chat-1"
NIGHTS = 5
LOCAL = {"kind": "local", "provider": "llama.cpp", "model": "small", "device": "cpu", "power_w": 38.0}
TARGETS = (
    Target(id="fast", ttft_s=0.10, tpot_s=0.004, usd_per_mtok=(1.0, 3.0), provider="a", model="m"),
    Target(id="twin-1", ttft_s=0.30, tpot_s=0.010, usd_per_mtok=(1.0, 2.0), provider="b", model="m"),
    Target(id="twin-2", ttft_s=0.30, tpot_s=0.010, usd_per_mtok=(1.0, 2.0), provider="c", model="m"),
    Target(id="q4", ttft_s=0.60, tpot_s=0.020, **LOCAL),
    Target(id="q8", ttft_s=0.80, tpot_s=0.025, **LOCAL),
    Target(id="api", ttft_s=2.0, tpot_s=0.05, j_per_token=(0.1, 0.5, 2.0), provider="d", model="m"),
)
IDS = [target.id for target in TARGETS]


def night(random, number, targets=TARGETS, *, run_id=None, **changes):
    """Every target once; `changes` are of the trials."""
    at = FIRST_NIGHT_AT + timedelta(days=number)
    run_id = run_id or f"night-{number:02}"
    rows = [run_row(run_id=run_id, started_at=at)]
    for target in targets:
        trial, *others = _trial(run_id, target, W, at, random, 16)
        # a grid that is known to a factor of three, the same for all
        others = [
            replace(row, low=200.0, central=400.0, high=600.0)
            if isinstance(row, FactRow) and row.quantity == "grid_gco2e_per_kwh"
            else row
            for row in others
        ]
        rows += [replace(trial, **changes), *others]
        at += timedelta(minutes=1)
    return rows


def filled(*nights):
    con = duckdb.connect()
    schema.create_for_one_use(con)
    for table, members in by_table([row for rows in nights for row in rows]).items():
        insert_rows(con, table, members)
    derive(con)
    return con


@pytest.fixture(scope="module")
def board():
    random = Random(3)
    con = filled(*(night(random, number) for number in range(NIGHTS)))
    yield con
    con.close()


def found(con, by, ids=IDS, **others):
    return {band.target_id: band for band in workload_bands(con, W, ids, by=by, any_grade=True, **others)}


def places(bands):
    return {target_id: (band.rank_low, band.rank_high) for target_id, band in bands.items()}


def test_five_nights_tell_fast_from_slow_and_leave_twins_tied(board):
    bands = found(board, "ttft_p50_s")
    assert places(bands) == {
        "fast": (1, 1), "twin-1": (2, 3), "twin-2": (2, 3), "q4": (4, 4), "q8": (5, 5), "api": (6, 6)
    }  # fmt: skip
    assert [bands[one].tier for one in IDS] == [1, 2, 2, 3, 4, 5]
    assert {band.n_runs for band in bands.values()} == {NIGHTS}
    assert bands["fast"].p_first == pytest.approx(1.0, abs=0.01)
    (tied,) = [band for band in bands.values() if band.tied_by is not None]
    assert {tied.target_id, tied.next_better} == {"twin-1", "twin-2"}
    assert tied.tied_by == "runs"
    assert tied.nights_to_separate is None or tied.nights_to_separate > 0


def test_the_typical_figure_is_the_mean_of_the_logarithms_of_the_nights(board):
    nights = board.execute("SELECT ttft_p50_s FROM trial_figures WHERE target_id = 'q8'").fetchnumpy()["ttft_p50_s"]
    assert found(board, "ttft_p50_s")["q8"].figure == pytest.approx(float(np.exp(np.log(nights).mean())))


def test_a_grid_that_is_uncertain_for_both_does_not_tie_two_targets_on_it(board):
    bands = found(board, "operational_gco2e_per_output_mtok", ["q4", "q8"])
    (low, high) = board.execute(
        """
        SELECT max(operational_gco2e_per_output_mtok_high) FILTER (target_id = 'q4'),
            min(operational_gco2e_per_output_mtok_low) FILTER (target_id = 'q8')
        FROM emissions
        """
    ).fetchone()
    assert low > high, "their ranges overlap, so only the shared draws can tell them apart"
    assert places(bands) == {"q4": (1, 1), "q8": (2, 2)}


def test_an_energy_that_is_only_declared_of_an_endpoint_is_uncertain_on_its_own(board):
    bands = found(board, "j_per_output_token", ["q4", "api"])
    assert set(places(bands).values()) == {(1, 2)}
    assert {band.tied_by for band in bands.values()} == {None, "inputs"}


def test_draws_are_around_the_central_figure_and_fill_its_range(board):
    trial_ids = [row[0] for row in board.execute("SELECT trial_id FROM trials WHERE target_id = 'q4'").fetchall()]
    drawn = drawn_figures(board, "operational_gco2e_per_output_mtok", trial_ids)
    ranges = board.execute(
        """
        SELECT operational_gco2e_low / operational_gco2e, operational_gco2e_high / operational_gco2e
        FROM emissions WHERE trial_id = ?
        """,
        [trial_ids[0]],
    ).fetchone()
    assert np.median(drawn[0]) == pytest.approx(1.0, abs=0.05)
    assert ranges[0] <= drawn[0].min() < 0.8
    assert 1.2 < drawn[0].max() <= ranges[1]


@pytest.mark.parametrize("by", ["usd_per_output_mtok", "embodied_gco2e_per_output_mtok", "qoe_mean_share"])
def test_every_kind_of_metric_has_bands_that_hold_one_another(board, by):
    known = [row["target_id"] for row in ranked(board, by=by, any_grade=True) if row["rank"] is not None]
    bands = list(found(board, by, known).values())
    assert len(bands) >= 2
    assert all(1 <= band.rank_low <= band.rank_high <= len(bands) for band in bands)
    assert min(band.rank_low for band in bands) == 1
    assert max(band.rank_high for band in bands) == len(bands)
    assert sum(band.p_first for band in bands) == pytest.approx(1.0)


@pytest.mark.parametrize("by", ["goodput_share", "failed_share", "qoe_mean_share"])
def test_the_interval_of_a_share_is_one_of_shares(board, by):
    for band in found(board, by).values():
        assert 0 <= band.low <= round(band.figure, 12) <= band.high <= 1


def test_a_narrow_window_counts_fewer_nights(board):
    bands = found(board, "ttft_p50_s", window=timedelta(days=1, hours=1))
    assert {band.n_runs for band in bands.values()} == {2}
    assert {band.basis for band in bands.values()} == {"within-run"}
    assert "2 of the 3 nights" in bands["q4"].reason


def test_a_client_that_is_graded_too_low_counts_in_no_band_unless_asked_for():
    random = Random(1)
    con = filled(*(night(random, number, TARGETS[:2]) for number in range(3)))
    con.execute("UPDATE certificates SET grade = 'D' WHERE trial_id LIKE 'night-00.fast%'").fetchall()
    asked = {"by": "ttft_p50_s"}
    assert [band.n_runs for band in workload_bands(con, W, IDS[:2], **asked)] == [2, 3]
    assert [band.n_runs for band in workload_bands(con, W, IDS[:2], any_grade=True, **asked)] == [3, 3]
    con.close()


def test_nights_under_other_terms_other_weights_and_ad_hoc_benches_do_not_count():
    random = Random(2)
    con = filled(
        night(random, 0, slo_ttft_s=9.0),
        night(random, 1, TARGETS[:1]),
        night(random, 2, TARGETS[:1], engine_version="older"),
        night(random, 3),
        night(random, 4, TARGETS[:2]),
        night(random, 5, TARGETS[:2], run_id="bench-5"),
    )
    bands = found(con, "ttft_p50_s")
    assert {one: bands[one].n_runs for one in IDS} == {
        "fast": 3, "twin-1": 2, "twin-2": 1, "q4": 1, "q8": 1, "api": 1
    }  # fmt: skip
    assert found(con, "ttft_p50_s", ["nobody"])["nobody"] == RankBand(
        target_id="nobody", reason="no known figure under the terms that the workload has now"
    )
    con.close()


def test_rows_of_a_published_board_have_their_bands_beside_their_ranks(tmp_path):
    copy_synthetic(tmp_path, nights=1, attempts=6, with_bench=False)
    rows = banded_rows(tmp_path, by="ttft_p50_s")
    assert published_link(tmp_path).exists()
    first = rows[0]
    assert (first["rank"], first["rank_low"], first["n_runs"], first["band_basis"]) == (1, 1, 1, "within-run")
    assert {"rank_high", "tier", "p_first", "nights_to_separate", "band_reason", "tied_by"} <= set(first)
    assert [row["rank_low"] is None for row in rows] == [row["rank"] is None for row in rows]


def test_an_unknown_metric_is_named(board):
    with pytest.raises(WarehouseError, match="'speed' is not known"):
        found(board, "speed")
