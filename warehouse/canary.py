"""Reading the canary: what is said of each target now, its nights, and who agrees with whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.canary_nights import nights_of
from warehouse.canary_rules import LEAST_COMPARED, VerdictName
from warehouse.formulas.fidelity import agreement
from warehouse.query import dicts
from warehouse.writer import LOCK_TIMEOUT_S, open_warehouse

if TYPE_CHECKING:
    import duckdb

_VERDICT = "target_id, run_id, asked_at, verdict, reason, since_at, identical_share, right_share, family_chance_share"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the latest canary of a target says. Shares and chances are 0 to 1, None where unknown."""

    target_id: str
    run_id: str
    asked_at: datetime
    verdict: VerdictName
    reason: str  # one sentence
    since_at: datetime  # first night of an unbroken row with this verdict
    identical_share: float | None
    right_share: float | None
    family_chance_share: float | None

    @property
    def changed(self) -> bool:
        """Whether something else seems to answer than on the reference nights."""
        return self.verdict not in ("same", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class PairAgreement:
    """Two targets that are thought to serve the same model, in the latest run that asked both.

    `chance` is that of no more agreement than this, were tonight's answers of the target one more night of the other:
    None while the other has fewer than two reference nights.
    """

    target_id: str
    other_target_id: str
    compared: int
    identical: int
    same_tokenizer: bool | None
    chance: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CanarySpending:
    """What the questions to one target took."""

    prompt_tokens: int
    output_tokens: int
    uncounted: int  # answers whose tokens the server did not count
    seconds: float  # from the first question to the last answer


def verdicts(con: "duckdb.DuckDBPyConnection") -> dict[str, Verdict]:
    """The latest verdict of every target that was ever asked, by target id; reads stored judgements only.

    Args:
        con: a connection to a snapshot or a warehouse.
    """
    rows = dicts(
        con.execute(
            f"SELECT {_VERDICT} FROM canary_verdicts"
            " QUALIFY row_number() OVER (PARTITION BY target_id"
            " ORDER BY asked_at DESC, recorded_at DESC, method_version DESC) = 1"
            " ORDER BY target_id"
        )
    )
    return {row["target_id"]: Verdict(**row) for row in rows}


def target_nights(con: "duckdb.DuckDBPyConnection", target_id: str, *, limit: int = 30) -> list[dict[str, Any]]:
    """Rows of view `canary_nights` of one target, the newest first."""
    return dicts(
        con.execute(
            "SELECT * FROM canary_nights WHERE target_id = ? ORDER BY asked_at DESC LIMIT ?", [target_id, limit]
        )
    )


def changed_answers(con: "duckdb.DuckDBPyConnection", target_id: str) -> list[dict[str, Any]]:
    """Questions that a target answered otherwise in its latest run than on most of its reference nights.

    Returns:
        question_id, kind, usual_text and answer_text, in the order of the questions' names; none of a target without
        reference nights.
    """
    return dicts(
        con.execute(
            """
            WITH latest AS (
                SELECT run_id, declared_sha256
                FROM canary_verdicts
                WHERE target_id = $target_id
                ORDER BY asked_at DESC, recorded_at DESC
                LIMIT 1
            ),
            usual AS (
                SELECT
                    a.question_sha256,
                    mode(a.answer_sha256 ORDER BY a.asked_at) AS usual_sha256,
                    mode(a.answer_text ORDER BY a.asked_at) AS usual_text
                FROM canary_answers AS a
                SEMI JOIN (
                    SELECT v.run_id
                    FROM canary_verdicts AS v
                    INNER JOIN latest AS l USING (declared_sha256)
                    WHERE v.target_id = $target_id AND v.is_reference AND v.run_id <> l.run_id
                ) AS reference USING (run_id)
                WHERE a.target_id = $target_id
                GROUP BY a.question_sha256
            )
            SELECT a.question_id, a.kind, u.usual_text, a.answer_text
            FROM canary_answers AS a
            INNER JOIN latest AS l USING (run_id)
            INNER JOIN usual AS u USING (question_sha256)
            WHERE a.target_id = $target_id AND a.answer_sha256 <> u.usual_sha256
            ORDER BY a.question_id
            """,
            {"target_id": target_id},
        )
    )


def group_agreement(con: "duckdb.DuckDBPyConnection", target_id: str) -> list[PairAgreement]:
    """Every ordered pair of the targets that are thought to serve what this one serves, in its latest run.

    Each target's answers of that run are compared with those of the other; the chance holds them against the other's
    reference nights, as `formulas.fidelity.agreement` does for a target's own.

    Returns:
        Pairs of that run, by target and other; empty if the target stands alone.
    """
    found = con.execute(
        "SELECT run_id, model_group FROM canary_nights WHERE target_id = ? ORDER BY asked_at DESC LIMIT 1", [target_id]
    ).fetchall()
    if not found:
        return []
    run_id, group = found[0]
    peers = [
        name
        for (name,) in con.execute(
            "SELECT DISTINCT target_id FROM canary_answers WHERE run_id = ? AND model_group = ? ORDER BY ALL",
            [run_id, group],
        ).fetchall()
    ]
    if len(peers) < 2:
        return []
    past = con.execute(
        """
        SELECT v.run_id, v.target_id
        FROM canary_verdicts AS v
        INNER JOIN canary_verdicts AS now USING (target_id, declared_sha256)
        WHERE now.run_id = ? AND v.is_reference AND v.run_id <> now.run_id AND v.target_id IN (SELECT unnest(?))
        """,
        [run_id, peers],
    ).fetchall()
    nights = nights_of(con, [run_id], past)
    tonight = {night.target_id: night for night in nights if night.run_id == run_id}
    pairs = []
    for one in peers:
        for other in peers:
            if one == other:
                continue
            here, there = tonight[one], tonight[other]
            before = [night for night in nights if night.target_id == other and night.run_id != run_id]
            names = sorted(here.answers.keys() | there.answers.keys())
            answers = [here.answers.get(name) for name in names]
            beside = agreement(answers, [[there.answers.get(name) for name in names]])
            against = agreement(answers, [[night.answers.get(name) for name in names] for night in before])
            tokens = (here.signature, there.signature)
            pairs.append(
                PairAgreement(
                    target_id=one,
                    other_target_id=other,
                    compared=beside.compared,
                    identical=beside.identical,
                    same_tokenizer=None if tokens[0] is None or tokens[1] is None else tokens[0][0] == tokens[1][0],
                    chance=against.chance_share if against.compared >= LEAST_COMPARED else None,
                )
            )
    return pairs


def latest_verdict_rows(con: "duckdb.DuckDBPyConnection", target_ids: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The latest row of view `canary_nights` of each target (of these, if any are named), by target."""
    return dicts(
        con.execute(
            "SELECT * FROM canary_nights WHERE len($ids) = 0 OR target_id IN (SELECT unnest($ids))"
            " QUALIFY row_number() OVER (PARTITION BY target_id ORDER BY asked_at DESC) = 1 ORDER BY target_id",
            {"ids": list(target_ids)},
        )
    )


def canary_spending(
    data_dir: Path, run_id: str, *, lock_timeout_s: float = LOCK_TIMEOUT_S
) -> dict[str, CanarySpending]:
    """What the questions of a run took, by target id, from the warehouse itself: it need not be published.

    Raises:
        WarehouseError: another process holds the warehouse for longer, or its file cannot be used.
    """
    with open_warehouse(data_dir, lock_timeout_s=lock_timeout_s) as con:
        rows = con.execute(
            """
            SELECT
                target_id,
                coalesce(sum(prompt_tokens), 0)::BIGINT,
                coalesce(sum(output_tokens), 0)::BIGINT,
                count(*) FILTER (answer_sha256 IS NOT NULL AND (prompt_tokens IS NULL OR output_tokens IS NULL)),
                epoch(max(ended_at)) - epoch(min(asked_at))
            FROM canary_answers
            WHERE run_id = ?
            GROUP BY target_id
            """,
            [run_id],
        ).fetchall()
    return {
        target_id: CanarySpending(prompt_tokens=prompt, output_tokens=output, uncounted=uncounted, seconds=seconds)
        for target_id, prompt, output, uncounted, seconds in rows
    }
