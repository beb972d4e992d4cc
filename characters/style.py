"""How a model wants to be served: read from the metadata of its file.

    serving({"mrp.style": '{"markup": "chatml", "cards": "brief", "temperature": 0.7}'})
    serving({"tokenizer.chat_template": "…<|im_start|>…"})      a model that somebody else made

Whoever trains a model writes `Serving.to_json()` under `mrp.style`, and whoever talks with it or
measures it reads it back here: a model is served as it was taught.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from characters.card import Character
from characters.markup import (
    CHATML,
    INTERNLM2,
    MARKUPS,
    MISTRAL1,
    MISTRAL3,
    Markup,
    by_template,
)
from characters.prompt import Style

KEY = "mrp.style"
TEMPLATE = "tokenizer.chat_template"

# A card's temperature is a dial around this: 0.8 leaves the model's own temperature as it is.
NEUTRAL = 0.8


class StyleError(ValueError):
    """The model's metadata does not say, or not clearly, how it wants to be asked."""

    for_user = True


@dataclass(frozen=True, slots=True)
class Serving:
    """The style of the prompt and the sampling that a model was made for.

    `temperature` None leaves it to the cards. `context` is the longest prompt and reply that the
    model was taught with, when that is less than what it can hold. `dry` is the penalty on a run of
    more than `dry_length` tokens that the prompt holds already (see `engine.sequence.Sampling`).
    """

    style: Style = field(default_factory=Style)
    max_tokens: int = 256
    temperature: float | None = None
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    dry: float = 0.0
    dry_length: int = 2
    context: int | None = None

    def temperature_for(self, character: Character) -> float:
        """The model's temperature turned by the card's dial; the card's own where it has none."""
        if self.temperature is None:
            return character.temperature
        return round(self.temperature * character.temperature / NEUTRAL, 3)

    def dials(self) -> dict[str, Any]:
        """What a sampling takes from here whoever speaks, by the names of its fields."""
        return {
            "top_k": self.top_k,
            "top_p": self.top_p,
            "min_p": self.min_p,
            "repeat_penalty": self.repeat_penalty,
            "dry": self.dry,
            "dry_length": self.dry_length,
        }

    def to_json(self) -> str:
        """The text that belongs under `mrp.style`; `serving` reads the same value back."""
        told: dict[str, Any] = {
            "markup": self.style.markup.name,
            "cards": self.style.cards,
            "rules": self.style.rules,
        }
        if self.style.cue:
            told["cue"] = True
        off = () if self.dry else ("dry", "dry_length")
        dials = {name: getattr(self, name) for name in _DIALS if name not in off}
        told |= {name: value for name, value in dials.items() if value is not None}
        return json.dumps(told)


# key -> (lowest, highest, whole numbers only)
_DIALS: dict[str, tuple[float, float, bool]] = {
    "max_tokens": (1, 100_000, True),
    "temperature": (0, 5, False),
    "top_k": (0, 1_000_000, True),
    "top_p": (0, 1, False),
    "min_p": (0, 1, False),
    "repeat_penalty": (0.1, 10, False),
    "dry": (0, 100, False),
    "dry_length": (1, 1_000, True),
    "context": (16, 10_000_000, True),
}


# How a model is asked that nobody taught our scenes (docs/models.md): it is told before each reply
# who it is, and kept from saying again what stands before it: the question, a card, the line it was
# told, its own last reply. A name or a thing is three tokens, and free. At the cards' own .8 and
# .85 the 1.5B of docs/evenings.md forgot a name it was told; publishers of small models ask for .6
# to .7.
UNTAUGHT = Serving(style=Style(cue=True), temperature=0.6, dry=0.8, dry_length=3)


class Vocabulary(Protocol):
    """The tokenizer of a model. `begin` is the text of the BOS token that its file wants before
    everything, `end` that of its EOS token ("": none)."""

    @property
    def begin(self) -> str: ...
    @property
    def end(self) -> str: ...
    def encode(self, text: str, control: bool = False) -> Sequence[int]: ...


def serving(
    metadata: Mapping[str, str], vocabulary: Vocabulary | None = None, *, markup: str = ""
) -> Serving:
    """How to ask the model whose file carries this metadata.

    With its `vocabulary` the BOS is the model's own where a chat template decides (a style under
    `mrp.style` is taken as it was taught), and the fences are tried out. `markup` names a family
    (see `characters.markup.MARKUPS`) that counts before all that the file says.

    Raises:
        StyleError: `markup` is no family; `mrp.style` is broken, or there is none and the chat
            template is of no family that we have a markup for; or what people type could become a
            fence of this vocabulary.
    """
    if markup:
        told = _told(metadata) if KEY in metadata else UNTAUGHT
        found = replace(told, style=replace(told.style, markup=markup_named(markup)))
    else:
        found = _told(metadata)
    return found if vocabulary is None else _tried(found, metadata, vocabulary, named=bool(markup))


def _tried(
    found: Serving, metadata: Mapping[str, str], vocabulary: Vocabulary, *, named: bool
) -> Serving:
    """The same with the vocabulary's own BOS and EOS; its fences are tried out."""
    markup = found.style.markup
    if KEY not in metadata and not named and markup in (MISTRAL1, MISTRAL3):
        # Tunes carry either's template with either's vocabulary: [INST] is a token there, or not.
        markup = MISTRAL3 if _has(vocabulary, MISTRAL3.fences) else MISTRAL1
    if markup.plain and not _has(vocabulary, markup.fences) and vocabulary.end:
        # Plain text fits every vocabulary; only the end of a reply has to be a token.
        markup = replace(markup, close=vocabulary.end, fences=(vocabulary.end,))
    if KEY not in metadata or named:
        markup = replace(markup, begin=vocabulary.begin or markup.begin)
    elif markup.begin and len(vocabulary.encode(markup.begin, True)) != 1:
        # Another family's BOS: as text it would only confuse the model.
        markup = replace(markup, begin="")
    for fence in markup.fences:
        _check_fence(fence, vocabulary, markup.name if named else "")
    return replace(found, style=replace(found.style, markup=markup))


def markup_named(name: str) -> Markup:
    """The family that `--markup` names. Raises StyleError with the names that there are."""
    if name in MARKUPS:
        return MARKUPS[name]
    near = difflib.get_close_matches(name.casefold(), MARKUPS, n=3, cutoff=0.4)
    meant = f"near to it: {', '.join(near)}; " if near else ""
    raise StyleError(f"--markup: there is no markup {name!r}; {meant}all: {', '.join(MARKUPS)}")


def _check_fence(fence: str, vocabulary: Vocabulary, named: str = "") -> None:
    """A fence must be one token, and not the token that a person gets who types it."""
    tokens = vocabulary.encode(fence, True)
    if len(tokens) != 1 and named:
        fitting = [m.name for m in MARKUPS.values() if m.plain or _has(vocabulary, m.fences)]
        raise StyleError(
            f"--markup {named}: {fence} is no control token of this model's vocabulary, so anybody "
            f"could type a turn of somebody else; those of its vocabulary are: {', '.join(fitting)}"
        )
    if len(tokens) != 1:
        raise StyleError(
            f"this model's chat template fences turns with {fence}, which is no control token of "
            "its vocabulary, so anybody could type a turn of somebody else; take another "
            "conversion of the model"
        )
    if tokens[0] in vocabulary.encode(fence):
        raise StyleError(
            f"this model's vocabulary reads a typed {fence} as the fence of a turn, so anybody "
            "could type a turn of somebody else; take another conversion of the model"
        )


def _has(vocabulary: Vocabulary, fences: Sequence[str]) -> bool:
    """Whether all fences are tokens of a vocabulary."""
    return all(len(vocabulary.encode(fence, True)) == 1 for fence in fences)


def _told(metadata: Mapping[str, str]) -> Serving:
    if KEY not in metadata:
        style = replace(UNTAUGHT.style, markup=_by_template(metadata))
        return replace(UNTAUGHT, style=style)
    try:
        told = json.loads(metadata[KEY])
    except json.JSONDecodeError as problem:
        raise StyleError(f"{KEY} in the model's metadata is not JSON: {problem}") from problem
    if not isinstance(told, dict):
        raise StyleError(f"{KEY} in the model's metadata must be a JSON object, not {told!r}")
    style = Style(
        markup=_markup(told.pop("markup", CHATML.name)),
        cards=_choice(told, "cards", "full", ("full", "brief", "name")),
        rules=_choice(told, "rules", True, (True, False)),
        cue=_choice(told, "cue", False, (True, False)),
    )
    dials = {key: _dial(key, told.pop(key)) for key in _DIALS if told.get(key) is not None}
    if told:
        raise StyleError(f"{KEY} in the model's metadata has an unknown key {next(iter(told))!r}")
    return Serving(style=style, **dials)


def _by_template(metadata: Mapping[str, str]) -> Markup:
    template = metadata.get(TEMPLATE, "")
    markup = by_template(template)
    if markup is None:
        found = "another family's chat template" if template else "no chat template"
        raise StyleError(
            f"this model has {found}; if you know its family, name it with --markup, one of: "
            f"{', '.join(MARKUPS)} (or take a chat model of these families, or one whose metadata "
            f"names its style under {KEY})"
        )
    wants_bos = metadata.get("tokenizer.ggml.add_bos_token", "").lower() in ("true", "1")
    return INTERNLM2 if markup is CHATML and wants_bos else markup


def _markup(name: object) -> Markup:
    if not isinstance(name, str) or name not in MARKUPS:
        raise StyleError(f"{KEY}: markup: {name!r} is none of {', '.join(MARKUPS)}")
    return MARKUPS[name]


def _choice(told: dict[str, Any], key: str, default: Any, choices: tuple[Any, ...]) -> Any:
    choice = told.pop(key, default)
    if not any(choice is each or (isinstance(each, str) and choice == each) for each in choices):
        raise StyleError(f"{KEY}: {key}: {choice!r} is none of {', '.join(map(str, choices))}")
    return choice


def _dial(key: str, number: object) -> Any:
    low, high, whole = _DIALS[key]
    kind = "a whole number" if whole else "a number"
    if isinstance(number, bool) or not isinstance(number, int if whole else int | float):
        raise StyleError(f"{KEY}: {key}: must be {kind}, not {number!r}")
    if not low <= number <= high:
        raise StyleError(f"{KEY}: {key}: must lie in {low:g}..{high:g}, not {number:g}")
    return number if whole else float(number)
