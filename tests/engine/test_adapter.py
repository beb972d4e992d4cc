"""Whether a LoRA adapter belongs to a model, by their headers; no torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from engine.adapter import (
    BASE_NAME,
    FINGERPRINT,
    check_belongs,
    fingerprint,
    fingerprint_of,
    own_metadata,
    read_adapter,
)
from engine.llama import LlamaEngine
from engine.sequence import ModelError, Sampling
from engine.shapes import SHAPES, Shape, write

MATRICES = {"blk.0.attn_q.weight": (64, 64), "blk.1.ffn_down.weight": (64, 128)}  # rows, columns
GREEDY = Sampling(temperature=0, max_tokens=12)
Write = Callable[..., Path]


@pytest.fixture
def adapter(tmp_path: Path) -> Write:
    """Writes an adapter of rank 2 for the tiny shape; options change what it says."""

    def made(name: str = "voice.gguf", **options: Any) -> Path:
        path = tmp_path / name
        writer: Any = gguf.GGUFWriter(path, options.pop("architecture", "llama"))
        writer.add_type(options.pop("type", "adapter"))
        writer.add_string("adapter.type", options.pop("kind", "lora"))
        writer.add_float32("adapter.lora.alpha", options.pop("alpha", 8.0))
        for key, value in options.pop("says", {}).items():
            writer.add_string(key, value)
        spread = options.pop("spread", 0.5)
        chance = np.random.default_rng(2)
        for matrix, (rows, columns) in options.pop("matrices", MATRICES).items():
            halves = {".lora_a": (2, columns), ".lora_b": (rows, 2)}
            for half in options.get("halves", halves):
                values = chance.normal(0, spread, halves[half]).astype(np.float32)
                writer.add_tensor(matrix + half, values)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path

    return made


async def text(engine: LlamaEngine, prompt: str = "cards|hello") -> str:
    reply = engine.stream(engine.encode(prompt), GREEDY)
    return "".join([piece async for piece in reply])


async def test_an_adapter_changes_the_text_and_one_of_zeros_does_not(
    tiny: Path, adapter: Write
) -> None:
    texts = []
    for path in (None, adapter("zero.gguf", spread=0.0), adapter()):
        engine = LlamaEngine.open(tiny, context=256, replies=2, threads=1, adapter=path)
        texts.append([await text(engine, f"{n} hello") for n in range(4)])
        await engine.close()
    assert texts[0] == texts[1] != texts[2]


async def test_what_the_adapter_says_counts_before_the_base(tiny: Path, adapter: Write) -> None:
    said = {"mrp.style": '{"cards": "brief"}', "mrp.made": "by the adapter", "other.key": "x"}
    path = adapter(says={**said, FINGERPRINT: fingerprint_of(tiny)})
    assert own_metadata(read_adapter(path)).keys() == {"mrp.style", "mrp.made", FINGERPRINT}
    engine = LlamaEngine.open(tiny, context=256, replies=1, threads=1, adapter=path)
    assert engine.metadata["mrp.style"] == said["mrp.style"]
    assert engine.metadata["mrp.made"] == "by the adapter"
    assert engine.metadata["general.name"] == "random weights"
    assert engine.notes == ()
    await engine.close()


async def test_rooms_of_another_voice_are_not_taken_over(
    tiny: Path, adapter: Write, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"context": 256, "replies": 1, "threads": 1}
    options["state"] = tmp_path / "rooms.state"
    long = "cards of everybody on stage, told at some length|" * 2
    engine = LlamaEngine.open(tiny, **options)
    await text(engine, long)
    await engine.close()
    engine = LlamaEngine.open(tiny, **options, adapter=adapter())
    await text(engine, long)
    assert engine.stats().evaluated == len(engine.encode(long))
    await engine.close()


def test_a_fingerprint_is_the_models_whatever_type_it_is_stored_in(
    tiny: Path, tmp_path: Path
) -> None:
    write(tmp_path / "q4.gguf", SHAPES["tiny"])
    write(tmp_path / "deep.gguf", Shape(3, 64, 4, 2, 128, 512, 4096))
    assert fingerprint_of(tmp_path / "q4.gguf") == fingerprint_of(tiny) != ""
    assert fingerprint_of(tmp_path / "deep.gguf") != fingerprint_of(tiny)
    assert fingerprint([]) == ""
    assert fingerprint([("a", b"1"), ("b", b"2")]) == fingerprint([("b", b"2"), ("a", b"1")])


@pytest.mark.parametrize(
    ("options", "saying"),
    [
        ({"type": "model"}, "no LoRA adapter"),
        ({"kind": "ia3"}, "no LoRA adapter"),
        ({"alpha": float("nan")}, "corrupted"),
        ({"matrices": {}}, "no matrices"),
        ({"architecture": "qwen2"}, "an adapter for qwen2, and the model is a llama"),
        ({"matrices": {"blk.9.attn_q.weight": (64, 64)}}, "which the model does not have"),
        ({"matrices": {"blk.0.attn_q.weight": (96, 64)}}, "96 × 64 there and 64 × 64 here"),
        ({"matrices": {"blk.0.attn_q.weight": (64, 32)}}, "64 × 32 there and 64 × 64 here"),
        ({"halves": (".lora_a",)}, "no two halves"),
        ({"says": {FINGERPRINT: "0" * 64}}, "another model of the same shape"),
        ({"says": {FINGERPRINT: "0" * 64, BASE_NAME: "Qwen9"}}, "it was made for Qwen9"),
    ],
)
def test_what_does_not_belong_is_one_sentence(
    tiny: Path, adapter: Write, options: dict[str, Any], saying: str
) -> None:
    with pytest.raises(ModelError, match=saying) as caught:
        LlamaEngine.open(tiny, context=256, replies=1, threads=1, adapter=adapter(**options))
    assert "\n" not in str(caught.value)


def test_an_adapter_that_does_not_say_its_base_is_noted(tiny: Path, adapter: Write) -> None:
    (note,) = check_belongs(read_adapter(adapter()), tiny)
    assert "does not name the model" in note
    (note,) = check_belongs(read_adapter(adapter(says={BASE_NAME: "Qwen9"})), tiny)
    assert "made for Qwen9" in note


def test_a_model_is_no_adapter_and_an_adapter_no_model(tiny: Path, adapter: Write) -> None:
    with pytest.raises(ModelError, match="no LoRA adapter"):
        LlamaEngine.open(tiny, adapter=tiny)
    with pytest.raises(ModelError, match="--voice"):
        LlamaEngine.open(adapter())
    with pytest.raises(ModelError, match="cannot be read"):
        LlamaEngine.open(tiny, adapter=tiny.with_name("none.gguf"))
