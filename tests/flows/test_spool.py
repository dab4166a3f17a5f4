"""How a trial's folder lands: the columns that landing works out, the evidence, the events, and kills in between."""

import gzip
import json
import shutil
import socketserver
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from http.client import parse_headers
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from flows.prepare import land_leftovers
from flows.spool import EVIDENCE, TrialEnd, held_spool, land_spool, read_spec, rows_of, unfinished_spools
from probes.load.raw import read_raw
from probes.load.recorder import record_of
from probes.load.spool import SpoolWriter
from tests.flows.nights import megatoken
from warehouse.errors import WarehouseError
from warehouse.events import land_events, read_events
from warehouse.landing import landed_batches
from warehouse.rows import AttemptRow, TrialRow

RECORDED = Path(__file__).parents[1] / "recordings" / "h100-trial"
TRIAL = json.loads((RECORDED / "spec.json").read_bytes())["trial_id"]
LAND = (
    "import sys; from pathlib import Path; from flows.spool import land_spool;"
    "land_spool(Path(sys.argv[1]), Path(sys.argv[2]), status='completed', reason=None)"
)


@pytest.fixture
def folder(tmp_path):
    """The spool folder of a trial as a real one on an H100 left it: 8 slots, 64 answers of 128 tokens."""
    folder = tmp_path / "spool" / TRIAL
    folder.mkdir(parents=True)
    for name in ("spec.json", "start.json", "end.json"):
        shutil.copy(RECORDED / name, folder / name)
    for name in ("attempts.spool", "power.jsonl"):
        (folder / name).write_bytes(gzip.decompress((RECORDED / f"{name}.gz").read_bytes()))
    return folder


def the_rows(folder, **more):
    rows = rows_of(folder, status="completed", reason=None, **more)
    return next(r for r in rows if isinstance(r, TrialRow)), [r for r in rows if isinstance(r, AttemptRow)]


def rewrite(folder, change):
    """Every raw attempt of the folder through `change`."""
    raws = list(read_raw(folder / "attempts.spool"))
    (folder / "attempts.spool").unlink()
    with SpoolWriter(folder / "attempts.spool") as spool:
        for raw in raws:
            spool.add(change(raw))


def set_evidence(folder, evidence):
    end = json.loads((folder / "end.json").read_bytes())
    (folder / "end.json").write_text(json.dumps(end | {"evidence": evidence}))


def test_attempts_land_as_the_recorder_reads_them(folder):
    _, attempts = the_rows(folder)
    records = {record.attempt_id: record for record in map(record_of, read_raw(folder / "attempts.spool"))}
    assert len(attempts) == len(records)
    assert [a.phase for a in attempts] == sorted((a.phase for a in attempts), reverse=True)
    assert [a.seq for a in attempts if a.phase == "measured"] == list(range(64))
    for row in attempts:
        record = records[row.attempt_id]
        assert all(getattr(row, name) == getattr(record, name) for name in record.__slots__)


def test_the_steady_window_and_its_tokens_are_those_of_the_events(folder, tmp_path):
    trial, attempts = the_rows(folder)
    measured = sorted((a for a in attempts if a.phase == "measured"), key=lambda a: a.t_start_ns)
    assert trial.concurrency == 8
    assert trial.steady_start_ns == measured[7].t_start_ns  # none of the first seven had ended by then
    assert min(a.t_end_ns for a in measured) > trial.steady_start_ns
    assert trial.steady_end_ns == measured[-1].t_start_ns
    land_spool(tmp_path, folder, status="completed", reason=None)
    events = read_events(tmp_path, TRIAL, started_at=trial.started_at)
    inside = events.filter(
        pl.col("phase") == "measured",
        pl.col("class") == "text",
        pl.col("t_ns").is_between(trial.steady_start_ns, trial.steady_end_ns, closed="left"),
    )
    share = {a.seq: a.streamed_tokens / a.chunks for a in measured}
    assert trial.steady_output_tokens == pytest.approx(sum(share[seq] for seq in inside["seq"]))
    assert set(share.values()) > {1.0}  # some of these chunks held two tokens


def test_every_success_is_scored_against_the_level_of_its_workload(folder, tmp_path):
    trial, attempts = the_rows(folder)
    events = land_and_read(folder, tmp_path, trial)
    one_token_a_chunk = [row for row in attempts if row.chunks == row.streamed_tokens]
    assert len(one_token_a_chunk) > 5
    for row in one_token_a_chunk[:9]:
        mine = (pl.col("phase") == row.phase) & (pl.col("seq") == row.seq) & (pl.col("class") == "text")
        delivered = (events.filter(mine)["t_ns"].to_numpy() - row.t_start_ns) / 1e9
        due = trial.slo_ttft_s + np.arange(row.streamed_tokens) * trial.slo_tpot_s
        horizon = trial.slo_ttft_s + row.streamed_tokens * trial.slo_tpot_s
        expected = np.maximum(horizon - np.maximum(delivered, due), 0).sum() / (horizon - due).sum()
        assert row.qoe_share == pytest.approx(expected)
    assert 0 < min(row.qoe_share for row in attempts) < 1


def land_and_read(folder, tmp_path, trial):
    land_spool(tmp_path, folder, status="completed", reason=None)
    return read_events(tmp_path, TRIAL, started_at=trial.started_at)


def test_a_failure_scores_0_one_of_ours_nothing_and_a_success_without_a_count_nothing(folder):
    def change(raw):
        if raw.phase == "measured" and raw.seq == 3:
            return replace(raw, http_status=503)
        if raw.phase == "measured" and raw.seq == 4:
            return replace(raw, failure_class="aborted", failure_message="stopped")
        if raw.phase == "measured" and raw.seq == 5:
            return replace(raw, body=raw.body.replace(b"completion_tokens", b"completion_tokenz"))
        return raw

    rewrite(folder, change)
    trial, attempts = the_rows(folder)
    scores = {a.seq: (a.error_class, a.streamed_tokens, a.qoe_share) for a in attempts if a.phase == "measured"}
    assert scores[3] == ("overloaded", None, 0.0)
    assert scores[4][0] == "aborted"
    assert scores[4][2] is None
    assert scores[5] == (None, None, None)
    assert trial.steady_output_tokens is None  # a success inside the window did not tell


def test_a_folder_without_attempts_lands_a_trial_without_a_steady_window(folder, tmp_path):
    (folder / "attempts.spool").unlink()
    trial, attempts = the_rows(folder, keep_events=True)
    assert attempts == []
    assert (trial.steady_start_ns, trial.steady_end_ns, trial.steady_output_tokens) == (None, None, None)
    land_spool(tmp_path, folder, status="crashed", reason="died early")
    assert not (tmp_path / "events").exists()


def test_an_empty_spool_lands_too(folder, tmp_path):
    (folder / "attempts.spool").unlink()
    SpoolWriter(folder / "attempts.spool").__exit__(None, None, None)
    land_spool(tmp_path, folder, status="crashed", reason="died early")
    assert landed_batches(tmp_path) == {TRIAL}
    assert not (tmp_path / "events").exists()


def test_evidence_lands_in_the_columns_that_it_names(folder):
    at = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
    set_evidence(folder, {"client_processes": 2, "loop_busy_share": 0.25, "selftest_at": at.isoformat()})
    trial, _ = the_rows(folder)
    assert (trial.client_processes, trial.loop_busy_share, trial.selftest_at) == (2, 0.25, at)
    assert trial.clock_step_ns is None


def test_what_was_planned_lands_even_if_the_client_said_nothing_any_more(folder):
    spec = json.loads((folder / "spec.json").read_bytes())
    spec["workload"] |= {"arrivals": "gamma", "rate_rps": 5.0, "burstiness": 0.5, "concurrency": None}
    (folder / "spec.json").write_text(json.dumps(spec | {"repeat_number": 3, "group_id": "g"}))
    (folder / "end.json").unlink()
    trial, _ = the_rows(folder)
    assert (trial.repeat_number, trial.group_id, trial.burstiness, trial.loop_busy_share) == (3, "g", 0.5, None)


def test_evidence_that_names_no_column_is_refused_where_it_arises_and_where_it_lands(folder):
    known = dict.fromkeys(f for f in TrialEnd.__slots__ if f != "evidence")
    assert TrialEnd(**known, evidence={"suspended_ns": 5}).evidence == {"suspended_ns": 5}
    with pytest.raises(ValueError, match="evidence loop_busy is no column of trials"):
        TrialEnd(**known, evidence={"loop_busy": 0.5})
    set_evidence(folder, {"loop_busy": 0.5})
    with pytest.raises(WarehouseError, match="names loop_busy, which trials does not know"):
        rows_of(folder, status="completed", reason=None)


def test_evidence_cannot_overwrite_what_the_trial_is_or_what_landing_works_out():
    assert not EVIDENCE & {"trial_id", "status", "started_at", "steady_start_ns", "steady_output_tokens"}
    assert {"client_processes", "selftest_at", "group_id", "burstiness", "trace_sha256"} <= EVIDENCE


def test_rows_read_once_can_be_landed_without_reading_again(folder, tmp_path):
    rows = rows_of(folder, status="completed", reason=None, keep_events=True)
    (folder / "attempts.spool").unlink()  # would be missed by a second reading
    landed = land_spool(tmp_path, folder, status="completed", reason=None, rows=rows)
    assert landed is rows
    assert len(read_events(tmp_path, TRIAL, started_at=rows[0].started_at)) > 8000


def test_killed_between_events_and_batch_the_next_landing_completes_both(folder, tmp_path):
    rows = rows_of(folder, status="completed", reason=None, keep_events=True)
    started_at = rows[0].started_at
    path = land_events(
        tmp_path, folder / "events.parquet", host_id=rows[0].host_id, trial_id=TRIAL, started_at=started_at
    )
    before = path.read_bytes()
    assert unfinished_spools(tmp_path) == [folder]
    land_spool(tmp_path, folder, status="completed", reason=None)
    assert path.read_bytes() == before
    assert [p for p in (tmp_path / "events").rglob("*") if p.is_file()] == [path]
    assert landed_batches(tmp_path) == {TRIAL}
    assert not folder.exists()


def test_a_landing_killed_at_any_moment_is_completed_by_the_next(folder, tmp_path):
    """Real processes, killed when a certain file appears; wherever the kill then strikes, nothing may be lost."""
    reference = tmp_path / "reference"
    shutil.copytree(folder, reference / "spool" / TRIAL)
    land_spool(reference, reference / "spool" / TRIAL, status="completed", reason=None)
    moments = [
        lambda: list(folder.glob("events.parquet*")),
        lambda: list((tmp_path / "events").glob("*/*.parquet")),
        lambda: list((tmp_path / "landing").glob("date=*/.*.tmp")),
    ]
    for moment in moments:
        if not folder.exists():
            break  # the last one was killed after it had done everything
        kill_landing_when(moment, tmp_path, folder)
    for left in unfinished_spools(tmp_path):
        land_spool(tmp_path, left, status="completed", reason=None)
    assert landed_batches(tmp_path) == {TRIAL}
    assert not folder.exists()
    mine, theirs = (list((data / "events").rglob("*.parquet")) for data in (tmp_path, reference))
    assert len(mine) == len(theirs) == 1
    assert pl.read_parquet(mine[0]).equals(pl.read_parquet(theirs[0]))
    batches = [list((data / "landing").glob("date=*/*/attempts.parquet")) for data in (tmp_path, reference)]
    assert [len(found) for found in batches] == [1, 1]
    assert pl.read_parquet(batches[0][0]).equals(pl.read_parquet(batches[1][0]))


def kill_landing_when(moment, data_dir, folder):
    child = subprocess.Popen([sys.executable, "-c", LAND, str(data_dir), str(folder)], cwd=RECORDED.parents[2])
    while child.poll() is None and not moment():
        time.sleep(0.0005)
    if child.poll() is None:
        child.kill()
    child.wait()


class NightFalls(socketserver.StreamRequestHandler):
    """An endpoint under which a night begins while it answers."""

    def handle(self):
        while self.rfile.readline():
            self.rfile.read(int(parse_headers(self.rfile)["content-length"]))
            self.server.left_over += land_leftovers(self.server.data_dir)
            said = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n'
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(said) + said)


def test_a_night_that_begins_under_a_bench_does_not_land_it(tmp_path):
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), NightFalls) as server:
        server.daemon_threads, server.data_dir, server.left_over = True, tmp_path, []
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        done = megatoken(tmp_path, "bench", url, "--model", "m", "--requests", "2", "--warmup", "0", "--json")
        server.shutdown()
    assert done.returncode == 0, done.stderr
    assert server.left_over == []
    row = json.loads(done.stdout)
    assert row["ok"] == 2
    assert row["trial_id"] in landed_batches(tmp_path)


def test_a_bench_that_was_killed_is_left_over(folder, tmp_path):
    spec = read_spec(folder)
    shutil.rmtree(folder)
    with held_spool(tmp_path, spec) as held:
        assert unfinished_spools(tmp_path) == []
        assert (held / "spec.json").exists()
    assert unfinished_spools(tmp_path) == [held]  # as a kill leaves it: no longer held, and still there
