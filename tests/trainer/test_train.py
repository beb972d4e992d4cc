"""`mrp train` from nothing to a model folder, and through a kill -9 in the middle."""

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import torch
from transformers import LlamaForCausalLM, Trainer

from characters.card import load_cast
from characters.prompt import encode, prompt
from characters.turn import Scene, Turn
from trainer import train as training
from trainer.books import BookError
from trainer.checkpoints import last_checkpoint
from trainer.guard import TrainError
from trainer.lessons import Lesson, LessonError
from trainer.recipe import Recipe, load_recipe
from trainer.vocabulary import TokenizerEncoder, load_tokenizer

ROOT = Path(__file__).resolve().parents[2]

RECIPE = """
name = "tiny"
seed = 5
[data]
novel = {novel}
books = {books}
canon = "unused"
lessons = {lessons}
held_out = [2, 5]
titles = ["后西游记"]
[model]
vocabulary = 600
width = 32
layers = 2
heads = 2
feed_forward = 48
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
repeat_penalty = 1.05
max_tokens = 60
[pretrain]
tokens = 6000
row = 32
batch = 96
warmup = 3
rate = 1.0
[lessons]
tokens = 6000
row = 400
batch = 600
warmup = 3
rate = 1.0
share = {{ canon = 0.5, identity = 0.2, talk = 0.2, unknown = 0.1 }}
english = 0.0
[optimizer]
muon_lr = 0.02
adam_lr = 3e-3
weight_decay = 0.01
clip = 1.0
"""


def tiny_lessons(count: int) -> list[Lesson]:
    cast = load_cast()
    stage = (cast["wukong"], cast["bajie"])
    return [
        Lesson(
            id=f"talk-{number}",
            source="talk",
            scene=Scene(stage, (Turn("小明", f"你是谁？{'？' * (number % 3)}"),)),
            speaker=stage[number % 2],
            reply=("老孙来也！", "老猪饿了。")[number % 2],
        )
        for number in range(count)
    ]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, novel) -> Path:
    """A recipe file with all its data; each stage is about 6,000 tokens."""
    folder = tmp_path_factory.mktemp("tiny")
    books = folder / "books.jsonl"
    rng = random.Random(3)
    sections = ["".join(rng.choices("孙小圣在花果山上好不快活，。", k=400)) for _ in range(12)]
    rows = [{"title": "后西游记", "text": text} for text in sections]
    books.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    lessons = folder / "lessons"
    lessons.mkdir()
    for split, count in (("train", 48), ("held_out", 6)):
        lines = [json.dumps(one.to_row()) + "\n" for one in tiny_lessons(count)]
        (lessons / f"{split}.jsonl").write_text("".join(lines))
    file = folder / "tiny.toml"
    paths = {"novel": novel, "books": books, "lessons": lessons}
    file.write_text(RECIPE.format(**{name: json.dumps(str(p)) for name, p in paths.items()}))
    return file


@pytest.fixture(scope="module")
def recipe(tiny) -> Recipe:
    return load_recipe(tiny)


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny) -> Path:
    """A run that nobody interrupts, started as a user would."""
    folder = tmp_path_factory.mktemp("run")
    assert training.main([str(tiny), "-o", str(folder)]) == 0
    return folder


def card_of(run: Path) -> dict:
    return json.loads((run / "model" / "card.json").read_text(encoding="utf-8"))


def report_of(run: Path, stage: str) -> dict:
    return json.loads((run / stage / "done.json").read_text())


def test_a_run_leaves_a_model_its_card_and_its_curves(run):
    picture = (run / "losses.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    made = {file.name for file in (run / "model").iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json", "card.json"} <= made
    assert not [name for name in made if name.endswith((".bin", ".pt", ".pth"))]


def test_the_card_says_what_made_it_from_what(run, recipe):
    card = card_of(run)
    assert card["name"] == "tiny"
    assert card["license"] == "Apache-2.0"
    assert card["recipe"]["model"]["width"] == 32
    assert card["recipe"]["data"]["held_out"] == [2, 5]
    for key in ("date", "commit", "hardware", "made_by"):
        assert card[key], key
    model = LlamaForCausalLM.from_pretrained(run / "model")
    assert card["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    for stage in ("pretrain", "lessons"):
        losses, report = card["losses"][stage], report_of(run, stage)
        for key in ("tokens", "learned", "steps"):
            assert losses[key] == report[key] > 0
        assert 0 < losses["held_out"] < 10
        assert 0 < losses["train"] < 10
    assert card["losses"]["pretrain"]["learned"] == card["losses"]["pretrain"]["tokens"]
    assert card["losses"]["lessons"]["learned"] < card["losses"]["lessons"]["tokens"]


def test_what_goes_into_the_gguf_says_how_to_serve_it(run, recipe):
    told = card_of(run)["gguf"]
    assert all(isinstance(text, str) for text in told.values())
    style = json.loads(told["mrp.style"])
    assert style["markup"] == "chatml"
    assert style["cards"] == "brief"
    assert style["rules"] is False
    assert style["temperature"] == 0.7
    assert style["max_tokens"] == 60
    assert json.loads(told["mrp.losses"]) == card_of(run)["losses"]
    assert told["mrp.recipe"] == "tiny"


def test_each_stage_learned_something(run):
    for stage in ("pretrain", "lessons"):
        history = report_of(run, stage)["history"]
        measured = [row["eval_loss"] for row in history if "eval_loss" in row]
        assert measured[-1] < measured[0] - 0.3, stage


def test_the_model_of_the_folder_says_the_card_of_its_losses(run, recipe):
    """The weights that were saved are those that were measured last."""
    model = LlamaForCausalLM.from_pretrained(run / "model").eval()
    tokenizer = load_tokenizer(run / "model")
    _, measure = training._lesson_batches(recipe, tokenizer)
    assert tokenizer.eos_token == "<|im_end|>"
    losses: list[float] = []
    with torch.no_grad():
        for batch in measure:
            losses += [float(model(**batch).loss)] * len(batch["input_ids"])
    measured = card_of(run)["losses"]["lessons"]["held_out"]
    # Measured in bfloat16 there, in float32 here.
    assert sum(losses) / len(losses) == pytest.approx(measured, rel=0.03)


def test_the_lessons_taught_the_replies(run, recipe):
    """What was said 48 times in the lessons is likelier than it was before them."""
    encoder = TokenizerEncoder(load_tokenizer(run / "model"))
    for one in tiny_lessons(2):
        asked = encode(prompt(one.scene, one.speaker, style=recipe.prompt.style), encoder)
        said = list(encoder(one.reply, False))
        labels = torch.tensor([[-100] * len(asked) + said])
        loss = {}
        for stage in ("pretrain/final", "model"):
            model = LlamaForCausalLM.from_pretrained(run / stage).eval()
            with torch.no_grad():
                loss[stage] = float(model(torch.tensor([asked + said]), labels=labels).loss)
        assert loss["model"] < loss["pretrain/final"] - 0.2


def test_a_finished_run_is_not_trained_again(run, tiny, monkeypatch):
    before = {stage: report_of(run, stage) for stage in ("pretrain", "lessons")}
    weights = (run / "model" / "model.safetensors").read_bytes()

    def never(*args, **kwargs):
        raise AssertionError("trained again")

    monkeypatch.setattr(Trainer, "train", never)
    assert training.main([str(tiny), "-o", str(run)]) == 0
    assert {stage: report_of(run, stage) for stage in before} == before
    assert (run / "model" / "model.safetensors").read_bytes() == weights


# The stage's own process ends itself at a batch it has not finished: nothing depends on speed.
KILLED = """
import os, signal, sys
from trainer import rows, train

read = rows.Batches.__getitem__

def killing(self, index):
    if index == {at} and len(self) > {at}:
        os.kill(os.getpid(), signal.SIGKILL)
    return read(self, index)

rows.Batches.__getitem__ = killing
train.main(sys.argv[1:])
"""


def test_killed_in_the_middle_and_started_again_it_ends_with_the_same_losses(run, tiny, tmp_path):
    steps = report_of(run, "pretrain")["steps"]
    at = 47
    assert 40 < at < steps - 5, "there is a checkpoint behind it and work before it"
    killed = subprocess.run(
        [sys.executable, "-c", KILLED.format(at=at), str(tiny), "-o", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (tmp_path / "pretrain" / "done.json").exists()
    assert last_checkpoint(tmp_path / "pretrain") is not None

    assert training.main([str(tiny), "-o", str(tmp_path)]) == 0
    again = report_of(tmp_path, "pretrain")
    assert again["resumed"]
    assert not report_of(run, "pretrain")["resumed"]
    assert again["steps"] == steps
    for stage in ("pretrain", "lessons"):
        mine, theirs = card_of(tmp_path)["losses"][stage], card_of(run)["losses"][stage]
        assert mine["train"] == pytest.approx(theirs["train"], abs=1e-3)
        assert mine["held_out"] == pytest.approx(theirs["held_out"], abs=1e-3)
        assert mine["tokens"] == theirs["tokens"]


def test_the_way_can_be_walked_one_stage_at_a_time(tiny, tmp_path, monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError("nothing is trained yet")

    monkeypatch.setattr(Trainer, "train", never)
    assert training.main([str(tiny), "-o", str(tmp_path), "--until", "tokenizer"]) == 0
    assert [file.name for file in tmp_path.iterdir()] == ["tokenizer"]
    made = load_tokenizer(tmp_path / "tokenizer")
    assert len(made) == 600
    text = "老孙来也，<|im_end|>👩‍🚀 Old Sun!\n"
    ids = made.encode(text, add_special_tokens=False, split_special_tokens=True)
    assert made.decode(ids) == text
    assert not set(ids) & set(made.all_special_ids)


@pytest.mark.parametrize(("option", "named"), [("--novel", "novel"), ("--books", "JSON lines")])
def test_data_that_is_not_there_is_named(option, named, tiny, tmp_path):
    gone = tmp_path / "gone.txt"
    with pytest.raises(ValueError, match=named) as told:
        training.main([str(tiny), "-o", str(tmp_path / "run"), option, str(gone)])
    assert isinstance(told.value, BookError)
    assert told.value.for_user
    assert str(gone) in str(told.value)


def test_lessons_that_are_not_there_are_named_by_a_finished_pretraining(run, tiny, tmp_path):
    for stage in ("tokenizer", "pretrain"):
        (tmp_path / stage).symlink_to(run / stage)
    with pytest.raises(ValueError, match="mrp lessons") as told:
        training.main([str(tiny), "-o", str(tmp_path), "--lessons", str(tmp_path / "gone")])
    assert isinstance(told.value, LessonError)
    assert told.value.for_user


def with_lessons(tiny: Path, folder: Path, *rows: dict) -> list[str]:
    """The recipe's arguments with other lessons: these rows behind its own."""
    own = Path(tomllib.loads(tiny.read_text())["data"]["lessons"])
    shutil.copytree(own, folder)
    with (folder / "train.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return [str(tiny), "--lessons", str(folder)]


LONG = "答" * 3000


def test_a_lesson_that_is_too_long_is_left_out_and_named(run, tiny, tmp_path, capsys, monkeypatch):
    long = tiny_lessons(1)[0].to_row() | {"id": "import-00007", "reply": LONG}
    args = with_lessons(tiny, tmp_path / "lessons", long, long | {"id": "import-00008"})
    shutil.copytree(run / "tokenizer", tmp_path / "run" / "tokenizer")
    shutil.copytree(run / "pretrain", tmp_path / "run" / "pretrain")
    assert training.main([*args, "-o", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().err
    assert "48 lessons in train.jsonl; 2 longer than 400 tokens left out" in said
    assert "import-00007, import-00008" in said
    assert report_of(tmp_path / "run", "lessons")["tokens"] == report_of(run, "lessons")["tokens"]


@pytest.mark.parametrize("problem", ["all too long", "broken"])
def test_what_is_wrong_with_the_lessons_is_said_before_anything_is_trained(
    problem, tiny, tmp_path, monkeypatch
):
    def never(*args, **kwargs):
        raise AssertionError("trained")

    monkeypatch.setattr(Trainer, "train", never)
    row = tiny_lessons(1)[0].to_row() | {"reply": LONG}
    args = with_lessons(tiny, tmp_path / "lessons")
    lines = json.dumps(row) if problem == "all too long" else "{"
    (tmp_path / "lessons" / "train.jsonl").write_text(lines + "\n")
    told = "none fits 400 tokens" if problem == "all too long" else r"train\.jsonl:1: broken"
    with pytest.raises(LessonError, match=told):
        training.main([*args, "-o", str(tmp_path / "run")])


@pytest.mark.parametrize("where", ["save_model", "_save_checkpoint"])
def test_a_full_disk_is_one_sentence(where, run, tiny, tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    shutil.copytree(run / "tokenizer", tmp_path / "tokenizer")
    monkeypatch.setattr(Trainer, where, full)
    monkeypatch.setattr(Trainer, "train", lambda self, **_: self._save_checkpoint(0, 0))
    if where == "save_model":
        monkeypatch.setattr(Trainer, "train", lambda self, **_: None)
    with pytest.raises(TrainError, match=r"cannot be written .*No space left") as told:
        training.main([str(tiny), "-o", str(tmp_path)])
    assert told.value.for_user
    assert "make room" in str(told.value)
