"""One account as an auditor reads it: every figure with its range, label and method, and every factor behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.accounting import Fact
from warehouse.errors import WarehouseError
from warehouse.latest import Found, latest_accounted
from warehouse.query import dicts, open_published

if TYPE_CHECKING:
    import duckdb

# Table, column of its central figure, and what the figures are of.
_ACCOUNTS = (
    ("energy_accounts", "energy_j", "energy"),
    ("cost_accounts", "cost_usd", "cost"),
    ("emission_accounts", "emissions_gco2e", "emissions"),
    ("impact_accounts", "impact_value", "impacts"),
)
_ORDER = ("total", "operational", "operational_market", "embodied")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedFigure:
    """One figure of an account; `unit` is that of low, central and high, and `missing` says why they are None."""

    group: str  # energy, cost, emissions or impacts
    component: str
    unit: str
    low: float | None
    central: float | None
    high: float | None
    basis: str | None
    method: str
    missing: str | None
    note: str | None
    factors: tuple[Fact, ...]
    in_total: bool = True
    idle_j: float | None = None
    active_j: float | None = None
    error_bound_j: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedSpread:
    """How wide a figure is; `variance_shares` has the largest first."""

    figure: str
    p05: float | None
    p50: float | None
    p95: float | None
    variance_shares: tuple[tuple[str, float], ...]
    draws: int | None
    seed: int | None
    missing: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedScore:
    """The SCI score for one functional unit, gCO2e per unit."""

    functional_unit: str
    functional_units: float | None
    low: float | None
    central: float | None
    high: float | None
    missing: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReport:
    """The latest account of one trial or job."""

    trial_id: str
    target_id: str | None  # None of a job
    started_at: datetime
    window_s: float | None
    method_version: str
    recorded_at: datetime
    figures: tuple[ReportedFigure, ...]
    spreads: tuple[ReportedSpread, ...]
    scores: tuple[ReportedScore, ...]

    @property
    def factors(self) -> tuple[Fact, ...]:
        """Every fact behind any of its figures, once."""
        return tuple(dict.fromkeys(fact for figure in self.figures for fact in figure.factors))


def find_subjects(data_dir: Path, name: str) -> Found:
    """Trials and jobs of that name: an id, the beginning of one, a run with all its trials, or `latest`.

    `latest` is the newest job, or trial that has an answer or a known figure.

    Raises:
        WarehouseError: nothing is published, nothing has been accounted, or nothing or too much is called so.
    """
    with open_published(data_dir) as con:
        found = con.execute(
            "SELECT trial_id, run_id FROM trials UNION ALL SELECT job_id, NULL FROM jobs ORDER BY ALL"
        ).fetchall()
        last = latest_accounted(con)
    if last is None:
        raise WarehouseError(
            "nothing has been loaded yet; run `megatoken night`, `megatoken bench` or `megatoken track` first"
        )
    if name == "latest":
        return last
    for matches in (
        [trial_id for trial_id, _ in found if trial_id == name],
        [trial_id for trial_id, run_id in found if run_id == name],
    ):
        if matches:
            return Found(ids=tuple(matches))
    begin = [(trial_id, run_id) for trial_id, run_id in found if name and trial_id.startswith(name)]
    runs = {run_id for _, run_id in begin}
    if len(begin) == 1 or (len(runs) == 1 and None not in runs and next(iter(runs)).startswith(name)):
        return Found(ids=tuple(trial_id for trial_id, _ in begin))
    if begin:
        raise WarehouseError(
            f"{len(begin)} trials and jobs begin with {name!r}, {begin[-1][0]} among them; give more of the id"
        )
    raise WarehouseError(f"no trial, job or run is called {name!r}; the last is {last.ids[0]}, or say `latest`")


def account_reports(data_dir: Path, trial_ids: Sequence[str]) -> list[AccountReport]:
    """The latest account of each of some trials or jobs, in that order.

    Raises:
        WarehouseError: nothing is published, or one of them has not been accounted.
    """
    with open_published(data_dir) as con:
        return [_report(con, trial_id) for trial_id in trial_ids]


def _report(con: "duckdb.DuckDBPyConnection", trial_id: str) -> AccountReport:
    subject = dicts(
        con.execute(
            """
            SELECT target_id, started_at, (window_end_ns - window_start_ns) / 1e9 AS window_s
            FROM trials WHERE trial_id = $1
            UNION ALL
            SELECT NULL, started_at, (window_end_ns - window_start_ns) / 1e9 FROM jobs WHERE job_id = $1
            """,
            [trial_id],
        )
    )[0]
    figures: list[ReportedFigure] = []
    stamps: list[tuple[str, datetime]] = []
    for table, column, group in _ACCOUNTS:
        for row in _latest(con, table, trial_id):
            figures.append(_figure(row, column, group))
            stamps.append((row["method_version"], row["recorded_at"]))
    if not stamps:
        raise WarehouseError(f"{trial_id} has not been accounted yet; `megatoken publish` accounts what has landed")
    return AccountReport(
        trial_id=trial_id,
        target_id=subject["target_id"],
        started_at=subject["started_at"],
        window_s=subject["window_s"],
        method_version=stamps[0][0],
        recorded_at=stamps[0][1],
        figures=tuple(figures),
        spreads=tuple(_spread(row) for row in _latest(con, "uncertainty_accounts", trial_id)),
        scores=tuple(
            ReportedScore(
                functional_unit=row["functional_unit"],
                functional_units=row["functional_units"],
                low=row["sci_gco2e_low"],
                central=row["sci_gco2e"],
                high=row["sci_gco2e_high"],
                missing=row["reason"],
            )
            for row in dicts(con.execute("SELECT * FROM sci WHERE trial_id = ? ORDER BY functional_unit", [trial_id]))
        ),
    )


def _latest(con: "duckdb.DuckDBPyConnection", table: str, trial_id: str) -> list[dict[str, Any]]:
    rows = dicts(
        con.execute(
            f"SELECT * FROM {table} WHERE trial_id = ? QUALIFY rank() OVER (ORDER BY recorded_at DESC) = 1", [trial_id]
        )
    )
    return sorted(rows, key=_order)


def _order(row: dict[str, Any]) -> tuple[str, int, str]:
    component = row.get("component") or row.get("figure") or ""
    rank = _ORDER.index(component) if component in _ORDER else -1
    return row.get("impact") or "", rank, component


def _figure(row: dict[str, Any], column: str, group: str) -> ReportedFigure:
    unit = row.get("impact") or column
    return ReportedFigure(
        group=group,
        component=row["component"],
        unit=unit,
        low=row[f"{column}_low"],
        central=row[column],
        high=row[f"{column}_high"],
        basis=row["basis"],
        method=row["method"],
        missing=row["missing"],
        note=row["note"],
        factors=tuple(Fact(**factor) for factor in row["factors"]),
        in_total=row.get("in_total", True),
        idle_j=row.get("idle_j"),
        active_j=row.get("active_j"),
        error_bound_j=row.get("error_bound_j"),
    )


def _spread(row: dict[str, Any]) -> ReportedSpread:
    return ReportedSpread(
        figure=row["figure"],
        p05=row["figure_p05"],
        p50=row["figure_p50"],
        p95=row["figure_p95"],
        variance_shares=tuple((one["quantity"], one["share"]) for one in row["variance_shares"] or ()),
        draws=row["draws"],
        seed=row["seed"],
        missing=row["missing"],
    )
