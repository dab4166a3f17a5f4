"""`python -m ui.report`: the published figures without the pages, as one HTML file and as badges.

A process of its own, as the server of the pages is: `megatoken report` starts it and knows nothing of pages.
"""

import argparse
import os
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from warehouse.errors import WarehouseError
from warehouse.service_level import Limits, parse_limits


def main(arguments: list[str] | None = None) -> int:
    """Write what is asked for. Returns 0, or 2 with one sentence on stderr for a mistake of the user's."""
    options = _parser().parse_args(arguments)
    try:
        return _write(options)
    except WarehouseError as error:
        print(f"megatoken: {error}", file=sys.stderr)
    except OSError as error:
        which = error.filename2 or error.filename or "the report"  # the second is what a draft was to become
        print(f"megatoken: {which} cannot be written ({error.strerror})", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ui.report", description="Write a report of the published figures.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--html", type=Path)
    parser.add_argument("--badges", type=Path)
    parser.add_argument("--target")
    parser.add_argument("--workload")
    parser.add_argument("--days", type=float, required=True)
    parser.add_argument("--slo", default="own")
    return parser


def _write(options: argparse.Namespace) -> int:
    # Pages' queries are cached by Streamlit, which would say of each that no server runs.
    from streamlit.logger import set_log_level

    set_log_level("ERROR")
    from ui.badges import badges
    from ui.report_figures import read_report
    from ui.report_page import html_of

    report = read_report(
        options.data,
        workload_id=options.workload,
        window=timedelta(days=options.days),
        level=_level(options.slo),
    )
    if options.html is not None:
        text = html_of(report, now=datetime.now(UTC), version=version("megatoken"))
        write_text(options.html, text)
        print(f"{options.html}: {len(text.encode()) / 1e3:,.0f} kB, one file that asks nobody for anything")
    if options.badges is not None:
        drawn = badges(report, target_id=options.target)
        for path, svg in drawn.items():
            write_text(options.badges / path, svg)
        print(f"{options.badges}: {len(drawn)} badges")
    return 0


def _level(text: str) -> "Limits | Literal['own'] | None":
    if text == "own":
        return "own"
    return None if text == "none" else parse_limits(text)


def write_text(path: Path, text: str) -> None:
    """Write a file as a whole: who reads it meanwhile reads the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".report-")
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
        draft.chmod(0o644)  # to be published: a temporary file is its writer's alone
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


if __name__ == "__main__":
    sys.exit(main())
