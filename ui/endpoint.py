"""One target in words and tables: what was found, what changed, its nights, its prices and what it is made of."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ui import words
from ui.markup import Badge, Cell, Column, Row, Tile, Tone
from ui.runs import ERROR_CLASSES
from warehouse.change_words import figure_name, shown, since, size, unit, verdict
from warehouse.formulas.change_points import MIN_NIGHTS
from warehouse.metrics import METRICS, TASK_METRICS, UNKNOWN, Metric, format_value, metric
from warehouse.watch import Change

Night = Mapping[str, Any]

RUNS_LISTED = 14
_TILES = (
    "ttft_p50_s",
    "tpot_p50_s",
    "output_tokens_per_s",
    "failed_share",
    "usd_per_output_mtok",
    "operational_gco2e_per_output_mtok",
)
_CSV = (
    "night", "trial_id", "run_id", "attempts", "ok", "client_grade",
    *(column for of in METRICS for column in (of.column, f"{of.column}_low", f"{of.column}_high")),
    *(of.column for of in TASK_METRICS),
)  # fmt: skip


def finding(nights: Sequence[Night], of: Metric, found: Sequence[Change]) -> str:
    """What the course of a figure comes to, as the title of its chart."""
    known = [row for row in nights if row[of.column] is not None]
    if not known:
        return f"{of.title} is not known of any night"
    shifts = sorted((change for change in found if change.change_kind == "shift"), key=lambda change: change.changed_on)
    visible = [change for change in shifts if change.changed_on > known[0]["night"]]
    if visible:
        last = visible[-1]
        more = f", the last of {len(visible)} shifts" if len(visible) > 1 else ""
        return f"{of.title} shifted by {size(last)} on {last.changed_on} ({verdict(last)}){more}"
    if len(known) < MIN_NIGHTS:
        return f"{of.title} over {words.count(len(known), 'night')}: shifts show after {MIN_NIGHTS}"
    return f"{of.title} kept its level over {words.count(len(known), 'night')}"


def verdict_of(found: Sequence[Change], nights: Sequence[Night]) -> tuple[Badge, str]:
    """Whether something changed of late, in a word and a sentence."""
    lasting = [change for change in found if change.change_kind != "night"]
    if not lasting:
        said = f"Nothing shifted in {words.count(len(nights), 'night')}."
        if len(nights) < MIN_NIGHTS:
            return Badge(
                text="too early", tone="quiet"
            ), f"Shifts show after {MIN_NIGHTS} nights, so far {len(nights)}."
        return Badge(text="steady", tone="good"), said
    newest = lasting[0].changed_on
    of_day = [change for change in lasting if change.changed_on == newest]
    worse = [change for change in of_day if not change.is_better]
    badge = Badge(text="got worse", tone="bad") if worse else Badge(text="got better", tone="good")
    names = words.listed([f"{figure_name(change)} {size(change)}" for change in (worse or of_day)])
    return badge, f"{words.sentence(names)} since {newest}."


def tiles(night: Night) -> list[Tile]:
    """The figures of the newest night."""
    return [
        Tile(
            label=f"{metric(name).title}, {metric(name).shown_unit}",
            value=format_value(metric(name), night[metric(name).column]),
            beneath=_range(metric(name), night),
        )
        for name in _TILES
    ]


def change_table(found: Sequence[Change]) -> tuple[list[Column], list[Row]]:
    """Changes, the newest first, each with what else differed."""
    columns = [
        Column(title="Since"),
        Column(title="Figure"),
        Column(title="Before", right=True),
        Column(title="After", right=True),
        Column(title="Change", right=True),
        Column(title="What else differed that night", hint="Facts of the trials; they need not be the cause"),
    ]
    rows = []
    for change in found:
        tone: Tone = "good" if change.is_better else "bad"
        kind = {"shift": "", "night": "one night", "price": "price"}[change.change_kind]
        rows.append(
            Row(
                cells=[
                    Cell(main=str(change.changed_on), beneath=_nights_words(change), wide=True),
                    Cell(main=figure_name(change), beneath=change.workload_id or "", badges=_badges(kind)),
                    Cell(main=shown(change, change.value_before), beneath=unit(change)),
                    Cell(main=shown(change, change.value_after), beneath=unit(change)),
                    Cell(main=size(change), badges=(Badge(text=verdict(change), tone=tone),)),
                    Cell(main="; ".join(change.hints) or "nothing that is on record", wide=True),
                ],
                quiet=change.change_kind == "night",
            )
        )
    return columns, rows


def night_table(nights: Sequence[Night], of: Metric) -> tuple[list[Column], list[Row]]:
    """The newest nights, each with the way to its run."""
    columns = [
        Column(title="Night", unit="UTC"),
        Column(title=of.title, unit=of.shown_unit, right=True, ranked_by=True),
        Column(title="Attempts", right=True),
        Column(title="Failed", right=True),
        Column(title="Client"),
        Column(title="Others", unit="CPU", right=True, hint="CPU of the machine taken by other processes"),
    ]
    rows = []
    for night in reversed(nights[-RUNS_LISTED:]):
        errors = ", ".join(f"{count} {ERROR_CLASSES.get(name, name)}" for name, count in night["errors"].items())
        others = night["cpu_share_others"]
        rows.append(
            Row(
                cells=[
                    Cell(
                        main=words.instant(night["started_at"]).removesuffix(" UTC"),
                        link=("runs", {"run": night["run_id"], "trial": night["trial_id"]}),
                        hint="the run, with every attempt of this trial",
                        wide=True,
                    ),
                    Cell(main=format_value(of, night[of.column]), beneath=_range(of, night)),
                    Cell(main=f"{night['attempts']:,}"),
                    Cell(main=f"{night['attempts'] - night['ok']:,}", beneath=errors),
                    Cell(main=night["client_grade"] or UNKNOWN),
                    Cell(main=UNKNOWN if others is None else words.share(others)),
                ]
            )
        )
    return columns, rows


def price_table(prices: Sequence[Night]) -> tuple[list[Column], list[Row]]:
    """Prices on record, each with the days between which it holds."""
    columns = [
        Column(title="Holds"),
        Column(title="Prompt", unit="USD/Mtok", right=True),
        Column(title="Cached", unit="USD/Mtok", right=True),
        Column(title="Output", unit="USD/Mtok", right=True),
        Column(title="Tier"),
        Column(title="Source"),
    ]
    rows = [
        Row(
            cells=[
                Cell(
                    main=f"from {row['valid_from'] or 'an unknown day'}", beneath=_until(row["valid_until"]), wide=True
                ),
                *(Cell(main=words.figure(row[f"usd_per_{part}_mtok"])) for part in ("input", "cached_input", "output")),
                Cell(main=row["service_tier"], beneath=row["origin"]),
                Cell(
                    main=row["source"], beneath=f"checked {row['checked_on']}" if row["checked_on"] else "", wide=True
                ),
            ],
            quiet=row["valid_until"] is not None,
        )
        for row in prices
    ]
    return columns, rows


def twin(nights: Sequence[Night]) -> list[dict[str, Any]]:
    """Every night as a row, in the units that charts show: what is drawn, as a table."""
    own = [of for of in TASK_METRICS if any(night.get(of.column) is not None for night in nights)]
    rows = []
    for night in reversed(nights):
        row: dict[str, Any] = {"night": str(night["night"])}
        for of in (*METRICS, *own):
            row[f"{of.title}, {of.shown_unit}"] = _shown(of, night[of.column])
            if of.range_of == "sample":
                row[f"{of.title} low"] = _shown(of, night.get(f"{of.column}_low"))
                row[f"{of.title} high"] = _shown(of, night.get(f"{of.column}_high"))
        for time in ("ttft", "tpot", "e2e"):
            for name in ("p10", "p25", "p75", "p90"):
                seconds = night[f"{time}_{name}_s"]
                row[f"{time.upper()} {name}, ms"] = None if seconds is None else 1e3 * seconds
        row["attempts"] = night["attempts"]
        row["failed"] = ", ".join(f"{count} {name}" for name, count in night["errors"].items())
        rows.append(row)
    return rows


def to_csv(nights: Sequence[Night]) -> str:
    """Every figure of every night, in base units."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_CSV)
    writer.writerows([night.get(name) for name in _CSV] for night in nights)
    return text.getvalue()


def _shown(of: Metric, value: float | None) -> float | None:
    return None if value is None else value * of.shown_scale


def _range(of: Metric, night: Night) -> str:
    low, high = night.get(f"{of.column}_low"), night.get(f"{of.column}_high")
    return "" if low is None or high is None or low == high else f"{format_value(of, low)} to {format_value(of, high)}"


def _nights_words(change: Change) -> str:
    return since(change).removeprefix(f"since {change.changed_on}").removeprefix(f"on {change.changed_on}").lstrip(", ")


def _until(day: str | None) -> str:
    return "until now" if day is None else f"until {day}"


def _badges(kind: str) -> tuple[Badge, ...]:
    return (Badge(text=kind),) if kind else ()


def visible(found: Sequence[Change], nights: Sequence[Night]) -> Iterator[Change]:
    """Changes of the nights that are shown."""
    first = nights[0]["night"]
    return (change for change in found if change.changed_on >= first)
