"""Benches of tasks that are no chat: the whole way from the wire to the table."""

import json

import pytest

from flows.benchplan import bench_spec
from flows.benchtable import bench_table
from flows.points import point_result
from flows.targets import EndpointTarget
from flows.workload import Workload
from tests.flows.nights import megatoken
from tests.probes.load.task_server import task_server
from tests.warehouse.builders import trial_row
from tests.warehouse.test_task_views import document


def test_a_transcription_is_told_in_seconds_of_sound_a_second(tmp_path):
    with task_server() as root:
        done = megatoken(
            tmp_path / "data", "bench", f"{root}/v1", "--model", "fake", "--api", "openai-transcription",
            "--audio-s", "30", "--requests", "4", "--json",
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert (row["ok"], row["ttft_p50_s"], row["n_ttft_all"], row["qoe_mean_share"]) == (4, None, 0, None)
    assert (row["input_audio_s"], row["n_audio"]) == (120.0, 4)
    assert row["audio_p50_s_per_s"] == pytest.approx(30 / row["e2e_p50_s"])
    assert "Sound (RTFx) p50, s/s" in list(bench_table(row).columns[0].cells)


@pytest.mark.parametrize(("streamed", "limit_s"), [(False, 0.8), (True, 0.5)])
def test_a_search_holds_its_limit_against_the_whole_document(streamed, limit_s):
    target = EndpointTarget(kind="endpoint", id="a", provider="p", model="m", base_url="http://h/v1", api="rerank")
    workload = Workload(id="w", arrivals="poisson", rate_rps=4.0, requests=3, prompt_tokens=9, output_tokens=9)
    spec = bench_spec("bench", target, workload, 1)
    rows = [trial_row(), *(document("night-1.alpha.chat.1", n, answer_streamed=streamed) for n in range(3))]
    summary = {"ok": 3, "attempts": 3, "ttft_p95_s": 0.5, "e2e_p95_s": 0.8, "tpot_p95_s": None}
    result = point_result(spec, rows, summary)
    assert (result.ttft_p95_s, result.tpot_defined) == (limit_s, streamed)
