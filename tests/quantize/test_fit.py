"""`mrp fit` says what llama.cpp takes, before anything is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import pytest

from benchmarks.quantize_fit import compared
from engine.cards import Card
from engine.llama import LlamaEngine
from engine.llama.devices import Device
from engine.model_card import fitted
from engine.resources import GiB
from engine.sequence import ModelError
from engine.shapes import Shape
from engine.shapes import write as write_shape
from quantize import fit as verb
from quantize.convert import convert
from quantize.error import FitError
from quantize.fit import fit
from quantize.outline import Outline
from quantize.shrink import shrink


@pytest.mark.parametrize(
    ("shape", "replies"),
    [
        (Shape(2, 256, 4, 2, 1024, 2000, 4096), 8),
        (Shape(4, 512, 8, 8, 1408, 6000, 4096, tied=True), 2),
        (Shape(2, 1024, 8, 2, 4096, 12_000, 2048), 4),
    ],
)
def test_what_is_planned_is_what_llama_cpp_reports(
    tmp_path: Path, shape: Shape, replies: int
) -> None:
    write_shape(tmp_path / "shape.gguf", shape)
    row = compared(tmp_path / "shape.gguf", 1024, replies)
    assert abs(row["off"]) < 0.05, row
    for kind in ("KV", "output"):
        assert abs(row["planned"][kind] - row["reported"][kind]) < 0.2, row


def test_types_are_planned_to_the_byte(folder: Any, tmp_path: Path) -> None:
    path, _, _ = folder("qwen3", hidden_size=256, tie_word_embeddings=False)
    convert(path, tmp_path / "f16.gguf", "f16")
    outline = Outline.open(tmp_path / "f16.gguf")
    assert outline.bytes() == (tmp_path / "f16.gguf").stat().st_size
    for type in ("Q8_0", "Q4_K_M", "Q3_K_M"):
        shrink(tmp_path / "f16.gguf", tmp_path / "small.gguf", type, threads=1)
        found = fit(outline, type, memory=GiB, context=256, replies=2)
        assert abs(found.weights - (tmp_path / "small.gguf").stat().st_size) < 64
    folder_outline = Outline.open(path)
    assert folder_outline.shapes == {
        name: shape for name, shape in outline.shapes.items() if not name.endswith(".bias")
    }


def test_a_7b_of_four_bits_fits_8_gib() -> None:
    found = fit(Outline.of_shape("7b"), "Q4_K_M", memory=8 * GiB, context=2048, replies=8)
    assert found.fits
    assert (found.layers, found.cells, found.kv) == (-1, 9 * 2048, "f16")
    assert found.on_gpu == found.total < 7.5 * GiB
    whole = fit(Outline.of_shape("7b"), None, memory=8 * GiB, context=2048, replies=8)
    assert 0 < whole.layers < 32
    assert whole.on_gpu < 8 * GiB < whole.total


def test_what_is_written_the_engine_uses(folder: Any, tmp_path: Path) -> None:
    path, _, _ = folder("llama")
    convert(path, tmp_path / "tiny.gguf", "f16")
    card = tmp_path / "tiny.card.json"
    card.write_text('{"name": "tiny"}', encoding="utf-8")
    words = [str(tmp_path / "tiny.gguf"), "--memory", "1GiB", "--replies", "3"]
    assert verb.main([*words, "--context", "256", "--write"]) == 0
    assert json.loads(card.read_text(encoding="utf-8")) == {
        "name": "tiny",
        "engine": {"context": 256, "replies": 3, "vram": 1.0},
    }
    assert fitted(tmp_path / "tiny.gguf") == {"context": 256.0, "replies": 3.0, "vram": 1.0}
    engine = LlamaEngine.open(tmp_path / "tiny.gguf", threads=1)
    assert (engine.context, engine._model.cells) == (256, 4 * 256)
    engine._loop.close()


@pytest.mark.parametrize("text", ["no json", "[]", '{"engine": 3}', '{"engine": {"vram": "x"}}'])
def test_a_broken_card_is_no_setting(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.card.json").write_text(text, encoding="utf-8")
    assert fitted(tmp_path / "a.gguf") == {}


def test_types_are_compared_and_nothing_may_fit(capsys: pytest.CaptureFixture[str]) -> None:
    assert verb.main(["--shape", "1.8b", "--memory", "4GiB", "--all", "--json"]) == 0
    out = capsys.readouterr().out
    sizes = [one["weights"] for one in json.loads(out.splitlines()[-1])["fits"]]
    assert sizes == sorted(sizes, reverse=True)
    assert verb.main(["--shape", "7b", "--memory", "100MiB"]) == 1
    assert "does not fit" in capsys.readouterr().out


def test_what_cannot_be_planned_is_said_so(folder: Any, tmp_path: Path) -> None:
    (tmp_path / "text.gguf").write_text("once upon a time")
    (tmp_path / "cut.gguf").write_bytes(b"GGUF\3\0\0\0")
    for path, saying in (
        (tmp_path / "none.gguf", "cannot be read"),
        (tmp_path / "text.gguf", "neither a GGUF"),
        (tmp_path / "cut.gguf", "cut off"),
    ):
        with pytest.raises(FitError, match=saying):
            Outline.open(path)
    with pytest.raises(FitError, match=r"known are.*7b"):
        Outline.of_shape("70b")
    with pytest.raises(FitError, match="is no size"):
        verb.main(["--shape", "7b", "--memory", "much"])
    with pytest.raises(FitError, match="needs the GGUF"):
        verb.main(["--shape", "7b", "--memory", "16GiB", "--write"])
    with pytest.raises(FitError, match="is not known"):
        fit(Outline.of_shape("tiny"), "Q9", memory=GiB, context=9, replies=1)
    path, _, _ = folder("llama")
    convert(path, tmp_path / "q8.gguf", "q8_0")
    with pytest.raises(FitError, match="quantized already"):
        fit(Outline.open(tmp_path / "q8.gguf"), "Q4_K_M", memory=GiB, context=9, replies=1)


def test_a_split_model_counts_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = tmp_path / "whole.gguf"
    write_shape(whole, Shape(2, 256, 4, 2, 1024, 2000, 4096))
    reader: Any = gguf.GGUFReader(whole)
    tensors = list(reader.tensors)
    for number, part in enumerate((tensors[:5], tensors[5:12], tensors[12:])):
        writer: Any = gguf.GGUFWriter(tmp_path / f"m-0000{number + 1}-of-00003.gguf", "llama")
        for name, field in reader.fields.items() if number == 0 else ():
            if not name.startswith("GGUF.") and name != "general.architecture":
                kind = field.types[0]
                inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
                writer.add_key_value(name, field.contents(), kind, sub_type=inner)
        writer.add_uint16("split.no", number)
        writer.add_uint16("split.count", 3)
        writer.add_int32("split.tensors.count", len(tensors))
        for tensor in part:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    first = tmp_path / "m-00001-of-00003.gguf"
    found, wanted = (
        fit(Outline.open(path), None, memory=GiB, context=256, replies=2) for path in (first, whole)
    )
    assert found.parameters == wanted.parameters
    assert abs(found.weights - wanted.weights) < 1000
    assert (found.cache, found.layers) == (wanted.cache, wanted.layers)
    engine = LlamaEngine.open(first, context=256, replies=2, threads=1)
    assert engine.vocabulary == 2000
    engine._loop.close()
    first.with_name("m-00002-of-00003.gguf").unlink()
    with pytest.raises(ModelError, match="not beside it"):
        Outline.open(first)


def test_without_a_memory_it_is_what_the_card_has_free(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    card = Card("NVIDIA", "RTX 3070", total=8 * GiB, free=6 * GiB)
    monkeypatch.setattr(verb, "cards", lambda: (card,))
    assert verb.main(["--shape", "1.8b", "--type", "Q4_K_M", "--json"]) == 0
    told = capsys.readouterr().out
    assert "in 6.0 GiB free on RTX 3070" in told
    assert json.loads(told.splitlines()[-1])["fits"][0]["memory"] == 6 * GiB


def test_without_a_card_the_memory_has_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verb, "cards", lambda: (Card("Apple", "Apple GPU"),))
    monkeypatch.setattr(verb, "devices", lambda: ())
    with pytest.raises(FitError, match="--memory 8GiB"):
        verb.main(["--shape", "1.8b"])
    device = Device("Vulkan0", "Arc A770", free=4 * GiB, total=16 * GiB)
    monkeypatch.setattr(verb, "devices", lambda: (device,))
    assert verb.main(["--shape", "1.8b", "--type", "Q4_K_M"]) == 0
