"""`megatoken explain` over a trial of three answers whose every stamp is known, from the wire to the table."""

import json
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from flows.cli import main
from flows.spool import land_spool
from probes.load.spool import SpoolWriter
from tests.flows.nights import megatoken
from tests.probes.load.test_spool import RAW
from tests.warehouse.begun import begun
from tests.warehouse.builders import trial_row
from warehouse.errors import WarehouseError
from warehouse.events import prune_events
from warehouse.explain import explain, find_trial
from warehouse.landing import land
from warehouse.latest import Found
from warehouse.loader import load
from warehouse.publish import publish

RECORDED = Path(__file__).parents[1] / "recordings" / "h100-trial"
TRIAL = json.loads((RECORDED / "spec.json").read_bytes())["trial_id"]
MS = 1_000_000


def event(delta=None, *, finish=None, usage=None):
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return b"data: " + orjson.dumps({"choices": choices, "usage": usage}) + b"\n\n"


def usage(output, reasoning=0):
    return event(
        usage={
            "prompt_tokens": 9,
            "completion_tokens": output,
            "completion_tokens_details": {"reasoning_tokens": reasoning},
        }
    )


ROLE, TEXT, THOUGHT = {"role": "assistant", "content": ""}, {"content": "a"}, {"reasoning": "h"}
# What tests/warehouse/test_definitions.py works out by hand: (start, [(time, event)], end), milliseconds.
PLAIN = [
    (100, event(ROLE)),
    (300, event(TEXT)),
    (400, event(TEXT)),
    (500, event(TEXT)),
    (510, event({}, finish="stop")),
    (520, usage(5)),
    (530, b"data: [DONE]\n\n"),
]
THINKING = [
    (1200, event(THOUGHT)),
    (1300, event(THOUGHT)),
    (1500, event(TEXT)),
    (1700, event(TEXT, finish="stop")),
    (1710, usage(10, reasoning=4)),
]
ONE_TOKEN = [(2400, event(TEXT)), (2410, event({}, finish="stop")), (2420, usage(1))]
ANSWERS = [(0, PLAIN, 530), (1000, THINKING, 1710), (2000, ONE_TOKEN, 2450)]


def raw(seq, start, reads, end, **more):
    body, ends, stamps = b"", [], []
    for time, data in reads:
        body += data
        ends.append(len(body))
        stamps.append(time * MS)
    return replace(
        RAW, attempt_id=f"{TRIAL}.{seq:05d}", seq=seq, phase="measured", t_sched_ns=None, t_start_ns=start * MS,
        t_conn_ns=None, t_sent_ns=start * MS + 1, t_end_ns=end * MS, body=body, read_ends=ends, read_stamps_ns=stamps,
        **more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    data = tmp_path_factory.mktemp("explain") / "data"
    folder = data / "spool" / TRIAL
    folder.mkdir(parents=True)
    for name in ("spec.json", "start.json"):
        shutil.copy(RECORDED / name, folder / name)
    with SpoolWriter(folder / "attempts.spool") as spool:
        for seq, (start, reads, end) in enumerate(ANSWERS):
            spool.add(raw(seq, start, reads, end))
        spool.add(raw(3, 2100, [], 2500, http_status=503))
    shutil.copy(RECORDED / "end.json", folder / "end.json")
    land_spool(data, folder, status="completed", reason=None)
    load(begun(data))
    publish(data)
    return data


@pytest.fixture
def pruned(data, tmp_path):
    copy = tmp_path / "data"
    shutil.copytree(data, copy, symlinks=True)
    assert prune_events(copy, 0, datetime(2030, 1, 1, tzinfo=UTC)) == 1
    return copy


def test_a_landed_trial_reads_as_it_was_worked_out_by_hand(data):
    explained = explain(data, TRIAL)
    assert (explained.attempts, explained.ok, explained.events, explained.events_missing) == (4, 3, 15, None)
    ttft_p50_s = {tool: row["ttft_p50_s"] for tool, row in explained.figures.items()}
    assert ttft_p50_s == pytest.approx(
        {
            "Megatoken": 0.3, "vLLM": 0.2, "AIPerf": 0.3, "GuideLLM": 0.3, "genai-bench": 0.3, "inference-perf": 0.3,
            "llmperf": 0.4,
        }
    )  # fmt: skip
    tpot_p50_s = {tool: row["tpot_p50_s"] for tool, row in explained.figures.items()}
    assert tpot_p50_s == {
        "Megatoken": pytest.approx(0.05), "vLLM": pytest.approx(0.5 / 9), "AIPerf": pytest.approx(0.05),
        "GuideLLM": pytest.approx(0.1), "genai-bench": pytest.approx(0.51 / 9), "inference-perf": pytest.approx(0.04),
        "llmperf": None,
    }  # fmt: skip
    assert explained.figures["vLLM"]["itl_p50_s"] == pytest.approx(0.1)
    assert "itl_p50_s" not in explained.figures["Megatoken"]
    assert explained.figures["vLLM"]["e2e_p50_s"] == pytest.approx(0.51)
    assert explained.figures["GuideLLM"]["e2e_p50_s"] == pytest.approx(0.53)
    assert explained.figures["AIPerf"]["output_tokens_per_s"] == pytest.approx(6.4)


def test_without_its_events_a_trial_is_read_from_its_attempts_and_says_what_that_costs(pruned):
    explained = explain(pruned, TRIAL)
    assert explained.events is None
    assert explained.events_missing.startswith(f"the events of {TRIAL} are gone")
    assert explained.figures["vLLM"]["ttft_p50_s"] == pytest.approx(0.2)
    assert explained.figures["vLLM"]["e2e_p50_s"] == pytest.approx(0.5)
    assert explained.figures["vLLM"]["itl_p50_s"] is None
    assert explained.why["vLLM"].endswith("without the events E2E and TPOT end at the last payload, and ITL is unknown")
    assert "without the events" not in explained.why["AIPerf"]


def test_a_trial_is_found_by_its_id_a_beginning_of_it_or_as_the_latest(data):
    for name in (TRIAL, TRIAL[:5], "latest"):
        assert find_trial(data, name) == Found(ids=(TRIAL,))
    with pytest.raises(WarehouseError, match=f"no trial begins with 'record-x'; did you mean {re.escape(TRIAL)}"):
        find_trial(data, "record-x")
    with pytest.raises(WarehouseError, match="there is no trial nope"):
        explain(data, "nope")


def test_the_table_fits_a_hundred_columns_and_has_a_sentence_for_every_tool(data):
    done = megatoken(data, "explain")  # the latest
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[0] == TRIAL
    assert re.search(r"TTFT p50 +300\.0 +200\.0 +300\.0 +300\.0 +300\.0 +300\.0 +400\.0", done.stdout)
    assert re.search(r"ms +-33 % +(= +){4}\+33 %", done.stdout)
    for tool in ("Megatoken", "vLLM", "AIPerf", "GuideLLM", "genai-bench", "inference-perf", "llmperf"):
        assert sum(line.startswith(f"{tool}  ") for line in lines) == 1
    assert "which cannot be added here (4 of 4 attempts reused one)" in " ".join(done.stdout.split())


def test_scripts_get_the_same_in_base_units(data):
    done = megatoken(data, "explain", TRIAL, "--json")
    told = json.loads(done.stdout)
    assert (told["trial_id"], told["attempts"], told["ok"], told["events"]) == (TRIAL, 4, 3, 15)
    vllm = told["tools"]["vLLM"]
    assert vllm["figures"]["ttft_p50_s"] == pytest.approx(0.2)
    assert vllm["deviation_shares"]["ttft_p50_s"] == pytest.approx(-1 / 3)
    assert vllm["deviation_shares"]["itl_p50_s"] is None
    assert told["tools"]["Megatoken"]["deviation_shares"]["ttft_p50_s"] == 0.0


def test_a_mistake_is_one_sentence(data, tmp_path):
    for folder, *arguments in ((data, "nope"), (data, ""), (tmp_path / "empty", "latest"), (tmp_path / "empty",)):
        done = megatoken(folder, "explain", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert len(done.stderr.splitlines()) == 1
        assert done.stderr.startswith("megatoken: ")


def test_a_newer_trial_without_an_answer_is_passed_over_in_one_sentence_by_explain_and_by_account(
    data, tmp_path, capsys
):
    copy = tmp_path / "data"
    shutil.copytree(data, copy, symlinks=True)
    dead = trial_row(run_id="dead", started_at=datetime(2030, 1, 1, tzinfo=UTC), status_reason="nobody was there")
    land(copy, batch_id="dead", host_id="h", rows=[replace(dead, trial_id="dead.trial.[b].1")])
    load(copy)
    publish(copy)
    says = "Not the newest trial, dead.trial.[b].1, which has no answer: nobody was there."
    for command in ("explain", "account"):
        assert main([command, "latest", "--data", str(copy)]) == 0
        first, empty, found = capsys.readouterr().out.splitlines()[:3]
        assert (first, empty, found) == (says, "", TRIAL)
        assert main([command, "--json", "--data", str(copy)]) == 0
        assert json.loads(capsys.readouterr().out)["passed_over"] == says
        assert main([command, "dead", "--data", str(copy)]) == 0
        assert says not in capsys.readouterr().out
