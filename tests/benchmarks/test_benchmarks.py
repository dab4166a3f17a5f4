"""The benchmarks themselves: what they compare, how they measure a process tree, and what they write."""

import json
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from probes.endpoint.answer import WORDS
from probes.endpoint.truth import Truth
from tests.benchmarks.against_peers import _errors, _reached
from tests.benchmarks.cases import case, small
from tests.benchmarks.processes import run
from tests.benchmarks.soak import Point, trends
from tests.benchmarks.svg import Panel, line_chart
from tests.benchmarks.table import write_table
from tests.benchmarks.tokenizer import write_tokenizer
from tests.benchmarks.tools import Reported, nearest_rank

MS = 1_000_000


def truth(name, *, recv_ms, first_ms=200, step_ms=20, tokens=11, wait_ms=0):
    """One answer; the request waited in the socket for `wait_ms` before it was read."""
    first_ns = (recv_ms + first_ms) * MS
    last_ns = first_ns + (tokens - 1) * step_ms * MS
    return Truth(
        request_id=name,
        n_tokens=tokens,
        n_sent=tokens,
        recv_mono_ns=recv_ms * MS,
        recv_real_ns=recv_ms * MS,
        recv_kern_real_ns=(recv_ms - wait_ms) * MS,
        first_mono_ns=first_ns,
        last_mono_ns=last_ns,
        done_mono_ns=last_ns,
    )


def test_errors_are_taken_request_by_request_and_waiting_in_the_servers_socket_is_no_error():
    true = [truth("a", recv_ms=0), truth("b", recv_ms=10, wait_ms=30)]
    said = Reported(ttft_ms={"a": 201.0, "b": 230.5, "gone": 1.0}, tpot_ms={"a": 20.0, "b": 19.5})
    found = _errors(said, true)
    assert found["paired"] == 2
    assert found["ttft_error_p99_ms"] == pytest.approx(1.0)
    assert found["ttft_error_p50_ms"] == pytest.approx(0.5)
    assert found["tpot_error_p99_ms"] == pytest.approx(0.5)


def test_a_tool_that_names_no_requests_is_judged_by_its_percentiles():
    found = _errors(Reported(ttft_p99_ms=240.0), [truth("", recv_ms=0), truth("", recv_ms=0)])
    assert found["ttft_error_p99_ms"] == pytest.approx(40.0)
    assert found["tpot_error_p99_ms"] is None


def test_concurrency_is_the_mean_that_the_server_saw():
    one_after_the_other = [truth(str(n), recv_ms=400 * n) for n in range(4)]
    load = case("a1")
    assert _reached(load, one_after_the_other)["concurrency_share"] == pytest.approx(1.0)
    assert _reached(case("a4"), one_after_the_other)["concurrency_share"] == pytest.approx(0.25)


def test_even_gaps_are_far_from_a_poisson_process():
    even = [truth(str(n), recv_ms=5 * n) for n in range(200)]
    found = _reached(case("e"), even)
    assert found["rate_rps"] == pytest.approx(200)
    # All gaps are 1 mean: the exponential has 1 - 1/e below it, and nothing of ours.
    assert found["ks_exponential"] == pytest.approx(1 - 1 / 2.718281828, abs=1e-6)


@pytest.mark.parametrize("name", ["z", "a", "a0", "c-1", "bb"])
def test_an_unknown_case_is_named(name):
    with pytest.raises(SystemExit, match=f"no case '{name}'"):
        case(name)


def test_a_small_case_is_smaller():
    for name in ("b", "b1", "d", "e", "a64", "c1000"):
        whole, part = case(name), small(case(name))
        assert part.tokens <= whole.tokens
        assert (part.requests or 0) <= 64
        assert (part.duration_s or 0) <= 1


def test_a_command_is_measured_with_its_children(tmp_path):
    child = (
        "x = bytearray(60_000_000)\nimport time\nend = time.process_time() + 0.5\nwhile time.process_time() < end: pass"
    )
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); print('done')"
    done = run([sys.executable, "-c", parent], env={}, folder=tmp_path, cpu=None)
    assert (done.exit_code, done.stdout) == (0, "done\n")
    assert done.cpu_s > 0.5
    assert done.peak_anon_mb > 60
    assert done.machine_busy_s > 0.4  # the kernel counts in hundredths


def test_a_command_that_does_not_end_is_ended(tmp_path):
    done = run([sys.executable, "-c", "import time; time.sleep(600)"], env={}, folder=tmp_path, cpu=None, timeout_s=0.3)
    assert done.exit_code == -9


def test_each_word_of_the_server_is_one_token(tmp_path):
    model = json.loads((write_tokenizer(tmp_path) / "tokenizer.json").read_text())["model"]
    for word in WORDS:
        assert word.decode().replace(" ", "\u0120") in model["vocab"]
    left = {"".join(pair) for pair in model["merges"]}
    assert all(first in model["vocab"] and second in model["vocab"] for first, second in model["merges"])
    assert len(left) == len(model["merges"])
    assert sorted(model["vocab"].values()) == list(range(len(model["vocab"])))


def test_the_table_shows_medians_beside_the_targets():
    lines = [
        {"case": "b1", "tool": "megatoken", "cpu_s_per_mchunk": value, "tail_s": 1.0, "peak_anon_mb": None}
        for value in (9.0, 7.0, 30.0)
    ] + [{"case": "b1", "tool": "aiperf", "exit_code": 1}]
    table = write_table(lines).splitlines()
    assert table[0] == "| measure | floor | aim | megatoken | AIPerf |"
    assert table[2] == "| CPU s per million chunks, one write a chunk | 15 | 7 | 9.0 | - |"
    assert table[-1].endswith("| 200 | 120 | - | - |")


def points(memory):
    return [
        Point(t_s=10.0 * n, anon_mb=mb, cpu_share=0.5, sends=100, send_lag_p99_ms=0.2, ttft_error_p99_ms=0.05)
        for n, mb in enumerate(memory)
    ]


def test_a_soak_finds_what_grows_and_forgives_a_bad_moment():
    flat = trends(points([100.0] * 50))
    assert [each.flat for each in flat] == [True, True, True]
    assert str(flat[0]).startswith("flat: memory, median 100 MB, +0 MB")
    assert trends(points([100.0] * 25 + [900.0] + [100.0] * 24))[0].flat
    leaking = trends(points([100.0 + n for n in range(50)]))[0]
    assert not leaking.flat
    assert leaking.rise == pytest.approx(44)
    assert trends(points([100.0 - n for n in range(50)]))[0].flat
    assert trends(points([100.0] * 4))[0].flat
    assert trends(points([100.0] * 3)) == []


def test_a_chart_is_an_svg_with_a_line_for_each_panel():
    chart = line_chart("a & b", "minutes", [Panel(title="up", points=[(0, 0), (1, 7)]), Panel(title="none", points=[])])
    root = ElementTree.fromstring(chart)
    drawn = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert [len(line.get("points").split()) for line in drawn] == [2, 0]
    assert "a & b" in [text.text for text in root.findall("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize(("values", "rank"), [([], None), ([5.0], 5.0), (list(range(1, 101)), 99), ([1, 2, 3], 3)])
def test_percentiles_are_nearest_rank(values, rank):
    assert nearest_rank(values, 99) == rank


@pytest.mark.slow
def test_a_benchmark_runs_the_whole_path_and_pairs_every_request_with_the_truth():
    command = [sys.executable, "-m", "tests.benchmarks.against_peers", "--smoke", "--case", "b1", "--no-pin"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    plain, tls = map(json.loads, done.stderr.splitlines())
    assert (plain["tool"], tls["tool"]) == ("megatoken", "megatoken-tls")
    for line in (plain, tls):
        assert line["paired"] == line["answered"] == line["ok"] == 64
        assert line["certificate_grade"] in set("ABCD")
    assert done.stdout.startswith("| measure | floor | aim | megatoken | megatoken, TLS |")
