"""Where data lives."""

import os
from pathlib import Path


def data_dir(given: str | None) -> Path:
    """`--data`, else MEGATOKEN_DATA, else ./data; absolute, so that child processes agree."""
    return Path(given or os.environ.get("MEGATOKEN_DATA") or "data").resolve()


def selftests_home(data: Path) -> Path:
    """MEGATOKEN_SELFTESTS, if several data folders of a machine share its self-tests; else the data folder itself."""
    return Path(os.environ.get("MEGATOKEN_SELFTESTS") or data).resolve()
