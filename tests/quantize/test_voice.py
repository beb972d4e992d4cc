"""`make voice`: from a novel and a tiny base to a GGUF that a terminal room is served with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from quantize import convert

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent

# Ours, not the book's: enough for the attribution to know who speaks.
SAID = [
    ("行者", "师父莫怕，老孙去前面看看。"),
    ("八戒", "哥啊，老猪的肚子又饿了。"),
    ("三藏", "悟净，把马牵好，贫僧下来走走。"),
    ("沙僧", "师父放心，担子我挑着。"),
    ("行者", "呆子，你又要偷懒么？"),
    ("八戒", "我不曾偷懒，只是脚疼。"),
]
LESSONS = """
name = "tiny"
seed = 1
[data]
novel = "none"
books = "none"
canon = "none"
lessons = "none"
held_out = [2]
titles = []
[model]
vocabulary = 600
width = 64
layers = 2
heads = 4
feed_forward = 96
context = 512
[prompt]
markup = "chatml"
cards = "brief"
rules = false
[sampling]
temperature = 0.7
top_k = 40
top_p = 0.9
min_p = 0.05
repeat_penalty = 1.0
max_tokens = 30
[pretrain]
tokens = 1000
row = 64
batch = 128
warmup = 1
rate = 1.0
[lessons]
tokens = 4000
row = 512
batch = 512
warmup = 1
rate = 0.5
share = { canon = 0.3, identity = 0.2, talk = 0.4, unknown = 0.1 }
english = 0.1
[optimizer]
muon_lr = 0.01
adam_lr = 1e-3
weight_decay = 0.0
clip = 1.0
"""
TUNING = """
name = "tiny-voice"
seed = 5
[base]
folder = "none"
layers = 2
width = 64
heads = 4
groups = 2
head_width = 16
feed_forward = 96
vocabulary = {rows}
tied = true
[data]
lessons = "none"
cards = ""
[prompt]
markup = "chatml"
cards = "brief"
rules = false
[sampling]
temperature = 0.7
top_k = 40
top_p = 0.9
min_p = 0.05
repeat_penalty = 1.0
max_tokens = 30
[method]
kind = "lora"
rank = 4
alpha = 8
dropout = 0.0
double_quant = false
[train]
row = 1024
isolated = true
epochs = 1
accumulate = 1
lr = 1e-3
warmup = 0.1
schedule = "cosine"
betas = [0.9, 0.99]
weight_decay = 0.0
clip = 1.0
optimizer = "adamw"
checkpointing = false
embeddings_on_cpu = false
loss_chunk = 256
[watch]
evaluate_every = 0
sample_every = 0
sample_tokens = 4
save_minutes = 10
keep = 1
"""


@pytest.fixture
def words(folder: Any, tmp_path: Path) -> list[str]:
    base, _, tokenizer = folder("qwen2", split="qwen2", max_position_embeddings=2048)
    lines = "\n".join(f"{who}道：“{text}”" for who, text in SAID * 4)
    novel = "".join(f"# 第{n}回　师徒上路\n\n{lines}\n\n" for n in "一二三")
    (tmp_path / "novel.txt").write_text(novel, encoding="utf-8")
    (tmp_path / "lessons.toml").write_text(LESSONS, encoding="utf-8")
    (tmp_path / "tuning.toml").write_text(TUNING.format(rows=len(tokenizer)), encoding="utf-8")
    return [
        "make",
        "--no-print-directory",
        # What is installed is not this test's matter.
        *("-o", ".venv/everything", "-o", ".venv/room", "-o", ".venv/bin/python"),
        "voice",
        f"BIN={BIN}",
        f"BASE={base}",
        f"NOVEL={tmp_path / 'novel.txt'}",
        f"RECIPE={tmp_path / 'lessons.toml'}",
        f"TUNING={tmp_path / 'tuning.toml'}",
        f"VOICE={tmp_path / 'voice'}",
        "TYPE=Q8_0",
        "MEMORY=1GiB",
        "CONTEXT=512",
    ]


def run(words: list[str]) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        words, cwd=ROOT, capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.skipif(not (BIN / "mrp").exists(), reason="mrp is not installed beside this Python")
@pytest.mark.timeout(900)  # half a minute of processor time, eleven processes
def test_from_a_novel_to_a_room(words: list[str], tmp_path: Path) -> None:
    voice = tmp_path / "voice"
    said = run(words)
    stages = ["canon build", "lessons", "train", "merge", "convert", "imatrix", "shrink", "fit"]
    assert [stage for stage in stages if f"/mrp {stage}" in said] == stages
    told = json.loads((voice / "voice.card.json").read_text(encoding="utf-8"))
    assert told["engine"]["context"] == 512
    assert not [line for line in run(words).splitlines() if "/mrp " in line and "Talk" not in line]

    (voice / "voice.gguf").unlink()  # what is missing is made again, and nothing before it
    again = run(words)
    assert "/mrp shrink" in again
    assert "/mrp imatrix" not in again
    talks(voice, tmp_path)


@pytest.mark.skipif(not (BIN / "mrp").exists(), reason="mrp is not installed beside this Python")
@pytest.mark.timeout(900)  # as above
def test_from_a_gguf_to_a_room(words: list[str], tmp_path: Path) -> None:
    """The file that is chatted with is the base: it is unpacked, and all else goes as before."""
    base = next(word.removeprefix("BASE=") for word in words if word.startswith("BASE="))
    chatted = tmp_path / "tiny-chat-f16.gguf"
    assert convert.main([base, "-o", str(chatted), "--type", "f16"]) == 0
    words = [f"BASE={chatted}" if word.startswith("BASE=") else word for word in words]
    said = run(words)
    stages = ["base", "canon build", "lessons", "train", "merge", "convert", "imatrix", "shrink"]
    assert [stage for stage in stages if f"/mrp {stage}" in said] == stages
    card = json.loads((tmp_path / "voice" / "base" / "card.json").read_text(encoding="utf-8"))
    assert card["from"]["name"] == chatted.name
    talks(tmp_path / "voice", tmp_path)


def talks(voice: Path, tmp_path: Path) -> None:
    """A terminal room on the voice answers."""
    talk = [str(BIN / "mrp"), "terminal", "--model", str(voice / "voice.gguf")]
    done = subprocess.run(
        talk,
        cwd=tmp_path,
        input="/summon wukong\n悟空，你是谁？\n",
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HOME": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "孙悟空" in done.stdout
