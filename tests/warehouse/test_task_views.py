"""Figures of tasks that are no chat: documents, sound, pictures; and of counts that cannot be."""

import shutil
from dataclasses import replace

import duckdb
import pytest

from tests.warehouse.builders import BOOT_NS, SECOND_NS, attempt_row, failed_row, trial_row
from warehouse.loader import derive
from warehouse.metrics import METRICS
from warehouse.offered import offered_metrics
from warehouse.query import dicts
from warehouse.tables import by_table, insert_rows

AFTER_NS = 800_000_000  # from the send to a document
LENGTHS_S = (4.0, 8.0, 16.0, 80.0)
UNKNOWN = "completion_tokens = -4 is no count"
TOLD = {
    "server_load_s": 0.3, "server_queue_s": 0.01, "server_prefill_s": 0.1, "server_decode_s": 0.5,
    "billed_usd": 0.002, "service_tier": "flex", "answer_streamed": True,
}  # fmt: skip


def document(trial_id, seq=0, **changes):
    """An answer of one document, 0.8 s after it was asked for, one a second."""
    given = {
        "answer_streamed": False, "output_tokens": 0, "streamed_tokens": 0, "reasoning_tokens": None, "chunks": 1,
        "coalesced_chunks": 0, "chunk_gap_p50_ns": None, "chunk_gap_p95_ns": None, "chunk_gap_p99_ns": None,
        "chunk_gap_max_ns": None, "input_items": 4, "qoe_share": None,
    } | changes  # fmt: skip
    row = attempt_row(seq, trial_id=trial_id, start_s=float(seq), **given)
    last_ns = row.t_start_ns + AFTER_NS
    return replace(row, t_first_ns=None, t_visible_ns=None, t_last_ns=last_ns, t_end_ns=last_ns)


def chat(trial_id, seq=0, **changes):
    return attempt_row(seq, trial_id=trial_id, start_s=float(seq), **changes)


TRIALS = {
    "embedded": [
        *(document("embedded", n) for n in range(8)),
        *(replace(failed_row(n, start_s=float(n)), trial_id="embedded") for n in (8, 9)),
    ],
    "too-late": [document("too-late")],
    "just-in-time": [document("just-in-time")],
    "all-failed": [replace(failed_row(0), trial_id="all-failed")],
    "spoken": [chat("spoken", n, output_audio_s=length_s) for n, length_s in enumerate(LENGTHS_S)],
    "heard": [document("heard", input_audio_s=40.0, output_tokens=30, input_items=None)],
    "half-known": [document("half-known"), document("half-known", 1, input_items=None)],
    "drawn": [chat("drawn", output_images=2, output_tokens=1000, streamed_tokens=1000)],
    "chat": [chat("chat", **TOLD)],
    "miscounted": [
        chat("miscounted"),
        chat(
            "miscounted", 1, usage_fault=UNKNOWN, output_tokens=None, streamed_tokens=None, token_source=None,
            qoe_share=None,
        ),
    ],
}  # fmt: skip
LIMITS_S = {"too-late": 0.79, "just-in-time": 0.81}


@pytest.fixture(scope="module")
def con(empty_warehouse, tmp_path_factory):
    path = tmp_path_factory.mktemp("tasks") / "tasks.duckdb"
    shutil.copyfile(empty_warehouse, path)
    rows = []
    for trial_id, attempts in TRIALS.items():
        trial = trial_row(trial_id=trial_id, workload_id=trial_id, slo_ttft_s=LIMITS_S.get(trial_id, 1.0))
        if trial_id == "embedded":
            steady_end_ns = BOOT_NS + 9 * SECOND_NS
            trial = replace(
                trial, steady_start_ns=BOOT_NS, steady_end_ns=steady_end_ns, steady_output_tokens=0.0, api="rerank"
            )
        rows += [trial, *(replace(row, attempt_id=f"{trial_id}.{row.seq}") for row in attempts)]
    with duckdb.connect(path) as opened:
        for table, members in by_table(rows).items():
            insert_rows(opened, table, members)
        derive(opened)
        yield opened


def figures(con, trial_id, view="trial_metrics"):
    [row] = dicts(con.execute(f"SELECT * FROM {view} WHERE trial_id = ?", [trial_id]))
    return row


def test_documents_have_no_first_token_but_an_end_and_a_speed_of_their_own(con):
    row = figures(con, "embedded")
    names = [name for name in row if name.startswith("ttft") and not name.endswith("met_share")]
    assert len(names) >= 12
    assert {row[name] for name in names} == {None}
    assert (row["n_ttft"], row["n_ttft_all"], row["n_tpot"], row["tpot_p50_s"]) == (0, 0, 0, None)
    assert (row["n_e2e"], row["e2e_p50_s"], row["e2e_max_s"]) == (8, pytest.approx(0.8), pytest.approx(0.8))
    assert (row["failed_share"], row["n_e2e_all"], row["e2e_all_p50_s"]) == (0.2, 10, pytest.approx(0.8))
    assert (row["input_items"], row["items_per_s"], row["input_tokens_per_s"]) == (32, 3.2, 80.0)
    assert (row["steady"], row["n_steady"]) == (True, 8)


def test_the_limit_on_the_first_token_is_held_against_the_whole_document(con):
    row = figures(con, "embedded")
    assert (row["good_count"], row["goodput_share"], row["ttft_met_share"]) == (8, 0.8, 0.8)
    assert figures(con, "too-late")["good_count"] == 0
    assert figures(con, "just-in-time")["good_count"] == 1
    attempt = figures(con, "too-late", "attempt_metrics")
    assert (attempt["ttft_s"], attempt["first_content_s"]) == (None, pytest.approx(0.8))


def test_a_task_that_generates_nothing_has_no_output_speed_rather_than_none_a_second(con):
    row = figures(con, "embedded")
    assert (row["output_tokens"], row["output_tokens_per_s"], row["steady_output_tokens_per_s"]) == (0, None, None)
    assert figures(con, "embedded", "trial_figures")["output_tokens_per_s"] is None


def test_a_chat_whose_every_attempt_failed_still_served_nothing_and_waited_for_ever(con):
    row = figures(con, "all-failed")
    assert (row["output_tokens_per_s"], row["n_ttft_all"], row["ttft_all_p50_s"]) == (0, 1, float("inf"))


def test_intervals_of_documents_are_made_of_what_they_have(con):
    found = dicts(con.execute("SELECT metric_id, central FROM trial_intervals WHERE trial_id = 'embedded'"))
    central = {row["metric_id"]: row["central"] for row in found}
    assert (central["ttft_p50_s"], central["output_tokens_per_s"]) == (None, None)
    assert central["e2e_p50_s"] == pytest.approx(0.8)
    assert central["goodput_share"] == pytest.approx(0.8)


def test_every_view_copes_with_every_task(con):
    for view in ("leaderboard", "certificate", "cost", "energy", "attempt_accounts", "reliability_trials"):
        assert con.execute(f"SELECT count(*) FROM {view}").fetchone()[0] >= len(TRIALS), view


def test_sound_is_told_in_seconds_a_second_and_its_median_is_that_of_the_time_it_takes(con):
    made, heard = figures(con, "spoken"), figures(con, "heard")
    assert (made["output_audio_s"], made["n_audio"], made["input_audio_s"]) == (sum(LENGTHS_S), 4, None)
    assert made["audio_p50_s_per_s"] == pytest.approx(16.0)  # of 1/80, 1/16, 1/8 and 1/4 s the second
    assert (heard["audio_p50_s_per_s"], heard["input_audio_s"]) == (pytest.approx(50.0), 40.0)


def test_one_success_that_does_not_tell_makes_a_sum_unknown(con):
    row = figures(con, "half-known")
    assert (row["input_items"], row["items_per_s"]) == (None, None)


def test_pictures_are_counted_and_have_no_time_per_token(con):
    row = figures(con, "drawn")
    assert (row["output_images"], row["images_per_s"]) == (2, 0.2)
    assert (row["n_tpot"], row["tpot_p50_s"], row["output_tokens"]) == (0, None, 1000)


def test_a_chat_has_none_of_it_and_what_its_server_says_of_itself_is_shown(con):
    row = figures(con, "chat")
    for name in ("input_items", "items_per_s", "audio_p50_s_per_s", "images_per_s", "input_audio_s", "output_audio_s"):
        assert row[name] is None
    attempt = figures(con, "chat", "attempt_metrics")
    assert {name: attempt[name] for name in TOLD} == TOLD


def test_an_answer_with_impossible_counts_is_an_answer_on_which_no_token_figure_rests(con):
    row = figures(con, "miscounted")
    assert (row["ok"], row["failed_share"], row["n_ttft"], row["good_count"]) == (2, 0.0, 2, 2)
    assert (row["output_tokens"], row["output_tokens_per_s"], row["n_tpot"]) == (None, None, 1)
    told = dicts(con.execute("SELECT usage_fault, tpot_s, ok FROM attempt_metrics WHERE attempt_id = 'miscounted.1'"))
    assert told == [{"usage_fault": UNKNOWN, "tpot_s": None, "ok": True}]


@pytest.mark.parametrize(
    ("workload_id", "own"),
    [
        ("embedded", ["items_per_s", "input_tokens_per_s"]),
        ("spoken", ["audio_p50_s_per_s"]),
        ("drawn", ["images_per_s"]),
        ("chat", []),
        ("never-measured", []),
    ],
)
def test_metrics_of_other_tasks_are_offered_where_a_target_has_such_a_figure(con, workload_id, own):
    offered = [of.id for of in offered_metrics(con, workload_id)]
    assert offered == [*(of.id for of in METRICS), *own]
