"""Weights: from packages, made on the spot, or the user's own. Small real GGUF files stand for large ones."""

import gguf
import numpy as np
import pytest
from gguf.quants import dequantize

from probes.engines.quantise import quantise
from probes.engines.remember import file_sha256, read_sha256
from probes.engines.weights import make_quantised, resolve_weights
from probes.errors import ProbeError

MATRIX = np.random.default_rng(7).normal(size=(8, 64)).astype(np.float32)
VECTOR = np.arange(64, dtype=np.float32)


def write_gguf(path, *, file_type=gguf.LlamaFileType.MOSTLY_Q4_1, matrix=MATRIX):
    """A file of one matrix and one vector; as small as the format allows, and real."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_string("general.license", "apache-2.0")
    if file_type is not None:
        writer.add_file_type(file_type)
    writer.add_array("tokenizer.ggml.tokens", ["a", "b", "ä"])
    kind = gguf.GGMLQuantizationType.Q4_1
    writer.add_tensor("matrix", gguf.quants.quantize(matrix, kind), raw_dtype=kind)
    writer.add_tensor("vector", VECTOR)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture
def source(tmp_path):
    return write_gguf(tmp_path / "source.gguf")


def tensors(path):
    return {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}


def values(tensor):
    return dequantize(tensor.data, tensor.tensor_type)


def test_two_quantisations_are_made_in_one_pass_and_keep_everything_else(source, tmp_path):
    targets = {name: tmp_path / f"{name}.gguf" for name in ("Q8_0", "Q4_0")}
    quantise(source, targets, lambda _: None)
    for name, path in targets.items():
        made = gguf.GGUFReader(path)
        assert gguf.LlamaFileType(made.fields["general.file_type"].contents()).name == f"MOSTLY_{name}"
        assert made.fields["tokenizer.ggml.tokens"].contents() == ["a", "b", "ä"]
        assert made.fields["general.license"].contents() == "apache-2.0"
        assert tensors(path)["matrix"].tensor_type == gguf.GGMLQuantizationType[name]
        assert np.array_equal(values(tensors(path)["vector"]), VECTOR)


def test_eight_bits_keep_what_four_bits_had_and_four_bits_lose_more(source, tmp_path):
    targets = {name: tmp_path / f"{name}.gguf" for name in ("Q8_0", "Q4_0")}
    quantise(source, targets, lambda _: None)
    before = values(tensors(source)["matrix"])
    lost = {name: np.abs(values(tensors(path)["matrix"]) - before).max() for name, path in targets.items()}
    # Q8_0 rounds to 1/127 of the largest value of a block, Q4_0 to 1/8.
    assert lost["Q8_0"] <= np.abs(before).max() / 127
    assert lost["Q8_0"] < lost["Q4_0"] <= np.abs(before).max() / 8


def test_nothing_half_made_stays_when_the_source_is_no_weights_file(tmp_path):
    (tmp_path / "source.gguf").write_bytes(b"no weights at all")
    with pytest.raises(ProbeError, match="cannot be read as a GGUF file"):
        quantise(tmp_path / "source.gguf", {"Q8_0": tmp_path / "made.gguf"}, lambda _: None)
    assert [path.name for path in tmp_path.iterdir()] == ["source.gguf"]


def make(source, wanted, cache_dir, said):
    return make_quantised(source, read_sha256(source), "tiny", wanted, cache_dir, said.append)


def test_what_was_made_once_is_kept(source, tmp_path):
    said = []
    first = make(source, "Q8_0", tmp_path / "cache", said)
    make(source, "Q4_0", tmp_path / "cache", said)
    assert make(source, "Q8_0", tmp_path / "cache", said) == first
    assert said == ["making Q8_0 and Q4_0 from source.gguf, once"]


def test_a_made_file_that_was_damaged_is_made_again(source, tmp_path):
    said = []
    made = make(source, "Q8_0", tmp_path / "cache", said)
    whole = made.read_bytes()
    made.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert make(source, "Q8_0", tmp_path / "cache", said).read_bytes() == whole
    assert len(said) == 2


def test_a_new_source_makes_new_files(source, tmp_path):
    said = []
    first = read_sha256(make(source, "Q8_0", tmp_path / "cache", said))
    write_gguf(source, matrix=-MATRIX)
    assert read_sha256(make(source, "Q8_0", tmp_path / "cache", said)) != first
    assert len(said) == 2


def test_a_files_sum_is_known_until_the_file_changes(tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(b"one")
    first = file_sha256(path, tmp_path / "cache")
    assert file_sha256(path, tmp_path / "cache") == first
    path.write_bytes(b"another")
    assert file_sha256(path, tmp_path / "cache") == read_sha256(path) != first


def test_a_users_own_file_says_what_it_is(source, tmp_path):
    weights = resolve_weights(str(source), None, tmp_path / "cache")
    assert (weights.path, weights.quantisation, weights.licence) == (source, "Q4_1", "apache-2.0")
    assert weights.sha256 == read_sha256(source)


def test_a_users_own_file_is_read_once(source, tmp_path):
    said = []
    for _ in range(2):
        resolve_weights(str(source), "Q4_1", tmp_path / "cache", said.append)
    assert said == ["reading source.gguf, once"]


@pytest.mark.parametrize(
    ("model", "quantisation", "sentence"),
    [
        ("gpt-4o", None, 'no weights for model = "gpt-4o"; known are smollm2-135m-instruct, gemma-3-270m, or give'),
        ("smollm2-135m-instruct", "Q2_K", 'comes as Q4_1, Q8_0, Q4_0, not as quantisation = "Q2_K"'),
        ("/no/such.gguf", None, "there are no weights at /no/such.gguf"),
    ],
)
def test_what_cannot_be_had_is_refused_with_what_can(tmp_path, model, quantisation, sentence):
    with pytest.raises(ProbeError, match=sentence):
        resolve_weights(model, quantisation, tmp_path)


def test_a_file_that_is_not_what_the_config_says_is_refused(source, tmp_path):
    with pytest.raises(ProbeError, match=r'source.gguf says of itself that it is Q4_1, not quantisation = "Q8_0"'):
        resolve_weights(str(source), "Q8_0", tmp_path / "cache")


def test_a_file_that_does_not_say_how_it_is_quantised_needs_the_config_to(tmp_path):
    silent = write_gguf(tmp_path / "silent.gguf", file_type=None)
    assert resolve_weights(str(silent), "Q4_1", tmp_path / "cache").quantisation == "Q4_1"
    with pytest.raises(ProbeError, match=r"silent.gguf does not say how it is quantised; set quantisation"):
        resolve_weights(str(silent), None, tmp_path / "cache")


@pytest.mark.slow
@pytest.mark.engine
def test_the_shipped_weights_are_those_that_were_published_and_give_two_more(tmp_path):
    shipped = resolve_weights("smollm2-135m-instruct", None, tmp_path)
    eight = resolve_weights("smollm2-135m-instruct", "Q8_0", tmp_path)
    four = resolve_weights("smollm2-135m-instruct", "Q4_0", tmp_path)
    assert shipped.sha256.startswith("b179c952")
    assert (shipped.licence, shipped.note) == ("Apache-2.0", None)
    assert "quality is Q4_1's" in eight.note
    sizes_mb = [round(weights.path.stat().st_size / 1e6, 1) for weights in (shipped, eight, four)]
    assert sizes_mb == [98.4, 144.8, 77.6]
