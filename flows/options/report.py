"""Options of `megatoken report`."""

import argparse


def add_report_options(report: argparse.ArgumentParser) -> None:
    """What to write, where, and of which nights."""
    report.add_argument(
        "--html", metavar="FILE", help="the report as one HTML file (default: report.html in the data folder)"
    )
    report.add_argument(
        "--badges", metavar="DIR", help="SVG badges into this folder: cost, speed and carbon of each target"
    )
    report.add_argument("--target", metavar="ID", help="badges of this target only")
    report.add_argument("--workload", metavar="W", help="only this workload")
    report.add_argument(
        "--days", metavar="N", type=float, default=28.0, help="nights that count (default: %(default)g)"
    )
    report.add_argument(
        "--slo",
        metavar="LIMITS",
        default="own",
        help="who fails it is listed and not ranked, as in ttft=1s,tpot=100ms,success=0.99; own: each workload's own;"
        " none: nobody is left out (default: %(default)s)",
    )
