"""What changed the bill between two spans of time: what each target cost in both, and why it differs.

Every dollar stands in one part: price, volume, tokens of a request by kind, cache, failed attempts and warm-ups, work
of a machine, or a target that is new or gone; the parts of all targets sum to the difference. A target of which any
cost is unknown in either span is in neither sum, and named.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from warehouse.bill_periods import Period, billed_runs, periods_of
from warehouse.bill_query import PAID, PRICES, USES
from warehouse.bill_use import MachineUse, Tokens, TokenUse, Use, parts_of, per_request, per_token
from warehouse.query import dicts

if TYPE_CHECKING:
    import duckdb

PARTS = ("volume", "price", "input", "output", "reasoning", "cache", "work", "failed", "warm-up", "new", "gone")


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceMove:
    """A price that was another one from a day on; `amount` names it with its unit."""

    amount: str
    on: date
    before_usd: float
    after_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetBill:
    """A target's bill in two spans of time, and the parts of the difference, US dollars.

    `before` is None of a target that is new, `after` of one that is gone. `moves` are changes of its prices, the oldest
    first.
    """

    target_id: str
    provider: str
    model: str
    before: Use | None
    after: Use | None
    parts: Mapping[str, float]
    moves: tuple[PriceMove, ...] = ()

    @property
    def before_usd(self) -> float:
        """What it came to, 0 of a target that was not there."""
        return 0.0 if self.before is None else self.before.usd

    @property
    def after_usd(self) -> float:
        """What it comes to."""
        return 0.0 if self.after is None else self.after.usd

    @property
    def difference_usd(self) -> float:
        """The later less the earlier."""
        return self.after_usd - self.before_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownBill:
    """A target of which something has no known cost: of so many trials, `unpriced_trials`, and why."""

    target_id: str
    provider: str
    model: str
    trials: int
    unpriced_trials: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BillChange:
    """Two bills and what lies between them; targets by the size of their difference, the largest first."""

    before: Period
    after: Period
    targets: tuple[TargetBill, ...]
    unknown: tuple[UnknownBill, ...]
    unbilled_failures: int  # failed attempts that report no tokens: a provider may have billed them all the same

    @property
    def is_alone(self) -> bool:
        """Whether nothing ran in one of them, so that there is nothing to compare."""
        return not (self.before.run_ids and self.after.run_ids)

    @property
    def before_usd(self) -> float:
        """All targets whose cost is known."""
        return math.fsum(one.before_usd for one in self.targets)

    @property
    def after_usd(self) -> float:
        """All targets whose cost is known."""
        return math.fsum(one.after_usd for one in self.targets)

    @property
    def difference_usd(self) -> float:
        """The later less the earlier."""
        return math.fsum(one.difference_usd for one in self.targets)

    @property
    def parts(self) -> Mapping[str, float]:
        """The difference by part, over all targets, in the order of `PARTS`; those that any target has."""
        return {
            name: math.fsum(one.parts.get(name, 0.0) for one in self.targets)
            for name in PARTS
            if any(name in one.parts for one in self.targets)
        }


def bill_change(con: "duckdb.DuckDBPyConnection", names: Sequence[str], *, wanted: str | None = None) -> BillChange:
    """What changed the bill between two spans of time.

    Args:
        con: a published snapshot.
        names: two of the forms that `bill_periods.period_named` takes, the earlier first; or one such as `7d`.
        wanted: only this target, or targets that serve this model.

    Raises:
        WarehouseError: a name means nothing here.
    """
    return between(con, *periods_of(billed_runs(con), names), wanted=wanted)


def between(
    con: "duckdb.DuckDBPyConnection", before: Period, after: Period, *, wanted: str | None = None
) -> BillChange:
    """The same between two spans of time that are known."""
    rows = dicts(con.execute(USES, {"before": list(before.run_ids), "after": list(after.run_ids)}))
    products: dict[tuple[str, str, bool], _Rows] = {}
    for row in rows:
        if wanted is None or wanted.casefold() in (row["target_id"].casefold(), row["model"].casefold()):
            products.setdefault((row["target_id"], row["model"], row["is_machine"]), []).append(row)
    found: list[TargetBill] = []
    unknown: list[UnknownBill] = []
    for lines in products.values():
        if any(row["unpriced_trials"] for row in lines):
            unknown.append(_unknown(lines))
        else:
            found.append(_known(lines))
    found.sort(key=lambda one: (-abs(one.difference_usd), one.target_id, one.model))
    return BillChange(
        before=before,
        after=after,
        targets=tuple(found),
        unknown=tuple(unknown),
        unbilled_failures=sum(
            row["attempts"] - row["requests"] for lines in products.values() for row in lines if row["line"] == "failed"
        ),
    )


_Rows = list[dict[str, Any]]


def _known(lines: _Rows) -> TargetBill:
    sides = [[row for row in lines if row["is_after"] is is_after] for is_after in (False, True)]
    before, after = (_use(of_side) if of_side else None for of_side in sides)
    newest = lines[-1]
    return TargetBill(
        target_id=newest["target_id"],
        provider=newest["provider"],
        model=newest["model"],
        before=before,
        after=after,
        parts=_parts(before, after),
        moves=tuple(PriceMove(**move) for move in newest["moves"] or ()),
    )


def _unknown(lines: _Rows) -> UnknownBill:
    def most(name: str) -> int:
        # each line of a trial counts it again
        return sum(
            max((row[name] for row in lines if row["is_after"] is is_after), default=0) for is_after in (False, True)
        )

    return UnknownBill(
        target_id=lines[0]["target_id"],
        provider=lines[0]["provider"],
        model=lines[0]["model"],
        trials=most("trials"),
        unpriced_trials=most("unpriced_trials"),
        reason="; ".join(dict.fromkeys(row["reason"] for row in lines if row["reason"])),
    )


def _parts(before: Use | None, after: Use | None) -> dict[str, float]:
    if before is None:
        return {"new": 0.0 if after is None else after.usd}
    return {"gone": -before.usd} if after is None else parts_of(before, after)


def _use(rows: _Rows) -> Use:
    first = rows[0]
    if first["is_machine"]:
        return MachineUse(
            usd=first["usd"],
            attempts=first["attempts"],
            energy_j=first["energy_j"] or 0.0,
            window_s=first["window_s"] or 0.0,
            electricity_usd=first["electricity_usd"],
            hardware_usd=first["hardware_usd"],
        )
    lines = {row["line"]: _tokens(row) for row in rows}
    bought = [sum(counts) for counts in zip(*(of.billed for of in lines.values()), strict=True)]
    paid = [math.fsum(row[name] for row in rows) for name in PAID]
    return TokenUse(
        usd=math.fsum(row["usd"] for row in rows),
        lines=lines,
        prices=tuple(
            usd / count if count else one for usd, count, one in zip(paid, bought, _stated(rows), strict=True)
        ),
    )


def _tokens(row: Mapping[str, Any]) -> Tokens:
    return Tokens(
        requests=row["requests"],
        fees=row["fees"],
        fresh=row["prompt_tokens"] - row["cached_tokens"] - row["cache_write_tokens"],
        cached=row["cached_tokens"],
        written=row["cache_write_tokens"],
        output=row["output_tokens"],
        reasoning=row["reasoning_tokens"],
    )


def _stated(rows: Iterable[Mapping[str, Any]]) -> list[float]:
    """Prices as they were stated, US dollars a token and a request; of lines, by their attempts."""
    held = list(rows)
    attempts = sum(row["attempts"] for row in held)
    means = [math.fsum(row[name] * row["attempts"] for row in held) / attempts for name in PRICES]
    return [*(per_token(usd) for usd in means[:-1]), per_request(means[-1])]
