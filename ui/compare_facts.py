"""What the figures of a comparison rest on: prices of today, and what was measured when and on what."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ui import words
from ui.certificate import grade_badge
from ui.markup import Badge, Cell, Column, Row
from ui.tradeoff import MIDDLE, who
from warehouse.certificates import is_fit
from warehouse.metrics import UNKNOWN


def price_columns() -> list[Column]:
    """Heads of the price table."""
    return [
        Column(title="Target", unit="tier"),
        Column(title="Input", unit="USD/Mtok", right=True),
        Column(title="Cached input", unit="USD/Mtok", right=True),
        Column(title="Output", unit="USD/Mtok", right=True),
        Column(title="Holds for", unit="prompts, hours"),
        Column(title="Since", unit="age"),
        Column(title="Source", unit="who states it"),
    ]


def price_rows(prices: Sequence[Mapping[str, Any]], target_ids: Sequence[str], kinds: Mapping[str, str]) -> list[Row]:
    """The prices that rule today; a target without one has its row and the reason."""
    rows = []
    for target_id in target_ids:
        own = [row for row in prices if row["target_id"] == target_id]
        rows += [_price(row) for row in own]
        if not own:
            local = kinds.get(target_id) == "local"
            reason = (
                "a machine of ours: it costs electricity and hardware, see Cost above"
                if local
                else "no contract, no price file and no list states a price: megatoken prices says where to add one"
            )
            rows.append(
                Row(
                    quiet=True,
                    cells=[Cell(main=target_id, strong=True, wide=True), Cell(main=reason, span=6, tone="quiet")],
                )
            )
    return rows


def measured_columns() -> list[Column]:
    """Heads of the table of what was measured."""
    return [
        Column(title="Target", unit=f"provider {MIDDLE} model"),
        Column(title="Measured on"),
        Column(title="Newest trial", unit="age"),
        Column(title="n", unit="nights", right=True),
        Column(title="n", unit="attempts, newest", right=True),
        Column(title="Load client"),
    ]


def measured_rows(rows: Sequence[Mapping[str, Any]], nights: Mapping[str, int], now: datetime) -> list[Row]:
    """A row a target: on what, when and how often, by its newest trial."""
    return [
        Row(
            cells=[
                Cell(main=row["target_id"], beneath=who(row), badges=_stale(row, now), strong=True, wide=True),
                Cell(main=_machine(row), beneath=row["region"] or "region not known"),
                Cell(main=words.instant(row["measured_at"]), beneath=words.age(row["measured_at"], now)),
                Cell(main=str(nights.get(row["target_id"], 0))),
                Cell(
                    main=f"{row['n']:,}", beneath=f"{row['failed_attempts']:,} failed" if row["failed_attempts"] else ""
                ),
                Cell(
                    main=f"grade {row['client_grade'] or UNKNOWN}",
                    badges=() if is_fit(row) else (grade_badge(row["client_grade"], row["client_reasons"]),),
                ),
            ]
        )
        for row in rows
    ]


def _price(row: Mapping[str, Any]) -> Row:
    def usd(value: float | None) -> Cell:
        return Cell(
            main="not stated" if value is None else words.figure(float(value)),
            tone="quiet" if value is None else "plain",
        )

    longer = f"prompts above {row['above_prompt_tokens']:,} tokens" if row["above_prompt_tokens"] else "any prompt"
    since = row["valid_from"] or "not said"
    before = (row["prices_known"] or 1) - 1
    return Row(
        cells=[
            Cell(main=row["target_id"], beneath=row["service_tier"], strong=True, wide=True),
            usd(row["usd_per_input_mtok"]),
            usd(row["usd_per_cached_input_mtok"]),
            usd(row["usd_per_output_mtok"]),
            Cell(main=longer, beneath=f"{row['hours_utc']} UTC" if row["hours_utc"] else "all day"),
            Cell(
                main=since,
                beneath=f"{row['age_days']} d" if row["age_days"] is not None else "age not known",
                hint=f"{before} other known" if before > 0 else "",
            ),
            Cell(main=row["origin"], beneath=row["source"]),
        ]
    )


def _machine(row: Mapping[str, Any]) -> str:
    if row["kind"] != "local":
        return "the provider's machines"
    return str(
        row["gpu_models"] if row["device"] == "cuda" and row["gpu_models"] else row["cpu_model"] or row["device"]
    )


def _stale(row: Mapping[str, Any], now: datetime) -> tuple[Badge, ...]:
    if not words.is_stale(row["measured_at"], now):
        return ()
    return (Badge(text="stale", tone="warn", hint="not measured for two days"),)
