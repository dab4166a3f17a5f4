"""Every figure of every ledger as one flat list, each with a version, and the record of what this warehouse has known.

A factor is one figure of one row of `reference/*.csv`; its version is made of the row's content, so that an account
that names it can be followed to the very text. Of a ledger that several publishers fill, the zone itself is a factor
too: it spans what they say. Packages that bring facts of their own are ledgers named by their version.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import TYPE_CHECKING

from warehouse.errors import ReferenceDataError
from warehouse.reference.ledgers import FOLDER, ledger

if TYPE_CHECKING:
    import duckdb

# Columns that say something about a row; whatever else holds numbers is a quantity.
ABOUT = ("valid_from", "source", "tag", "retrieved_on")


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One dated, sourced figure, in the unit that `quantity` names. Fields are the columns of table `factors`."""

    ledger: str
    key: str
    quantity: str
    low: float | None
    central: float
    high: float | None
    tag: str | None  # read, computed or recalled; None if not said
    valid_from: str | None  # ISO date
    source: str
    retrieved_on: str | None  # ISO date
    factor_version: str  # 12 hexadecimal digits; of a package, its name and version


def ledgers() -> tuple[str, ...]:
    """Names of the ledgers that are files, in order."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.csv")))


@cache
def factors_of(name: str) -> tuple[Factor, ...]:
    """Every factor of a ledger, in the order of its file; factors that span publishers come last.

    A ledger's first column is its key, and its publisher where several fill it. It has a column for each quantity
    (`pue_low`, `pue`, `pue_high`), or a row for each: then the columns are quantity and value, or low, central, high.

    Raises:
        ReferenceDataError: there is no such ledger, or a row of it lacks its source.
    """
    if name not in ledgers():
        raise ReferenceDataError(f"no ledger {name!r}; there are {', '.join(ledgers())}")
    rows = ledger(name)
    columns = list(rows[0])
    keys = (columns[0], "publisher") if "publisher" in columns else (columns[0],)
    if "quantity" in columns:
        return tuple(_named(name, "/".join(row[key] for key in keys), row) for row in rows)
    quantities = [each for each in columns if each not in (*keys, *ABOUT) and _is_numeric(rows, each)]
    found = [
        factor
        for row in rows
        for quantity in quantities
        if (factor := _factor(name, "/".join(row[key] for key in keys), quantity, quantities, row)) is not None
    ]
    if "is_central" in columns:
        found += _spans(name, rows, columns[0], quantities)
    return tuple(found)


def all_factors() -> tuple[Factor, ...]:
    """Every factor of every ledger that is a file."""
    return tuple(factor for name in ledgers() for factor in factors_of(name))


def current(ledger_name: str, key: str, quantity: str, *, on: date | None = None) -> Factor | None:
    """The factor in force.

    Args:
        ledger_name: a file of `reference/` without .csv, or a package: `ecologits`, `genai-prices`.
        key: the row: a zone, a device, a kind of hosting; of a package, PROVIDER/MODEL or a zone.
        quantity: the column, named with its unit; of a range, the column of its central value.
        on: day on which it is in force; today's newest, if None.

    Returns:
        The factor, or None if no row has that key and quantity, or none holds on that day.

    Raises:
        ReferenceDataError: there is no such ledger.
    """
    from warehouse.packaged_factors import PACKAGES, packaged

    if ledger_name in PACKAGES:
        return packaged(ledger_name, key, quantity, on=on)
    holding = [
        factor
        for factor in factors_of(ledger_name)
        if (factor.key, factor.quantity) == (key, quantity) and (on is None or (factor.valid_from or "") <= str(on))
    ]
    return max(holding, key=lambda factor: factor.valid_from or "", default=None)


def version_of(ledger_name: str, key: str, quantity: str, *, on: date | None = None) -> str | None:
    """Version of the factor in force; None if there is none. Of a package, its name and version whatever the key."""
    from warehouse.packaged_factors import PACKAGES, packaged_version

    if ledger_name in PACKAGES:
        return packaged_version(ledger_name, quantity)
    found = current(ledger_name, key, quantity, on=on)
    return found.factor_version if found else None


def record_factors(con: "duckdb.DuckDBPyConnection", factors: Sequence[Factor] | None = None) -> tuple[int, int]:
    """Write down which factors are new to this warehouse and which are gone; call it inside a transaction.

    Rows are never changed, but for the instant at which a factor was withdrawn.

    Args:
        con: a connection to the warehouse.
        factors: what is in force; what the files hold, if None.

    Returns:
        How many were added and how many withdrawn.
    """
    today = {_identity(factor): factor for factor in (all_factors() if factors is None else factors)}
    known = set(
        con.execute(
            "SELECT ledger, key, quantity, valid_from, factor_version FROM factors WHERE withdrawn_at IS NULL"
        ).fetchall()
    )
    added = [factor for identity, factor in today.items() if identity not in known]
    gone = [identity for identity in known if identity not in today]
    now = datetime.now(UTC)
    if gone:
        con.execute(
            """
            UPDATE factors SET withdrawn_at = ?
            WHERE withdrawn_at IS NULL
                AND concat_ws('|', ledger, key, quantity, valid_from, factor_version) IN (SELECT unnest(?))
            """,
            [now, ["|".join(part for part in identity if part is not None) for identity in gone]],
        ).fetchall()
    if added:
        # lists and unnest: one statement for all of them
        con.execute(
            "INSERT INTO factors SELECT unnest(?), unnest(?), unnest(?), unnest(?::DOUBLE[]), unnest(?::DOUBLE[]),"
            " unnest(?::DOUBLE[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?), unnest(?::VARCHAR[]),"
            " unnest(?), ?, NULL",
            [
                *([getattr(factor, name) for factor in added] for name in Factor.__dataclass_fields__),
                now,
            ],
        ).fetchall()
    return len(added), len(gone)


def _identity(factor: Factor) -> tuple[str, str, str, str | None, str]:
    return factor.ledger, factor.key, factor.quantity, factor.valid_from, factor.factor_version


def _is_numeric(rows: Sequence[Mapping[str, str]], column: str) -> bool:
    filled = [row[column] for row in rows if row[column]]
    return bool(filled) and all(_number(cell) is not None for cell in filled)


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _factor(name: str, key: str, quantity: str, quantities: Sequence[str], row: Mapping[str, str]) -> Factor | None:
    """The factor of one column of one row; None for a blank cell, and for an end: its central column has it."""
    is_end = any(quantity == f"{other}_{end}" for other in quantities for end in ("low", "high"))
    if is_end or not row[quantity]:
        return None
    ends = (row.get(f"{quantity}_{end}") for end in ("low", "high"))
    # A figure for a GB or a kg of something says so in its name.
    measure = row.get("per")
    named = quantity if measure in (None, "device", "server") else f"{quantity}_per_{measure}"
    return _from_cells(name, key, named, row[quantity], ends, row)


def _named(name: str, key: str, row: Mapping[str, str]) -> Factor:
    """The factor of a row that names its quantity."""
    central = row["central"] if "central" in row else row["value"]
    return _from_cells(name, key, row["quantity"], central, (row.get("low"), row.get("high")), row)


def _from_cells(
    name: str, key: str, quantity: str, central: str, ends: Iterable[str | None], row: Mapping[str, str]
) -> Factor:
    if not row["source"].strip():
        raise ReferenceDataError(f"{name}.csv has no source for {quantity} of {key!r}; write down where it is from")
    low, high = (float(end) if end else None for end in ends)
    return Factor(
        ledger=name,
        key=key,
        quantity=quantity,
        low=low,
        central=float(central),
        high=high,
        tag=row.get("tag") or None,
        valid_from=row["valid_from"] or None,
        source=row["source"],
        retrieved_on=row["retrieved_on"] or None,
        factor_version=_version([row]),
    )


def _spans(
    name: str, rows: Sequence[Mapping[str, str]], key_column: str, quantities: Sequence[str]
) -> Iterator[Factor]:
    """What the publishers of a key say together, from each day on which one of them began or changed."""
    for key in dict.fromkeys(row[key_column] for row in rows):
        of_key = sorted((row for row in rows if row[key_column] == key), key=lambda row: row["valid_from"])
        for day in dict.fromkeys(row["valid_from"] for row in of_key):
            newest = {row["publisher"]: row for row in of_key if row["valid_from"] <= day}
            holding = list(newest.values())
            central = next((row for row in holding if row["is_central"] == "true"), holding[-1])
            for quantity in quantities:
                figures = [float(row[quantity]) for row in holding if row[quantity]]
                if not central[quantity]:
                    continue
                yield Factor(
                    ledger=name,
                    key=key,
                    quantity=quantity,
                    low=min(figures),
                    central=float(central[quantity]),
                    high=max(figures),
                    tag=central.get("tag") or None,
                    valid_from=day,
                    source="; ".join(f"{row[quantity]}: {row['source']}" for row in holding),
                    retrieved_on=max(row["retrieved_on"] for row in holding),
                    factor_version=_version(holding),
                )


def _version(rows: Sequence[Mapping[str, str]]) -> str:
    """Made of the cells that are filled, by column: a new column without a figure changes no version."""
    cells = ("\n".join(f"{column}={row[column]}" for column in sorted(row) if row[column]) for row in rows)
    return hashlib.sha256("\n\n".join(cells).encode()).hexdigest()[:12]
