"""Where data lives."""

import os
from pathlib import Path


def data_dir(given: str | None) -> Path:
    """`--data`, else MEGATOKEN_DATA, else ./data; absolute, so that child processes agree."""
    return Path(given or os.environ.get("MEGATOKEN_DATA") or "data").resolve()
