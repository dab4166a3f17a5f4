"""One line for the report of a night: where sources disagree about prices that it was billed at."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from warehouse.price_drifts import UsedDrift

_SAID = 2


def drift_line(data_dir: Path, run_id: str) -> str | None:
    """The line after a run; None if its sources agree.

    Raises:
        WarehouseError: nothing is published.
    """
    from warehouse.price_drifts import published_drifts

    return drift_words(published_drifts(data_dir, run_id))


def drift_words(found: "Sequence[UsedDrift]") -> str | None:
    """The largest disagreements in words, and how many there are."""
    if not found:
        return None
    from warehouse.price_drifts import DRIFT_SHARE

    said = "; ".join(_one(each) for each in found[:_SAID])
    more = f"; and {len(found) - _SAID} more" if len(found) > _SAID else ""
    return f"prices in dispute, by more than {DRIFT_SHARE:.0%}: {said}{more} (megatoken prices --drift)"


def _one(each: "UsedDrift") -> str:
    what = each.amount.removeprefix("usd_per_").removesuffix("_mtok").replace("_", " ")
    by = "" if each.difference_share is None else f", {each.difference_share:+.0%}"
    return (
        f"{each.target_id} {what} {each.ruling_usd:g} USD by the {each.ruling_origin}, {each.other_usd:g} by the"
        f" {each.other_origin}{by}"
    )
