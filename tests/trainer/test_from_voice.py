"""A voice that ships as a GGUF is a folder again that can be trained further."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from quantize.convert import convert as to_gguf
from quantize.convert import convert_adapter
from tests.quantize.conftest import adapted, tiny_model, tiny_tokenizer
from trainer import from_voice, hf_folder
from trainer.shards import WeightsError

CARD = {"name": "a-voice", "gguf": {"mrp.prompt": '{"markup":"chatml"}'}}


def base_folder(path: Path, kind: str = "qwen2", **changes: Any) -> Any:
    words = tiny_tokenizer("qwen2")
    model = tiny_model(kind, len(words) + 5, **changes)
    model.save_pretrained(path)
    words.save_pretrained(path)
    return model


def voice(model: Any, base: Path, folder: Path, type: str = "f32", **options: Any) -> Path:
    """A random adapter on the model, as PEFT saves it and as a GGUF."""
    adapted(model, folder, **options)
    (folder / "card.json").write_text(json.dumps(CARD))
    convert_adapter(folder, base, folder.with_suffix(".gguf"), type)
    return folder.with_suffix(".gguf")


def said(base: Path, adapter: Path) -> torch.Tensor:
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    tuned = PeftModel.from_pretrained(model, adapter).eval()
    with torch.no_grad():
        logits: torch.Tensor = tuned(torch.tensor([[5, 9, 17, 2, 30]])).logits
    return logits


@pytest.mark.parametrize("kind", ["llama", "qwen2", "qwen3"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"layers_to_transform": [1]},
        {"rank_pattern": {"k_proj": 8}, "alpha_pattern": {"k_proj": 3, "mlp.up_proj": 20}},
        {"use_rslora": True, "target_modules": ["q_proj", "down_proj"]},
    ],
    ids=["plain", "from the second layer on", "patterns", "rslora"],
)
def test_it_says_what_it_said(kind, options, tmp_path):
    base = tmp_path / "base"
    made = voice(base_folder(base, kind), base, tmp_path / "lora", **options)
    assert hf_folder.main([str(made), "--of", str(base), "-o", str(tmp_path / "again")]) == 0
    torch.testing.assert_close(
        said(base, tmp_path / "again"), said(base, tmp_path / "lora"), atol=1e-5, rtol=1e-4
    )
    first, again = (
        load_file(tmp_path / name / "adapter_model.safetensors") for name in ("lora", "again")
    )
    assert first.keys() == again.keys()
    card = json.loads((tmp_path / "again" / "card.json").read_text())
    assert (card["name"], card["gguf"]) == (CARD["name"], CARD["gguf"])


@pytest.mark.parametrize("type", ["f16", "q8_0"])
def test_converted_again_it_is_the_same_file(type, tmp_path):
    base = tmp_path / "base"
    made = voice(base_folder(base), base, tmp_path / "lora", type)
    from_voice.convert(made, base, tmp_path / "again")
    convert_adapter(tmp_path / "again", base, tmp_path / "again.gguf", type)
    assert (tmp_path / "again.gguf").read_bytes() == made.read_bytes()


def test_it_is_for_its_own_base_only(tmp_path):
    base = tmp_path / "base"
    made = voice(base_folder(base), base, tmp_path / "lora")
    base_folder(tmp_path / "wide", intermediate_size=160)
    with pytest.raises(WeightsError, match=r"mlp\.\w+_proj is \[.*\] there and \[.*\] here"):
        from_voice.convert(made, tmp_path / "wide", tmp_path / "out")
    other = base_folder(tmp_path / "other")
    with torch.no_grad():
        other.model.norm.weight.mul_(2.0)
    other.save_pretrained(tmp_path / "other")
    with pytest.raises(WeightsError, match="another model of its shape"):
        from_voice.convert(made, tmp_path / "other", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_asked_wrongly_is_told(tmp_path):
    base = tmp_path / "base"
    made = voice(base_folder(base), base, tmp_path / "lora")
    with pytest.raises(WeightsError, match="--of"):
        hf_folder.convert(made, tmp_path / "out", limit=10**9)
    with pytest.raises(WeightsError, match="--type is for models"):
        hf_folder.convert(made, tmp_path / "out", limit=10**9, of=base, kind="f16")
    model = tmp_path / "model.gguf"
    to_gguf(base, model, "f32")
    with pytest.raises(WeightsError, match=r"model\.gguf: is a model, not an adapter"):
        hf_folder.convert(model, tmp_path / "out", limit=10**9, of=base)
    shutil.copyfile(made, tmp_path / "cut.gguf")
    with (tmp_path / "cut.gguf").open("r+b") as file:
        file.truncate(made.stat().st_size // 2)
    with pytest.raises(WeightsError, match=r"cut\.gguf: cut off or no GGUF"):
        hf_folder.convert(tmp_path / "cut.gguf", tmp_path / "out", limit=10**9, of=base)
    from_voice.convert(made, base, tmp_path / "out")
    with pytest.raises(WeightsError, match="is there already"):
        from_voice.convert(made, base, tmp_path / "out")
