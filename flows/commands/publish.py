"""`megatoken publish`: landing -> warehouse -> snapshot, without measuring anything."""

import argparse

from flows.errors import NightError
from flows.paths import data_dir, with_data
from flows.track import land_left_over_jobs
from warehouse.errors import WarehouseError
from warehouse.loader import load
from warehouse.publish import publish
from warehouse.watch import record_changes


def run(options: argparse.Namespace) -> int:
    """Load, account, publish; 1 if a batch was left out, which is named."""
    root = with_data(data_dir(options.data))
    try:
        for job in land_left_over_jobs(root):
            print(f"landed what a killed track had left of {job}")
        report = load(root)
        record_changes(root)
        snapshot = publish(root)
    except WarehouseError as error:
        raise NightError(str(error)) from error
    for sentence in report.damaged:
        print(sentence)
    batches, rows = len(report.loaded_batches), report.loaded_rows
    print(f"loaded {batches} new batches ({rows} rows), accounted {report.accounted_trials} trials")
    print(f"published {snapshot}")
    return 1 if report.damaged else 0
