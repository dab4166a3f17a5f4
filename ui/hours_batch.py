"""When batch jobs should run, in a sentence: by what is sure, with how much it matters, and what nobody knows."""

from collections.abc import Mapping

from ui import words
from ui.hours import DASH, LEAST_EFFECT_SHARE, MEASURES, Measure, best_and_worst, hours_text, is_sure
from warehouse.daytime import DayShape
from warehouse.hour_work import Work

_STRONGER = {"price": "rate", "grid": "carbon"}  # what says the same of more hours, or of the tokens themselves


def batch_sentence(shapes: Mapping[str, DayShape | None], zone: str, work: Work | None = None) -> str:
    """When batch jobs should run, with how much it matters, as far as anything is sure; and what is not known.

    Args:
        shapes: by measure.
        zone: of the hours.
        work: what a million tokens take, for the range that the energy leaves to cost and carbon.
    """
    known = {name: shape for name, shape in shapes.items() if shape is not None}
    sure = {name: shape for name, shape in known.items() if not shape.flat and is_sure(shape)}
    said = [
        _batch_part(of, sure[of.id], work)
        for of in MEASURES.values()
        if of.id in sure and _STRONGER.get(of.id) not in sure
    ]
    if said:
        joined = f"{', '.join(said[:-1])}{' and ' if len(said) > 1 else ''}{said[-1]}"
        answer = f"{words.sentence(joined)}; hours of {zone}."
    elif known:
        by = words.share(LEAST_EFFECT_SHARE)
        answer = f"At any hour: none is surely better by {by} or more, as far as has been measured."
    else:
        answer = "Unknown: no two hours of the day were measured."
    return f"{answer} {_not_by_hour(known)}".strip()


def _batch_part(of: Measure, shape: DayShape, work: Work | None) -> str:
    best, worst = best_and_worst(of, shape)
    figure = of.shown(best.estimate.central)
    if of.id in ("rate", "carbon") and work is not None and best.estimate.central is not None:
        fixed = (work.hardware_usd_per_mtok or 0.0) if of.id == "rate" else 0.0
        low, high = work.reach(best.estimate.central, fixed=fixed)
        figure += f", {of.shown(low)}{DASH}{of.shown(high)} by its energy"
    elif best.estimate.low is not None and best.estimate.high is not None:
        figure += f", {of.shown(best.estimate.low)}{DASH}{of.shown(best.estimate.high)}"
    return (
        f"{of.best} at {hours_text(best)} ({figure}; {of.shown(worst.estimate.central)} {of.unit} at"
        f" {hours_text(worst)})"
    )


def _not_by_hour(known: Mapping[str, DayShape]) -> str:
    """What cannot be said because nobody stored it by the hour."""
    lacking = []
    if "rate" not in known and "price" not in known:
        lacking.append("which are cheapest (no tariff by the hour is stored)")
    if "grid" not in known:
        lacking.append("which are cleanest (no hours of its grid are stored)")
    return f"Not known: {' and '.join(lacking)}." if lacking else ""
