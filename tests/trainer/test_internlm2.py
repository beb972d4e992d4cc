"""A checkpoint in InternLM2's layout says the same as a Llama: logits and token ids."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
import sentencepiece
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer

from trainer import hf_folder
from trainer import internlm2 as base
from trainer.shards import Weights, WeightsError

ROOT = Path(__file__).resolve().parents[2]
GB = 10**9


def fused_logits(folder: Path, ids: torch.Tensor) -> torch.Tensor:
    """InternLM2 by hand from its own tensors: attention on the fused matrix, (1, tokens) ids."""
    config = json.loads((folder / "config.json").read_text())
    tensors = {}
    for file in folder.glob("*.safetensors"):
        tensors |= load_file(file)
    tensors = {name: tensor.float() for name, tensor in tensors.items()}
    width, heads = config["hidden_size"], config["num_attention_heads"]
    groups, head = config["num_key_value_heads"], width // heads
    count = ids.shape[1]

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        size = x.pow(2).mean(-1, keepdim=True)
        return tensors[name] * (x * torch.rsqrt(size + config["rms_norm_eps"]))

    def linear(x: torch.Tensor, name: str) -> torch.Tensor:
        return F.linear(x, tensors[f"{name}.weight"], tensors.get(f"{name}.bias"))

    turn = 1.0 / config["rope_theta"] ** (torch.arange(0, head, 2).float() / head)
    angles = torch.outer(torch.arange(count).float(), turn)
    angles = torch.cat((angles, angles), -1)

    def rotated(x: torch.Tensor) -> torch.Tensor:  # (heads, tokens, head)
        first, second = x.chunk(2, -1)
        return x * angles.cos() + torch.cat((-second, first), -1) * angles.sin()

    x = tensors["model.tok_embeddings.weight"][ids[0]]
    hidden = torch.full((count, count), float("-inf")).triu(1)
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}"
        fused = linear(norm(x, f"{at}.attention_norm.weight"), f"{at}.attention.wqkv")
        each = heads // groups
        fused = fused.view(count, groups, each + 2, head)
        mixed = []
        for group in range(groups):
            key = rotated(fused[:, group, each][None])
            value = fused[:, group, each + 1][None]
            query = rotated(fused[:, group, :each].transpose(0, 1))
            weight = (query @ key.transpose(1, 2) / head**0.5 + hidden).softmax(-1)
            mixed.append(weight @ value)
        said = torch.cat(mixed).transpose(0, 1).reshape(count, width)
        x = x + linear(said, f"{at}.attention.wo")
        inner = norm(x, f"{at}.ffn_norm.weight")
        gate = F.silu(linear(inner, f"{at}.feed_forward.w1"))
        x = x + linear(gate * linear(inner, f"{at}.feed_forward.w3"), f"{at}.feed_forward.w2")
    return linear(norm(x, "model.norm.weight"), "output")[None]


SHAPES = {
    "as the 7B: four queries a group": {"heads": 8, "groups": 2},
    "as the 1.8B: two queries a group": {"heads": 4, "groups": 2},
    "one query a group": {"heads": 4, "groups": 4},
    "one group": {"heads": 4, "groups": 1},
    "with biases, in three shards": {"bias": True, "shards": 3},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_llama_says_what_the_fused_form_says(shape, internlm2, tmp_path):
    folder = internlm2(**SHAPES[shape])
    out = tmp_path / "llama"
    assert hf_folder.main([str(folder), "-o", str(out), "--max-shard-size", "100KB"]) == 0
    model = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32).eval()
    ids = torch.randint(0, model.config.vocab_size, (1, 40), generator=torch.manual_seed(1))
    with torch.no_grad():
        got, want = model(ids).logits, fused_logits(folder, ids)
    assert want.std() > 0.1
    assert (got - want).abs().max() <= 1e-4


def test_what_was_sixteen_bits_stays_bit_for_bit(internlm2, tmp_path):
    folder = internlm2(dtype=torch.bfloat16)
    base.convert(folder, tmp_path / "out", limit=GB)
    old, new = Weights(folder), Weights(tmp_path / "out")
    for name in ("model.norm.weight", "model.layers.1.self_attn.v_proj.weight"):
        assert new.entry(name).dtype == torch.bfloat16
    # 4 heads in 2 groups of width 16: rows q q k v, then q q k v.
    fused = old["model.layers.1.attention.wqkv.weight"]
    value = torch.cat((fused[48:64], fused[112:128]))
    assert torch.equal(new["model.layers.1.self_attn.v_proj.weight"], value)


def test_a_long_text_is_scaled_by_the_same_rope(internlm2, tmp_path):
    base.convert(internlm2(), tmp_path / "out", limit=GB)
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    rope = config["rope_parameters"]
    assert (rope["rope_type"], rope["factor"], rope["rope_theta"]) == ("dynamic", 2.0, 1e6)


def test_the_folder_is_whole(internlm2, tmp_path, capsys):
    out = tmp_path / "out"
    assert (
        hf_folder.main([str(internlm2()), "-o", str(out), "--max-shard-size", "50KB", "--json"])
        == 0
    )
    card = json.loads(capsys.readouterr().out.splitlines()[-1])
    shards = sorted(file.name for file in out.glob("*.safetensors"))
    assert shards == card["shards"]
    assert len(shards) > 2
    assert all((out / name).stat().st_size < 180_000 for name in shards)
    made = {file.name for file in out.iterdir()}
    assert {"config.json", "tokenizer.json", "card.json", "LICENSE"} <= made
    assert not [name for name in made if name.endswith((".py", ".bin"))]
    with safe_open(out / shards[0], framework="np") as opened:
        assert opened.metadata() == {"format": "pt"}


# --- tokens ----------------------------------------------------------------------------------


def lines(count: int) -> list[str]:
    dice = random.Random(5)
    said = [*"悟空八戒师父妖怪的一是不〇㐀𠀀龘，。：？！（）“”…—", *"abcdefghij ABCxyz0123456789"]
    said += [
        "the",
        "monkey",
        "king",
        "  ",
        "   ",
        "\t",
        "\n",
        "\r\n",
        "🐒",
        "🙏🏽",
        "é",
        "ß",
        "한국어",
    ]
    said += ["<s>", "</s>", "</s", "<unk>", "<0x0A>", "▁", "[UNUSED_TOKEN_0]", "\u3000", "\x00"]
    return ["".join(dice.choices(said, k=dice.randint(1, 40))) for _ in range(count)]


@pytest.fixture(scope="module")
def spelled(internlm2, tmp_path_factory):
    folder = internlm2()
    out = tmp_path_factory.mktemp("made") / "llama"
    base.convert(folder, out, limit=GB)
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    return AutoTokenizer.from_pretrained(out), theirs


def test_ten_thousand_lines_have_the_same_tokens(spelled):
    ours, theirs = spelled
    spare = [n for n in range(theirs.get_piece_size()) if "UNUSED" in theirs.id_to_piece(n)]
    different, back = [], 0
    for line in lines(10_000):
        want = theirs.encode(line)
        if set(spare) & set(want):
            continue  # the chat tokens stand where these were; tested below
        got = ours.encode(line, add_special_tokens=False, split_special_tokens=True)
        if got != want:
            different.append(line)
        back += ours.decode(got) == line.replace("▁", " ")
    assert not different, (len(different), different[:3])
    assert back > 7_000


def test_chat_tokens_are_read_only_as_control(spelled):
    ours, theirs = spelled
    number = theirs.piece_to_id("[UNUSED_TOKEN_1]")
    assert ours.convert_tokens_to_ids("<|im_end|>") == ours.eos_token_id == number
    typed = "<|im_end|></s><s>"
    assert ours.encode("<|im_end|>", add_special_tokens=False) == [number]
    as_text = ours.encode(typed, add_special_tokens=False, split_special_tokens=True)
    assert not set(as_text) & {number, 0, 1, 2}
    assert ours.decode(as_text) == typed


def test_the_chat_template_is_our_markup(spelled):
    ours, _ = spelled
    said = [{"role": "system", "content": "一"}, {"role": "user", "content": "二"}]
    assert ours.apply_chat_template(said, tokenize=False, add_generation_prompt=True) == (
        "<s><|im_start|>system\n一<|im_end|>\n<|im_start|>user\n二<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


# --- memory and bad input --------------------------------------------------------------------

PEAK = """
import resource, sys
from pathlib import Path
from trainer import internlm2
# Once on a small one, so that what is loaded late is there.
internlm2.convert(Path(sys.argv[1]), Path(sys.argv[3]) / "small", limit=10**9)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
internlm2.convert(Path(sys.argv[2]), Path(sys.argv[3]) / "large", limit=10**9)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


def test_memory_stays_below_one_and_a_half_shards(internlm2, tmp_path):
    large = internlm2(width=512, layers=16, feed_forward=2048, heads=8, shards=4)
    shard = max(file.stat().st_size for file in large.glob("*.safetensors"))
    assert shard > 60e6
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(internlm2()), str(large), str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) <= 1.5 * shard


def change(folder: Path, **changes) -> Path:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    return folder


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _cut(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


BROKEN = {
    "pickled weights": (_pickled, "can run code"),
    "a cut shard": (_cut, "cut off"),
    "no tokenizer": (lambda f: (f / "tokenizer.model").unlink(), "tokenizer.model: is missing"),
    "another tokenizer": (
        lambda f: (f / "tokenizer.model").write_bytes(b"x" * 99),
        "SentencePiece",
    ),
    "another model": (lambda f: change(f, model_type="llama"), "not 'internlm2'"),
    "another width": (lambda f: change(f, hidden_size=128), "has the shape"),
    "fewer layers": (lambda f: change(f, num_hidden_layers=1), "no part of InternLM2"),
    "more layers": (lambda f: change(f, num_hidden_layers=3), "lack model.layers.2"),
    "heads that do not divide": (lambda f: change(f, num_key_value_heads=3), "do not divide"),
    "no config": (lambda f: (f / "config.json").unlink(), "config.json: is missing"),
    "a smaller vocabulary": (lambda f: change(f, vocab_size=100), "has the shape"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_folder_is_named_and_nothing_is_left(what, internlm2, tmp_path):
    breaking, told = BROKEN[what]
    folder = internlm2()
    breaking(folder)
    with pytest.raises(WeightsError, match=told) as problem:
        base.convert(folder, tmp_path / "out", limit=GB)
    assert problem.value.for_user
    assert list(tmp_path.iterdir()) == []


def test_a_missing_shard_is_named(internlm2, tmp_path):
    folder = internlm2(shards=3)
    (folder / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"model-00002-of-00003.*missing"):
        base.convert(folder, tmp_path / "out", limit=GB)


def test_the_name_of_a_hub_is_not_a_folder(tmp_path):
    with pytest.raises(WeightsError, match="nothing is fetched"):
        base.convert(Path("internlm/internlm2-chat-7b"), tmp_path / "out", limit=GB)


def test_nothing_is_written_over(internlm2, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(WeightsError, match="is there already"):
        base.convert(internlm2(), tmp_path / "out", limit=GB)


def test_too_little_room_is_said_before_anything_is_written(internlm2, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("", (), {"free": 1000})())
    with pytest.raises(WeightsError, match="free"):
        base.convert(internlm2(), tmp_path / "out", limit=GB)
    assert list(tmp_path.iterdir()) == []
