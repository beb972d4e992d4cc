"""`mrp imatrix` counts what really goes into each matrix, in llama.cpp's own file format."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gguf import GGUFReader

from engine.sequence import ModelError
from quantize import importance as verb
from quantize.convert import convert
from quantize.error import ImportanceError, ShrinkError, TextError
from quantize.importance import Importance, gather
from quantize.llama_quantizer import Order, plan
from quantize.shrink import shrink

TEXT = "悟空举起铁棒，喝道：“妖怪，往哪里走！”\n八戒哼了一声。The monkey didn't wait.\n" * 6


def render(path: Path, metadata: Mapping[str, str]) -> Iterator[list[tuple[str, bool, bool]]]:
    assert metadata["general.architecture"] == "llama"
    for line in path.read_text(encoding="utf-8").splitlines():
        yield [("<|im_start|>", True, False), (json.loads(line), False, True)]


@pytest.fixture
def made(folder: Any, tmp_path: Path) -> tuple[Path, Any, Any]:
    """(f32 GGUF, transformers model, tokenizer) of a model whose rows K-quants can pack."""
    path, model, tokenizer = folder("llama", hidden_size=256, intermediate_size=512)
    convert(path, tmp_path / "tiny.gguf", "f32")
    return tmp_path / "tiny.gguf", model, tokenizer


def test_sums_equal_those_of_hooks_in_transformers(made: Any, tmp_path: Path) -> None:
    gguf, model, tokenizer = made
    text = tmp_path / "text.txt"
    text.write_text(TEXT, encoding="utf-8")
    done = gather(gguf, [text], tmp_path / "m.gguf", render, length=64, threads=1)
    sums: dict[str, np.ndarray] = {}

    def hook(name: str) -> Any:
        def add(_: Any, inputs: Any) -> None:
            squares = (inputs[0].double() ** 2).reshape(-1, inputs[0].shape[-1]).sum(0).numpy()
            sums[name] = sums.get(name, 0) + squares

        return add

    places = {"self_attn.o_proj": "attn_output", "self_attn.q_proj": "attn_q"}
    places |= {"mlp.down_proj": "ffn_down", "mlp.gate_proj": "ffn_gate"}
    for layer in range(2):
        for source, name in places.items():
            module = model.get_submodule(f"model.layers.{layer}.{source}")
            module.register_forward_pre_hook(hook(f"blk.{layer}.{name}.weight"))
    ids = tokenizer(TEXT).input_ids
    with torch.no_grad():
        for at in range(0, len(ids), 64):
            model(torch.tensor([ids[at : at + 64]]))
    found = Importance.load(tmp_path / "m.gguf")
    assert done.tokens == len(ids)
    assert done.matrices == len(found.sums) == 2 * 7
    assert set(found.counts.values()) == {len(ids)}
    for name, wanted in sums.items():
        np.testing.assert_allclose(
            found.sums[name], wanted, rtol=1e-2, atol=1e-3
        )  # the cache is f16


def test_lessons_are_read_with_their_control_tokens(made: Any, tmp_path: Path) -> None:
    gguf, _, tokenizer = made
    lessons = tmp_path / "train.jsonl"
    lessons.write_text('"悟空！"\n"八戒。"\n', encoding="utf-8")
    done = gather(gguf, [lessons], tmp_path / "m.gguf", render, threads=1)
    wanted = sum(1 + len(tokenizer(text).input_ids) for text in ("悟空！", "八戒。"))
    assert (done.rows, done.tokens) == (2, wanted)


def test_the_output_matrix_is_counted_only_when_asked(made: Any, tmp_path: Path) -> None:
    gguf, _, _ = made
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    for whole in (False, True):
        gather(gguf, [tmp_path / "a.txt"], tmp_path / "m.gguf", render, whole=whole, threads=1)
        assert ("token_embd.weight" in Importance.load(tmp_path / "m.gguf").sums) is whole


def test_the_file_is_laid_out_as_llama_cpp_reads_it(tmp_path: Path) -> None:
    made = Importance(("lessons.jsonl",))
    made.add("blk.0.ffn_up.weight", np.full((1024, 8), 2.0, np.float32))
    made.save(tmp_path / "m.gguf")
    reader = GGUFReader(tmp_path / "m.gguf")
    fields = {name: field.contents() for name, field in reader.fields.items() if "." in name}
    assert fields["general.type"] == "imatrix"
    assert fields["imatrix.datasets"] == ["lessons.jsonl"]
    assert (fields["imatrix.chunk_count"], fields["imatrix.chunk_size"]) == (2, 512)
    assert "general.architecture" not in fields
    tensors = {tensor.name: (list(tensor.shape), tensor.data.ravel()) for tensor in reader.tensors}
    shape, values = tensors["blk.0.ffn_up.weight.in_sum2"]
    assert (shape, list(values)) == ([8, 1], [4096.0] * 8)
    assert list(tensors["blk.0.ffn_up.weight.counts"][1]) == [1024.0]
    again = Importance.load(tmp_path / "m.gguf")
    assert again.datasets == made.datasets
    assert list(again.means()["blk.0.ffn_up.weight"]) == [4.0] * 8


def test_weights_that_matter_are_rounded_less(made: Any, tmp_path: Path) -> None:
    gguf, _, _ = made
    name = "blk.0.ffn_gate.weight"
    importance = np.full(256, 0.01, np.float32)
    importance[::8] = 100.0
    matrix = Importance()
    for tensor in GGUFReader(gguf).tensors:
        if len(tensor.shape) > 1 and tensor.name.startswith("blk."):
            means = importance if tensor.name == name else np.ones(int(tensor.shape[0]))
            matrix.add(tensor.name, np.sqrt(means, dtype=np.float32)[None])
    matrix.save(tmp_path / "m.gguf")
    errors = {}
    for label, file in (("without", None), ("with", tmp_path / "m.gguf")):
        shrink(gguf, tmp_path / "s.gguf", "Q4_K_S", threads=1, imatrix=file)
        errors[label] = _error(gguf, tmp_path / "s.gguf", name)[::8].mean()
    assert errors["with"] < 0.7 * errors["without"]
    said = GGUFReader(tmp_path / "s.gguf").fields
    assert said["quantize.imatrix.file"].contents() == "m.gguf"
    assert said["quantize.imatrix.entries_count"].contents() == 14


def _error(one: Path, other: Path, name: str) -> np.ndarray:
    """Mean squared difference a column."""
    from gguf.quants import dequantize

    values = []
    for path in (one, other):
        tensor = next(t for t in GGUFReader(path).tensors if t.name == name)
        values.append(dequantize(tensor.data, tensor.tensor_type).reshape(-1, 256))
    return ((values[0] - values[1]) ** 2).mean(axis=0)


def test_types_that_need_it_work_with_it(made: Any, tmp_path: Path) -> None:
    gguf, _, _ = made
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    gather(gguf, [tmp_path / "a.txt"], tmp_path / "m.gguf", render, threads=1)
    with pytest.raises(ShrinkError, match="mrp imatrix"):
        shrink(gguf, tmp_path / "s.gguf", "Q2_K_S", threads=1)
    done = shrink(gguf, tmp_path / "s.gguf", "Q2_K_S", threads=1, imatrix=tmp_path / "m.gguf")
    assert done.kinds["Q2_K"] > 0


def test_a_matrix_of_another_model_is_refused(made: Any, tmp_path: Path) -> None:
    gguf, _, _ = made
    for names, saying in (
        ({"blk.0.ffn_gate.weight": 64}, "256 columns here and 64 there"),
        ({"blk.0.other.weight": 256}, "names none"),
    ):
        matrix = Importance()
        for name, columns in names.items():
            matrix.add(name, np.ones((3, columns), np.float32))
        matrix.save(tmp_path / "m.gguf")
        with pytest.raises(ImportanceError, match=saying):
            shrink(gguf, tmp_path / "s.gguf", "Q4_K_M", imatrix=tmp_path / "m.gguf")
    assert not (tmp_path / "s.gguf").exists()


def test_what_is_no_matrix_is_refused(made: Any, tmp_path: Path) -> None:
    gguf, _, _ = made
    (tmp_path / "old.dat").write_bytes(b"\1\0\0\0")
    whole = Importance()
    whole.add("blk.0.ffn_up.weight", np.ones((3, 64), np.float32))
    whole.save(tmp_path / "m.gguf")
    (tmp_path / "cut.gguf").write_bytes((tmp_path / "m.gguf").read_bytes()[:-100])
    for path, saying in (
        (tmp_path / "none.gguf", "cannot be read"),
        (tmp_path / "old.dat", "no imatrix GGUF"),
        (tmp_path / "cut.gguf", "cut off"),
        (gguf, "kind 'model'"),
    ):
        with pytest.raises(ImportanceError, match=saying):
            Importance.load(path)


def test_texts_that_are_not_there_or_empty_are_named(made: Any, tmp_path: Path) -> None:
    gguf, _, _ = made
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "latin.txt").write_bytes(b"\xe9\xe8")
    (tmp_path / "a.pdf").write_text("a")
    for name, saying in (
        ("none.jsonl", "is not there"),
        ("empty.txt", "no text"),
        ("latin.txt", "not UTF-8"),
        ("a.pdf", "neither lessons"),
    ):
        with pytest.raises(TextError, match=saying):
            gather(gguf, [tmp_path / name], tmp_path / "m.gguf", render, threads=1)
    assert not (tmp_path / "m.gguf").exists()
    with pytest.raises(ModelError, match="there is no model"):
        gather(tmp_path / "no.gguf", [tmp_path / "a.pdf"], tmp_path / "m.gguf", render)
    (tmp_path / "cut.gguf").write_bytes(gguf.read_bytes()[:5000])
    with pytest.raises(ModelError, match="cannot be read"):
        gather(tmp_path / "cut.gguf", [tmp_path / "a.pdf"], tmp_path / "m.gguf", render)


def test_the_verb_prints_one_json_object_last(
    made: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    gguf, _, _ = made
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    words = [str(gguf), str(tmp_path / "a.txt"), "-o", str(tmp_path / "m.gguf"), "--json"]
    assert verb.main([*words, "--tokens", "100", "--threads", "1"], render=render) == 0
    said = capfd.readouterr()
    assert said.err == "", "llama.cpp stays silent"
    done = json.loads(said.out.splitlines()[-1])
    assert done["matrices"] == 14
    assert done["tokens"] >= 100


def test_a_plan_names_the_type_of_every_tensor(made: Any) -> None:
    gguf, _, _ = made
    kinds, errors = plan(gguf, Order("Q4_K_M", tensors=[("attn_v", "Q8_0")]))
    assert not errors
    assert len(kinds) == len(GGUFReader(gguf).tensors)
    assert kinds["blk.0.attn_v.weight"] == "Q8_0"
    assert kinds["token_embd.weight"] == "Q6_K"
    assert kinds["output_norm.weight"] == "F32"
