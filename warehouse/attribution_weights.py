"""What a prompt token weighs beside an output token when energy is divided: fitted where it can be, with its source."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from warehouse.attempt_requests import Timed, fitted
from warehouse.factors import current
from warehouse.formulas.energy_curve import EnergyCurve

if TYPE_CHECKING:
    import duckdb

# Change it with any change of the rule of attribution: every trial is then attributed anew.
METHOD_VERSION = "1"
_FITTED = "fitted from "

Target = tuple[Any, ...]
# What makes a target the same: weights that were fitted for one hold for the other. The device comes first.
TARGET_COLUMNS = (
    "t.device, t.host_id, t.target_id, t.engine, t.engine_version, t.model, t.quantisation, t.weights_sha256,"
    " t.threads, t.slots"
)
_FITS = f"""
    SELECT t.started_at, a.trial_id, a.prefill_weight_ratio, {TARGET_COLUMNS}
    FROM attribution_accounts AS a
    INNER JOIN trials AS t USING (trial_id)
    WHERE a.method_version = ? AND starts_with(a.weight_source, '{_FITTED}')
    QUALIFY row_number() OVER (PARTITION BY a.trial_id ORDER BY a.recorded_at DESC) = 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Weight of a prompt token, an output token being 1, and what it rests on."""

    prefill_ratio: float
    source: str


class Fits:
    """Ratios fitted so far, by target: those in the warehouse, and those that are added."""

    def __init__(self, con: "duckdb.DuckDBPyConnection") -> None:
        self._found: dict[Target, list[tuple[datetime, str, float]]] = {}
        for started_at, trial_id, ratio, *target in con.execute(_FITS, [METHOD_VERSION]).fetchall():
            self.add(tuple(target), started_at, trial_id, ratio)

    def add(self, target: Target, started_at: datetime, trial_id: str, ratio: float) -> None:
        """Remember what a trial came to."""
        self._found.setdefault(target, []).append((started_at, trial_id, ratio))

    def newest(self, target: Target, until: datetime) -> tuple[str, float] | None:
        """Trial and ratio of the last one that began by then; None if there is none."""
        earlier = [fit for fit in self._found.get(target, ()) if fit[0] <= until]
        return max(earlier)[1:] if earlier else None


def weights_of(
    target: Target,
    started_at: datetime,
    trial_id: str,
    timed: Timed,
    curve: EnergyCurve,
    idle_w: float | None,
    fits: Fits,
) -> Weights:
    """The weights for a trial: its own fit, else the newest earlier one of its target, else the ledger's.

    Args:
        target: values of `TARGET_COLUMNS`.
        started_at: when the trial began.
        trial_id: the trial.
        timed: its attempts.
        curve: energy of its window.
        idle_w: power without requests, watts; None if it is not known.
        fits: ratios known so far; a fit of this trial is added.

    Raises:
        ValueError: there is neither a fit nor a row of the ledger; says what to add.
    """
    fit = fitted(timed, curve, idle_w)
    if fit is not None:
        fits.add(target, started_at, trial_id, fit.prefill_ratio)
        by = "energy on top of idle" if fit.active else "all energy, idle included"
        return Weights(
            prefill_ratio=fit.prefill_ratio,
            source=f"{_FITTED}{fit.attempts} attempts of this trial that were alone, by {by}",
        )
    earlier = fits.newest(target, started_at)
    if earlier is not None:
        return Weights(prefill_ratio=earlier[1], source=f"as fitted in trial {earlier[0]}")
    device = target[0]
    default = current("attribution", device or "", "prefill_weight_ratio", on=started_at.date())
    if default is None:
        raise ValueError(
            "no weights: no attempt of this target on this host was served alone, and attribution.csv has no row for"
            f" device {device!r} on {started_at:%Y-%m-%d}; add one with its source, or measure the target under a"
            " workload of one request at a time"
        )
    return Weights(
        prefill_ratio=default.central,
        source=f"default of attribution.csv for {device}, version {default.factor_version}",
    )
