"""Figures that are worked out once: they are the very same, once for each trial, and anew when a view changes."""

import pytest

from tests.warehouse.synthetic import write_synthetic
from warehouse import schema
from warehouse.kept import KEPT, worked_out
from warehouse.loader import load
from warehouse.writer import open_warehouse, transaction


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    write_synthetic(folder, nights=1, attempts=8)
    return folder


def rows(con, view):
    return con.execute(f"SELECT * FROM {view} ORDER BY trial_id").fetchall()


@pytest.mark.parametrize("view", KEPT)
def test_what_is_kept_is_what_the_view_works_out(loaded, view):
    with open_warehouse(loaded) as con:
        kept = rows(con, view)
        trials = con.execute("SELECT count(*) FROM trials").fetchall()[0][0]
        assert len(kept) == len(rows(con, f"{view}_kept")) == trials > 0
        con.execute("BEGIN").fetchall()
        con.execute("DELETE FROM kept_trials").fetchall()
        for name in KEPT:
            con.execute(f"DELETE FROM {name}_kept").fetchall()
        assert rows(con, view) == kept
        con.execute("ROLLBACK").fetchall()


def test_a_trial_that_is_not_kept_yet_is_worked_out_beside_those_that_are(loaded):
    with open_warehouse(loaded) as con:
        before = rows(con, "trial_metrics")
        con.execute("BEGIN").fetchall()
        for table in ("kept_trials", *(f"{name}_kept" for name in KEPT)):
            con.execute(f"DELETE FROM {table} WHERE trial_id LIKE '%groq%'").fetchall()
        assert rows(con, "trial_metrics") == before
        assert len(rows(con, "trial_metrics_kept")) < len(before)
        con.execute("ROLLBACK").fetchall()


def test_a_changed_view_empties_what_was_kept_and_the_next_load_fills_it(loaded):
    with open_warehouse(loaded) as con:
        before = rows(con, "trial_metrics")
        with transaction(con):
            con.execute("UPDATE written_views SET sha256 = 'of another version'").fetchall()
            assert schema.create_views(con)
        assert rows(con, "trial_metrics_kept") == []
        assert rows(con, "trial_metrics") == before
    load(loaded)
    with open_warehouse(loaded) as con:
        assert rows(con, "trial_metrics_kept") == rows(con, "trial_metrics") == before


def test_a_kept_view_that_does_not_read_its_table_is_an_error():
    with pytest.raises(ValueError, match="trial_metrics is kept and must hold"):
        worked_out("trial_metrics", "CREATE VIEW trial_metrics AS SELECT 1 AS trial_id;")
