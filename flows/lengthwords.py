"""Whose answers are not as long as was asked for: beside others their figures do not compare."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def length_sentences(data_dir: Path, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for each row of a board whose answers are of another length than those of most others.

    Args:
        data_dir: where the board was published.
        rows: rows of a board, with their trial_id.

    Raises:
        WarehouseError: nothing is published.
    """
    from warehouse.query import dicts, open_published

    with open_published(data_dir) as con:
        found = dicts(
            con.execute(
                """
                SELECT trial_id, output_length_reached_share, length_band
                FROM length_fidelity
                WHERE list_contains($trial_ids::VARCHAR[], trial_id) AND length_band <> 'as asked'
                """,
                {"trial_ids": [row["trial_id"] for row in rows]},
            )
        )
    odd = {each["trial_id"]: each for each in found}
    return [length_sentence(row, odd[row["trial_id"]]) for row in rows if row["trial_id"] in odd]


def length_sentence(row: Mapping[str, Any], lengths: Mapping[str, Any]) -> str:
    """What is to be known of one row."""
    reached = f"{lengths['output_length_reached_share']:.0%} of the tokens asked for"
    return (
        f"{row['target_id']} under {row['workload_id']}: half of its answers end by {reached}; compare it with those"
        " of like length only (view length_fidelity)"
    )
