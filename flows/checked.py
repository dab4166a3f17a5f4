"""Which targets have ever been checked, by what has landed."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from secrets import token_hex

from flows.plan import Plan
from warehouse.errors import WarehouseError
from warehouse.landing import read_manifest

_MARK = ".check-"


def new_check_id(target_id: str, now: datetime) -> str:
    """TARGET.check-INSTANT: the check, and the batch that it lands as."""
    return f"{target_id}{_MARK}{now:%Y%m%dT%H%M%SZ}-{token_hex(2)}"


def checked_targets(data_dir: Path) -> set[str]:
    """Ids of the targets with a check that has landed; what is damaged counts for none."""
    found = set()
    for folder in (data_dir / "landing").glob(f"date=*/[!.]*{_MARK}*"):
        try:
            found.add(read_manifest(folder).batch_id.split(_MARK)[0])
        except WarehouseError:
            continue  # the loader names it
    return found


def never_checked(plan: Plan, data_dir: Path) -> Iterator[str]:
    """A sentence where endpoints are due that nobody has checked; it keeps no night from running."""
    due = dict.fromkeys(trial.target.id for trial in plan.due if trial.target.kind == "endpoint")
    left = [each for each in due if each not in checked_targets(data_dir)] if due else []
    if left:
        yield f"never checked: {', '.join(left)} (`megatoken check {left[0]}` says what it can do before a night does)"
