"""History accounted anew under other factors: beside the old figures, with what changed and why."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from tests.warehouse.begun import begun
from tests.warehouse.builders import attempt_row, counter_samples, local_facts, meter_row, trial_row
from warehouse.account_changes import account_changes
from warehouse.account_report import account_reports, find_subjects
from warehouse.accounts import METHOD_VERSION, account
from warehouse.errors import WarehouseError
from warehouse.landing import land
from warehouse.latest import Found
from warehouse.loader import load
from warehouse.publish import publish
from warehouse.writer import open_warehouse

OLD, NEW = "night-1.alpha.chat.1", "night-2.alpha.chat.1"


def rows_of(trial_id, run_id, started_at):
    trial = trial_row(run_id=run_id, started_at=started_at)
    facts = [
        replace(row, ledger="grid_intensity", ledger_key="AAA", factor_version="old")
        if row.quantity == "grid_gco2e_per_kwh"
        else row
        for row in local_facts()
    ]
    return [replace(row, trial_id=trial_id) for row in (trial, attempt_row(), meter_row(), *counter_samples(), *facts)]


def doubled(fact):
    """The grid's row has changed: twice the figure, another version."""
    if fact.ledger_key != "AAA":
        return fact
    return replace(fact, low=800.0, central=800.0, high=800.0, source="a new row", factor_version="new")


@pytest.fixture(scope="module")
def recomputed(tmp_path_factory):
    """Two trials of two days accounted, then the later of them anew under a doubled grid."""
    root = tmp_path_factory.mktemp("data")
    land(root, batch_id="b1", host_id="h", rows=rows_of(OLD, "night-1", datetime(2026, 11, 1, 23, tzinfo=UTC)))
    rows = [replace(row, attempt_id=f"{NEW}.0") if hasattr(row, "attempt_id") else row
            for row in rows_of(NEW, "night-2", datetime(2026, 11, 2, 1, tzinfo=UTC))]  # fmt: skip
    land(root, batch_id="b2", host_id="h", rows=rows)
    assert load(begun(root)).accounted_trials == 2
    began = datetime.now(UTC)
    assert account(root, recompute=True, since=date(2026, 11, 2), refresh=doubled) == 1
    publish(root)
    return root, began


def test_only_what_began_since_that_day_is_accounted_anew(recomputed):
    root, began = recomputed
    assert {change.trial_id for change in account_changes(root, since=began)} == {NEW}


def test_the_old_figures_stay_and_the_views_read_the_new_ones(recomputed):
    root, _ = recomputed
    with open_warehouse(root) as con:
        stored = con.execute(
            "SELECT emissions_gco2e, factors FROM emission_accounts WHERE trial_id = ? AND component = 'operational'"
            " ORDER BY recorded_at",
            [NEW],
        ).fetchall()
        seen = con.execute("SELECT trial_id, operational_gco2e FROM emissions ORDER BY 1").fetchall()
    assert [figure for figure, _ in stored] == pytest.approx([0.05, 0.1])
    assert [[f["factor_version"] for f in factors if f["factor_version"]] for _, factors in stored] == [
        ["old"],
        ["new"],
    ]
    assert seen == [(OLD, pytest.approx(0.05)), (NEW, pytest.approx(0.1))]


def test_what_changed_is_said_by_figure_with_the_factor_that_did_it(recomputed):
    root, began = recomputed
    (change,) = account_changes(root, since=began)
    assert (change.figure, change.target_id) == ("operational_gco2e", "alpha")
    assert (change.old, change.new) == pytest.approx((0.05, 0.1))
    (factor,) = change.because
    assert (factor.quantity, factor.old, factor.new) == ("grid_gco2e_per_kwh", 400.0, 800.0)
    assert (factor.old_version, factor.new_version, factor.source) == ("old", "new", "a new row")


def test_a_report_has_every_figure_and_every_factor_once_and_is_of_the_latest_account(recomputed):
    root, _ = recomputed
    (report,) = account_reports(root, [NEW])
    figures = {(figure.unit, figure.component): figure for figure in report.figures}
    assert figures["emissions_gco2e", "operational"].central == pytest.approx(0.1)
    assert figures["emissions_gco2e", "operational_market"].missing is not None
    assert figures["energy_j", "cpu"].idle_j == pytest.approx(50.0)
    quantities = [fact.quantity for fact in report.factors]
    assert len(quantities) == len(set(quantities)) == 9
    assert {spread.figure for spread in report.spreads} == {"energy_j", "usd", "gco2e", "water_l"}
    assert {score.functional_unit for score in report.scores} == {"request", "1k output tokens", "1M output tokens"}
    assert report.method_version == METHOD_VERSION


@pytest.mark.parametrize(
    ("name", "found"),
    [("latest", (NEW,)), (OLD, (OLD,)), ("night-1", (OLD,)), ("night-2.al", (NEW,))],
)
def test_an_account_is_found_by_trial_run_beginning_or_as_the_latest(recomputed, name, found):
    assert find_subjects(recomputed[0], name) == Found(ids=found)


def test_what_is_not_there_or_not_one_is_said(recomputed):
    with pytest.raises(WarehouseError, match="no trial, job or run is called 'dawn'"):
        find_subjects(recomputed[0], "dawn")
    with pytest.raises(WarehouseError, match="2 trials and jobs begin with 'night'"):
        find_subjects(recomputed[0], "night")
