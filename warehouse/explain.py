"""A landed trial under our definitions and those of other tools, side by side."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from warehouse.errors import WarehouseError
from warehouse.event_file import CHOICE, EVENT_CLASSES
from warehouse.events import read_events
from warehouse.formulas.definitions import LATENCIES, TOOLS, Tool, Whole, figures
from warehouse.formulas.peer_readings import Stream, Success
from warehouse.latest import Found, latest_trial
from warehouse.query import dicts, open_published

if TYPE_CHECKING:
    import duckdb
    import polars as pl

OURS: Final = "Megatoken"
_PERCENTILES: Final = (50, 95, 99)
# Ours has no ITL: no server says which chunk holds how many tokens.
_OUR_COLUMNS: Final = (
    *(f"{name}_p{percent}_s" for name in LATENCIES if name != "itl" for percent in _PERCENTILES),
    "goodput_share",
    "goodput_rps",
)
_SUCCESS: Final = (
    "t_start_ns", "t_choice_ns", "t_first_ns", "t_visible_ns", "t_last_ns", "t_end_ns", "output_tokens",
    "reasoning_tokens", "chunks",
)  # fmt: skip
_SAID: Final = [EVENT_CLASSES.index("text"), EVENT_CLASSES.index("reasoning")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One trial; `figures[tool][metric]` is in base units, None where a tool has no such figure or it is unknown."""

    trial_id: str
    started_at: datetime
    attempts: int
    ok: int
    events: int | None  # None when there are none to read
    events_missing: str | None  # then: why, one sentence
    figures: Mapping[str, Mapping[str, float | None]]  # ours first
    why: Mapping[str, str]  # tool -> how it differs, without a full stop


def find_trial(data_dir: Path, name: str) -> Found:
    """The trial of that id, or the only one whose id begins so; "latest" is the newest that has an answer.

    Raises:
        WarehouseError: nothing is published, there is no such trial, or several.
    """
    with open_published(data_dir) as con:
        ids = [row[0] for row in con.execute("SELECT trial_id FROM trials ORDER BY started_at, trial_id").fetchall()]
        latest = latest_trial(con) if name == "latest" else None
    if not ids:
        raise WarehouseError("no trial has been loaded yet; run `megatoken night` or `megatoken bench` first")
    if latest is not None:
        return latest
    if name in ids:
        return Found(ids=(name,))
    found = [trial_id for trial_id in ids if name and trial_id.startswith(name)]
    if len(found) == 1:
        return Found(ids=(found[0],))
    if found:
        some = ", ".join(found[-3:])
        raise WarehouseError(f"{len(found)} trials begin with {name!r}, {some} among them; give more of the id")
    near = difflib.get_close_matches(name, ids, n=1, cutoff=0.3)
    hint = near[0] if near else ids[-1]
    raise WarehouseError(f"no trial begins with {name!r}; did you mean {hint}, or `latest`?")


def explain(data_dir: Path, trial_id: str) -> Explained:
    """Recompute a trial under every definition in `formulas.definitions`; ours are the figures of the views.

    Raises:
        WarehouseError: there is no such trial, or the snapshot or the events cannot be read.
    """
    import duckdb

    with open_published(data_dir) as con:
        try:
            trial, metrics, attempts = _rows(con, trial_id)
        except duckdb.Error as error:
            raise WarehouseError(
                f"the published snapshot is of another version of Megatoken ({str(error).splitlines()[0]});"
                " publish a new one with `megatoken night`"
            ) from None
    frame = read_events(data_dir, trial_id, started_at=trial["started_at"])
    streams = {} if isinstance(frame, str) else _streams(frame)
    successes = [
        Success(**{name: row[name] for name in _SUCCESS}, stream=streams.get(row["seq"]))
        for row in attempts
        if row["error_class"] is None
    ]
    whole = Whole(
        attempts=len(attempts),
        window_s=metrics["window_s"],
        slo_ttft_s=trial["slo_ttft_s"],
        slo_tpot_s=trial["slo_tpot_s"],
    )
    ours: dict[str, float | None] = {column: metrics[column] for column in _OUR_COLUMNS}
    throughput = "steady_output_tokens_per_s" if metrics["steady"] else "output_tokens_per_s"
    ours["output_tokens_per_s"] = metrics[throughput]
    # A percentile that has too few attempts for ours is no better in their words.
    percentiles = [percent for percent in _PERCENTILES if metrics[f"e2e_p{percent}_s"] is not None]
    theirs = {tool.name: figures(tool, successes, whole, percentiles=percentiles) for tool in TOOLS}
    return Explained(
        trial_id=trial_id,
        started_at=trial["started_at"],
        attempts=len(attempts),
        ok=len(successes),
        events=None if isinstance(frame, str) else len(frame),
        events_missing=frame if isinstance(frame, str) else None,
        figures={OURS: ours, **theirs},
        why={OURS: _our_why(metrics), **{tool.name: _why(tool, trial, attempts, frame) for tool in TOOLS}},
    )


def _rows(
    con: "duckdb.DuckDBPyConnection", trial_id: str
) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    trial = dicts(
        con.execute(
            "SELECT started_at, slo_ttft_s, slo_tpot_s, clock_step_ns FROM trials WHERE trial_id = ?", [trial_id]
        )
    )
    if not trial:
        raise WarehouseError(f"there is no trial {trial_id}; `megatoken explain latest` takes the last one")
    metrics = dicts(con.execute("SELECT * FROM trial_metrics WHERE trial_id = ?", [trial_id]))[0]
    attempts = dicts(
        con.execute(
            f"""
            SELECT seq, error_class, connection_reused, {", ".join(_SUCCESS)}
            FROM attempts
            WHERE trial_id = ? AND phase = 'measured'
            ORDER BY seq
            """,
            [trial_id],
        )
    )
    return trial[0], metrics, attempts


def _streams(frame: "pl.DataFrame") -> dict[int, Stream]:
    """Times of the events of measured attempts, by seq."""
    import polars as pl

    measured = frame.filter(pl.col("phase") == "measured").sort("seq", "event")
    seqs, starts = np.unique(measured["seq"].to_numpy(), return_index=True)
    edges = [*starts.tolist(), len(measured)]
    times = measured["t_ns"].to_numpy()
    codes = measured["class"].to_physical().to_numpy()
    choice = (codes >= CHOICE.start) & (codes < CHOICE.stop)
    said, text = np.isin(codes, _SAID), codes == EVENT_CLASSES.index("text")
    streams = {}
    for n, seq in enumerate(seqs.tolist()):
        own = slice(edges[n], edges[n + 1])
        mine = times[own]
        streams[seq] = Stream(choice_ns=mine[choice[own]], said_ns=mine[said[own]], text_ns=mine[text[own]])
    return streams


def _our_why(metrics: Mapping[str, Any]) -> str:
    timed = (
        "times the first and the last payload of any kind from the instant before the send, has no ITL, since no server"
        " says which chunk holds how many tokens, and takes goodput as a share of what was offered"
    )
    if not metrics["steady"]:
        return f"{timed}; with no steady part to take it from, its output tokens/s are those of the whole run too"
    return (
        f"{timed}; its output tokens/s are what arrived in the steady {metrics['steady_window_s']:.1f} s, where the"
        f" others divide by the whole {metrics['window_s']:.1f} s"
    )


def _why(
    tool: Tool, trial: Mapping[str, Any], attempts: Sequence[Mapping[str, Any]], frame: "pl.DataFrame | str"
) -> str:
    said = tool.why
    if tool.new_connections:
        reused = sum(row["connection_reused"] is True for row in attempts)
        said += (
            "; it opens a connection for every request, with TCP and TLS inside TTFT, which cannot be added here"
            f" ({reused} of {len(attempts)} attempts reused one)"
        )
    if tool.wall_clock and trial["clock_step_ns"]:
        said += f" (in this trial by {trial['clock_step_ns'] / 1e6:+.3f} ms)"
    if isinstance(frame, str) and tool.needs_events is not None:
        said += f"; without the events {tool.needs_events}"
    return said
