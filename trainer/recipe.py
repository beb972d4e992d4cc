"""A recipe: every knob of a training run, read once from TOML into frozen values."""

from __future__ import annotations

import dataclasses
import tomllib
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from characters.markup import MARKUPS
from characters.prompt import Style


class RecipeError(ValueError):
    """A recipe that cannot be followed; the message names the file and the key."""

    for_user = True


@dataclass(frozen=True, slots=True)
class Data:
    novel: str
    books: str
    canon: str
    lessons: str
    held_out: tuple[int, ...]
    titles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Model:
    vocabulary: int
    width: int
    layers: int
    heads: int
    feed_forward: int
    context: int


@dataclass(frozen=True, slots=True)
class PromptStyle:
    markup: str
    cards: Literal["full", "brief"]
    rules: bool

    @property
    def style(self) -> Style:
        return Style(markup=MARKUPS[self.markup], cards=self.cards, rules=self.rules)


@dataclass(frozen=True, slots=True)
class Pretrain:
    tokens: int
    row: int
    batch: int
    warmup: int
    rate: float


@dataclass(frozen=True, slots=True)
class Share:
    canon: float
    identity: float
    talk: float
    unknown: float


@dataclass(frozen=True, slots=True)
class Lessons:
    tokens: int
    row: int
    batch: int
    warmup: int
    rate: float
    share: Share
    english: float


@dataclass(frozen=True, slots=True)
class Optimizer:
    muon_lr: float
    adam_lr: float
    weight_decay: float
    clip: float


@dataclass(frozen=True, slots=True)
class Sampling:
    temperature: float
    top_k: int
    top_p: float
    min_p: float
    repeat_penalty: float
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Recipe:
    """A run from nothing: tokenizer, novels, lessons. Its TOML file explains each knob."""

    name: str
    seed: int
    data: Data
    model: Model
    prompt: PromptStyle
    sampling: Sampling
    pretrain: Pretrain
    lessons: Lessons
    optimizer: Optimizer


def load_recipe(file: Path) -> Recipe:
    """Read a recipe.

    Raises:
        RecipeError: the file is missing or broken, a key is unknown or missing, or a value has
            the wrong type.
    """
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise RecipeError(f"{file}: cannot be read as a recipe: {problem}") from problem
    recipe: Recipe = _fill(Recipe, raw, file, "")
    if recipe.prompt.markup not in MARKUPS:
        known = ", ".join(MARKUPS)
        raise RecipeError(f"{file}: prompt.markup: {recipe.prompt.markup!r} is none of {known}")
    return recipe


def _fill(kind: Any, raw: dict[str, Any], file: Path, prefix: str) -> Any:
    hints = typing.get_type_hints(kind)
    for key in raw:
        if key not in hints:
            raise RecipeError(f"{file}: {prefix}{key}: unknown key")
    values = {}
    for field in dataclasses.fields(kind):
        if field.name not in raw:
            raise RecipeError(f"{file}: {prefix}{field.name}: is missing")
        values[field.name] = _value(
            hints[field.name], raw[field.name], file, f"{prefix}{field.name}"
        )
    return kind(**values)


def _value(kind: Any, value: Any, file: Path, key: str) -> Any:
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise RecipeError(f"{file}: {key}: must be a table")
        return _fill(kind, value, file, f"{key}.")
    origin = typing.get_origin(kind)
    if origin is tuple:
        if not isinstance(value, list):
            raise RecipeError(f"{file}: {key}: must be a list")
        return tuple(_value(typing.get_args(kind)[0], item, file, key) for item in value)
    if origin is Literal:
        if value not in typing.get_args(kind):
            raise RecipeError(f"{file}: {key}: {value!r} is none of {typing.get_args(kind)}")
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(kind, types.GenericAlias) or type(value) is not kind:
        raise RecipeError(f"{file}: {key}: must be {kind.__name__}, not {value!r}")
    return value
