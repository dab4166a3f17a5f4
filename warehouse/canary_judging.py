"""Judging the canary: each night of each target once, stored a row a run and target. What is said: `canary_rules`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from warehouse.canary_nights import Night, nights_of
from warehouse.canary_rules import Judged, judge
from warehouse.formulas.fidelity import wilson_interval
from warehouse.query import dicts
from warehouse.tables import insert_dicts

if TYPE_CHECKING:
    import duckdb

# Change it with any change of a rule: every run is then judged anew.
METHOD_VERSION: Final = "1"


@dataclass(slots=True)
class _History:
    """What is known of a target before the night that is judged next."""

    reference: list[Night] = field(default_factory=list)
    last: tuple[str, str, datetime] | None = None  # declared, verdict, since


def judge_canaries(con: "duckdb.DuckDBPyConnection") -> int:
    """Judge every run that has an answer without a verdict, the oldest first; call it inside a transaction.

    Returns:
        How many nights of targets were judged.
    """
    pending = con.execute(
        "SELECT DISTINCT run_id FROM (SELECT run_id, target_id FROM canary_answers"
        " EXCEPT SELECT run_id, target_id FROM canary_verdicts WHERE method_version = ?)",
        [METHOD_VERSION],
    ).fetchall()
    if not pending:
        return 0
    pending_runs = {run_id for (run_id,) in pending}
    earlier = _judged_before(con, sorted(pending_runs))
    nights = nights_of(con, sorted(pending_runs), _references(earlier))
    histories: dict[str, _History] = {}
    by_name = {(night.run_id, night.target_id): night for night in nights}
    for each in earlier:
        history = histories.setdefault(each["target_id"], _History())
        if each["is_reference"]:
            history.reference.append(by_name[each["run_id"], each["target_id"]])
        history.last = (each["declared_sha256"], each["verdict"], each["since_at"])
    runs: dict[str, list[Night]] = {}
    for night in sorted(nights, key=lambda one: one.asked_at):
        if night.run_id in pending_runs:
            runs.setdefault(night.run_id, []).append(night)
    rows = [row for run in runs.values() for row in _judge_run(run, histories)]
    insert_dicts(con, "canary_verdicts", rows)
    return len(rows)


def _references(earlier: Sequence[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(each["run_id"], each["target_id"]) for each in earlier if each["is_reference"]}


def _judge_run(run: Sequence[Night], histories: dict[str, _History]) -> Iterable[dict[str, Any]]:
    recorded_at = datetime.now(UTC)
    references = [
        [
            past
            for past in histories.setdefault(night.target_id, _History()).reference
            if past.declared_sha256 == night.declared_sha256 and past.asked_at < night.asked_at
        ]
        for night in run
    ]
    for judged in judge(run, references):
        night, history = judged.night, histories[judged.night.target_id]
        if judged.is_reference:
            history.reference.append(night)
        same_as_before = history.last is not None and history.last[:2] == (night.declared_sha256, judged.verdict)
        since_at = history.last[2] if same_as_before and history.last is not None else night.asked_at
        history.last = (night.declared_sha256, judged.verdict, since_at)
        yield _row(judged, since_at) | {"method_version": METHOD_VERSION, "recorded_at": recorded_at}


def _judged_before(con: "duckdb.DuckDBPyConnection", pending_runs: Sequence[str]) -> list[dict[str, Any]]:
    """The latest judgement of every night of these runs' targets, the oldest first."""
    return dicts(
        con.execute(
            """
            SELECT run_id, target_id, asked_at, declared_sha256, verdict, since_at, is_reference
            FROM canary_verdicts
            WHERE
                method_version = $version
                AND run_id NOT IN (SELECT unnest($runs))
                AND target_id IN (SELECT target_id FROM canary_answers WHERE run_id IN (SELECT unnest($runs)))
            QUALIFY row_number() OVER (PARTITION BY run_id, target_id ORDER BY recorded_at DESC) = 1
            ORDER BY asked_at
            """,
            {"version": METHOD_VERSION, "runs": list(pending_runs)},
        )
    )


def _row(judged: Judged, since_at: datetime) -> dict[str, Any]:
    night, found = judged.night, judged.found
    right, of = sum(night.right.values()), len(night.right)
    alike, hits = wilson_interval(found.identical, found.compared), wilson_interval(right, of)
    return {
        "run_id": night.run_id,
        "target_id": night.target_id,
        "asked_at": night.asked_at,
        "declared_sha256": night.declared_sha256,
        "verdict": judged.verdict,
        "reason": judged.reason,
        "since_at": since_at,
        "is_reference": judged.is_reference,
        "reference_runs": judged.reference_runs,
        "compared_answers": found.compared,
        "identical_answers": found.identical,
        "identical_share": found.identical / found.compared if found.compared else None,
        "identical_share_low": alike[0] if alike else None,
        "identical_share_high": alike[1] if alike else None,
        "repeat_share": found.repeat_share,
        "chance_share": found.chance_share,
        "family_chance_share": judged.family_chance,
        "judged_answers": of,
        "right_answers": right,
        "right_share": right / of if of else None,
        "right_share_low": hits[0] if hits else None,
        "right_share_high": hits[1] if hits else None,
        "fewer_right_chance_share": judged.fewer_right,
        "tokenizer_signature": None if night.signature is None else " ".join(map(str, night.signature[0])),
        "prompt_overhead_tokens": None if night.signature is None else night.signature[1],
        "count_output_tokens": night.count_tokens,
    }
