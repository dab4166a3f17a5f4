"""One `transformers serve` as a process of its own: `python -m probes.engines.transformers_server`, started by
`transformers_serve.py`.

Listens once the model is loaded, then serves until it is ended or its parent is gone. Everything that it has to say
goes to standard error.
"""

import argparse
import importlib
import os
import sys

from probes.engines.parent import end_with_parent

BLOCK_TOKENS = 256  # transformers' own default
# Tokens that one forward pass may hold. Left to itself the server takes what fits the card, which with a cache of a
# fixed size is nearly all of its memory.
BATCH_TOKENS = 8192


def main(arguments: list[str]) -> int:
    """Load and serve; what fails is a traceback, whose last line says why."""
    options = _options(arguments)
    end_with_parent(options.parent)
    os.dup2(2, 1)  # nobody reads our standard output
    os.setsid()  # Ctrl-C goes to the whole group, and the server would obey: our parent ends us when it is done
    # Read when the libraries are loaded. Nothing is fetched and nobody is told, whatever the environment says.
    os.environ |= {
        "OMP_NUM_THREADS": str(options.threads),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    blocks_per_slot = -(-options.context_tokens_per_slot // BLOCK_TOKENS)
    # What the command `transformers serve` calls; without types. Serves inside its constructor.
    importlib.import_module("transformers.cli.serve").Serve(
        force_model=options.model,
        continuous_batching=True,
        device=options.device,
        host="127.0.0.1",
        port=options.port,
        cb_block_size=BLOCK_TOKENS,
        cb_num_blocks=blocks_per_slot * options.slots,
        cb_max_batch_tokens=min(BATCH_TOKENS, options.context_tokens_per_slot * options.slots),
    )
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--slots", type=int, required=True)
    parser.add_argument("--context-tokens-per-slot", type=int, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--device", choices=("cpu", "cuda"), required=True)
    parser.add_argument("--parent", type=int, required=True, help="process whose end ends this one")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
