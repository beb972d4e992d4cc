"""A folder made from a GGUF computes what llama.cpp computes with the file."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from quantize.convert import convert as to_gguf
from quantize.reader import Reader
from quantize.shrink import shrink
from tests.quantize.conftest import tiny_model, tiny_pieces, tiny_tokenizer
from trainer import from_gguf
from trainer.shards import WeightsError

GB = 10**9
TEXT = "悟空道：“I'll go 42 miles!”🐒\n八戒哼了一声。"
LONG = 24  # tokens of greedy text


def write_gguf(path: Path, kind: str = "llama", split: str = "gpt-2", type: str = "f32", **changes):
    """A random model's GGUF and the model."""
    pieces = split == "pieces"
    words = tiny_pieces("replace") if pieces else tiny_tokenizer(split)
    model = tiny_model(kind, len(words) + 5, **changes)
    folder = path.with_suffix("")
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    to_gguf(folder, path, type)
    return path, model


def greedy(folder: Path, ids: list[int]) -> list[int]:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    said = list(ids)
    with torch.no_grad():
        for _ in range(LONG):
            said.append(int(model(torch.tensor([said])).logits[0, -1].argmax()))
    return said[len(ids) :]


LLAMA3_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 500000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}
LAYOUTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "Llama, tied": ("llama", "gpt-2", {}),
    "Llama, four heads in two groups, its own output, biases": (
        "llama",
        "llama-bpe",
        {"tie_word_embeddings": False, "attention_bias": True, "mlp_bias": True},
    ),
    "Llama with a head of another width": ("llama", "gpt-2", {"head_dim": 32}),
    "Llama 3's stretched frequencies": (
        "llama",
        "llama-bpe",
        {"rope_parameters": LLAMA3_ROPE, "max_position_embeddings": 131072},
    ),
    "Llama with SentencePiece": ("llama", "pieces", {}),
    "Qwen2, tied": ("qwen2", "qwen2", {}),
    "Qwen2.5, its own output": ("qwen2", "qwen2", {"tie_word_embeddings": False}),
    "Qwen3": ("qwen3", "qwen2", {"head_dim": 32}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_folder_says_what_llama_cpp_says(layout, tmp_path):
    kind, split, changes = LAYOUTS[layout]
    source, original = write_gguf(tmp_path / "tiny.gguf", kind, split, **changes)
    card = from_gguf.convert(source, tmp_path / "out", limit=GB)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    ids = tokenizer.encode(TEXT, add_special_tokens=False)
    with Reader(source, length=128, threads=1) as reader:
        assert reader.encode(TEXT) == ids
        assert reader.generate(ids, LONG) == greedy(tmp_path / "out", ids)
    # What was written in full comes back bit for bit, q and k in their old order.
    made = AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype=torch.float32)
    there = made.state_dict()
    for name, weight in original.state_dict().items():
        assert torch.equal(there[name], weight), name
    assert made.config.tie_word_embeddings == original.config.tie_word_embeddings
    assert card["quantization"]["expected_error"] == 0


@pytest.mark.parametrize(("type", "bits"), [("Q8_0", 8.5), ("Q4_K_M", 5.0), ("Q6_K", 6.56)])
def test_a_quantized_file_says_the_same_and_its_card_what_it_cost(type, bits, tmp_path):
    wide: dict[str, Any] = {"hidden_size": 256, "intermediate_size": 512, "num_attention_heads": 4}
    plain, original = write_gguf(tmp_path / "f32.gguf", "qwen2", "qwen2", **wide)
    source = tmp_path / "small.gguf"
    shrink(plain, source, type)
    card = from_gguf.convert(source, tmp_path / "out", limit=GB)
    told = card["quantization"]
    assert told["bits_per_weight"] == pytest.approx(bits, rel=0.15)
    made = AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype=torch.float32)
    off, spread, count = 0.0, 0.0, 0
    for name, weight in original.state_dict().items():
        if weight.dim() == 2 and name != "lm_head.weight":
            off += float((made.state_dict()[name] - weight).pow(2).sum())
            spread += float(weight.pow(2).sum())
            count += 1
    assert count == 15
    # Expected from normal values; the weights of this model are normal.
    assert told["expected_error"] == pytest.approx(math.sqrt(off / spread), rel=0.15)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    ids = tokenizer.encode(TEXT, add_special_tokens=False)
    with Reader(source, length=128, threads=1) as reader, torch.no_grad():
        theirs = torch.tensor(reader.read(ids).copy())
        ours = made.eval()(torch.tensor([ids])).logits[0]
    # llama.cpp rounds activations to 8 bits for such matrices: logits are near, not equal.
    assert (theirs - ours).pow(2).mean().sqrt() < 0.1 * theirs.std()
    gaps = ours.max(-1).values - ours.gather(1, theirs.argmax(-1, keepdim=True))[:, 0]
    assert gaps.max() < 0.3 * theirs.std()


def test_matrices_are_stored_as_in_the_file_and_as_asked(tmp_path):
    source, _ = write_gguf(tmp_path / "tiny.gguf", type="bf16")
    from_gguf.convert(source, tmp_path / "own", limit=GB)
    from_gguf.convert(source, tmp_path / "f32", limit=GB, dtype=torch.float32)
    for name, dtype in (("own", "bfloat16"), ("f32", "float32")):
        config = json.loads((tmp_path / name / "config.json").read_text())
        assert config["dtype"] == dtype
    assert {"card.json", "generation_config.json", "chat_template.jinja", "tokenizer.json"} <= {
        file.name for file in (tmp_path / "own").iterdir()
    }


def test_a_split_file_is_read_whole(tmp_path):
    source, _ = write_gguf(tmp_path / "tiny.gguf")
    whole = gguf.GGUFReader(source)
    names = [tensor.name for tensor in whole.tensors]
    for number, some in enumerate((names[:9], names[9:])):
        part = gguf.GGUFWriter(tmp_path / f"part-{number + 1:05}-of-00002.gguf", "llama")
        for key, field in whole.fields.items():
            if number == 0 and not key.startswith(("GGUF.", "general.architecture")):
                part.add_key_value(key, field.contents(), field.types[0], *field.types[-1:])
        part.add_uint16("split.count", 2)
        for tensor in whole.tensors:
            if tensor.name in some:
                part.add_tensor(tensor.name, np.array(tensor.data))
        part.write_header_to_file()
        part.write_kv_data_to_file()
        part.write_tensors_to_file()
        part.close()
    from_gguf.convert(tmp_path / "part-00001-of-00002.gguf", tmp_path / "out", limit=GB)
    from_gguf.convert(source, tmp_path / "whole", limit=GB)
    files = [tmp_path / name / "model.safetensors" for name in ("out", "whole")]
    assert files[0].read_bytes() == files[1].read_bytes()
    with pytest.raises(WeightsError, match="name the first"):
        from_gguf.GgufFile(tmp_path / "part-00002-of-00002.gguf")
    (tmp_path / "part-00002-of-00002.gguf").unlink()
    with pytest.raises(WeightsError, match=r"part-00002-of-00002\.gguf: is not a file"):
        from_gguf.GgufFile(tmp_path / "part-00001-of-00002.gguf")


def rewritten(source: Path, out: Path, drop: tuple[str, ...] = (), **changes) -> Path:
    """A copy of a GGUF with metadata changed (dots as __), keys and tensors dropped."""
    whole = gguf.GGUFReader(source)
    told = {key.replace("__", "."): value for key, value in changes.items()}
    writer = gguf.GGUFWriter(out, str(told.pop("general.architecture", "llama")))
    for key, field in whole.fields.items():
        if key.startswith(("GGUF.", "general.architecture")) or key in drop:
            continue
        value = told.pop(key, field.contents())
        writer.add_key_value(key, value, field.types[0], *field.types[-1:])
    for key, value in told.items():
        add = writer.add_string if isinstance(value, str) else writer.add_uint32
        (writer.add_bool if isinstance(value, bool) else add)(key, value)
    for tensor in whole.tensors:
        if tensor.name not in drop:
            writer.add_tensor(tensor.name, np.array(tensor.data))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return out


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown layout": (
        {"general__architecture": "gemma3"},
        "known here are llama, qwen2, qwen3",
    ),
    "an adapter": ({"general__type": "adapter"}, "is an adapter, not a model"),
    "an embedding model": ({"llama__pooling_type": 1}, "embedding model"),
    "no causality": ({"llama__attention__causal": False}, "embedding model"),
    "a mixture of experts": ({"llama__expert_count": 8}, "mixture of experts"),
    "no layers at all": ({"llama__block_count": 0}, "block_count is 0"),
    "absurdly many layers": ({"llama__block_count": 100000}, "no whole number up to 1000"),
    "an epsilon that is no number": (
        {"llama__attention__layer_norm_rms_epsilon": float("nan")},
        "layer_norm_rms_epsilon is nan",
    ),
    "more layers than there are": ({"llama__block_count": 3}, "lacks the tensor blk.2"),
    "fewer layers than there are": (
        {"llama__block_count": 1},
        "no part of its architecture: blk.1",
    ),
    "another width": ({"llama__embedding_length": 128}, "has the shape"),
    "heads that do not divide": ({"llama__attention__head_count_kv": 3}, "do not divide"),
    "an unknown rope": ({"llama__rope__scaling__type": "longrope"}, "scaling"),
    "an unknown word split": ({"tokenizer__ggml__pre": "tekken"}, "not known here .known: gpt-2"),
    "an unknown tokenizer": ({"tokenizer__ggml__model": "t5"}, "known here are gpt2 and llama"),
    "no vocabulary": ({"drop": ("tokenizer.ggml.tokens",)}, "has no vocabulary"),
    "no merges": ({"drop": ("tokenizer.ggml.merges",)}, "without merges"),
    "a lost tensor": ({"drop": ("blk.1.ffn_up.weight",)}, "lacks the tensor blk.1.ffn_up.weight"),
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    return write_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf", type="f16")[0]


@pytest.mark.parametrize("what", BROKEN)
def test_a_file_that_is_not_known_is_one_sentence_and_nothing_is_left(what, sound, tmp_path):
    changes, told = BROKEN[what]
    file = rewritten(sound, tmp_path / "broken.gguf", **changes)
    with pytest.raises(WeightsError, match=told) as problem:
        from_gguf.convert(file, tmp_path / "out", limit=GB)
    assert problem.value.for_user
    assert "\n" not in str(problem.value)
    assert str(file) in str(problem.value)
    assert [one.name for one in tmp_path.iterdir()] == ["broken.gguf"]


@pytest.mark.parametrize("size", [0, 3, 100, 5000, -500])
def test_a_cut_file_is_one_sentence(size, sound, tmp_path):
    file = tmp_path / "cut.gguf"
    file.write_bytes(sound.read_bytes()[:size])
    with pytest.raises(WeightsError, match="cut off or no GGUF"):
        from_gguf.convert(file, tmp_path / "out", limit=GB)


def test_a_weight_that_is_no_number_names_its_tensor(sound, tmp_path):
    file = tmp_path / "nan.gguf"
    shutil.copyfile(sound, file)
    reader = gguf.GGUFReader(file, "r+")
    tensor = next(one for one in reader.tensors if one.name == "blk.1.ffn_up.weight")
    tensor.data[3, 5] = np.nan
    del tensor, reader
    with pytest.raises(
        WeightsError, match=r"blk\.1\.ffn_up\.weight holds values that are no numbers"
    ):
        from_gguf.convert(file, tmp_path / "out", limit=GB)
    assert not (tmp_path / "out").exists()


def test_weights_too_large_for_sixteen_bits_are_refused(tmp_path):
    _, model = write_gguf(tmp_path / "tiny.gguf")
    with torch.no_grad():
        model.model.layers[0].mlp.up_proj.weight[0, 0] = 1e6
    model.save_pretrained(tmp_path / "tiny")
    to_gguf(tmp_path / "tiny", tmp_path / "large.gguf", "f32")
    large = tmp_path / "large.gguf"
    with pytest.raises(WeightsError, match=r"blk\.0\.ffn_up\.weight .*too large for float16"):
        from_gguf.convert(large, tmp_path / "out", limit=GB, dtype=torch.float16)
    from_gguf.convert(large, tmp_path / "out", limit=GB)


def test_nothing_is_written_over(sound, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(WeightsError, match="is there already"):
        from_gguf.convert(sound, tmp_path / "out", limit=GB)
