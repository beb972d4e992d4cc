"""A small world for the trainer's tests: a made-up novel, its scenes, a tiny recipe."""

import dataclasses
import io
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import torch
from safetensors.torch import save_file

from trainer.recipe import Recipe, Tuning, load, load_recipe

MINI = Path(__file__).resolve().parents[2] / "trainer" / "recipes" / "mini.toml"

# Two threads that wait for each other on a busy machine take a hundred times as long as one.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"

NUMBERS = "一二三四五六七八九十"
WHO = ("孙悟空", "唐僧", "猪八戒", "沙僧")


def load_tuning(file: Path) -> Tuning:
    """A recipe for an adapter on a base; `trainer.recipe.load` reads either kind."""
    recipe = load(file)
    assert isinstance(recipe, Tuning)
    return recipe


def _turn(speaker: str, text: str, kind: str = "speech", confidence: float = 1.0) -> dict[str, Any]:
    return {
        "speaker": speaker,
        "addressee": "",
        "text": text,
        "kind": kind,
        "confidence": confidence,
        "start": 0,
        "end": len(text),
    }


@pytest.fixture(scope="session")
def turn() -> Callable[..., dict[str, Any]]:
    return _turn


@pytest.fixture(scope="session")
def write_scenes() -> Callable[[Path, dict[int, list[list[dict[str, Any]]]]], Path]:
    """Write scenes.jsonl as `mrp canon build` does: {chapter: [turns of each scene]}."""

    def write(folder: Path, chapters: dict[int, list[list[dict[str, Any]]]]) -> Path:
        file = folder / "scenes.jsonl"
        with file.open("w", encoding="utf-8") as lines:
            for chapter, scenes in chapters.items():
                for number, turns in enumerate(scenes, start=1):
                    row = {
                        "id": f"{chapter:03}-{number:03}",
                        "chapter": chapter,
                        "place": "",
                        "start": 0,
                        "end": 1,
                        "participants": sorted({t["speaker"] for t in turns} - {"", "?"}),
                        "turns": turns,
                    }
                    lines.write(json.dumps(row, ensure_ascii=False) + "\n")
        return file

    return write


@pytest.fixture(scope="session")
def scenes(tmp_path_factory, write_scenes) -> Path:
    """Ten chapters of two scenes; each line says in its text which chapter it is from."""
    chapters = {}
    for chapter in range(1, 11):
        mark = NUMBERS[chapter - 1]
        asked = [
            _turn("", f"师徒行至第{mark}座山。", "narration"),
            _turn("唐僧", f"悟空，第{mark}座山上可有妖怪？"),
            _turn("孙悟空", f"师父莫怕，第{mark}座山的妖怪，老孙去打。"),
            _turn("猪八戒", f"第{mark}座山好高，老猪走不动了，先歇一歇再走罢。"),
        ]
        met = [
            _turn("土地", f"大圣，小神是第{mark}座山的土地。"),
            _turn("孙悟空", f"第{mark}座山的土地，你"),
            _turn("", "行者喝道", "narration"),
            _turn("孙悟空", f"快说第{mark}座山的妖怪在哪里！"),
            _turn("?", f"第{mark}座山有人说话。", confidence=0.0),
            _turn("沙僧", f"二哥，第{mark}座山的担子我来挑。"),
            _turn("牛魔王", f"第{mark}座山是老牛的！"),
        ]
        chapters[chapter] = [asked, met]
    return write_scenes(tmp_path_factory.mktemp("canon"), chapters)


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    """The shipped recipe, with fewer lessons and chapters 3 and 7 held out."""
    made = load_recipe(MINI)
    return dataclasses.replace(
        made,
        data=dataclasses.replace(made.data, held_out=(3, 7)),
        lessons=dataclasses.replace(made.lessons, tokens=150_000),
    )


@pytest.fixture(scope="session")
def novel(tmp_path_factory) -> Path:
    """A novel of six chapters, made up by a seeded dice."""
    rng = random.Random(7)
    chapters = []
    for number in range(6):
        lines = [
            f"　　{rng.choice(WHO)}道：“{rng.choice(WHO)}，{rng.choice('山水风月')}中有"
            f"{rng.choice('妖怪神仙')}，{rng.choice(('快走', '莫慌', '且住', '好耍子'))}！”"
            for _ in range(16)
        ]
        chapters.append(f"第{NUMBERS[number]}回　山高路远\n\n" + "\n".join(lines))
    file = tmp_path_factory.mktemp("novel") / "novel.txt"
    file.write_text("\n\n".join(chapters) + "\n", encoding="utf-8")
    return file


CHAT = ("<|im_start|>", "<|im_end|>")
SPARE = 2  # pieces at the end of the vocabulary that the chat tokens take the place of


def _pieces(size: int) -> bytes:
    """A SentencePiece model with InternLM2's settings (identity, bytes, no dummy prefix)."""
    dice = random.Random(11)
    words = [
        "悟空",
        "八戒",
        "师父",
        "妖怪",
        "老孙",
        "贫僧",
        "甚么",
        "罢了",
        "the",
        "monkey",
        "king",
    ]
    words += [
        "walk",
        "ing",
        " ",
        "  ",
        "，",
        "。",
        "：",
        "？",
        "！",
        "12",
        "3.14",
        "def f(x):",
        "</s",
    ]
    corpus = ["".join(dice.choices(words, k=dice.randint(3, 20))) for _ in range(600)]
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus),
        model_writer=out,
        model_type="bpe",
        vocab_size=size,
        byte_fallback=True,
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
        split_digits=True,
        allow_whitespace_only_pieces=True,
        user_defined_symbols=[f"[UNUSED_TOKEN_{n}]" for n in range(SPARE)],
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return out.getvalue()


@pytest.fixture(scope="session")
def pieces() -> bytes:
    return _pieces(640)


@pytest.fixture(scope="session")
def internlm2(tmp_path_factory, pieces) -> Callable[..., Path]:
    """Makes a random InternLM2 checkpoint as it is published: fused wqkv, SentencePiece."""

    def make(
        *,
        width: int = 64,
        layers: int = 2,
        heads: int = 4,
        groups: int = 2,
        feed_forward: int = 128,
        bias: bool = False,
        shards: int = 1,
        dtype: torch.dtype = torch.float32,
        scale: float = 0.15,
        **changes: Any,
    ) -> Path:
        folder = tmp_path_factory.mktemp("internlm2")
        spelling = sentencepiece.SentencePieceProcessor(model_proto=pieces)
        rows = spelling.get_piece_size()
        generator = torch.Generator().manual_seed(3)

        def values(*shape: int, about: float = 0.0) -> torch.Tensor:
            made = torch.randn(shape, generator=generator) * (0.3 if len(shape) == 1 else scale)
            return (made + about).to(dtype)

        head = width // heads
        tensors = {"model.tok_embeddings.weight": values(rows, width)}
        for layer in range(layers):
            at = f"model.layers.{layer}"
            tensors[f"{at}.attention.wqkv.weight"] = values((heads + 2 * groups) * head, width)
            tensors[f"{at}.attention.wo.weight"] = values(width, width)
            if bias:
                tensors[f"{at}.attention.wqkv.bias"] = values((heads + 2 * groups) * head)
                tensors[f"{at}.attention.wo.bias"] = values(width)
            tensors[f"{at}.feed_forward.w1.weight"] = values(feed_forward, width)
            tensors[f"{at}.feed_forward.w3.weight"] = values(feed_forward, width)
            tensors[f"{at}.feed_forward.w2.weight"] = values(width, feed_forward)
            tensors[f"{at}.attention_norm.weight"] = values(width, about=1.0)
            tensors[f"{at}.ffn_norm.weight"] = values(width, about=1.0)
        tensors["model.norm.weight"] = values(width, about=1.0)
        tensors["output.weight"] = values(rows, width)
        names = list(tensors)
        per = -(-len(names) // shards)
        where = {}
        for number in range(shards):
            file = f"model-{number + 1:05}-of-{shards:05}.safetensors"
            file = "model.safetensors" if shards == 1 else file
            group = {name: tensors[name] for name in names[number * per : (number + 1) * per]}
            save_file(group, folder / file, metadata={"format": "pt"})
            where |= dict.fromkeys(group, file)
        if shards > 1:
            index = {"metadata": {}, "weight_map": where}
            (folder / "model.safetensors.index.json").write_text(json.dumps(index))
        config = {
            "architectures": ["InternLM2ForCausalLM"],
            "model_type": "internlm2",
            "vocab_size": rows,
            "hidden_size": width,
            "intermediate_size": feed_forward,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "num_key_value_heads": groups,
            "max_position_embeddings": 1024,
            "rms_norm_eps": 1e-5,
            "rope_theta": 1_000_000,
            "rope_scaling": {"type": "dynamic", "factor": 2.0},
            "bias": bias,
            "tie_word_embeddings": False,
            "torch_dtype": str(dtype).removeprefix("torch."),
            **changes,
        }
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "tokenizer.model").write_bytes(pieces)
        (folder / "LICENSE").write_text("as you like it")
        spare = [spelling.piece_to_id(f"[UNUSED_TOKEN_{n}]") for n in range(SPARE)]
        added = {
            str(number): {"content": token, "special": True}
            for number, token in zip(spare, CHAT, strict=True)
        }
        settings = {"added_tokens_decoder": added, "tokenizer_class": "InternLM2Tokenizer"}
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
        return folder

    return make


TUNING = """
name = "tiny-voice"
seed = 5
[base]
folder = {base}
layers = 2
width = 64
heads = 4
groups = 2
head_width = 16
feed_forward = 128
vocabulary = {rows}
tied = false
[data]
lessons = {lessons}
cards = ""
[prompt]
markup = "internlm2"
cards = "brief"
rules = false
[sampling]
temperature = 0.7
top_k = 40
top_p = 0.9
min_p = 0.05
repeat_penalty = 1.0
max_tokens = 40
[method]
kind = "qlora"
rank = 8
alpha = 16
dropout = 0.0
double_quant = true
[train]
row = 512
isolated = true
epochs = 2
accumulate = 2
lr = 5e-3
warmup = 0.1
schedule = "cosine"
betas = [0.9, 0.99]
weight_decay = 0.0
clip = 1.0
optimizer = "adamw"
checkpointing = true
embeddings_on_cpu = true
loss_chunk = 32
[watch]
evaluate_every = 0
sample_every = 0
sample_tokens = 8
save_minutes = 10
keep = 2
"""


def _seed_files(folder: Path, each: int = 24) -> list[Path]:
    """Four files in the seed's shape: its systems on every turn, an empty output now and then."""
    dice = random.Random(2)
    files = []
    for stem, role, line in (
        ("swj", "沙悟净", "大师兄，师父被妖怪抓走了"),
        ("swk", "孙悟空", "老孙来也，妖怪哪里走"),
        ("tsz", "唐三藏", "贫僧自东土大唐而来"),
        ("zbj", "猪八戒", "老猪肚子饿了，散伙罢"),
    ):
        rows = []
        for number in range(each):
            asked = "".join(dice.choices("你是谁怕不怕妖怪师父在哪里", k=6))
            said = line + "".join(dice.choices("，。！山水风月云", k=5))
            turns = [{"system": role, "input": f"{asked}{number}？", "output": said}]
            if number % 8 == 0:
                turns.append({"system": role, "input": "还有呢？", "output": ""})
            rows.append(json.dumps({"conversation": turns}, ensure_ascii=False))
        file = folder / f"{stem}.jsonl"
        file.write_text("\n".join(rows) + "\n", encoding="utf-8")
        files.append(file)
    return files


@pytest.fixture(scope="session")
def seed_files() -> Callable[..., list[Path]]:
    return _seed_files


@pytest.fixture(scope="session")
def tuning(tmp_path_factory, internlm2) -> Callable[..., Path]:
    """Writes a tuning recipe with its base and lessons: changes are text → text."""
    # Here, so that this file can be read where the trainer's libraries are slow to load.
    from trainer import compose as writing
    from trainer import internlm2 as base

    folder = tmp_path_factory.mktemp("tuning")
    base.convert(internlm2(), folder / "base", limit=10**9)
    sources = [str(file) for file in _seed_files(folder, 14)]
    dials = ["--held-out", "0.15", "--near", "0"]
    writing.main(["mix", *sources, *dials, "-o", str(folder / "lessons")])
    rows = json.loads((folder / "base" / "config.json").read_text())["vocab_size"]

    def write(file: Path, **changes: str) -> Path:
        text = TUNING.format(
            base=json.dumps(str(folder / "base")),
            lessons=json.dumps(str(folder / "lessons")),
            rows=rows,
        )
        for key, value in changes.items():
            old = next(line for line in text.splitlines() if line.startswith(f"{key} = "))
            text = text.replace(old, f"{key} = {value}", 1)
        file.write_text(text, encoding="utf-8")
        return file

    return write
