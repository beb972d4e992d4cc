"""A voice in a base model: what is learned, how a run goes on, and how it ends."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, Trainer

from characters.card import load_cast
from characters.markup import CHATML, INTERNLM2, QWEN3
from characters.prompt import Style, encode, prompt
from characters.turn import Scene, Turn
from tests.trainer.conftest import load_tuning
from trainer import base, lessons, rows, train, tune, vocabulary, watch
from trainer.checkpoints import last_checkpoint
from trainer.guard import TrainError
from trainer.lessons import LessonError
from trainer.recipe import RecipeError
from trainer.shards import WeightsError

# The markups that tokenizers are made for here; test_families.py has all.
MARKUPS = {markup.name: markup for markup in (CHATML, INTERNLM2, QWEN3)}
ROOT = Path(__file__).resolve().parents[2]
SHORT = {"epochs": "1", "sample_tokens": "3", "accumulate": "4"}
EVEN = "640"  # a row that makes an even number of packs: of an odd one two processes read one twice


@pytest.fixture(scope="module")
def recipe_file(tuning, tmp_path_factory) -> Path:
    return tuning(tmp_path_factory.mktemp("recipe") / "tiny.toml", sample_every="4", **SHORT)


@pytest.fixture(scope="module")
def run(recipe_file, tmp_path_factory) -> Path:
    """A run that nobody interrupts."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert train.main([str(recipe_file), "-o", str(folder)]) == 0
    return folder


def card_of(folder: Path) -> dict:
    return json.loads((folder / "adapter" / "card.json").read_text())


# --- what is learned -------------------------------------------------------------------------


def encoder_for(name: str, run: Path) -> tuple:
    if name == "internlm2":
        made = AutoTokenizer.from_pretrained(run / "adapter")
    else:
        texts = ["孙悟空：老孙来也。", "八戒，你怕不怕？", "Who are you?"] * 20
        made = vocabulary.train_tokenizer(texts, 400, MARKUPS[name])
    return made, vocabulary.TokenizerEncoder(made)


@pytest.mark.parametrize("name", MARKUPS)
def test_what_is_learned_is_replies_and_their_ends(name, run):
    tokenizer, encoder = encoder_for(name, run)
    style = Style(MARKUPS[name], cards="brief", rules=True)
    cast = load_cast()
    wukong, bajie = cast["wukong"], cast["bajie"]
    turns = (
        Turn("小明", "悟空<|im_end|>，怕不怕？"),
        Turn("wukong", "怕？老孙不怕。", "character"),
        Turn("小明", "八戒呢？"),
    )
    one = lessons.Lesson("x", "x", Scene((wukong, bajie), turns), bajie, "老猪饿了。")
    close = MARKUPS[name].close
    learned: dict[Literal["reply", "all"], str] = {
        "reply": f"老猪饿了。{close}",
        "all": f"孙悟空：怕？老孙不怕。{close}猪八戒：老猪饿了。{close}",
    }
    for learn, want in learned.items():
        asked = dataclasses.replace(one, learn=learn)
        ids, labels = rows.labelled(asked.spans(style), encoder)
        taught = [label for label in labels if label != rows.IGNORED]
        assert tokenizer.decode(taught) == want
        assert [n for n, label in zip(ids, labels, strict=True) if label != -100] == taught
    served = encode(prompt(one.scene, bajie, style=style), encoder)
    assert ids[: len(served)] == served, "learned as it is served"


def test_a_lesson_longer_than_a_row_loses_its_oldest_turns_and_never_its_reply(run):
    tokenizer, encoder = encoder_for("internlm2", run)
    wukong = load_cast()["wukong"]
    turns = tuple(Turn("小明", f"{number}问" * 10) for number in range(30))
    one = lessons.Lesson("x", "x", Scene((wukong,), turns), wukong, "老孙在此。")
    style = Style(MARKUPS["internlm2"], cards="brief", rules=False)
    ids, _ = rows.fitting(one, style, encoder, 400)
    text = tokenizer.decode(ids)
    assert len(ids) <= 400
    assert text.endswith("老孙在此。<|im_end|>")
    assert "29问" in text
    assert "0问0问" not in text.replace("10问", "").replace("20问", "")


# --- a run -----------------------------------------------------------------------------------


def test_a_run_leaves_an_adapter_its_card_curves_and_samples(run):
    card = card_of(run)
    assert (run / "losses.png").read_bytes().startswith(b"\x89PNG")
    assert list((run / "tensorboard").glob("events.*"))
    told = card["losses"]["lessons"]
    steps = told["steps"]
    assert steps in (5, 6)
    assert told["by_character"].keys() == {"wukong", "tangseng", "bajie", "shaseng"}
    assert 0 < told["held_out"] < 8
    assert 0 < told["learned"] < told["tokens"]
    assert json.loads(card["gguf"]["mrp.style"])["markup"] == "internlm2"
    samples = json.loads(card["gguf"]["mrp.samples"])
    assert ["<|im_end|>", True] in [sample[:2] for sample in samples]
    assert "/" not in json.dumps(card["recipe"]["data"]), "no paths of this machine"
    assert '"/' not in json.dumps(card["recipe"])
    samples = [json.loads(line) for line in (run / "samples.jsonl").read_text().splitlines()]
    assert {(row["step"], row["character"]) for row in samples} == {
        (step, who) for step in (4, steps) for who in told["by_character"]
    }
    there = {file.name for file in (run / "adapter").iterdir()}
    assert {"adapter_model.safetensors", "tokenizer.json"} <= there
    assert not [name for name in there if name.endswith((".bin", ".pt"))]


def test_samples_are_asked_with_the_served_prompt(run):
    _, encoder = encoder_for("internlm2", run)
    style = Style(MARKUPS["internlm2"], cards="brief", rules=False)
    wukong = load_cast()["wukong"]
    (ids,) = watch.questions([wukong], style, encoder).values()
    scene = Scene((wukong,), (Turn("游客", "你是谁？今日过得如何？"),))
    assert ids == encode(prompt(scene, wukong, style=style), encoder)


def test_it_learned_something(tuning, tmp_path):
    file = tuning(tmp_path / "r.toml", sample_tokens="1")
    assert train.main([str(file), "-o", str(tmp_path / "run")]) == 0
    recipe = load_tuning(file)
    encoder = vocabulary.TokenizerEncoder(base.check(recipe))
    before = watch.held_out_losses(base.load(recipe), tune.held_out_packs(recipe, encoder))
    told = card_of(tmp_path / "run")["losses"]["lessons"]
    assert told["held_out"] < before["eval_loss"] - 0.5
    assert told["by_character"]["wukong"] < before["eval_loss_wukong"] - 0.3


@pytest.mark.parametrize("alone", [0.3, 0.9])
def test_lessons_without_a_talk_before_them_are_warned_of_with_their_share(
    alone, tuning, tmp_path, capsys
):
    file = tuning(tmp_path / "r.toml")
    encoder = vocabulary.TokenizerEncoder(base.check(load_tuning(file)))
    found = lessons.load(Path(load_tuning(file).data.lessons), "train")
    asked = Turn("客人", "你是谁？")
    said = (asked, Turn(found[0].speaker.id, "是我。", "character"), asked)
    bare, one = (
        dataclasses.replace(found[0], scene=dataclasses.replace(found[0].scene, turns=turns))
        for turns in (said[:1], said)
    )
    count = round(alone * 20)
    lessons.save(tmp_path / "lessons", "train", [bare] * count + [one] * (20 - count))
    lessons.save(tmp_path / "lessons", "held_out", [one])
    recipe = load_tuning(tuning(tmp_path / "r.toml", lessons=json.dumps(str(tmp_path / "lessons"))))
    _, report = tune.learned_packs(recipe, encoder)
    assert report["without_context"] == alone
    assert (f"warning: {alone:.0%} of the lessons" in capsys.readouterr().err) == (alone > 0.5)


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_other_methods_train_too(kind, tuning, tmp_path):
    changes = SHORT | {"kind": f'"{kind}"', "embeddings_on_cpu": "false", "sample_tokens": "1"}
    shared = Path(load_tuning(tuning(tmp_path / "shared.toml")).base.folder)
    folder = shutil.copytree(shared, tmp_path / "base")
    (folder / "card.json").write_text(json.dumps({"license": "MIT"}))
    file = tuning(tmp_path / "r.toml", folder=json.dumps(str(folder)), **changes)
    assert train.main([str(file), "-o", str(tmp_path / "run")]) == 0
    assert card_of(tmp_path / "run").get("license") == ("MIT" if kind == "full" else None)
    there = {path.name for path in (tmp_path / "run" / "adapter").iterdir()}
    assert ("model.safetensors" if kind == "full" else "adapter_model.safetensors") in there


def test_embeddings_on_the_cpu_are_no_part_of_what_is_moved_and_say_the_same(tuning, tmp_path):
    recipe = load_tuning(tuning(tmp_path / "r.toml", kind='"lora"'))
    model = base.load(recipe)
    table = model.get_input_embeddings()
    assert isinstance(table, base.CpuEmbedding)
    assert not list(table.parameters())
    assert not list(table.buffers())
    train_ = dataclasses.replace(recipe.train, embeddings_on_cpu=False)
    plain = base.load(dataclasses.replace(recipe, train=train_))
    ids = torch.arange(40)[None]
    with torch.no_grad():
        assert torch.equal(model(input_ids=ids).logits, plain(input_ids=ids).logits)


def test_four_bit_weights_stay_as_they_are_when_the_model_is_listened_to(tuning, tmp_path):
    recipe = load_tuning(tuning(tmp_path / "r.toml"))
    model = base.load(recipe)
    ids = torch.arange(40)[None]
    model.train()
    with torch.no_grad():
        before = model(input_ids=ids).logits
        model.eval()
        model(input_ids=ids)
        model.train()
        assert torch.equal(model(input_ids=ids).logits, before)


# --- interrupted -----------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from trainer import rows, train
read, seen = rows.Batches.__getitem__, []
def killing(self, index):
    seen.append(index)
    if len(seen) == 15:
        os.kill(os.getpid(), signal.SIGKILL)
    return read(self, index)
rows.Batches.__getitem__ = killing
train.main(sys.argv[1:])
"""


def test_killed_and_started_again_it_has_the_same_losses(tuning, run, tmp_path):
    file = tuning(tmp_path / "tiny.toml", sample_every="4", save_minutes="0.0", **SHORT)
    args = [str(file), "-o", str(tmp_path / "run")]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *args],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    start = last_checkpoint(tmp_path / "run")
    assert start is not None
    assert int(start.name.split("-")[1]) in (2, 3)
    assert not (tmp_path / "run" / "adapter").exists()

    assert train.main(args) == 0
    mine, theirs = card_of(tmp_path / "run"), card_of(run)
    assert mine["losses"]["lessons"]["resumed"]
    for key in ("train", "held_out"):
        got, want = (card["losses"]["lessons"][key] for card in (mine, theirs))
        assert got == pytest.approx(want, abs=1e-4)
    assert len(list((tmp_path / "run").glob("checkpoint-*"))) == 2, "watch.keep"


def test_a_finished_run_is_not_trained_again(run, recipe_file, monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError("trained again")

    monkeypatch.setattr(base, "load", never)
    assert train.main([str(recipe_file), "-o", str(run)]) == 0


def test_another_recipe_does_not_go_on_in_the_same_folder(run, tuning, tmp_path):
    other = tuning(tmp_path / "r.toml", **SHORT | {"epochs": "2"})
    with pytest.raises(TrainError, match=r"another recipe \(train differ\)") as told:
        train.main([str(other), "-o", str(run)])
    assert told.value.for_user


# --- how it ends badly -----------------------------------------------------------------------


def failing(monkeypatch, at: int, problem):
    """Lets the trainer meet `problem` in its micro-step number `at`."""
    step, seen = Trainer.training_step, []

    def stumble(self, *args, **kwargs):
        seen.append(1)
        made = step(self, *args, **kwargs)
        if len(seen) == at:
            return problem(made)
        return made

    monkeypatch.setattr(Trainer, "training_step", stumble)


@pytest.fixture
def short(tuning, tmp_path) -> list[str]:
    file = tuning(tmp_path / "r.toml", save_minutes="0.0", sample_tokens="1", accumulate="4")
    return [str(file), "-o", str(tmp_path / "run")]


def test_a_loss_that_is_no_number_ends_the_run_before_it_spoils_a_checkpoint(
    short, tmp_path, monkeypatch
):
    failing(monkeypatch, 10, lambda loss: loss * float("nan"))
    with pytest.raises(TrainError, match=r"lower train\.lr.*goes on from checkpoint-2") as told:
        train.main(short)
    assert told.value.for_user
    assert not (tmp_path / "run" / "adapter").exists()
    monkeypatch.undo()
    assert train.main(short) == 0


def test_out_of_memory_names_the_knobs(short, monkeypatch):
    def full(loss):
        raise torch.OutOfMemoryError("CUDA out of memory")

    failing(monkeypatch, 10, full)
    with pytest.raises(TrainError, match=r"train\.row.*goes on from checkpoint-2"):
        train.main(short)


def test_a_full_disk_leaves_the_last_good_checkpoint(short, tmp_path, monkeypatch):
    save = Trainer._save_optimizer_and_scheduler

    def full(self, folder):
        if folder.endswith("-3"):
            raise OSError(28, "No space left on device")
        return save(self, folder)

    monkeypatch.setattr(Trainer, "_save_optimizer_and_scheduler", full)
    with pytest.raises(TrainError, match=r"No space left.*goes on from checkpoint-2"):
        train.main(short)
    there = sorted(path.name for path in (tmp_path / "run").glob("checkpoint-*"))
    assert there == ["checkpoint-1", "checkpoint-2"]


def test_no_room_for_checkpoints_is_said_before_training(short, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("", (), {"free": 1000})())
    with pytest.raises(WeightsError, match="are free"):
        train.main(short)


# --- bad input -------------------------------------------------------------------------------


def test_the_name_of_a_hub_is_refused(tuning, tmp_path):
    file = tuning(tmp_path / "r.toml", folder='"internlm/internlm2-chat-7b"')
    with pytest.raises(WeightsError, match="download the model first"):
        train.main([str(file), "-o", str(tmp_path / "run")])


def test_a_recipe_for_another_base_is_refused(tuning, tmp_path):
    for key, value in (("layers", "3"), ("vocabulary", "777"), ("groups", "4")):
        file = tuning(tmp_path / "r.toml", **{key: value})
        with pytest.raises(base.BaseError, match=f"{key} is .* for another base"):
            train.main([str(file), "-o", str(tmp_path / f"run-{key}")])


def test_a_checkpoint_in_its_own_layout_is_sent_to_the_converter(tuning, internlm2, tmp_path):
    file = tuning(tmp_path / "r.toml", folder=json.dumps(str(internlm2())))
    with pytest.raises(base.BaseError, match="run `mrp base` on it first"):
        train.main([str(file), "-o", str(tmp_path / "run")])


def test_a_corrupted_shard_is_named(tuning, tmp_path):
    good = Path(load_tuning(tuning(tmp_path / "a.toml")).base.folder)
    bad = tmp_path / "bad"
    bad.mkdir()
    for file in good.iterdir():
        (bad / file.name).write_bytes(file.read_bytes())
    whole = (bad / "model.safetensors").read_bytes()
    (bad / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match=r"model\.safetensors: cut off"):
        train.main([str(tuning(tmp_path / "r.toml", folder=json.dumps(str(bad))))])


def test_a_broken_lesson_is_named_with_its_line(tuning, tmp_path):
    good = Path(load_tuning(tuning(tmp_path / "a.toml")).data.lessons)
    bad = tmp_path / "lessons"
    bad.mkdir()
    for file in good.glob("*.jsonl"):
        (bad / file.name).write_bytes(file.read_bytes())
    lines = (bad / "train.jsonl").read_text().splitlines()
    lines[6] = lines[6][:50]
    (bad / "train.jsonl").write_text("\n".join(lines))
    args = [str(tuning(tmp_path / "r.toml")), "--lessons", str(bad), "-o", str(tmp_path / "run")]
    with pytest.raises(LessonError, match=r"train\.jsonl:7: broken lesson"):
        train.main(args)


def test_a_gpu_recipe_without_a_gpu_is_refused(tuning, tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    file = tuning(tmp_path / "r.toml", optimizer='"paged_adamw_8bit"')
    with pytest.raises(base.BaseError, match="needs a CUDA GPU"):
        train.main([str(file), "-o", str(tmp_path / "run")])


def test_lessons_that_fit_no_row_are_named(tuning, tmp_path):
    file = tuning(tmp_path / "r.toml", row="32")
    with pytest.raises(LessonError, match=r"none of which fits 32 tokens"):
        train.main([str(file), "-o", str(tmp_path / "run")])


def test_options_of_the_other_kind_of_recipe_are_refused(tuning, tmp_path):
    with pytest.raises(RecipeError, match="--novel means nothing"):
        train.main([str(tuning(tmp_path / "r.toml")), "--novel", "x"])


# --- several processes -----------------------------------------------------------------------


def launched(configuration: str, options: list[str], file: Path, out: Path) -> None:
    """`mrp train` in two processes on the CPU, by one of trainer/launch/.

    Not with accelerate's `--cpu`: that starts a single process, whatever a configuration says.
    """
    process = subprocess.run(
        [
            *(sys.executable, "-m", "accelerate.commands.launch"),
            *("--config_file", str(ROOT / "trainer" / "launch" / configuration)),
            *("--num_processes", "2", "--main_process_port", "0", *options),
            *("train", str(file), "-o", str(out)),
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    # Each says what it learns from: without a second voice there was no second process.
    assert process.stderr.count(" lessons, ") == 2


def losses_are_the_same(one: Path, two: Path) -> None:
    """The same global batch; means are taken in another order, hence a tolerance of 1e-3."""
    alone, together = (card_of(run_)["losses"]["lessons"] for run_ in (one, two))
    assert alone["steps"] == together["steps"]
    assert alone["packs"] % 2 == 0
    for key in ("train", "held_out"):
        assert together[key] == pytest.approx(alone[key], abs=1e-3)
    assert together["by_character"] == pytest.approx(alone["by_character"], abs=1e-3)


def test_two_processes_have_the_losses_of_one(tuning, tmp_path):
    changes = SHORT | {"kind": '"lora"', "sample_tokens": "1", "row": EVEN}
    file = tuning(tmp_path / "r.toml", **changes)
    assert train.main([str(file), "-o", str(tmp_path / "one")]) == 0
    launched("ddp.yaml", ["-m", "mrp"], file, tmp_path / "two")
    losses_are_the_same(tmp_path / "one", tmp_path / "two")


@pytest.mark.parametrize("way", ["fsdp", "zero2"])
def test_two_that_share_the_weights_have_the_losses_of_one(way, tuning, tmp_path, monkeypatch):
    if way == "zero2":
        pytest.importorskip(
            "deepspeed", reason="DeepSpeed is not installed (pip install deepspeed)"
        )
    changes = SHORT | {"kind": '"lora"', "sample_tokens": "1", "row": EVEN}
    file = tuning(tmp_path / "r.toml", **changes)
    monkeypatch.setattr(base, "precision", lambda _: torch.float32)
    assert train.main([str(file), "-o", str(tmp_path / "one")]) == 0
    program = str(ROOT / "tests" / "trainer" / "sharded_on_cpu.py")
    launched(f"{way}.yaml", ["--mixed_precision", "no", program], file, tmp_path / "two")
    losses_are_the_same(tmp_path / "one", tmp_path / "two")
    weights, shared = (
        load_file(tmp_path / name / "adapter" / "adapter_model.safetensors")
        for name in ("one", "two")
    )
    assert weights.keys() == shared.keys()
    for name, weight in weights.items():
        assert torch.allclose(weight, shared[name], atol=1e-3), name


def test_other_lessons_do_not_go_on_in_the_same_folder(run, tuning, recipe_file, tmp_path):
    shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("checkpoint-*"))
    own = Path(load_tuning(recipe_file).data.lessons)
    shutil.copytree(own, tmp_path / "lessons")
    changed = {"lessons": json.dumps(str(tmp_path / "lessons"))}
    file = tuning(tmp_path / "r.toml", sample_every="4", **SHORT, **changed)
    begun = tmp_path / "begun"
    tune.note(load_tuning(file), begun)
    tune.same(load_tuning(file), begun)
    lines = (tmp_path / "lessons" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    (tmp_path / "lessons" / "train.jsonl").write_text("\n".join(lines[1:]) + "\n", encoding="utf-8")
    with pytest.raises(TrainError, match="was begun with other lessons"):
        train.main([str(file), "-o", str(begun)])


def test_an_adapter_goes_on_and_begins_where_it_was_asked_to(run, tuning, tmp_path):
    changes = SHORT | {"sample_tokens": "1"}
    file = tuning(tmp_path / "r.toml", **changes)
    recipe = load_tuning(file)
    above = dataclasses.replace(recipe.method, first_layer=1, kind="lora")
    made = base.load(dataclasses.replace(recipe, method=above))
    trained = [name for name, weight in made.named_parameters() if weight.requires_grad]
    assert trained
    assert all(".layers.1." in name for name in trained)
    goes_on = dataclasses.replace(recipe.method, adapter=str(run / "adapter"))
    again = base.load(recipe, Path(goes_on.adapter))
    halves = [w for n, w in again.named_parameters() if n.endswith("lora_B.default.weight")]
    assert any(half.abs().max() > 0 for half in halves), "not a fresh one"


def test_patience_keeps_the_best_weights_and_ends_the_run(tmp_path):
    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(2))

    model, best = Model(), tmp_path / "best.safetensors"
    state = type("", (), {"log_history": [], "is_world_process_zero": True})()
    control = type("", (), {"should_training_stop": False})()
    ear = watch.Ear({}, {}, None, tmp_path / "s", 1, 0, 1, 0, patience=2, best=best)
    for value, loss in enumerate((3.0, 2.0, 2.5), start=1):
        with torch.no_grad():
            model.weight.fill_(value)
        state.log_history.append({"eval_loss": loss})
        ear._judge(model, state, control)
        assert not control.should_training_stop
    state.log_history.append({"eval_loss": 2.1})
    ear._judge(model, state, control)
    assert control.should_training_stop
    watch.take_best(model, best, state.log_history)
    assert model.weight.tolist() == [2.0, 2.0]
