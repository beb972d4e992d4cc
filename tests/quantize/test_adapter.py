"""A PEFT adapter, applied by llama.cpp, does what it does in transformers."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import pytest
import torch
from gguf import GGUFReader

from engine.adapter import BASE_NAME, check_belongs, read_adapter
from engine.llama import LlamaEngine
from engine.sequence import ModelError, Sampling
from quantize import convert as verb
from quantize.convert import convert, convert_adapter
from quantize.error import ConvertError
from quantize.reader import Reader
from tests.quantize.conftest import adapted

TEXT = "悟空道：“I'll go 42 miles!”🐒"


def logits(base: Path, lora: Path, ids: list[int]) -> Any:
    """What llama.cpp expects after each token [tokens × vocabulary], its cache in float32."""
    llama = llama_cpp.Llama(
        str(base),
        lora_path=str(lora),
        n_ctx=128,
        n_threads=1,
        n_threads_batch=1,
        logits_all=True,
        verbose=False,
        type_k=llama_cpp.GGML_TYPE_F32,
        type_v=llama_cpp.GGML_TYPE_F32,
    )
    llama.eval(ids)
    return llama.scores[: len(ids)]


@pytest.mark.parametrize("kind", ["llama", "mistral", "qwen2", "qwen3"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_rslora": True, "target_modules": ["q_proj", "down_proj"]},
        {"rank_pattern": {"k_proj": 8}, "alpha_pattern": {"k_proj": 3, "mlp.up_proj": 20}},
    ],
    ids=["plain", "rslora", "patterns"],
)
def test_logits_equal_those_of_peft(
    folder: Any, tmp_path: Path, kind: str, options: dict[str, Any]
) -> None:
    path, model, tokenizer = folder(kind)
    convert(path, tmp_path / "base.gguf", "f32")
    tuned = adapted(model, tmp_path / "lora", **options)
    done = convert_adapter(tmp_path / "lora", path, tmp_path / "lora.gguf", "f32")
    assert done.tensors % 4 == 0
    ids = tokenizer(TEXT).input_ids
    with torch.no_grad():
        wanted = tuned(torch.tensor([ids])).logits[0].numpy()
        with tuned.disable_adapter():
            plain = tuned(torch.tensor([ids])).logits[0].numpy()
    scores = logits(tmp_path / "base.gguf", tmp_path / "lora.gguf", ids)
    assert np.abs(wanted - plain).max() > 0.5, "the adapter must change something"
    np.testing.assert_allclose(scores, wanted, atol=1e-3)


def test_eight_bits_are_enough_for_the_half_that_packs(folder: Any, tmp_path: Path) -> None:
    path, model, tokenizer = folder("qwen2")
    convert(path, tmp_path / "base.gguf", "f32")
    tuned = adapted(model, tmp_path / "lora")
    sizes = {
        type: convert_adapter(tmp_path / "lora", path, tmp_path / f"{type}.gguf", type).bytes
        for type in ("f16", "q8_0")
    }
    assert sizes["q8_0"] < sizes["f16"]
    check_belongs(read_adapter(tmp_path / "q8_0.gguf"), tmp_path / "base.gguf")
    kinds = {
        one.name[-6:]: one.tensor_type.name for one in GGUFReader(tmp_path / "q8_0.gguf").tensors
    }
    assert kinds == {"lora_a": "Q8_0", "lora_b": "F16"}
    ids = tokenizer(TEXT).input_ids
    with torch.no_grad():
        wanted = tuned(torch.tensor([ids])).logits[0].numpy()
    off = logits(tmp_path / "base.gguf", tmp_path / "q8_0.gguf", ids) - wanted
    # An adapter that changes all: what enters it is rounded too, as in any matrix of 8 bits.
    assert np.sqrt((off**2).mean()) < 0.1 * wanted.std()


def test_the_base_is_found_by_its_own_name(folder: Any, tmp_path: Path, capsys: Any) -> None:
    path, model, _ = folder("llama")
    adapted(model, tmp_path / "lora")
    output = tmp_path / "lora.gguf"
    config = tmp_path / "lora" / "adapter_config.json"
    told = json.loads(config.read_text())
    config.write_text(json.dumps({**told, "base_model_name_or_path": str(path)}))
    assert verb.main([str(tmp_path / "lora"), "-o", str(output), "--type", "f16", "--json"]) == 0
    done = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (done["tensors"], done["bytes"]) == (2 * 2 * 7, output.stat().st_size)
    config.write_text(json.dumps({**told, "base_model_name_or_path": "some/where"}))
    with pytest.raises(ConvertError, match="--base"):
        convert_adapter(tmp_path / "lora", None, output)


@pytest.mark.parametrize(
    ("changes", "saying"),
    [
        ({"peft_type": "IA3"}, "known is LORA"),
        ({"use_dora": True}, "merge"),
        ({"modules_to_save": ["lm_head"]}, "merge"),
        ({"bias": "all"}, "biases"),
        ({"r": 0}, "not positive"),
        ({"lora_alpha": None}, "not positive"),
    ],
)
def test_what_llama_cpp_cannot_apply_is_refused(
    folder: Any, tmp_path: Path, changes: dict[str, Any], saying: str
) -> None:
    path, model, _ = folder("llama")
    adapted(model, tmp_path / "lora")
    config = tmp_path / "lora" / "adapter_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), **changes}))
    with pytest.raises(ConvertError, match=saying):
        convert_adapter(tmp_path / "lora", path, tmp_path / "lora.gguf")
    assert not (tmp_path / "lora.gguf").exists()


def test_an_adapter_of_another_model_is_refused(folder: Any, tmp_path: Path) -> None:
    path, model, _ = folder("llama", intermediate_size=128)
    adapted(model, tmp_path / "lora")
    config = path / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "intermediate_size": 96}))
    with pytest.raises(ConvertError, match="the base asks for"):
        convert_adapter(tmp_path / "lora", path, tmp_path / "lora.gguf")
    config.write_text(json.dumps({**json.loads(config.read_text()), "num_hidden_layers": 1}))
    with pytest.raises(ConvertError, match=r"layers\.1\..* is no matrix|asks for"):
        convert_adapter(tmp_path / "lora", path, tmp_path / "lora.gguf")


async def test_text_with_the_adapter_is_that_of_the_merged_model(
    folder: Any, tmp_path: Path
) -> None:
    """Greedy, 20 prompts; they may part only where two tokens are as good as equal."""
    path, model, _ = folder("llama")
    convert(path, tmp_path / "base.gguf", "f32")
    tuned = adapted(model, tmp_path / "lora")
    done = convert_adapter(tmp_path / "lora", path, tmp_path / "lora.gguf", "f32")
    assert done.notes == ()
    tuned.merge_and_unload().save_pretrained(tmp_path / "merged")
    for file in path.glob("tokenizer*"):
        shutil.copy(file, tmp_path / "merged")
    convert(tmp_path / "merged", tmp_path / "merged.gguf", "f32")
    prompts = [f"{n}：悟空道，{TEXT[: n + 3]}" for n in range(20)]

    async def written(name: str, adapter: Path | None = None) -> list[list[int]]:
        options: dict[str, Any] = {"context": 128, "threads": 1, "flash": False}
        engine = LlamaEngine.open(tmp_path / name, replies=4, adapter=adapter, **options)
        assert engine.notes == ()

        async def one(prompt: str) -> list[int]:
            reply = engine.stream(engine.encode(prompt), Sampling(temperature=0, max_tokens=16))
            async for _ in reply:
                pass
            return reply.tokens

        texts = await asyncio.gather(*map(one, prompts))
        await engine.close()
        return list(texts)

    voiced = await written("base.gguf", tmp_path / "lora.gguf")
    merged, plain = await written("merged.gguf"), await written("base.gguf")
    assert voiced != plain, "the adapter must change something"
    with Reader(tmp_path / "merged.gguf", length=128, threads=1) as reader:
        for prompt, one, other in zip(prompts, voiced, merged, strict=True):
            pairs = enumerate(zip(one, other, strict=False))
            at = next((n for n, (a, b) in pairs if a != b), None)
            if at is not None:
                logits = reader.read([*reader.encode(prompt), *one[:at]])[-1]
                assert abs(logits[one[at]] - logits[other[at]]) < 1e-2, "not a tie"


def test_an_adapter_names_its_base(folder: Any, tmp_path: Path) -> None:
    path, model, _ = folder("qwen3")
    adapted(model, tmp_path / "lora")
    convert_adapter(tmp_path / "lora", path, tmp_path / "lora.gguf", "f16")
    header = read_adapter(tmp_path / "lora.gguf")
    assert header.values[BASE_NAME] == path.name
    for type in ("f32", "f16", "q8_0"):
        convert(path, tmp_path / f"{type}.gguf", type)
        assert check_belongs(header, tmp_path / f"{type}.gguf") == ()
    other, another, _ = folder("qwen3")
    with torch.no_grad():
        another.model.norm.weight.mul_(1.5)
    another.save_pretrained(other)
    convert(other, tmp_path / "other.gguf", "f16")
    with pytest.raises(ModelError, match="another model of the same shape"):
        check_belongs(header, tmp_path / "other.gguf")
    for file in path.glob("*.safetensors"):
        file.unlink()
    done = convert_adapter(tmp_path / "lora", path, tmp_path / "b.gguf")
    assert "no weights" in done.notes[0]
