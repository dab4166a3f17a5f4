"""Where data lives."""

import os
from pathlib import Path

from flows.errors import ConfigError


def data_dir(given: str | None) -> Path:
    """`--data`, else MEGATOKEN_DATA, else ./data; absolute, so that child processes agree."""
    return Path(given or os.environ.get("MEGATOKEN_DATA") or "data").resolve()


def to_write(folder: Path) -> None:
    """Make a data folder if it is not there, and write into it: before anything is started or spent.

    Raises:
        ConfigError: it cannot be.
    """
    import tempfile

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        why = "it is no folder" if folder.is_file() else error.strerror or error
        raise ConfigError([f"data folder {folder} cannot be written ({why}); choose another, with --data"]) from None


def with_data(folder: Path) -> Path:
    """A data folder in which something has landed, or is about to: to account or to publish nothing makes no folder.

    Raises:
        ConfigError: nothing has.
    """
    if not any((folder / name).exists() for name in ("landing", "warehouse.duckdb", "spool-jobs")):
        raise ConfigError(
            [f"nothing has landed in {folder} yet; run `megatoken night`, `bench` or `track` first, or choose another"
             " folder, with --data"]
        )  # fmt: skip
    return folder


def selftests_home(data: Path) -> Path:
    """MEGATOKEN_SELFTESTS, if several data folders of a machine share its self-tests; else the data folder itself."""
    return Path(os.environ.get("MEGATOKEN_SELFTESTS") or data).resolve()
