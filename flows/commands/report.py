"""`megatoken report`: the published figures to mail or to publish, as one HTML file and as badges."""

import argparse
import os
import sys

from flows.errors import ConfigError
from flows.paths import data_dir

_MOST_DAYS = 10_000


def run(options: argparse.Namespace) -> int:
    """Become the process that writes it; a file by default, and badges where they are asked for."""
    if not 0 < options.days < _MOST_DAYS:
        raise ConfigError([f"--days {options.days:g} must be above 0 and below {_MOST_DAYS}"])
    if options.target is not None and options.badges is None:
        raise ConfigError(["--target chooses badges; give --badges DIR too"])
    data = data_dir(options.data)
    html = options.html
    if html is None and options.badges is None:
        html = str(data / "report.html")
    asked = {
        "--data": str(data),
        "--html": html,
        "--badges": options.badges,
        "--target": options.target,
        "--workload": options.workload,
        "--days": str(options.days),
        "--slo": options.slo,
    }
    # Started, not imported: flows knows nothing of the pages. NAME=VALUE, as a name may begin with a dash.
    where = [f"{name}={value}" for name, value in asked.items() if value is not None]
    os.execv(sys.executable, [sys.executable, "-m", "ui.report", *where])
