"""Two adapters become one that lies between them."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from trainer import merge as merging
from trainer.mean import mean
from trainer.shards import WeightsError

CONFIG = {"r": 4, "lora_alpha": 8, "base_model_name_or_path": "base"}


def adapter(folder: Path, value: float, *, width: int = 6, **config: object) -> Path:
    folder.mkdir(parents=True)
    weights = {
        "m.lora_A.weight": torch.full((4, width), value, dtype=torch.bfloat16),
        "m.lora_B.weight": torch.full((width, 4), -value, dtype=torch.bfloat16),
    }
    save_file(weights, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps(CONFIG | config))
    card = {"name": folder.name, "date": "2026-11-29", "recipe": {"seed": int(value)}}
    card |= {"losses": {"lessons": {"steps": 100, "tokens": 1000, "held_out": 2.9}}}
    (folder / "card.json").write_text(json.dumps(card))
    (folder / "tokenizer.json").write_text("{}")
    return folder


def test_every_weight_is_the_mean_and_the_card_says_of_what(tmp_path, capsys):
    first, second = adapter(tmp_path / "run" / "adapter", 3.0), adapter(tmp_path / "b", 1.0)
    out = tmp_path / "out"
    assert merging.main([str(first.parent), "--mean", str(second), "-o", str(out)]) == 0
    assert "the mean of 2 adapters" in capsys.readouterr().out
    weights = load_file(out / "adapter_model.safetensors")
    assert {t.dtype for t in weights.values()} == {torch.bfloat16}
    assert torch.equal(weights["m.lora_A.weight"], torch.full((4, 6), 2.0, dtype=torch.bfloat16))
    assert torch.equal(weights["m.lora_B.weight"], torch.full((6, 4), -2.0, dtype=torch.bfloat16))
    card = json.loads((out / "card.json").read_text())
    assert [one["seed"] for one in card["mean_of"]] == [3, 1]
    assert card["mean_of"][0]["held_out"] == 2.9
    assert (out / "tokenizer.json").is_file()
    assert merging.adapter_folder(out) == out, "an adapter like any other"


def test_three_count_alike(tmp_path):
    folders = [
        adapter(tmp_path / name, value) for name, value in (("a", 1.0), ("b", 2.0), ("c", 6.0))
    ]
    mean(folders, tmp_path / "out")
    weights = load_file(tmp_path / "out" / "adapter_model.safetensors")
    assert torch.equal(weights["m.lora_A.weight"], torch.full((4, 6), 3.0, dtype=torch.bfloat16))


def test_the_mean_with_a_mean_says_of_what_that_one_is(tmp_path):
    first, second = adapter(tmp_path / "a", 3.0), adapter(tmp_path / "b", 1.0)
    mean([first, second], tmp_path / "half")
    card = mean([first, tmp_path / "half"], tmp_path / "more")
    origins = [[one["seed"] for one in one.get("mean_of", ())] for one in card["mean_of"]]
    assert origins == [[], [3, 1]]


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"r": 8}, "r is 8, that of .* is 4"),
        ({"lora_alpha": 9}, "lora_alpha is 9"),
        ({"base_model_name_or_path": "another"}, "only adapters that went on from one another"),
        ({"width": 7}, "its matrices are not those of"),
    ],
)
def test_strangers_have_no_mean(tmp_path, other, told):
    first, second = adapter(tmp_path / "a", 1.0), adapter(tmp_path / "b", 1.0, **other)
    with pytest.raises(WeightsError, match=told):
        mean([first, second], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_one_is_no_mean_and_nothing_is_written_over(tmp_path):
    first, second = adapter(tmp_path / "a", 1.0), adapter(tmp_path / "b", 2.0)
    with pytest.raises(WeightsError, match="two adapters or more"):
        mean([first], tmp_path / "out")
    with pytest.raises(WeightsError, match="is there already"):
        mean([first, second], first)


def test_a_broken_file_is_named(tmp_path):
    first, second = adapter(tmp_path / "a", 1.0), adapter(tmp_path / "b", 2.0)
    (second / "adapter_model.safetensors").write_bytes(b"no weights")
    with pytest.raises(WeightsError, match=r"b.adapter_model\.safetensors: cannot be read"):
        mean([first, second], tmp_path / "out")
