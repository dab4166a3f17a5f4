"""One llama.cpp server as a process of its own: `python -m probes.engines.llamacpp_server`, started by `llamacpp.py`.

Prints one line, `READY http://127.0.0.1:PORT`, when the model is loaded, then serves until it is ended or its parent is
gone. Everything that llama.cpp has to say goes to standard error.
"""

import argparse
import importlib
import os
import signal
import sys
import threading

from probes.engines.parent import end_with_parent


def main(arguments: list[str]) -> int:
    """Load and serve; returns 1 if the model cannot be loaded or the port not be had, after llama.cpp has said why."""
    options = _options(arguments)
    end_with_parent(options.parent)
    # llama.cpp writes to file descriptor 1 as well: what it says there must not reach the pipe of our one line.
    ready_fd = os.dup(1)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group: our parent ends us when it is done
    # Threads that spin while they wait burn the slices of the others on a shared machine; read when OpenMP is loaded.
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    xllamacpp = importlib.import_module("xllamacpp")  # without types
    params = xllamacpp.CommonParams()
    params.model.path = options.model
    params.model_alias = {options.alias}  # else it answers with the file's path as the model's name
    params.port = options.port
    params.n_parallel = options.slots
    params.n_ctx = options.context_tokens_per_slot * options.slots  # llama.cpp divides the context between the slots
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options.threads
    params.endpoint_metrics = params.endpoint_slots = True
    params.cache_prompt = False  # an answer from the last request's cache is not a measurement of this one
    params.cache_ram_mib = 0
    params.ui = False
    params.offline = True
    if options.device == "cpu":
        params.n_gpu_layers = 0
    try:
        server = xllamacpp.Server(params)  # returns when the model is loaded
    except RuntimeError:  # its message is always the same; llama.cpp's own last words are on standard error
        return 1
    os.write(ready_fd, f"READY {server.listening_address}\n".encode())
    threading.Event().wait()
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--alias", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--slots", type=int, required=True)
    parser.add_argument("--context-tokens-per-slot", type=int, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--device", choices=("cpu", "cuda"), required=True)
    parser.add_argument("--parent", type=int, required=True, help="process whose end ends this one")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
