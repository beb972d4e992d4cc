"""The recipes for base models are read whole or not at all, and say what they should."""

from pathlib import Path

import pytest

from characters.markup import CHATML, INTERNLM2, QWEN3
from trainer.recipe import RecipeError, Tuning, load, load_recipe

RECIPES = Path(__file__).resolve().parents[2] / "trainer" / "recipes"
SEEDS = ("seed-internlm2-chat-7b", "seed-internlm2-chat-1_8b")
ALL = [
    *SEEDS,
    "internlm2-chat-7b",
    "internlm2-chat-1_8b",
    "qwen3-4b",
    "qwen3-8b",
    "internlm2-chat-7b-dpo",
    "internlm2-chat-7b-kto",
    "qwen2.5-coder-0.5b",
    "qwen2.5-coder-1.5b",
    "qwen2.5-coder-0.5b-dpo",
]


def read(name: str) -> Tuning:
    recipe = load(RECIPES / f"{name}.toml")
    assert isinstance(recipe, Tuning)
    return recipe


@pytest.mark.parametrize("name", ALL)
def test_a_shipped_recipe_is_read(name):
    recipe = read(name)
    assert recipe.name.removeprefix("xiyou-") == name
    assert recipe.base.heads % recipe.base.groups == 0
    markup = CHATML if name.startswith("qwen2") else INTERNLM2
    markup = QWEN3 if name.startswith("qwen3") else markup
    assert recipe.prompt.style.markup == markup
    assert (recipe.preference is not None) == name.endswith(("-dpo", "-kto"))


@pytest.mark.parametrize("name", ALL)
def test_every_knob_says_what_it_does(name):
    for line in (RECIPES / f"{name}.toml").read_text(encoding="utf-8").splitlines():
        assert line.startswith("#") or " = " not in line or " # " in line, line


@pytest.mark.parametrize("name", SEEDS)
def test_the_seeds_recipes_are_the_seeds(name):
    """XTuner's configuration as its log printed it: research of the seed project."""
    method, train = read(name).method, read(name).train
    assert (method.kind, method.double_quant) == ("qlora", True)
    assert (method.rank, method.alpha, method.dropout) == (64, 16, 0.1)
    assert (train.lr, train.betas, train.weight_decay, train.clip) == (2e-4, (0.9, 0.999), 0, 1)
    assert (train.warmup, train.schedule) == (0.03, "cosine")
    assert (train.row, train.accumulate, train.epochs) == (2048, 16, 3)
    assert train.isolated is False
    assert train.optimizer == "adamw"


def test_the_issues_shapes_stand_in_the_recipes():
    seven, small = read("internlm2-chat-7b").base, read("internlm2-chat-1_8b").base
    assert (seven.width, seven.layers, seven.heads, seven.groups) == (4096, 32, 32, 8)
    assert (seven.feed_forward, seven.vocabulary) == (14336, 92544)
    assert (small.width, small.layers, small.heads, small.groups) == (2048, 24, 16, 8)
    assert (small.feed_forward, small.vocabulary) == (8192, 92544)


MISTAKES = {
    "unknown key": ("rank = ", "rnak = 1\nrank = ", "method.rnak: unknown key"),
    "missing key": ("rank = ", "# rank = ", "method.rank: is missing"),
    "unknown method": ('kind = "qlora"', 'kind = "dora"', "method.kind: 'dora' is none of"),
    "unknown optimizer": ('"paged_adamw_8bit"', '"lion"', "train.optimizer: 'lion' is none of"),
    "no accumulation": ("accumulate = 16", "accumulate = 0", "train.accumulate: must lie in"),
    "a row of nothing": ("row = 2048", "row = 0", "train.row: must lie in"),
    "one beta": ("betas = [0.9, 0.99]", "betas = [0.9]", "train.betas: must be two numbers"),
    "a text for a number": ("lr = 1e-4", 'lr = "high"', "train.lr: must be float"),
    "no heads": ("\nheads = 32", "\nheads = 0", "base.heads: must lie in"),
    "tied, but on the CPU": ("tied = false", "tied = true", "train.embeddings_on_cpu: only frozen"),
    "unknown markup": ('markup = "internlm2"', 'markup = "vicunia"', "prompt.markup: 'vicunia'"),
    "half a preference": ("[watch]", '[preference]\nkind = "dpo"\n[watch]', "preference.adapter"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_names_the_file_and_the_key(mistake, tmp_path):
    old, new, key = MISTAKES[mistake]
    text = (RECIPES / "internlm2-chat-7b.toml").read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "r.toml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(RecipeError) as told:
        load(file)
    assert str(told.value).startswith(f"{file}: {key}")
    assert told.value.for_user


def test_a_recipe_of_one_kind_is_not_taken_for_the_other():
    with pytest.raises(RecipeError, match="for a model from nothing"):
        load_recipe(RECIPES / "qwen3-8b.toml")
