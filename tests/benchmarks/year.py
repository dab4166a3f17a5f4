"""A year of invented nights over many targets, made in a minute, to see how the pages and the ranks bear it.

One night of many targets goes the whole way - landed, loaded, accounted, certified - and is then copied night by night
inside the warehouse, every figure of a trial moved by a factor of its own target and night. All of it is marked as
synthetic by the runs' `config_name`.

    python -m tests.benchmarks.year FOLDER [--nights 365] [--targets 50] [--attempts 55]
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import duckdb

from tests.warehouse.synthetic import TARGETS, Target, land_night
from warehouse.loader import load
from warehouse.publish import publish
from warehouse.writer import open_warehouse, transaction

NIGHT_SPREAD = 0.10  # log standard deviation from night to night
LEDGERS = ("applied_migrations", "written_views", "loaded_batches")


def main() -> None:
    """Make the year and say how long it took."""
    options = argparse.ArgumentParser(prog="python -m tests.benchmarks.year")
    options.add_argument("folder", type=Path)
    options.add_argument("--nights", type=int, default=365)
    options.add_argument("--targets", type=int, default=50)
    options.add_argument("--attempts", type=int, default=55, help="of a trial")
    asked = options.parse_args()
    began = time.monotonic()
    attempts = write_year(asked.folder, nights=asked.nights, targets=asked.targets, attempts=asked.attempts)
    size_mb = (asked.folder / "published" / "megatoken.duckdb").stat().st_size / 1e6
    print(f"{attempts:,} attempts in a snapshot of {size_mb:,.0f} MB, made in {time.monotonic() - began:.0f} s")


def write_year(data_dir: Path, *, nights: int = 365, targets: int = 50, attempts: int = 55) -> int:
    """Land one night, copy it into the nights before it, publish; returns the number of attempts."""
    newest = datetime.now(UTC).replace(hour=2, minute=15, second=0, microsecond=0)
    land_night(data_dir, newest, Random(0), attempts, targets=many(targets))
    load(data_dir)
    with open_warehouse(data_dir) as con:
        for table in _tables(con):
            with transaction(con):
                _copy(con, table, f"{newest:%Y-%m-%d}", nights)
        (found,) = con.execute("SELECT count(*) FROM attempts").fetchall()
    publish(data_dir)
    return int(found[0])


def many(targets: int) -> Sequence[Target]:
    """So many invented targets that answer, each a little faster than the one before it."""
    kinds = [target for target in TARGETS if not target.crashes and target.skip_reason is None]
    return [
        replace(
            kinds[number % len(kinds)],
            id=f"{kinds[number % len(kinds)].id}-{number:02d}",
            ttft_s=kinds[number % len(kinds)].ttft_s * 0.98**number,
            tpot_s=kinds[number % len(kinds)].tpot_s * 0.99**number,
        )
        for number in range(targets)
    ]


def _tables(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Base tables of which a row belongs to a run."""
    found = con.execute(
        """
        SELECT table_name
        FROM duckdb_columns() AS c
        INNER JOIN duckdb_tables() AS t USING (table_name)
        WHERE c.column_name IN ('run_id', 'trial_id') AND t.table_name NOT IN (SELECT unnest(?))
        GROUP BY table_name
        ORDER BY table_name
        """,
        [list(LEDGERS)],
    ).fetchall()
    return [name for (name,) in found]


def _copy(con: duckdb.DuckDBPyConnection, table: str, date: str, nights: int) -> None:
    """The rows of one night once more for each of the nights before it."""
    columns = con.execute(
        "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ? ORDER BY column_index", [table]
    ).fetchall()
    asked = ", ".join(_moved(table, name, kind, date) for name, kind in columns)
    con.execute(
        f"""
        INSERT INTO {table}
        SELECT {asked}
        FROM {table}
        CROSS JOIN (
            SELECT nights_back, strftime(DATE '{date}' - nights_back::INTEGER, '%Y-%m-%d') AS other_date
            FROM range(1, {nights}) AS r (nights_back)
        )
        """
    ).fetchall()


def _moved(table: str, name: str, kind: str, date: str) -> str:
    if kind == "VARCHAR" and name.endswith("_id") and name not in ("target_id", "workload_id", "host_id", "metric_id"):
        return f"replace({name}, '{date}', other_date)"
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"{name} - to_days(nights_back::INTEGER)"
    if table == "trial_intervals" and name in ("central", "low", "high"):
        # two uniform draws of a hash make a normal one (Box and Muller); the same factor for all three
        uniform = "(hash(trial_id, metric_id, nights_back, {}) % 1000003 + 1) / 1000004.0"
        normal = f"sqrt(-2 * ln({uniform.format(1)})) * cos(2 * pi() * {uniform.format(2)})"
        return f"{name} * exp({NIGHT_SPREAD} * {normal})"
    return name


if __name__ == "__main__":
    main()
