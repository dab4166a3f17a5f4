"""llama.cpp as a server of embeddings, a process of its own: `python llamacpp_embeddings.py GGUF NAME PORT`."""

import sys
import threading

import xllamacpp


def main(gguf: str, name: str, port: int) -> None:
    """Serve until ended."""
    params = xllamacpp.CommonParams()
    params.model.path = gguf
    params.model_alias = {name}
    params.port = port
    params.n_parallel = 1
    params.n_ctx = 512
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    params.ui = False
    params.offline = True
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
