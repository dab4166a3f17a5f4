"""The second engine: what is refused before it starts, which weights a folder holds, and a real server once."""

import hashlib
import http.server
import importlib.util
import json
import socket
import struct
import subprocess
import sys
import threading
import urllib.request

import psutil
import pytest

from probes.engines.folder import resolve_folder
from probes.engines.process import EngineSpec
from probes.engines.transformers_serve import _healthy, held_port, start_transformers
from probes.errors import ProbeError

INSTALLED = all(importlib.util.find_spec(name) for name in ("transformers", "torch", "openai"))


def model_folder(path, name="model.safetensors", dtype="BF16"):
    path.mkdir(exist_ok=True)
    (path / "config.json").write_text("{}")
    header = json.dumps({"__metadata__": {"format": "pt"}, "w": {"dtype": dtype, "shape": [2], "data_offsets": [0, 4]}})
    (path / name).write_bytes(struct.pack("<Q", len(header)) + header.encode() + b"\1\2\3\4")
    return path


def refused(model, tmp_path, quantisation=None):
    with pytest.raises(ProbeError) as error:
        resolve_folder(str(model), quantisation, tmp_path / "notes")
    return str(error.value)


def test_a_folder_is_known_by_all_its_weights_and_their_type(tmp_path):
    folder = model_folder(tmp_path / "m")
    found = resolve_folder(str(folder), None, tmp_path / "notes")
    assert (found.path, found.quantisation) == (folder, "BF16")
    listed = "".join(
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n"
        for name in ("config.json", "model.safetensors")
    )
    assert found.sha256 == hashlib.sha256(listed.encode()).hexdigest()
    model_folder(folder, name="model-2.safetensors")
    assert resolve_folder(str(folder), None, tmp_path / "notes").sha256 != found.sha256


def test_what_is_no_model_folder_is_refused_in_a_sentence(tmp_path):
    assert "there is no folder" in refused(tmp_path / "none", tmp_path)
    assert "holds no config.json with *.safetensors" in refused(tmp_path, tmp_path)
    folder = model_folder(tmp_path / "m")
    assert 'not as quantisation = "Q8_0"; leave it out' in refused(folder, tmp_path, quantisation="Q8_0")
    (folder / "model.safetensors").write_bytes(b"short")
    assert "cannot be read as safetensors" in refused(folder, tmp_path)


def test_a_held_port_is_the_servers_and_nobody_elses():
    with held_port(0) as port:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        with socket.create_server(("127.0.0.1", port)) as server:  # says SO_REUSEADDR
            assert server.getsockname()[1] == port
            with pytest.raises(ProbeError, match=f"port {port} on 127.0.0.1 cannot be had"), held_port(port):
                pass
    with held_port(port) as again:
        assert again == port


def test_another_server_on_the_port_is_not_taken_for_ours(tmp_path):
    class Well(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    given = EngineSpec(model_path=tmp_path / "m", threads=1, slots=1, context_tokens_per_slot=64)
    idle = [sys.executable, "-c", "input()"]
    with (
        http.server.HTTPServer(("127.0.0.1", 0), Well) as server,
        subprocess.Popen(idle, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as engine,
    ):
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        port = server.server_address[1]
        with pytest.raises(ProbeError, match=f"port {port} on 127.0.0.1 was taken by another server while m was"):
            _healthy(engine, port, given, tmp_path / "log")
        engine.kill()
        server.shutdown()


@pytest.mark.skipif(INSTALLED, reason="the packages are here")
def test_missing_packages_are_named_with_what_to_do(tmp_path):
    given = EngineSpec(model_path=tmp_path, threads=1, slots=1, context_tokens_per_slot=64)
    with (
        pytest.raises(ProbeError, match=r"needs .*torch.*, not installed here; pip install 'transformers\[serving\]'"),
        start_transformers(given, log_path=tmp_path / "log", ready_timeout_s=1.0),
    ):
        pass


@pytest.mark.engine
@pytest.mark.skipif(not INSTALLED, reason="needs transformers[serving] and torch")
def test_a_real_server_answers_and_is_gone_afterwards(tmp_path):
    small = ["--layers", "2", "--hidden", "64", "--intermediate", "128", "--heads", "4", "--kv-heads", "2"]
    command = [sys.executable, "-m", "tests.recordings.random_llama", str(tmp_path / "m"), *small]
    subprocess.run(command, check=True, capture_output=True)
    given = EngineSpec(model_path=tmp_path / "m", threads=1, slots=2, context_tokens_per_slot=256)
    with start_transformers(given, log_path=tmp_path / "log", ready_timeout_s=120.0) as engine:
        body = {"model": str(tmp_path / "m"), "messages": [{"role": "user", "content": "a"}], "max_tokens": 4}
        request = urllib.request.Request(
            f"{engine.base_url}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert json.load(answer)["usage"]["completion_tokens"] >= 1
        assert engine.cpu_s() > 0
    assert not psutil.pid_exists(engine.pid)


@pytest.mark.engine
@pytest.mark.skipif(not INSTALLED, reason="needs transformers[serving] and torch")
def test_a_folder_that_cannot_be_served_ends_the_engine_with_its_own_words(tmp_path):
    given = EngineSpec(
        model_path=model_folder(tmp_path / "m"), threads=1, slots=1, context_tokens_per_slot=64, device="cpu"
    )
    with (
        pytest.raises(ProbeError, match=r"transformers ended with exit code 1 while it loaded m: \w+"),
        start_transformers(given, log_path=tmp_path / "log", ready_timeout_s=120.0),
    ):
        pass
