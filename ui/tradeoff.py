"""The trade-off as a page shows it: which two metrics, who is on their front, and one sentence that says it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ui import words
from ui.ranking import named
from warehouse.fronts import FrontPoint, Spread
from warehouse.metrics import Metric, format_value, metric
from warehouse.service_level import Verdict

DASH = "\N{EN DASH}"
MIDDLE = "\N{MIDDLE DOT}"
OWN = "own"
# name in the address -> what it is called, horizontal axis, vertical axis; the first is the default
PRESETS: Mapping[str, tuple[str, str, str]] = {
    "cost-speed": ("Cost and speed", "usd_per_output_mtok", "output_tokens_per_s"),
    "cost-ttft": ("Cost and first token", "usd_per_output_mtok", "ttft_p50_s"),
    "carbon-speed": ("Carbon and speed", "operational_gco2e_per_output_mtok", "output_tokens_per_s"),
    "cost-carbon": ("Cost and carbon", "usd_per_output_mtok", "operational_gco2e_per_output_mtok"),
}
_ORDER = {"on": 0, "may": 1, "dominated": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A target with its place: `row` is of `tradeoff_snapshot.measured`; `kept` is None if no level is asked for."""

    row: Mapping[str, Any]
    point: FrontPoint
    kept: Verdict | None = None

    @property
    def target_id(self) -> str:
        return self.point.target_id

    @property
    def is_drawn(self) -> bool:
        """Whether both of its figures are known."""
        return self.point.verdict is not None


def axes_label(name: str) -> str:
    """A choice of axes in words."""
    return "Any two metrics" if name == OWN else PRESETS[name][0]


def metric_label(metric_id: str) -> str:
    """A metric and its unit."""
    of = metric(metric_id)
    return f"{of.title}, {of.shown_unit}"


def entries(
    rows: Sequence[Mapping[str, Any]], points: Sequence[FrontPoint], kept: Mapping[str, Verdict], x: Metric
) -> list[Entry]:
    """Those on the front first, then those that may be, then the dominated, each from the best in `x` on."""
    row_of = {row["target_id"]: row for row in rows}
    found = [Entry(row=row_of[p.target_id], point=p, kept=kept.get(p.target_id)) for p in points]
    sign = 1.0 if x.direction == "lower" else -1.0

    def place(entry: Entry) -> tuple[int, float, str]:
        figure = entry.point.figures[0]
        verdict = entry.point.verdict
        return (
            3 if verdict is None else _ORDER[verdict],
            float("inf") if figure is None else sign * figure.central,
            entry.target_id,
        )

    return sorted(found, key=place)


def spoken(of: Metric) -> str:
    """What a metric is about, inside a sentence."""
    if of.id == "failed_share":
        return "failures"
    return f"{named(of)} emissions" if of.unit == "gCO2e/Mtok" else named(of)


def finding(found: Sequence[Entry], x: Metric, y: Metric) -> str:
    """What the chart shows, in one sentence; a place that may be none is called that."""
    both = f"{spoken(x)} and {spoken(y)}"
    drawn = [entry for entry in found if entry.is_drawn]
    if not drawn:
        return f"No target has both figures known: {both}"
    if len(drawn) == 1:
        return f"{drawn[0].target_id} is the only target with both figures known: {both}"
    sure = [entry.target_id for entry in drawn if entry.point.verdict == "on"]
    may = [entry.target_id for entry in drawn if entry.point.verdict == "may"]
    if len(sure) == 1 and not may:
        return f"{sure[0]} is the best in both, {both}: there is nothing to trade"
    if not sure:
        return f"{words.listed(may)} may be on the front of {both}; of none is it sure"
    said = f"{words.listed(sure)} {'is' if len(sure) == 1 else 'are'} on the front of {both}"
    return f"{said}; {words.listed(may)} may be" if may else said


def level_words(verdict: Verdict) -> str:
    """How far a service level is kept."""
    if verdict.share is None:
        return verdict.reason or "nothing is known of it"
    return (
        f"{words.share(verdict.share)} of {words.count(verdict.offered, 'attempt')} kept it"
        f" in {words.count(verdict.trials, 'trial')}"
    )


def chance(entry: Entry) -> str:
    """P(on the front), in percent; what is not quite sure is not said to be."""
    return words.chance(entry.point.p_front).removesuffix(" %")


def who(row: Mapping[str, Any]) -> str:
    """Provider, model and what it runs on."""
    parts = [row["provider"], row["model"], row["quantisation"], row["device"] or row["region"]]
    return f" {MIDDLE} ".join(str(part) for part in parts if part)


def spread_words(figure: Spread, of: Metric) -> str:
    """`0.11 - 0.19`; why there is none, where there is none."""
    if figure.low is None or figure.high is None:
        return "no range"
    ends = format_value(of, figure.low), format_value(of, figure.high)
    return "exact" if ends[0] == ends[1] else f"{ends[0]} {DASH} {ends[1]}"
