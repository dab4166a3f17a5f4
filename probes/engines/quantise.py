"""Other quantisations of a GGUF file, made in Python: dequantise, quantise again, copy everything else."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from probes.errors import ProbeError

if TYPE_CHECKING:
    from gguf import GGUFReader, GGUFWriter


def quantise(source: Path, targets: Mapping[str, Path], on_progress: Callable[[str], None]) -> None:
    """Make several quantisations of one file in one pass: reading and dequantising it takes most of the time.

    Vectors stay as they are, matrices change. What the source's own quantisation lost stays lost: a file made from Q4_1
    has Q4_1's quality at best.

    Args:
        source: the GGUF file to start from.
        targets: the file to make for each quantisation, by its GGML name ("Q8_0", "Q4_0"); each appears only whole.
        on_progress: told what is going on, in words.

    Raises:
        ProbeError: gguf is not installed, the source is no GGUF file, or a target cannot be written.
    """
    try:
        import gguf  # 0.8 s, and needed once per machine
        from gguf.quants import dequantize
        from gguf.quants import quantize as quantize_array
    except ModuleNotFoundError as error:
        raise ProbeError(
            "gguf, which makes other quantisations, is not installed; pip install 'megatoken[local]'"
        ) from error
    on_progress(f"making {' and '.join(targets)} from {source.name}, once")
    try:
        reader = gguf.GGUFReader(source)
    except (ValueError, OSError) as error:
        raise ProbeError(f"{source} cannot be read as a GGUF file: {error}") from error
    halves = {name: path.with_name(f"{path.name}.{os.getpid()}.tmp") for name, path in targets.items()}
    kinds = {name: gguf.GGMLQuantizationType[name] for name in targets}
    architecture = str(reader.fields["general.architecture"].contents())
    try:
        writers = {name: gguf.GGUFWriter(half, architecture) for name, half in halves.items()}
        for name, writer in writers.items():
            _copy_fields(reader, writer, file_type=int(gguf.LlamaFileType[f"MOSTLY_{name}"]))
        for tensor in reader.tensors:
            values = dequantize(tensor.data, tensor.tensor_type)
            for name, writer in writers.items():
                if values.ndim < 2:
                    writer.add_tensor(tensor.name, values)
                else:
                    writer.add_tensor(tensor.name, quantize_array(values, kinds[name]), raw_dtype=kinds[name])
        for name, writer in writers.items():
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
            writer.close()
            _commit(halves[name], targets[name])
    except OSError as error:
        raise ProbeError(f"{targets[min(targets)].parent} cannot take new weights: {error.strerror}") from error
    finally:
        for half in halves.values():
            half.unlink(missing_ok=True)


def _copy_fields(reader: "GGUFReader", writer: "GGUFWriter", *, file_type: int) -> None:
    import gguf

    for key, field in reader.fields.items():
        if key.startswith("GGUF.") or key == "general.architecture":  # the writer's own
            continue
        value = file_type if key == "general.file_type" else field.contents()
        is_array = field.types[0] == gguf.GGUFValueType.ARRAY
        writer.add_key_value(key, value, field.types[0], field.types[-1] if is_array else None)


def _commit(half: Path, whole: Path) -> None:
    with half.open("rb+") as file:
        os.fsync(file.fileno())
    half.replace(whole)
