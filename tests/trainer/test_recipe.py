"""A recipe is read whole or not at all, and a mistake in it is named."""

import dataclasses
from pathlib import Path

import pytest

from characters.markup import CHATML
from characters.prompt import Style
from trainer.recipe import RecipeError, load_recipe

MINI = Path(__file__).resolve().parents[2] / "trainer" / "recipes" / "mini.toml"


def test_the_shipped_recipe_is_read():
    recipe = load_recipe(MINI)
    assert recipe.name == "xiyou-mini"
    assert recipe.prompt.style == Style(CHATML, cards="brief", rules=False)
    assert recipe.model.width % 256 == 0, "llama.cpp's K-quants need it"
    assert recipe.model.width % recipe.model.heads == 0
    assert recipe.lessons.row <= recipe.model.context
    assert recipe.pretrain.row <= recipe.model.context
    assert set(recipe.data.held_out) == set(range(5, 100, 10))
    share = recipe.lessons.share
    assert share.canon + share.identity + share.talk + share.unknown == pytest.approx(1)
    assert isinstance(recipe.optimizer.adam_lr, float)


def test_the_retellings_that_hold_held_out_lines_are_not_read():
    assert not {"西游记", "唐三藏西游释厄传", "西游记传"} & set(load_recipe(MINI).data.titles)


def test_a_recipe_is_a_value_that_cannot_be_changed():
    recipe = load_recipe(MINI)
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.seed = 1  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.lessons.share.canon = 1.0  # type: ignore[misc]
    assert recipe == load_recipe(MINI)


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = MINI.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    file = tmp_path / "changed.toml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return file


MISTAKES = {
    "unknown key": ("seed = ", "sed = 1\nseed = ", "sed"),
    "unknown table": ("[model]", "[modle]\nx = 1\n[model]", "modle"),
    "unknown key in a table": ("layers = ", "depth = 1\nlayers = ", "model.depth"),
    "unknown key in an inner table": ("{ canon = ", "{ song = 1, canon = ", "lessons.share.song"),
    "missing key": ("seed = ", "# seed = ", "seed"),
    "missing key in a table": ("layers = ", "# layers = ", "model.layers"),
    "missing key in an inner table": ("share = {", "share = {} # {", "lessons.share.canon"),
    "missing table": ("[sampling]", "[prompt.sampling]", "prompt.sampling"),
    "a text for a number": ("layers = ", 'layers = "many" # ', "model.layers"),
    "a fraction for a whole number": ("layers = ", "layers = 8.5 # ", "model.layers"),
    "a yes for a number": ("layers = ", "layers = true # ", "model.layers"),
    "a number for a yes": ("rules = ", "rules = 1 # ", "prompt.rules"),
    "a text for a fraction": ("clip = ", 'clip = "1" # ', "optimizer.clip"),
    "a yes for a fraction": ("clip = ", "clip = true # ", "optimizer.clip"),
    "a number for a text": ('name = "xiyou-mini"', "name = 1", "name"),
    "a number for a list": ("held_out = ", "held_out = 5 # ", "data.held_out"),
    "a text in a list of numbers": ("held_out = [", 'held_out = ["5", ', "data.held_out"),
    "a number in a list of texts": ('"后西游记"', "3", "data.titles"),
    "a number for a table": ("share = ", "share = 1 # ", "lessons.share"),
    "no such cards": ('cards = "brief"', 'cards = "long"', "prompt.cards"),
    "no such markup": ('markup = "chatml"', 'markup = "alpaka"', "prompt.markup"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_names_the_file_and_the_key(mistake, tmp_path):
    old, new, key = MISTAKES[mistake]
    file = changed(tmp_path, old, new)
    with pytest.raises(RecipeError) as told:
        load_recipe(file)
    assert str(told.value).startswith(f"{file}: {key}: ")
    assert told.value.for_user


def test_a_whole_number_may_stand_for_a_fraction(tmp_path):
    clip = load_recipe(changed(tmp_path, "clip = ", "clip = 2 # ")).optimizer.clip
    assert clip == 2.0
    assert isinstance(clip, float)


@pytest.mark.parametrize("data", [None, b"name = ", "name = '回'".encode("gb18030")])
def test_what_cannot_be_read_names_the_file(data, tmp_path):
    file = tmp_path / "broken.toml"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(RecipeError) as told:
        load_recipe(file)
    assert str(file) in str(told.value)
