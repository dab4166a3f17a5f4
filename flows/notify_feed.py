"""Changes as an Atom feed beside the snapshots: a file that any web server, or a reader of local feeds, can take.

Source: RFC 4287, The Atom Syndication Format.
"""

import os
import re
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from flows.told import Told

FILE = "changes.atom"
MOST = 100  # entries; older ones are in their readers
_ATOM = "http://www.w3.org/2005/Atom"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_feed(data_dir: Path, members: Sequence[Told], at: datetime) -> Path:
    """Write the newest changes, in one step: a reader sees the whole old feed or the whole new one.

    Args:
        data_dir: the data folder.
        members: what has been told, the oldest first.
        at: UTC instant.

    Raises:
        OSError: the disk refused; the old feed stays.
    """
    newest = list(reversed(members))[:MOST]
    feed = ET.Element("feed", {"xmlns": _ATOM})
    _add(feed, "title", "Megatoken: what changed")
    _add(feed, "id", _urn("feed"))
    _add(feed, "updated", (newest[0].told_at if newest else at).isoformat())
    author = ET.SubElement(feed, "author")
    _add(author, "name", "Megatoken")
    for one in newest:
        entry = ET.SubElement(feed, "entry")
        _add(entry, "title", one.title)
        _add(entry, "id", _urn(one.change_id))
        _add(entry, "published", one.told_at.isoformat())
        _add(entry, "updated", one.told_at.isoformat())
        _add(entry, "summary", f"{one.title}\n{one.text}")
    folder = data_dir / "published"
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{FILE}.{os.getpid()}.tmp"
    with unfinished.open("wb") as file:
        ET.ElementTree(feed).write(file, encoding="utf-8", xml_declaration=True)
        file.flush()
        os.fsync(file.fileno())
    return unfinished.replace(folder / FILE)


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _urn(name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"megatoken:change:{name}").urn
