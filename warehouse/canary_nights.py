"""Nights of the canary as they are compared: the answers of one target in one run, out of the table."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from warehouse.formulas.fidelity import token_shape
from warehouse.query import dicts

if TYPE_CHECKING:
    import duckdb

_DECLARED: Final = ("target_kind", "provider", "model", "quantisation", "weights_sha256", "base_url")


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """The canary of one target in one run, ready to be compared."""

    run_id: str
    target_id: str
    asked_at: datetime
    declared_sha256: str
    asked: int
    empty: int  # answers without a visible character
    error_class: str | None  # the most frequent
    answers: dict[str, str]  # hash of the answer by hash of the question
    right: dict[str, bool]
    signature: tuple[tuple[int, ...], int] | None  # see `token_shape`
    count_tokens: int | None
    served_by: dict[str, str]  # what names the server: model_returned, system_fingerprint, engine_version


def nights_of(
    con: "duckdb.DuckDBPyConnection", pending_runs: Sequence[str], earlier: Iterable[tuple[str, str]]
) -> list[Night]:
    """The nights to judge, and the earlier ones of their targets that are reference nights."""
    past = sorted(earlier)
    rows = dicts(
        con.execute(
            """
            SELECT a.*
            FROM canary_answers AS a
            WHERE
                a.run_id IN (SELECT unnest($runs))
                OR (a.run_id, a.target_id) IN (SELECT (unnest($past_runs), unnest($past_targets)))
            ORDER BY a.run_id, a.target_id, a.question_id
            """,
            {
                "runs": list(pending_runs),
                "past_runs": [run_id for run_id, _ in past],
                "past_targets": [target_id for _, target_id in past],
            },
        )
    )
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault((row["run_id"], row["target_id"]), []).append(row)
    return [_night(of) for of in grouped.values()]


def _night(rows: Sequence[dict[str, Any]]) -> Night:
    first = rows[0]
    machine = first["host_id"] if first["target_kind"] == "local" else ""
    declared = [machine, *(str(first[name] or "") for name in _DECLARED)]
    count = next((row for row in rows if row["kind"] == "output-length" and row["is_right"]), None)
    named = {
        name: _most([row[name] for row in rows]) for name in ("model_returned", "system_fingerprint", "engine_version")
    }
    return Night(
        run_id=first["run_id"],
        target_id=first["target_id"],
        asked_at=min(row["asked_at"] for row in rows),
        declared_sha256=hashlib.sha256("\0".join(declared).encode()).hexdigest(),
        asked=len(rows),
        empty=sum(row["answer_text"] == "" for row in rows),
        error_class=_most([row["error_class"] for row in rows if row["answer_sha256"] is None]),
        answers={row["question_sha256"]: row["answer_sha256"] for row in rows if row["answer_sha256"] is not None},
        right={row["question_sha256"]: row["is_right"] for row in rows if row["is_right"] is not None},
        signature=token_shape([row["prompt_tokens"] for row in rows if row["kind"] == "tokenizer"]),
        count_tokens=None if count is None else count["output_tokens"],
        served_by={name: value for name, value in named.items() if value is not None},
    )


def _most(values: Sequence[str | None]) -> str | None:
    """The most frequent of those that are known; None without any."""
    known = Counter(value for value in values if value is not None)
    return known.most_common(1)[0][0] if known else None
