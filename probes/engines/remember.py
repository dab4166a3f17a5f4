"""Facts about large files that are costly to find out, kept beside the files made from them."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from probes.errors import ProbeError

Facts = dict[str, str | None]


def file_sha256(path: Path, cache_dir: Path) -> str:
    """SHA-256 of a file, hex; read once, then known for as long as its size and time of change stay.

    Raises:
        ProbeError: the file cannot be read, or the note not be written.
    """
    sha256 = remembered(path, cache_dir, "sha256", lambda: {"sha256": read_sha256(path)})["sha256"]
    assert sha256 is not None  # never None in a note of this kind
    return sha256


def read_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes as they are now, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remembered(path: Path, cache_dir: Path, kind: str, find_out: Callable[[], Facts]) -> Facts:
    """What `find_out` says about `path`: from its note in `cache_dir`, unless the file has changed since.

    Args:
        path: the file that the facts are about.
        cache_dir: folder that holds the notes; made if it is not there.
        kind: which facts, a word.
        find_out: finds them anew.

    Raises:
        ProbeError: the file cannot be read, or the note not be written.
    """
    place = hashlib.blake2b(str(path.resolve()).encode(), digest_size=6).hexdigest()
    note = cache_dir / "notes" / f"{path.name}.{place}.{kind}.json"
    try:
        status = path.stat()
        state = {"size_bytes": status.st_size, "mtime_ns": status.st_mtime_ns}
        if note.exists():
            known = json.loads(note.read_text(encoding="utf-8"))
            if known["state"] == state:
                facts: Facts = known["facts"]
                return facts
        facts = find_out()
        write_whole(note, json.dumps({"state": state, "facts": facts}))
    except OSError as error:
        raise ProbeError(f"{error.filename or path} cannot be read or noted: {error.strerror}") from error
    return facts


def write_whole(path: Path, text: str) -> None:
    """Write a small file so that nobody ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
