"""A warehouse with all tables and views and no rows: to write one takes half a second of CPU, a copy of it nothing.

Made as the product makes it, once a process. What a first load does beside its rows is seen where a test begins with
an empty folder: a loader or a night killed at any moment, the commands of the README, the tests of migrations.
"""

import functools
import tempfile
from pathlib import Path

from warehouse.writer import open_warehouse, warehouse_path


@functools.cache
def empty_file() -> bytes:
    """The file of a warehouse in which nothing has been loaded."""
    with tempfile.TemporaryDirectory(prefix="megatoken-test-warehouse-") as folder:
        with open_warehouse(Path(folder)):
            pass
        return warehouse_path(Path(folder)).read_bytes()


def begun(data_dir: Path) -> Path:
    """The data folder itself, with a warehouse in it: the one it has, or an empty one."""
    path = warehouse_path(data_dir)
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        path.write_bytes(empty_file())
    return data_dir
