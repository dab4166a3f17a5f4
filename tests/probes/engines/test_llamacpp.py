"""The local engine: what is refused before it starts, and a real one from start to end."""

import http.client
import json
import socket
import subprocess
import sys
import time

import psutil
import pytest

from probes.engines.llamacpp import EngineSpec, cuda_devices, last_words, start_llamacpp
from probes.engines.weights import shipped_smollm2
from probes.errors import ProbeError

GENEROUS_S = 120.0


def spec(model_path, **changes):
    given = {"model_path": model_path, "threads": 1, "slots": 2, "context_tokens_per_slot": 256, **changes}
    return EngineSpec(**given)


def refused(given, tmp_path, **changes):
    with (
        pytest.raises(ProbeError) as error,
        start_llamacpp(given, log_path=tmp_path / "log", **{"ready_timeout_s": GENEROUS_S, **changes}),
    ):
        pass
    return str(error.value)


def children():
    return {child.pid for child in psutil.Process().children()}


@pytest.fixture
def others():
    """Children that this process had before: another test's, which may end when they like."""
    return children()


def test_missing_weights_are_refused(tmp_path):
    assert refused(spec(tmp_path / "no.gguf"), tmp_path) == (
        f"there are no weights at {tmp_path}/no.gguf; give the path of a .gguf file"
    )


def test_an_engine_without_threads_is_refused(tmp_path):
    weights = tmp_path / "weights.gguf"
    weights.touch()
    assert "threads, slots and context tokens >= 1, got 0, 2 and 256" in refused(spec(weights, threads=0), tmp_path)


def test_a_port_that_is_taken_is_named_with_what_to_do(tmp_path):
    weights = tmp_path / "weights.gguf"
    weights.touch()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        sentence = refused(spec(weights, port=port), tmp_path)
    assert sentence.startswith(f"port {port} on 127.0.0.1 cannot be had (Address already in use)")
    assert "set port = 0" in sentence


@pytest.mark.skipif(bool(cuda_devices()), reason="this wheel can use a card")
def test_cuda_without_a_cuda_build_is_refused(tmp_path):
    weights = tmp_path / "weights.gguf"
    weights.touch()
    assert "has no CUDA build" in refused(spec(weights, device="cuda"), tmp_path)


def test_the_first_complaint_in_a_log_is_the_cause(tmp_path):
    log = tmp_path / "log"
    log.write_text("0.00.001.000 I srv  init: hello\n0.00.002.000 E gguf  open: no magic\n0.00.003.000 E srv  exit\n")
    assert last_words(log) == "gguf open: no magic"
    log.write_text("Traceback:\nKilled\n")
    assert last_words(log) == "Killed"
    log.write_text("")
    assert last_words(log) == "it said nothing"


@pytest.mark.engine
def test_weights_that_are_none_end_the_engine_with_its_own_words(tmp_path, others):
    (tmp_path / "bad.gguf").write_bytes(b"this is no weights file at all")
    sentence = refused(spec(tmp_path / "bad.gguf"), tmp_path)
    assert sentence.startswith("llama.cpp ended with exit code 1 while it loaded bad.gguf: ")
    assert "magic" in sentence
    assert children() <= others


@pytest.mark.engine
def test_an_engine_that_is_not_ready_in_time_is_ended(tmp_path, others):
    sentence = refused(spec(shipped_smollm2()), tmp_path, ready_timeout_s=0.0)
    assert "was not loaded within 0 s" in sentence
    assert children() <= others


@pytest.mark.engine
def test_a_wish_to_stop_ends_an_engine_that_loads(tmp_path, others):
    sentence = refused(spec(shipped_smollm2()), tmp_path, should_stop=lambda: True)
    assert sentence.startswith("asked to stop while SmolLM2")
    assert children() <= others


@pytest.mark.engine
def test_a_real_engine_answers_is_metered_and_leaves_nothing(tmp_path, capfd, others):
    with start_llamacpp(spec(shipped_smollm2()), log_path=tmp_path / "log", ready_timeout_s=GENEROUS_S) as engine:
        assert engine.base_url.endswith("/v1")
        assert engine.version.count(".") == 2
        assert engine.ready_s > 0
        before_s = engine.cpu_s()
        first, again = chat(engine.base_url), chat(engine.base_url)
        assert engine.cpu_s() > before_s > 0
        assert engine.rss_bytes() > 50e6
    for answer in (first, again):
        assert answer["usage"]["completion_tokens"] == 8
        assert answer["usage"]["prompt_tokens_details"]["cached_tokens"] == 0, "a cache answered, not the model"
        assert answer["model"] == "SmolLM2-135M-Instruct.Q4_1"
    assert children() <= others
    assert capfd.readouterr() == ("", "")
    assert "model loaded" in (tmp_path / "log").read_text()
    with pytest.raises(ProbeError, match="has ended"):
        engine.cpu_s()


@pytest.mark.engine
def test_an_engine_dies_with_a_parent_that_was_killed(tmp_path):
    script = (
        "import sys, time; from pathlib import Path; from probes.engines.llamacpp import EngineSpec, start_llamacpp\n"
        "spec = EngineSpec(model_path=Path(sys.argv[1]), threads=1, slots=1, context_tokens_per_slot=128)\n"
        "with start_llamacpp(spec, log_path=Path(sys.argv[2]), ready_timeout_s=120) as engine:\n"
        "    print(engine.pid, flush=True); time.sleep(600)\n"
    )
    command = [sys.executable, "-c", script, str(shipped_smollm2()), str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        engine_pid = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + GENEROUS_S
    while psutil.pid_exists(engine_pid) and psutil.Process(engine_pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the engine outlived its parent"
        time.sleep(0.01)


def chat(base_url):
    host = base_url.removeprefix("http://").removesuffix("/v1")
    connection = http.client.HTTPConnection(host, timeout=GENEROUS_S)
    body = {
        "messages": [{"role": "user", "content": "Tell me about the sea."}],
        "max_tokens": 8,
        "ignore_eos": True,
    }
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer
