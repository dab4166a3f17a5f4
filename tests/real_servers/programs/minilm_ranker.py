"""A model that ranks, from all-MiniLM-L6-v2, which a package ships: `python minilm_ranker.py PACKAGE_FOLDER FOLDER`.

Runs in the venv of vLLM. No package ships a trained ranker, so the last layer is drawn from a fixed seed: the form of
the answers and the counts are real, the scores say nothing.
"""

import sys
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer


def main(shipped: Path, folder: Path) -> None:
    """Add the layer, write."""
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(str(shipped), num_labels=1, dtype=torch.float32)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(str(shipped)).save_pretrained(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
