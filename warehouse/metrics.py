"""The one registry of metrics: what each is called, its unit, which way is better and how it is shown.

Ids are columns of the views. Stored values are in base units (seconds, joules, US dollars, grams); what people are
shown may be scaled (`shown_scale`), for example to milliseconds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from warehouse.errors import WarehouseError

UNKNOWN = "unknown"

# Attempts that a percentile needs: three beyond it, or it says little more than the extreme; a median is no extreme.
# The view percentile_rules holds the same for SQL, and other views leave blank (NULL) what has fewer; a test holds the
# two together.
MIN_ATTEMPTS: Mapping[int, int] = MappingProxyType({10: 30, 50: 1, 95: 60, 99: 300})


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric. `min_attempts` is how many attempts its percentile needs; with fewer its column is NULL."""

    id: str
    alias: str  # what a person calls it where weights are typed: cost=2,ttft_p95=1
    column: str  # of the view leaderboard; of trial_metrics where that has it too
    title: str
    unit: str  # as stored
    direction: Literal["lower", "higher"]  # which is better
    shown_unit: str
    shown_scale: float = 1.0  # shown value = stored value * shown_scale
    significant_digits: int = 3
    # what <column>_low and <column>_high beside it span: the range of its inputs, or the 95 % interval of a sample
    range_of: Literal["inputs", "sample"] | None = None
    sample_column: str | None = None  # how many attempts are behind it
    min_attempts: int = 1

    @property
    def has_range(self) -> bool:
        """Whether <column>_low and <column>_high stand beside the column."""
        return self.range_of is not None


def _seconds(column: str, title: str, *, sample_column: str, min_attempts: int = 1) -> Metric:
    return Metric(
        id=column,
        alias=column.removesuffix("_s"),
        column=column,
        title=title,
        unit="s",
        direction="lower",
        shown_unit="ms",
        shown_scale=1e3,
        range_of="sample",
        sample_column=sample_column,
        min_attempts=min_attempts,
    )


METRICS: Sequence[Metric] = (
    _seconds("ttft_p50_s", "TTFT p50", sample_column="n_ttft"),
    _seconds("ttft_p95_s", "TTFT p95", sample_column="n_ttft", min_attempts=MIN_ATTEMPTS[95]),
    _seconds("tpot_p50_s", "TPOT p50", sample_column="n_tpot"),
    _seconds("tpot_p95_s", "TPOT p95", sample_column="n_tpot", min_attempts=MIN_ATTEMPTS[95]),
    _seconds("e2e_p50_s", "E2E p50", sample_column="n_e2e"),
    _seconds("e2e_p95_s", "E2E p95", sample_column="n_e2e", min_attempts=MIN_ATTEMPTS[95]),
    Metric(
        id="output_tokens_per_s",
        alias="speed",
        column="output_tokens_per_s",
        title="Output speed",
        unit="tokens/s",
        direction="higher",
        shown_unit="tokens/s",
        range_of="sample",
    ),
    Metric(
        id="goodput_share",
        alias="goodput",
        column="goodput_share",
        title="Goodput",
        unit="share",
        direction="higher",
        shown_unit="%",
        shown_scale=100.0,
        range_of="sample",
        sample_column="n",
    ),
    Metric(
        id="qoe_mean_share",
        alias="stream",
        column="qoe_mean_share",
        title="Stream score",
        unit="share",
        direction="higher",
        shown_unit="%",
        shown_scale=100.0,
        sample_column="n_qoe",
    ),
    Metric(
        id="failed_share",
        alias="failed",
        column="failed_share",
        title="Failed",
        unit="share",
        direction="lower",
        shown_unit="%",
        shown_scale=100.0,
        sample_column="n",
    ),
    Metric(
        id="usd_per_output_mtok",
        alias="cost",
        column="usd_per_output_mtok",
        title="Cost",
        unit="USD/Mtok",
        direction="lower",
        shown_unit="USD/Mtok",
        range_of="inputs",
    ),
    Metric(
        id="j_per_output_token",
        alias="energy",
        column="j_per_output_token",
        title="Energy",
        unit="J/token",
        direction="lower",
        shown_unit="J/token",
        range_of="inputs",
    ),
    Metric(
        id="operational_gco2e_per_output_mtok",
        alias="carbon",
        column="operational_gco2e_per_output_mtok",
        title="Operational",
        unit="gCO2e/Mtok",
        direction="lower",
        shown_unit="gCO2e/Mtok",
        range_of="inputs",
    ),
    Metric(
        id="embodied_gco2e_per_output_mtok",
        alias="embodied",
        column="embodied_gco2e_per_output_mtok",
        title="Embodied",
        unit="gCO2e/Mtok",
        direction="lower",
        shown_unit="gCO2e/Mtok",
        range_of="inputs",
    ),
)


def _rate(column: str, alias: str, title: str, unit: str, *, sample_column: str | None = None) -> Metric:
    return Metric(
        id=column,
        alias=alias,
        column=column,
        title=title,
        unit=unit,
        direction="higher",
        shown_unit=unit,
        sample_column=sample_column,
    )


# Of tasks that are no chat, unknown for all others: a board can be ranked by them, and shows them only then.
TASK_METRICS: Sequence[Metric] = (
    _rate("items_per_s", "items", "Texts", "texts/s"),
    _rate("input_tokens_per_s", "input", "Input speed", "tokens/s"),
    _rate("audio_p50_s_per_s", "audio", "Sound (RTFx) p50", "s/s", sample_column="n_audio"),
    _rate("images_per_s", "images", "Pictures", "images/s"),
)

# Of a board that is ordered by weights of one's own (`warehouse.weighed`); no column of a view.
UTILITY = Metric(
    id="utility",
    alias="utility",
    column="utility",
    title="Utility",
    unit="share",
    direction="higher",
    shown_unit="% of the best in all",
    shown_scale=100.0,
    range_of="sample",
)


def metric(metric_id: str) -> Metric:
    """The metric of an id.

    Raises:
        WarehouseError: there is none; names those there are.
    """
    known_metrics = (*METRICS, *TASK_METRICS)
    for candidate in known_metrics:
        if candidate.id == metric_id:
            return candidate
    known = ", ".join(candidate.id for candidate in known_metrics)
    raise WarehouseError(f"metric {metric_id!r} is not known; use one of {known}")


def format_value(of: Metric, value: float | None) -> str:
    """A stored value as people are shown it, without its unit: three significant digits, no exponent.

    Unknown is said, never shown as 0. Digits before the point are all kept: 1234.5 is "1,234" and not "1,230".
    """
    if value is None or math.isnan(value):
        return UNKNOWN
    shown = value * of.shown_scale
    if shown == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(shown)))
    text = f"{shown:.{max(of.significant_digits - 1 - magnitude, 0)}f}"
    # 9.996 has one digit before the point until it is rounded
    if math.floor(math.log10(abs(float(text)))) > magnitude:
        text = f"{shown:.{max(of.significant_digits - 2 - magnitude, 0)}f}"
    return f"{int(text):,}" if "." not in text else text


def is_sufficient(of: Metric, attempts: int | None) -> bool:
    """Whether so many attempts are enough for the metric to say more than its extremes."""
    return attempts is not None and attempts >= of.min_attempts
