"""A warehouse with all tables and views and no rows: to write one takes half a second of CPU, a copy of it nothing.

Made as the product makes it, once a test run. What a first load does beside its rows is seen where a test begins with
an empty folder: a loader or a night killed at any moment, the commands of the README, the tests of migrations.
"""

import functools
from pathlib import Path

from tests.once import made_once
from warehouse.writer import open_warehouse, warehouse_path


@functools.cache
def empty_file() -> bytes:
    """The file of a warehouse in which nothing has been loaded."""
    return warehouse_path(made_once("empty-warehouse", _write_empty)).read_bytes()


def _write_empty(folder: Path) -> None:
    with open_warehouse(folder):
        pass


def begun(data_dir: Path) -> Path:
    """The data folder itself, with a warehouse in it: the one it has, or an empty one."""
    path = warehouse_path(data_dir)
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        path.write_bytes(empty_file())
    return data_dir
