"""A recipe: every knob of a training run, read once from TOML into frozen values.

Two kinds: `Recipe` trains a model from nothing, `Tuning` (it has a table [base]) trains a voice
into a model that somebody else made.
"""

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
from text.toml import read_toml


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
    cards: Literal["full", "brief", "name"]
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
    scenes: float = 0.0
    recall: float = 0.0


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
    """How a model is served. `repeat_penalty` takes from every token of the last 64, those of the
    prompt too: a name that was just said, and one's own in the card. `dry` takes only from what
    would go on a run of more than `dry_length` tokens that stood there before."""

    temperature: float
    top_k: int
    top_p: float
    min_p: float
    repeat_penalty: float
    max_tokens: int
    dry: float = 0.0
    dry_length: int = 2


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


@dataclass(frozen=True, slots=True)
class Base:
    """The model that is tuned. Its shape stands here too, so that a plan needs no weights."""

    folder: str
    layers: int
    width: int
    heads: int
    groups: int
    head_width: int
    feed_forward: int
    vocabulary: int
    tied: bool


@dataclass(frozen=True, slots=True)
class TuningData:
    lessons: str
    cards: str


@dataclass(frozen=True, slots=True)
class CardShares:
    """Of how many lessons show whole cards, one line a character, or names only."""

    full: float
    brief: float
    name: float


@dataclass(frozen=True, slots=True)
class Curriculum:
    """What the lessons for a base model are made of; `mrp lessons RECIPE` makes them."""

    scenes: str
    canon: str
    held_out: tuple[int, ...]
    passes: int
    share: Share
    english: float
    cards: CardShares


@dataclass(frozen=True, slots=True)
class Method:
    kind: Literal["qlora", "lora", "full"]
    rank: int
    alpha: float
    dropout: float
    double_quant: bool
    first_layer: int = 0
    adapter: str = ""


@dataclass(frozen=True, slots=True)
class Train:
    row: int
    isolated: bool
    epochs: int
    accumulate: int
    lr: float
    warmup: float
    schedule: Literal["cosine", "linear", "constant"]
    betas: tuple[float, ...]
    weight_decay: float
    clip: float
    optimizer: Literal["paged_adamw_8bit", "adamw_8bit", "adamw"]
    checkpointing: bool
    embeddings_on_cpu: bool
    loss_chunk: int
    minutes: float = 0.0


@dataclass(frozen=True, slots=True)
class Watch:
    evaluate_every: int
    sample_every: int
    sample_tokens: int
    save_minutes: float
    keep: int
    patience: int = 0


@dataclass(frozen=True, slots=True)
class Preference:
    """Learning from what was liked: after the lessons, from their adapter. `written`: how much the
    better reply of a pair is also learned as a lesson is (dpo only)."""

    kind: Literal["dpo", "kto"]
    adapter: str
    feedback: str
    pairs: int
    beta: float
    written: float = 0.0


@dataclass(frozen=True, slots=True)
class Tuning:
    """A run on top of a base model. Its TOML file explains each knob."""

    name: str
    seed: int
    base: Base
    data: TuningData
    prompt: PromptStyle
    sampling: Sampling
    method: Method
    train: Train
    watch: Watch
    preference: Preference | None = None
    lessons: Curriculum | None = None


def load_recipe(file: Path) -> Recipe:
    """Read a recipe for a model from nothing. Raises RecipeError, see `load`."""
    recipe = load(file)
    if not isinstance(recipe, Recipe):
        raise RecipeError(f"{file}: base: this verb wants a recipe for a model from nothing")
    return recipe


def load(file: Path) -> Recipe | Tuning:
    """Read a recipe of either kind.

    Raises:
        RecipeError: the file is missing or broken, a key is unknown or missing, or a value has
            the wrong type or lies outside of what it may be.
    """
    try:
        raw = read_toml(file)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise RecipeError(f"{file}: cannot be read as a recipe: {problem}") from problem
    recipe: Recipe | Tuning = _fill(Tuning if "base" in raw else Recipe, raw, file, "")
    if recipe.prompt.markup not in MARKUPS:
        known = ", ".join(MARKUPS)
        raise RecipeError(f"{file}: prompt.markup: {recipe.prompt.markup!r} is none of {known}")
    if isinstance(recipe, Tuning):
        for key, (value, low, high) in _limits(recipe).items():
            if not low <= value <= high:
                raise RecipeError(f"{file}: {key}: must lie in {low:g}..{high:g}, not {value:g}")
        if len(recipe.train.betas) != 2:
            raise RecipeError(f"{file}: train.betas: must be two numbers")
        if recipe.train.embeddings_on_cpu and (recipe.base.tied or recipe.method.kind == "full"):
            raise RecipeError(
                f"{file}: train.embeddings_on_cpu: only frozen embeddings that are not tied to the "
                "output can stay on the CPU"
            )
        if recipe.preference and recipe.preference.kind == "kto" and recipe.preference.written:
            raise RecipeError(f"{file}: preference.written: only pairs have a better reply (dpo)")
    return recipe


def _limits(recipe: Tuning) -> dict[str, tuple[float, float, float]]:
    """Key -> (value, lowest, highest) of the knobs that break a run when they are far off."""
    base, method, train, watch = recipe.base, recipe.method, recipe.train, recipe.watch
    wanted = recipe.preference
    sizes = {f"base.{key}": getattr(base, key) for key in ("layers", "width", "heads", "groups")}
    return {
        **{key: (value, 1, 1_000_000) for key, value in sizes.items()},
        "method.rank": (method.rank, 1, 4096),
        "method.dropout": (method.dropout, 0, 0.99),
        "train.row": (train.row, 16, 1_000_000),
        "train.epochs": (train.epochs, 1, 1000),
        "train.accumulate": (train.accumulate, 1, 100_000),
        "train.lr": (train.lr, 0, 1),
        "train.warmup": (train.warmup, 0, 1),
        "train.loss_chunk": (train.loss_chunk, 1, 1_000_000),
        "train.minutes": (train.minutes, 0, 1_000_000),
        "method.first_layer": (method.first_layer, 0, base.layers - 1),
        "watch.evaluate_every": (watch.evaluate_every, 0, 10**9),
        "watch.sample_every": (watch.sample_every, 0, 10**9),
        "watch.keep": (watch.keep, 1, 1000),
        "watch.patience": (watch.patience, 0, 1000),
        **({"preference.written": (wanted.written, 0, 100)} if wanted else {}),
        **(_curriculum_limits(recipe.lessons) if recipe.lessons else {}),
    }


# Of lessons, beside the scenes: the scenes say how much there is of each.
_SOURCES = ("canon", "identity", "talk", "unknown", "recall")


def _curriculum_limits(plan: Curriculum) -> dict[str, tuple[float, float, float]]:
    share, cards = plan.share, plan.cards
    shares = {key: getattr(share, key) for key in _SOURCES}
    shown = {key: getattr(cards, key) for key in ("full", "brief", "name")}
    return {
        "lessons.passes": (plan.passes, 1, 1000),
        # The scenes say how much there is of the rest; without any, the book does.
        "lessons.share.scenes": (share.scenes, 0 if share.canon >= 0.5 else 0.01, 1),
        **{f"lessons.share.{key}": (value, 0, 1) for key, value in shares.items()},
        "lessons.share (in all)": (sum(shares.values()) + share.scenes, 0.99, 1.01),
        **{f"lessons.cards.{key}": (value, 0, 1) for key, value in shown.items()},
        "lessons.cards (in all)": (sum(shown.values()), 0.99, 1.01),
        "lessons.english": (plan.english, 0, 1),
    }


def _fill(kind: Any, raw: dict[str, Any], file: Path, prefix: str) -> Any:
    hints = typing.get_type_hints(kind)
    for key in raw:
        if key not in hints:
            raise RecipeError(f"{file}: {prefix}{key}: unknown key")
    values = {}
    for field in dataclasses.fields(kind):
        if field.name not in raw:
            if field.default is not dataclasses.MISSING:
                continue
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
    if origin is types.UnionType:  # a table that may be left out
        return _value(typing.get_args(kind)[0], value, file, key)
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
