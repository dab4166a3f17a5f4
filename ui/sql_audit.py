"""A line for each question that was asked in SQL: when, by whom, what, and what it came to. Never what was answered."""

import hashlib
import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

from warehouse.errors import WarehouseError

MOST_BYTES = 5_000_000  # then the log begins anew; the one before is kept beside it
MOST_CHARACTERS = 2000
_WRITING = threading.Lock()


def log_path(data_dir: Path) -> Path:
    """Where the lines are: one JSON object each, the newest last."""
    return data_dir / "logs" / "sql-questions.jsonl"


def record(
    data_dir: Path,
    sql: str,
    *,
    who: str | None,
    snapshot: str,
    rows: int | None,
    took_s: float | None,
    refused: str | None,
    now: datetime | None = None,
) -> None:
    """Append one line; readable by the server's own user only.

    Args:
        data_dir: the data folder.
        sql: the question; its first 2,000 characters are kept, and the SHA-256 of all of it.
        who: who asked, if logged in.
        snapshot: name of the snapshot.
        rows: rows that were answered; None if none were.
        took_s: how long that took, seconds.
        refused: the sentence instead of an answer.
        now: UTC instant; now, if None.

    Raises:
        WarehouseError: the line cannot be written.
    """
    at = datetime.now(UTC) if now is None else now
    line = json.dumps(
        {
            "at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "who": who,
            "snapshot": snapshot,
            "sql_sha256": hashlib.sha256(sql.encode()).hexdigest(),
            "sql": sql[:MOST_CHARACTERS],
            "rows": rows,
            "took_s": None if took_s is None else round(took_s, 3),
            "refused": refused,
        },
        ensure_ascii=False,
    )
    path = log_path(data_dir)
    try:
        with _WRITING:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and path.stat().st_size > MOST_BYTES:
                path.replace(path.with_suffix(".1.jsonl"))
            # one write at the file's end: two servers of one folder do not mix their lines
            file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(file, f"{line}\n".encode())
            finally:
                os.close(file)
    except OSError as error:
        raise WarehouseError(
            f"the question cannot be written to {path.name} ({error.strerror}), and what is not logged is not answered;"
            " free the disk or allow writing in the data folder"
        ) from error
