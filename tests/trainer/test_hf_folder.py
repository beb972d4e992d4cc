"""`mrp base` looks at what it is given."""

import json

import pytest

import mrp
from quantize.convert import convert as to_gguf
from tests.quantize.conftest import tiny_model, tiny_tokenizer
from trainer import hf_folder
from trainer.shards import WeightsError


def test_a_gguf_becomes_a_folder(tmp_path, capsys):
    words = tiny_tokenizer("qwen2")
    tiny_model("qwen2", len(words)).save_pretrained(tmp_path / "tiny")
    words.save_pretrained(tmp_path / "tiny")
    to_gguf(tmp_path / "tiny", tmp_path / "tiny.gguf", "q8_0")
    out = tmp_path / "out"
    assert mrp.main(["base", str(tmp_path / "tiny.gguf"), "-o", str(out), "--json"]) == 0
    said = capsys.readouterr().out
    card = json.loads(said.splitlines()[-1])
    assert card["from"]["name"] == "tiny.gguf"
    assert card["quantization"]["types"] == {"Q8_0": 15}
    assert "8.5 bits a weight" in said
    assert "0.5% of the weights' spread" in said
    assert json.loads((out / "config.json").read_text())["model_type"] == "qwen2"


def test_an_internlm2_folder_becomes_a_llama(internlm2, tmp_path):
    out = tmp_path / "out"
    assert hf_folder.main([str(internlm2()), "-o", str(out)]) == 0
    assert json.loads((out / "config.json").read_text())["model_type"] == "llama"


def test_what_is_neither_is_said(internlm2, tmp_path):
    with pytest.raises(WeightsError, match="nothing is fetched here"):
        hf_folder.main([str(tmp_path / "none.gguf"), "-o", str(tmp_path / "out")])
    with pytest.raises(WeightsError, match="nothing is fetched here"):
        hf_folder.main(["internlm/internlm2", "-o", str(tmp_path / "out")])
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(WeightsError, match="no GGUF"):
        hf_folder.main([str(tmp_path / "notes.txt"), "-o", str(tmp_path / "out")])
    with pytest.raises(WeightsError, match="--type is for GGUF files"):
        hf_folder.main([str(internlm2()), "-o", str(tmp_path / "out"), "--type", "bf16"])
