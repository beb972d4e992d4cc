"""A merged model says what the adapter on its base says."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from trainer import internlm2 as converter
from trainer import merge as merging
from trainer.shards import Weights, WeightsError

ROOT = Path(__file__).resolve().parents[2]
GB = 10**9


@pytest.fixture
def made(internlm2, tmp_path):
    """A base in the Llama layout and an adapter on it with weights that matter."""

    def make(name: str = "a", **shape) -> tuple[Path, Path]:
        base, run = tmp_path / f"base-{name}", tmp_path / f"run-{name}"
        converter.convert(internlm2(**shape), base, limit=GB)
        model = AutoModelForCausalLM.from_pretrained(base)
        torch.manual_seed(4)
        tuned = get_peft_model(
            model, LoraConfig(r=4, lora_alpha=6, target_modules="all-linear", task_type="CAUSAL_LM")
        )
        for parameter_name, parameter in tuned.named_parameters():
            if "lora_" in parameter_name:
                parameter.data.normal_(0, 0.2)
        tuned.save_pretrained(run / "adapter")
        AutoTokenizer.from_pretrained(base).save_pretrained(run / "adapter")
        card = {"name": "voice", "gguf": {"mrp.style": "{}"}}
        (run / "adapter" / "card.json").write_text(json.dumps(card))
        return base, run

    return make


def test_the_merged_model_says_what_the_adapter_on_the_base_says(made, tmp_path):
    base, run = made()
    args = [str(run), "-o", str(tmp_path / "out"), "--max-shard-size", "60KB"]
    assert merging.main(args) == 0
    assert len(list((tmp_path / "out").glob("*.safetensors"))) > 2
    ids = torch.randint(0, 600, (1, 48), generator=torch.manual_seed(5))
    alone = AutoModelForCausalLM.from_pretrained(base).eval()
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "out").eval()
    with torch.no_grad():
        plain, got = alone(ids).logits, merged(ids).logits
        on_base = PeftModel.from_pretrained(alone, run / "adapter").eval()
        want = on_base(ids).logits
    assert (want - plain).abs().max() > 0.5, "the adapter matters"
    assert (got - want).abs().max() <= 1e-4


def test_sixteen_bits_are_rounded_once(made, tmp_path):
    base, run = made(dtype=torch.bfloat16)
    merging.merge(run, tmp_path / "out", limit=GB)
    name = "model.layers.1.mlp.down_proj.weight"
    adapter = load_file(run / "adapter" / "adapter_model.safetensors")
    at = f"base_model.model.{name.removesuffix('.weight')}"
    share = adapter[f"{at}.lora_B.weight"].float() @ adapter[f"{at}.lora_A.weight"].float()
    want = (Weights(base)[name].double() + 1.5 * share.double()).to(torch.bfloat16)
    got = Weights(tmp_path / "out")[name]
    assert got.dtype == torch.bfloat16
    assert (got.float() - want.float()).abs().max() <= 2**-8 * want.abs().max()
    untouched = "model.norm.weight"
    assert torch.equal(Weights(tmp_path / "out")[untouched], Weights(base)[untouched])


def test_the_folder_is_whole(made, tmp_path, capsys):
    base, run = made()
    (run / "adapter" / "training_args.bin").write_bytes(b"x")
    assert merging.main([str(run), "-o", str(tmp_path / "out"), "--json"]) == 0
    card = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert card["gguf"] == {"mrp.style": "{}"}
    assert card["base"] == base.name
    there = {file.name for file in (tmp_path / "out").iterdir()}
    assert {"config.json", "tokenizer.json", "chat_template.jinja", "card.json"} <= there
    assert "LICENSE" in there
    assert not [name for name in there if "adapter" in name or name.endswith(".bin")]


def test_an_adapter_for_another_base_is_refused(made, tmp_path):
    _, run = made("a")
    for shape, told in (({"width": 128}, "another base"), ({"layers": 1}, "lacks")):
        other, _ = made(f"b{len(shape)}{told[:2]}", **shape)
        with pytest.raises(WeightsError, match=told):
            merging.merge(run, tmp_path / "out", base=other, limit=GB)
    assert not (tmp_path / "out").exists()


def test_a_base_with_fewer_words_is_refused(made, tmp_path):
    base, run = made()
    file = base / "model.safetensors"
    tensors = load_file(file)
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        tensors[name] = tensors[name][:500].clone()
    save_file(tensors, file)
    with pytest.raises(WeightsError, match="but the base has 500"):
        merging.merge(run, tmp_path / "out", limit=GB)


def test_what_is_missing_is_named(made, tmp_path):
    _, run = made()
    with pytest.raises(WeightsError, match="no adapter there"):
        merging.merge(tmp_path, tmp_path / "out", limit=GB)
    with pytest.raises(WeightsError, match="nothing is fetched"):
        merging.merge(run, tmp_path / "out", base=Path("internlm/internlm2"), limit=GB)
    (run / "adapter" / "adapter_model.safetensors").write_bytes(b"broken")
    with pytest.raises(WeightsError, match="no safetensors file"):
        merging.merge(run, tmp_path / "out", limit=GB)


PEAK = """
import resource, sys
from pathlib import Path
from trainer import merge
small, large, out = map(Path, sys.argv[1:])
merge.merge(small, out / "small", limit=10**9)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
merge.merge(large, out / "large", limit=50 * 10**6)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


def test_memory_stays_at_the_largest_layer_and_a_shard(made, tmp_path):
    _, small = made("small")
    base, large = made(
        "large", width=512, layers=14, feed_forward=2048, heads=8, dtype=torch.bfloat16
    )
    total = (base / "model.safetensors").stat().st_size
    layer = (4 * 512 * 512 + 3 * 512 * 2048) * 2
    assert total > layer + 50e6, "the bound says something"
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(small), str(large), str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) <= layer + 50e6


# --- as PEFT merges --------------------------------------------------------------------------


def tuned(base: Path, folder: Path, **settings) -> Path:
    """An adapter with weights that matter, saved as PEFT saves it: without a tokenizer."""
    model = AutoModelForCausalLM.from_pretrained(base)
    torch.manual_seed(4)
    config = {"r": 4, "lora_alpha": 6, "target_modules": "all-linear", "task_type": "CAUSAL_LM"}
    adapted = get_peft_model(model, LoraConfig(**config | settings))
    for name, parameter in adapted.named_parameters():
        if "lora_" in name:
            parameter.data.normal_(0, 0.2)
    adapted.save_pretrained(folder)
    return folder


PATTERNS: dict[str, dict[str, Any]] = {
    "an alpha of its own": {"alpha_pattern": {"down_proj": 32, "layers.0.self_attn.q_proj": 1}},
    "a rank of its own": {"rank_pattern": {"up_proj": 2, r".*\.1\.mlp\.gate_proj": 8}},
    "both, by the root of the rank": {
        "rank_pattern": {"v_proj": 2},
        "alpha_pattern": {"v_proj": 3, "o_proj": 11},
        "use_rslora": True,
    },
    "some layers only": {"target_modules": ["q_proj", "up_proj"], "layers_to_transform": [1]},
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_are_merged_as_peft_merges_them(pattern, made, tmp_path):
    base, _ = made()
    adapter = tuned(base, tmp_path / "adapter", **PATTERNS[pattern])
    merging.merge(adapter, tmp_path / "out", base=base, limit=GB)
    alone = AutoModelForCausalLM.from_pretrained(base)
    want = PeftModel.from_pretrained(alone, adapter).merge_and_unload().state_dict()
    got = Weights(tmp_path / "out")
    for name in got.entries:
        assert (got[name] - want[name]).abs().max() <= 1e-5, name
    there = {file.name for file in (tmp_path / "out").iterdir()}
    assert {"tokenizer.json", "tokenizer_config.json", "chat_template.jinja"} <= there, "the base's"


def test_a_way_that_changes_the_base_is_refused(made, tmp_path):
    _base, run = made()
    file = run / "adapter" / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"init_lora_weights": "pissa"}))
    with pytest.raises(WeightsError, match="changes the base itself"):
        merging.merge(run, tmp_path / "out", limit=GB)
    assert not (tmp_path / "out").exists()


def spoiled(file: Path, name: str, value: float, dtype: torch.dtype | None = None) -> None:
    tensors = load_file(file)
    (key,) = (one for one in tensors if one.endswith(name))
    tensors[key].view(-1)[0] = value
    save_file({k: v.to(dtype) if dtype else v for k, v in tensors.items()}, file)


@pytest.mark.parametrize(
    ("where", "name", "value", "told"),
    [
        ("adapter", "layers.1.mlp.up_proj.lora_B.weight", float("nan"), r"layers\.1\.mlp\.up_proj"),
        ("adapter", "layers.1.mlp.up_proj.lora_A.weight", float("inf"), r"layers\.1\.mlp\.up_proj"),
        ("base", "model.norm.weight", float("nan"), r"model\.norm\.weight: holds values"),
        ("base", "layers.0.mlp.up_proj.weight", float("inf"), r"layers\.0\.mlp\.up_proj\.weight"),
    ],
)
def test_a_value_that_is_no_number_names_its_tensor(where, name, value, told, made, tmp_path):
    base, run = made()
    file = (
        base / "model.safetensors" if where == "base" else run / "adapter/adapter_model.safetensors"
    )
    spoiled(file, name, value)
    with pytest.raises(WeightsError, match=told):
        merging.merge(run, tmp_path / "out", limit=GB)
    assert not (tmp_path / "out").exists()


def test_a_sum_that_half_precision_cannot_hold_is_refused(made, tmp_path):
    _base, run = made(dtype=torch.float16)
    file = run / "adapter" / "adapter_model.safetensors"
    for name in ("layers.1.mlp.up_proj.lora_A.weight", "layers.1.mlp.up_proj.lora_B.weight"):
        spoiled(file, name, 60000.0)
    with pytest.raises(WeightsError, match=r"up_proj.*float16 cannot"):
        merging.merge(run, tmp_path / "out", limit=GB)
    assert not (tmp_path / "out").exists()
