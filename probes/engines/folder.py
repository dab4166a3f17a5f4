"""Weights in a folder, as transformers keeps them: which they are, and how they are stored."""

import hashlib
import json
import struct
from collections import Counter
from pathlib import Path

from probes.engines.remember import file_sha256
from probes.engines.weights import Report, Weights
from probes.errors import ProbeError


def resolve_folder(model: str, quantisation: str | None, cache_dir: Path, on_progress: Report | None = None) -> Weights:
    """The folder of a model.

    Its SHA-256 is that of the lines `SHA-256 of the file, two spaces, its name` of config.json and all safetensors in
    order of name: what `sha256sum config.json *.safetensors | sha256sum` says in the folder.

    Args:
        model: path of a folder as `save_pretrained` makes it.
        quantisation: must be None; a folder says itself what it holds.
        cache_dir: where what was found out about files is kept.
        on_progress: told in words when something takes seconds.

    Returns:
        The folder; `quantisation` is the type of most of its weights ("BF16").

    Raises:
        ProbeError: no such folder, nothing to serve in it, a file that cannot be read, or a quantisation was given.
    """
    folder = Path(model).expanduser()
    if quantisation is not None:
        raise ProbeError(
            f'engine = "transformers" takes weights as they are stored, not as quantisation = "{quantisation}"; '
            "leave it out"
        )
    if not folder.is_dir():
        raise ProbeError(f'there is no folder {folder}; for engine = "transformers" model is a model\'s local folder')
    shards = sorted(folder.glob("*.safetensors"))
    config = folder / "config.json"
    if not shards or not config.is_file():
        raise ProbeError(f"{folder} holds no config.json with *.safetensors; save the model by save_pretrained")
    (on_progress or (lambda _: None))(f"reading {folder.name}, once")
    lines = [f"{file_sha256(path, cache_dir)}  {path.name}\n" for path in (config, *shards)]
    return Weights(
        path=folder,
        sha256=hashlib.sha256("".join(lines).encode()).hexdigest(),
        quantisation=_most_common_type(shards),
        note=None,
        licence=None,
    )


def _most_common_type(shards: list[Path]) -> str:
    """Type of most weights, by the files' own headers."""
    weights: Counter[str] = Counter()
    for path in shards:
        try:
            with path.open("rb") as file:
                (length,) = struct.unpack("<Q", file.read(8))
                header = json.loads(file.read(length))
        except (OSError, struct.error, ValueError, MemoryError, OverflowError) as error:
            raise ProbeError(f"{path} cannot be read as safetensors: {error}") from error
        for name, tensor in header.items():
            if name != "__metadata__":
                start, end = tensor["data_offsets"]
                weights[tensor["dtype"]] += end - start
    if not weights:
        raise ProbeError(f"{shards[0].parent} holds safetensors without a single tensor")
    return weights.most_common(1)[0][0]
