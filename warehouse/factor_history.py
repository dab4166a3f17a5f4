"""What a warehouse has known of each factor, and how that differs from what the files of today say."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Literal

from warehouse.errors import WarehouseError
from warehouse.factors import Factor


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorChange:
    """One figure that is not what it was; `before` is None if it was not there, `after` if it is gone."""

    kind: Literal["added", "changed", "withdrawn", "reworded"]  # reworded: the same figure under another text
    ledger: str
    key: str
    quantity: str
    before: Factor | None
    after: Factor | None


def in_force(factors: Iterable[Factor], on: date) -> list[Factor]:
    """Of each ledger, key and quantity the newest factor that holds on a day, in the order given."""
    newest: dict[tuple[str, str, str], Factor] = {}
    for factor in factors:
        name = (factor.ledger, factor.key, factor.quantity)
        held = newest.get(name)
        begins = factor.valid_from or ""
        if begins <= on.isoformat() and (held is None or begins >= (held.valid_from or "")):
            newest[name] = factor
    return list(newest.values())


def recorded_factors(data_dir: Path, *, by: date | None = None) -> list[Factor]:
    """Factors that the published warehouse had on record.

    Args:
        data_dir: the data folder.
        by: at the end of that day, UTC; when it was last written, if None.

    Raises:
        WarehouseError: nothing is published, it keeps no record of factors, or it began to later than that day.
    """
    import duckdb

    from warehouse.query import open_published

    at = None if by is None else datetime.combine(by + timedelta(days=1), time(), tzinfo=UTC)
    names = tuple(Factor.__dataclass_fields__)
    with open_published(data_dir, any_version=True) as con:
        try:
            ((first,),) = con.execute("SELECT min(recorded_at) FROM factors").fetchall()
        except duckdb.CatalogException:
            raise WarehouseError(
                "what is published was written before factors were kept on record; `megatoken publish` begins to"
            ) from None
        if first is None or (at is not None and first >= at):
            began = f"on {first.astimezone(UTC):%Y-%m-%d}" if first else "never"
            raise WarehouseError(f"no factors were on record by {by}: the record of this warehouse began {began}")
        rows = con.execute(
            f"SELECT {', '.join(names)} FROM factors"
            " WHERE ($at IS NULL OR recorded_at < $at) AND (withdrawn_at IS NULL OR withdrawn_at >= $at)"
            " ORDER BY recorded_at, ledger, key, quantity, valid_from",
            {"at": at},
        ).fetchall()
    return [Factor(**dict(zip(names, row, strict=True))) for row in rows]


def changes(before: Iterable[Factor], after: Iterable[Factor], *, on: date) -> list[FactorChange]:
    """What differs between two lists of factors, each as it holds on a day; by ledger, key and quantity."""
    was = {(factor.ledger, factor.key, factor.quantity): factor for factor in in_force(before, on)}
    now = {(factor.ledger, factor.key, factor.quantity): factor for factor in in_force(after, on)}
    found = []
    for name in sorted(was.keys() | now.keys()):
        old, new = was.get(name), now.get(name)
        kind = _kind(old, new)
        if kind is not None:
            ledger, key, quantity = name
            found.append(FactorChange(kind=kind, ledger=ledger, key=key, quantity=quantity, before=old, after=new))
    return found


def _kind(old: Factor | None, new: Factor | None) -> Literal["added", "changed", "withdrawn", "reworded"] | None:
    if old is None:
        return "added"
    if new is None:
        return "withdrawn"
    if old.factor_version == new.factor_version:
        return None
    same = (old.low, old.central, old.high) == (new.low, new.central, new.high)
    return "reworded" if same else "changed"
