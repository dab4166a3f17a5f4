"""What else differed around the night of a change: facts of the trials, said beside it without a claim of cause."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from warehouse.changes import Change
from warehouse.query import dicts

if TYPE_CHECKING:
    import duckdb

Night = Mapping[str, Any]

_NAMED = 3  # targets that changed alike
_AROUND = 7  # nights on each side, for what has to be averaged
# What a night either is or is not, in the order in which it is said.
_TOLD = (
    "model", "models_returned", "system_fingerprints", "quantisation", "weights_sha256", "base_url", "region", "engine",
    "engine_version", "device", "gpu_models", "threads", "slots", "host_id", "cpu_model", "os", "megatoken_version",
    "arrivals", "concurrency", "rate_rps", "rate_end_rps", "burstiness", "trace_sha256", "prompt_tokens_asked",
    "output_tokens_asked", "prompts_sha256", "prompt_lengths", "output_lengths", "shared_prefix_share",
    "conversation_turns", "slo_ttft_s", "slo_tpot_s", "meters", "accounting_version",
)  # fmt: skip
# From which difference on an average is said: points of a share, or a share of the number itself.
_SHARE_POINTS = 0.02
_BEYOND_CHANCE = 3.0  # standard errors of a difference of shares
_CPU_POINTS = 0.05
_TOKENS_SHARE = 0.03
_NIGHTS = """
    WITH asked AS (
        SELECT
            unnest($targets::VARCHAR[]) AS target_id,
            unnest($workloads::VARCHAR[]) AS workload_id,
            unnest($firsts::DATE[]) AS first_night,
            unnest($lasts::DATE[]) AS last_night
    ),

    nights AS (
        SELECT
            t.*,
            coalesce(r.started_at, t.started_at)::DATE AS night
        FROM trials AS t
        SEMI JOIN cell_trials USING (trial_id)
        ANTI JOIN ad_hoc_runs USING (run_id)
        LEFT JOIN runs AS r USING (run_id)
    ),

    wanted AS (
        SELECT *
        FROM nights AS n
        WHERE EXISTS (
            SELECT 1
            FROM asked AS a
            WHERE a.target_id = n.target_id AND a.workload_id = n.workload_id
                AND n.night BETWEEN a.first_night AND a.last_night
        )
        QUALIFY row_number() OVER (
            PARTITION BY target_id, workload_id, night ORDER BY started_at DESC, trial_id DESC
        ) = 1
    ),

    metered AS (
        SELECT
            trial_id,
            string_agg(DISTINCT component || ': ' || method, ', ' ORDER BY component || ': ' || method) AS meters
        FROM meters
        SEMI JOIN wanted USING (trial_id)
        GROUP BY trial_id
    ),

    graded AS (
        SELECT trial_id, grade
        FROM certificates
        SEMI JOIN wanted USING (trial_id)
        QUALIFY row_number() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC, method_version DESC) = 1
    ),

    accounted AS (
        SELECT trial_id, arg_max(method_version, recorded_at) AS accounting_version
        FROM cost_accounts
        SEMI JOIN wanted USING (trial_id)
        GROUP BY trial_id
    ),

    stated AS (
        SELECT trial_id, map_from_entries(list((quantity, central) ORDER BY quantity)) AS facts
        FROM trial_facts
        SEMI JOIN wanted USING (trial_id)
        GROUP BY trial_id
    )

    SELECT
        w.*,
        m.meters,
        g.grade,
        a.accounting_version,
        s.facts,
        array_to_string(d.models_returned, ', ') AS models_returned,
        array_to_string(d.system_fingerprints, ', ') AS system_fingerprints,
        o.attempts,
        o.errors,
        o.prompt_tokens / nullif(o.ok, 0) AS prompt_tokens,
        o.output_tokens / nullif(o.ok, 0) AS output_tokens
    FROM wanted AS w
    LEFT JOIN metered AS m USING (trial_id)
    LEFT JOIN graded AS g USING (trial_id)
    LEFT JOIN accounted AS a USING (trial_id)
    LEFT JOIN stated AS s USING (trial_id)
    LEFT JOIN trial_digests AS d USING (trial_id)
    LEFT JOIN trial_outcomes AS o USING (trial_id)
    ORDER BY w.target_id, w.workload_id, w.night
"""


def hinted(con: "duckdb.DuckDBPyConnection", found: Sequence[Change]) -> list[Change]:
    """Changes of series with what else is known to have differed, and which other targets changed alike."""
    if not found:
        return []
    nights = _nights(con, found)
    alike = _alike(found)
    return [
        replace(change, hints=(*_hints(change, nights[change.target_id, change.workload_id or ""]), *alike[change]))
        for change in found
    ]


def _nights(con: "duckdb.DuckDBPyConnection", found: Sequence[Change]) -> Mapping[tuple[str, str], list[Night]]:
    # a fortnight holds a week of nights also where every other one was missed
    around = timedelta(days=2 * _AROUND)
    asked = {
        "targets": [change.target_id for change in found],
        "workloads": [change.workload_id for change in found],
        "firsts": [change.earliest_on - around for change in found],
        "lasts": [change.latest_on + around for change in found],
    }
    nights: dict[tuple[str, str], list[Night]] = defaultdict(list)
    for row in dicts(con.execute(_NIGHTS, asked)):
        nights[row["target_id"], row["workload_id"]].append(row)
    return nights


def _hints(change: Change, nights: Sequence[Night]) -> Iterator[str]:
    old = [night for night in nights if night["night"] < change.earliest_on][-_AROUND:]
    new = [night for night in nights if night["night"] >= change.changed_on][
        : _AROUND if change.change_kind == "shift" else 1
    ]
    if not old or not new:
        return
    between = [night for night in nights if change.earliest_on <= night["night"] <= change.latest_on]
    for name in _TOLD:
        yield from _turned(name, change.changed_on, [(night["night"], night[name]) for night in (old[-1], *between)])
    for name in sorted({*(old[-1]["facts"] or {}), *(new[0]["facts"] or {})}):
        of_nights = [(night["night"], (night["facts"] or {}).get(name)) for night in (old[-1], *between)]
        yield from _turned(name, change.changed_on, of_nights)
    yield from _error_mix(old, new)
    grades = [Counter(night["grade"] or "none" for night in some).most_common(1)[0][0] for some in (old, new)]
    if grades[0] != grades[1]:
        yield f"client grade {grades[0]} -> {grades[1]}"
    others = [_mean(some, "cpu_share_others") for some in (old, new)]
    if others[0] is not None and others[1] is not None and abs(others[1] - others[0]) >= _CPU_POINTS:
        yield f"CPU taken by other processes {others[0]:.0%} -> {others[1]:.0%}"
    for name, said in (("prompt_tokens", "prompt tokens a request"), ("output_tokens", "output tokens an answer")):
        tokens = [_mean(some, name) for some in (old, new)]
        if tokens[0] and tokens[1] and abs(tokens[1] / tokens[0] - 1) >= _TOKENS_SHARE:
            yield f"{said} {_said(tokens[0])} -> {_said(tokens[1])}"


def _turned(name: str, on: date, of_nights: Sequence[tuple[date, Any]]) -> Iterator[str]:
    """A fact that is another at the end than it was at the beginning, and the night since which it is."""
    (_, was), (_, became) = of_nights[0], of_nights[-1]
    if was == became or (not was and not became):
        return
    since = of_nights[-1][0]
    for night, value in reversed(of_nights):
        if value != became:
            break
        since = night
    when = "" if since == on else f" on {since}"
    yield f"{name} {_said(was)} -> {_said(became)}{when}"


def _error_mix(old: Sequence[Night], new: Sequence[Night]) -> Iterator[str]:
    (before, tried_before), (after, tried_after) = _errors(old), _errors(new)
    if not tried_before or not tried_after:
        return
    for name in sorted({*before, *after}):
        was, became = before[name] / tried_before, after[name] / tried_after
        pooled = (before[name] + after[name]) / (tried_before + tried_after)
        by_chance = math.sqrt(pooled * (1 - pooled) * (1 / tried_before + 1 / tried_after))
        if abs(became - was) >= max(_SHARE_POINTS, _BEYOND_CHANCE * by_chance):
            yield f"failed with {name} {was:.0%} -> {became:.0%} of attempts"


def _errors(nights: Sequence[Night]) -> tuple[Counter[str], int]:
    counted: Counter[str] = Counter()
    for night in nights:
        counted.update(night["errors"] or {})
    return counted, sum(night["attempts"] or 0 for night in nights)


def _alike(found: Sequence[Change]) -> Mapping[Change, tuple[str, ...]]:
    """Of each change, which other targets changed in the same metric, workload and direction within a night of it."""
    together: dict[tuple[str | None, str, str, bool], list[Change]] = defaultdict(list)
    for change in found:
        together[change.workload_id, change.metric_id, change.change_kind, change.is_up].append(change)
    night = timedelta(days=1)
    said: dict[Change, tuple[str, ...]] = {}
    for change in found:
        others = sorted(
            {
                other.target_id
                for other in together[change.workload_id, change.metric_id, change.change_kind, change.is_up]
                if other.target_id != change.target_id and abs(other.changed_on - change.changed_on) <= night
            }
        )
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        said[change] = (f"changed alike: {', '.join(others[:_NAMED])}{more}",) if others else ()
    return said


def _mean(nights: Sequence[Night], name: str) -> float | None:
    known = [night[name] for night in nights if night[name] is not None]
    return sum(known) / len(known) if known else None


def _said(value: Any) -> str:  # noqa: ANN401 - a cell of any type
    if value is None or value == "":
        return "unknown"
    if isinstance(value, float):
        return f"{value:.4g}"
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
