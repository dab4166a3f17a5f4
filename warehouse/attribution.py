"""The energy of each trial's window divided among its attempts, computed and stored.

A trial is attributed once under a version, and again when its energy account has changed; a later attribution stands
beside the earlier one and is what the view `attempt_accounts` reads. Weights come from attempts that were served
alone: of the trial itself, else of the newest earlier trial of the same target on the same host, else of a ledger.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from warehouse.account_rows import accounting_instant
from warehouse.attempt_requests import Attempts, attempts_of
from warehouse.attribution_weights import METHOD_VERSION, TARGET_COLUMNS, Fits, Target, Weights, weights_of
from warehouse.energy_curves import curves_of
from warehouse.formulas.attribution import TimeSlices
from warehouse.formulas.interval import Interval
from warehouse.meter_energy import Meter
from warehouse.meter_readings import meters_of
from warehouse.metering import AND
from warehouse.tables import insert_dicts

if TYPE_CHECKING:
    import duckdb

METHOD = "time-sliced-by-weight"
# Attempts that are held in memory together; a trial is never divided.
_ATTEMPTS_AT_ONCE = 500_000
_TRIALS_AT_ONCE = 200

_ENERGY = """
    SELECT
        trial_id,
        CASE WHEN count(*) = count(energy_j) THEN sum(energy_j_low) END AS energy_j_low,
        CASE WHEN count(*) = count(energy_j) THEN sum(energy_j) END AS energy_j,
        CASE WHEN count(*) = count(energy_j) THEN sum(energy_j_high) END AS energy_j_high,
        CASE WHEN count(*) = count(idle_j) THEN sum(idle_j) END AS idle_j,
        list((component, method)) AS methods,
        string_agg(missing, '; ' ORDER BY missing) AS missing
    FROM (SELECT * FROM energy_accounts QUALIFY rank() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC) = 1)
    WHERE in_total
    GROUP BY trial_id
"""
_PENDING = f"""
    WITH energy_now AS ({_ENERGY}),

    attributed AS (
        SELECT trial_id, window_energy_j
        FROM attribution_accounts
        WHERE method_version = $version
        QUALIFY row_number() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC) = 1
    )

    SELECT
        t.trial_id,
        t.started_at,
        t.window_start_ns,
        t.window_end_ns,
        e.energy_j_low,
        e.energy_j,
        e.energy_j_high,
        e.idle_j,
        e.methods,
        e.missing,
        {TARGET_COLUMNS}
    FROM trials AS t
    INNER JOIN energy_now AS e USING (trial_id)
    LEFT JOIN attributed AS a USING (trial_id)
    WHERE t.kind = 'local' AND (
        a.trial_id IS NULL
        OR (a.window_energy_j IS NULL) <> (e.energy_j IS NULL)
        OR abs(a.window_energy_j - e.energy_j) > 1e-9 * e.energy_j
    )
    ORDER BY t.started_at, t.trial_id
"""
# Ids are long and many: they stay in the database, and rows find them by where they stand.
_INSERT_SHARES = """
    INSERT INTO attempt_energy BY NAME
    SELECT
        a.attempt_id,
        a.trial_id,
        n.energy_j_low,
        n.energy_j,
        n.energy_j_high,
        ?::TIMESTAMPTZ AS recorded_at
    FROM new_shares AS n
    INNER JOIN attempts AS a ON a.rowid = n.attempt_row
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    trial_id: str
    started_at: datetime
    start_ns: int | None
    end_ns: int | None
    energy_j: Interval | None
    idle_j: float | None
    methods: frozenset[str]  # 'component method' of the meters that its account used
    missing: str | None
    target: Target

    @property
    def idle_w(self) -> float | None:
        """Power without requests, watts."""
        if self.idle_j is None or self.start_ns is None or self.end_ns is None:
            return None
        return self.idle_j / ((self.end_ns - self.start_ns) / 1e9)


def attribute_trials(con: "duckdb.DuckDBPyConnection") -> int:
    """Attribute every local trial whose energy account has no attribution under this version, or another energy.

    Args:
        con: a connection to a warehouse with all tables, inside the caller's transaction.

    Returns:
        How many trials were attributed; of those that could not be, an account says why.
    """
    pending = [_trial(row) for row in con.execute(_PENDING, {"version": METHOD_VERSION}).fetchall()]
    if not pending:
        return 0
    fits = Fits(con)
    recorded_at = accounting_instant(con, "attribution_accounts")
    for some in _chunks(con, pending):
        names = [trial.trial_id for trial in some]
        meters, attempts = meters_of(con, names), attempts_of(con, names)
        done = [_Divided(trial, meters.get(trial.trial_id, []), attempts.get(trial.trial_id), fits) for trial in some]
        _store(con, done, recorded_at)
    return len(pending)


class _Divided:
    """One trial's window, divided; or why it could not be."""

    def __init__(self, trial: _Trial, meters: Sequence[Meter], attempts: Attempts | None, fits: Fits) -> None:
        self.trial = trial
        self.attempts: Attempts | None = None
        self.attempt_j: tuple[Any, Any, Any] | None = None  # low, central, high; shape (attempts,) each
        self.weights: Weights | None = None
        self.overhead_j: float | None = None
        self.missing: str | None = None
        try:
            self._divide(meters, attempts, fits)
        except ValueError as error:
            self.missing = str(error)

    def _divide(self, meters: Sequence[Meter], attempts: Attempts | None, fits: Fits) -> None:
        trial = self.trial
        if trial.energy_j is None or trial.start_ns is None or trial.end_ns is None:
            raise ValueError(f"the energy of its window is not known: {trial.missing or 'no window'}")
        if attempts is None:
            raise ValueError("no attempt of it was measured")
        used = [m for m in meters if f"{m.component} {m.method}" in trial.methods]
        curves = curves_of(used, trial.start_ns, trial.end_ns, trial.energy_j)
        window_s = (trial.end_ns - trial.start_ns) / 1e9
        timed = attempts.timed(window_s)
        self.weights = weights_of(
            trial.target, trial.started_at, trial.trial_id, timed, curves.central, trial.idle_w, fits
        )
        slices = TimeSlices(timed.requests(self.weights.prefill_ratio), 0.0, window_s)
        central = slices.divide(curves.central)
        low, high = (
            central.request_j * ratio if curve is None else slices.divide(curve).request_j
            for curve, ratio in ((curves.low, curves.low_share), (curves.high, curves.high_share))
        )
        # one that was never sent is no request, and drew nothing
        self.attempt_j = (timed.spread(low), timed.spread(central.request_j), timed.spread(high))
        self.attempts, self.overhead_j = attempts, central.overhead_j


def _trial(row: Sequence[Any]) -> _Trial:
    trial_id, started_at, start_ns, end_ns, low, central, high, idle_j, methods, missing, *target = row
    return _Trial(
        trial_id=trial_id,
        started_at=started_at,
        start_ns=start_ns,
        end_ns=end_ns,
        energy_j=None if central is None else Interval(low=low, central=central, high=high),
        idle_j=idle_j,
        methods=frozenset(f"{component} {method}" for component, together in methods for method in together.split(AND)),
        missing=missing,
        target=tuple(target),
    )


def _chunks(con: "duckdb.DuckDBPyConnection", pending: Sequence[_Trial]) -> Iterator[list[_Trial]]:
    """Trials in order, as many at a time as memory is meant to hold."""
    counted = dict(
        con.execute(
            "SELECT trial_id, count(*) FROM attempts WHERE trial_id IN (SELECT unnest(?)) GROUP BY trial_id",
            [[trial.trial_id for trial in pending]],
        ).fetchall()
    )
    some: list[_Trial] = []
    held = 0
    for trial in pending:
        count = counted.get(trial.trial_id, 0)
        if some and (held + count > _ATTEMPTS_AT_ONCE or len(some) == _TRIALS_AT_ONCE):
            yield some
            some, held = [], 0
        some.append(trial)
        held += count
    yield some


def _store(con: "duckdb.DuckDBPyConnection", done: Sequence[_Divided], recorded_at: datetime) -> None:
    insert_dicts(con, "attribution_accounts", [_account_row(each, recorded_at) for each in done])
    whole = [(each.attempts, each.attempt_j) for each in done if each.attempts is not None and each.attempt_j]
    if not whole:
        return
    low, central, high = (np.concatenate([attempt_j[end] for _, attempt_j in whole]) for end in range(3))
    rows = np.concatenate([attempts.attempt_row for attempts, _ in whole])
    con.register("new_shares", {"attempt_row": rows, "energy_j_low": low, "energy_j": central, "energy_j_high": high})
    con.execute(_INSERT_SHARES, [recorded_at]).fetchall()
    con.unregister("new_shares")


def _account_row(each: _Divided, recorded_at: datetime) -> dict[str, Any]:
    energy_j, weights = each.trial.energy_j, each.weights
    return {
        "trial_id": each.trial.trial_id,
        "window_energy_j": None if energy_j is None else energy_j.central,
        "attributed_j": None if each.attempt_j is None else float(each.attempt_j[1].sum()),
        "overhead_j": each.overhead_j,
        "prefill_weight_ratio": None if weights is None else weights.prefill_ratio,
        "decode_weight_ratio": None if weights is None else 1.0,
        "weight_source": None if weights is None else weights.source,
        "method": METHOD,
        "method_version": METHOD_VERSION,
        "missing": each.missing,
        "recorded_at": recorded_at,
    }
