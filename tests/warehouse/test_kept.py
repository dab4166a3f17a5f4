"""Figures that are worked out once: the very same ones, once for each trial, and anew when a formula changes."""

import pytest

from tests.warehouse.synthetic import copy_synthetic
from warehouse import kept, schema
from warehouse.kept import KEPT
from warehouse.loader import load
from warehouse.writer import open_warehouse, transaction


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    copy_synthetic(folder, nights=2, attempts=8)
    return folder


def rows(con, view):
    return con.execute(f"SELECT * FROM {view} ORDER BY trial_id").fetchall()


def forget(con, where="TRUE"):
    for table in ("kept_trials", *(f"{name}_kept" for name in KEPT)):
        con.execute(f"DELETE FROM {table} WHERE {where}").fetchall()


def test_every_trial_has_each_figure_once(loaded):
    with open_warehouse(loaded) as con:
        trials = con.execute("SELECT trial_id FROM trials ORDER BY trial_id").fetchall()
        for name in ("kept_trials", *KEPT):
            assert con.execute(f"SELECT trial_id FROM {name} ORDER BY trial_id").fetchall() == trials


def test_what_is_missing_is_worked_out_and_nothing_else_is_touched(loaded):
    with open_warehouse(loaded) as con:
        before = {name: rows(con, name) for name in KEPT}
        con.execute("BEGIN").fetchall()
        con.execute("UPDATE trial_metrics_kept SET ttft_p50_s = -1 WHERE trial_id NOT LIKE '%groq%'").fetchall()
        forget(con, "trial_id LIKE '%groq%'")
        assert len(rows(con, "trial_metrics")) < len(before["trial_metrics"])
        kept.keep(con)
        assert rows(con, "trial_outcomes") == before["trial_outcomes"]
        of_groq = "SELECT count(*), min(ttft_p50_s) > 0 FROM trial_metrics WHERE trial_id LIKE '%groq%'"
        assert con.execute(of_groq).fetchall() == [(5, True)]
        assert con.execute("SELECT count(*) FROM trial_metrics WHERE ttft_p50_s = -1").fetchall()[0][0] > 0
        con.execute("ROLLBACK").fetchall()


def test_a_changed_formula_works_all_trials_out_anew(loaded):
    with open_warehouse(loaded) as con:
        before = {name: rows(con, name) for name in KEPT}
        with transaction(con):
            con.execute("UPDATE trial_metrics_kept SET ttft_p50_s = -1").fetchall()
            con.execute("UPDATE written_views SET sha256 = 'of another version'").fetchall()
            assert schema.create_views(con)
        assert {name: rows(con, name) for name in KEPT} == before
    assert load(loaded).loaded_rows == 0
    with open_warehouse(loaded) as con:
        assert {name: rows(con, name) for name in KEPT} == before
