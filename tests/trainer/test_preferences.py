"""What was liked becomes likelier than what was not."""

import json
import random
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

from tests.trainer.conftest import load_tuning
from trainer import base, lessons, merge, preferences, train
from trainer.recipe import RecipeError
from trainer.vocabulary import TokenizerEncoder

PREFERENCE = """
[preference]
kind = "{kind}"
adapter = {adapter}
feedback = {feedback}
pairs = {pairs}
beta = 0.1
"""


@pytest.fixture(scope="module")
def taught(tuning, tmp_path_factory) -> Path:
    """The run that preferences go on from."""
    folder = tmp_path_factory.mktemp("taught")
    file = tuning(folder / "r.toml", epochs="1", accumulate="8", sample_tokens="1")
    assert train.main([str(file), "-o", str(folder / "run")]) == 0
    return folder / "run"


@pytest.fixture
def recipe(tuning, taught, tmp_path):
    def make(kind: str, feedback: str = "", pairs: int = 24, **changes: str) -> Path:
        file = tuning(tmp_path / f"{kind}.toml", epochs="1", accumulate="4", lr="1e-2", **changes)
        told = {"adapter": json.dumps(str(taught)), "feedback": json.dumps(feedback)}
        with file.open("a") as out:
            out.write(PREFERENCE.format(kind=kind, pairs=pairs, **told))
        return file

    return make


def margin(recipe, adapter: Path, pairs) -> float:
    """Mean of log p(chosen) − log p(rejected), a token."""
    model = base.load(recipe, adapter).eval()
    total = 0.0
    for pair in pairs:
        for ids, sign in ((pair.chosen, 1), (pair.rejected, -1)):
            both = torch.tensor([[*pair.prompt, *ids]])
            labels = both.clone()
            labels[:, : len(pair.prompt)] = -100
            with torch.no_grad():
                total -= sign * float(model(input_ids=both, labels=labels).loss)
    return total / len(pairs)


def pairs_of(file: Path, count: int = 24):
    recipe = load_tuning(file)
    encoder = TokenizerEncoder(AutoTokenizer.from_pretrained(recipe.base.folder))
    found = lessons.load(Path(recipe.data.lessons), "train")
    made = preferences.made_pairs(found, count, recipe, encoder, random.Random(1))
    return recipe, made, encoder


def test_made_pairs_are_of_four_kinds_and_end_where_replies_end(recipe):
    file = recipe("dpo")
    told, made, _ = pairs_of(file)
    tokenizer = AutoTokenizer.from_pretrained(told.base.folder)
    assert {pair.kind for pair in made} == set(preferences.KINDS)
    said = {one.reply: one.speaker.id for one in lessons.load(Path(told.data.lessons), "train")}
    for pair in made:
        asked, better, worse = map(tokenizer.decode, (pair.prompt, pair.chosen, pair.rejected))
        assert asked.startswith("<s><|im_start|>system")
        assert asked.count("<s>") == 1
        assert asked.endswith("：")
        assert better.endswith("<|im_end|>")
        assert worse.endswith("<|im_end|>")
        assert better != worse
        who = said[better.removesuffix("<|im_end|>")]
        if pair.kind == "another talk":
            assert said[worse.removesuffix("<|im_end|>")] == who
        if pair.kind == "another's voice":
            assert said[worse.removesuffix("<|im_end|>")] != who
        if pair.kind == "speaking for others":
            assert worse.startswith(better.removesuffix("<|im_end|>") + "\n")


@pytest.mark.parametrize("kind", ["dpo", "kto"])
def test_the_better_reply_becomes_likelier(kind, recipe, taught, tmp_path):
    file = recipe(kind)
    assert train.main([str(file), "-o", str(tmp_path / "run")]) == 0
    told, made, _ = pairs_of(file)
    before = margin(told, taught / "adapter", made)
    after = margin(told, tmp_path / "run" / "adapter", made)
    assert after > before + 0.1
    card = json.loads((tmp_path / "run" / "adapter" / "card.json").read_text())
    assert sum(card["losses"][kind]["pairs"].values()) == 24
    assert not (tmp_path / "run" / "adapter" / "ref").exists()
    merge.merge(tmp_path / "run", tmp_path / "model", limit=10**9)


def likelihood(recipe, adapter: Path, pairs) -> float:
    """Mean of log p(chosen), a token."""
    model = base.load(recipe, adapter).eval()
    total = 0.0
    for pair in pairs:
        both = torch.tensor([[*pair.prompt, *pair.chosen]])
        labels = both.clone()
        labels[:, : len(pair.prompt)] = -100
        with torch.no_grad():
            total -= float(model(input_ids=both, labels=labels).loss)
    return total / len(pairs)


def test_the_written_line_is_held_up_beside_its_margin(recipe, tmp_path):
    file = recipe("dpo")
    told, made, _ = pairs_of(file)
    held = tmp_path / "held.toml"
    held.write_text(file.read_text(encoding="utf-8") + "written = 5.0\n", encoding="utf-8")
    for name, one in (("plain", file), ("held", held)):
        assert train.main([str(one), "-o", str(tmp_path / name)]) == 0
    plain, kept = (
        likelihood(told, tmp_path / name / "adapter", made) for name in ("plain", "held")
    )
    assert kept > plain + 0.1
    votes = recipe("kto")
    votes.write_text(votes.read_text(encoding="utf-8") + "written = 1.0\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="written: only pairs"):
        load_tuning(votes)


def test_a_deadline_ends_it_as_it_ends_lessons(recipe, tmp_path):
    file = recipe("dpo")
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("[train]\n", "[train]\nminutes = 0.0001\n"), encoding="utf-8")
    assert train.main([str(file), "-o", str(tmp_path / "run")]) == 0
    card = json.loads((tmp_path / "run" / "adapter" / "card.json").read_text())
    assert card["losses"]["dpo"]["steps"] == 1


def test_feedback_is_read_as_it_is_exported(recipe, tmp_path):
    feedback = tmp_path / "f.jsonl"
    prompt = "<s><|im_start|>system\n孙悟空<|im_end|>\n<|im_start|>assistant\n孙悟空："
    row = {"prompt": prompt, "chosen": "老孙来也。", "rejected": "<|im_end|>"}
    feedback.write_text(json.dumps(row) + "\n")
    told, _, _ = pairs_of(recipe("dpo", str(feedback)))
    tokenizer = AutoTokenizer.from_pretrained(told.base.folder)
    (pair,) = preferences.fed_back(feedback, "dpo", tokenizer, told)
    end = tokenizer.eos_token_id
    assert pair.prompt[0] == tokenizer.bos_token_id
    assert pair.prompt.count(tokenizer.bos_token_id) == 1
    assert tokenizer.decode(pair.chosen) == "老孙来也。<|im_end|>"
    assert pair.rejected is not None
    assert pair.rejected.count(end) == 1, "what somebody typed is no control token"
    vote = {"prompt": prompt, "completion": "老孙来也。", "label": False}
    feedback.write_text(json.dumps(vote) + "\n")
    (pair,) = preferences.fed_back(feedback, "kto", tokenizer, told)
    assert pair.chosen is None
    assert tokenizer.decode(pair.rejected) == "老孙来也。<|im_end|>"


@pytest.mark.parametrize("line", ["{", '{"prompt": "x"}', "3", '{"prompt": 1, "chosen": 2}'])
def test_a_broken_row_is_named(line, recipe, tmp_path):
    feedback = tmp_path / "f.jsonl"
    good = json.dumps({"prompt": "一", "chosen": "二", "rejected": "三"})
    feedback.write_text(f"{good}\n{line}\n")
    with pytest.raises(preferences.PreferenceError, match=r"f\.jsonl:2: not a row") as told:
        train.main([str(recipe("dpo", str(feedback))), "-o", str(tmp_path / "run")])
    assert told.value.for_user


def test_what_is_missing_is_named(recipe, tmp_path):
    with pytest.raises(preferences.PreferenceError, match="mrp feedback export --format kto"):
        train.main([str(recipe("kto", str(tmp_path / "gone"))), "-o", str(tmp_path / "run")])
    with pytest.raises(preferences.PreferenceError, match="nothing to learn from"):
        train.main([str(recipe("dpo", pairs=0)), "-o", str(tmp_path / "run")])
    with pytest.raises(base.BaseError, match="another base"):
        train.main([str(recipe("dpo", layers="7")), "-o", str(tmp_path / "run")])
