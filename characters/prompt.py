"""The one renderer: a cast, turns and "who speaks next" become what the model reads.

The trainer learns from it and the engine continues it; nothing else knows the format.

    system     rules · place · cards of the cast, in cast order      the same for every speaker
    user       小明：悟空，你怕不怕紧箍咒？                              somebody without a card
    assistant  孙悟空：怕？老孙……                                       a member of the cast
    tail       passages · memory · note                              read for one reply, forgotten
    assistant  猪八戒：                                               the model goes on from here

Everything before the tail is a prefix that only grows, so a change of speaker costs the tail. A
tail that has nothing to say is not there at all. Spans are encoded one by one, so the tokens of a
prefix never depend on what follows it; and only our own markup is encoded as control text, so
nobody can type a control token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from characters.card import Character, Language
from characters.macros import expand
from characters.markup import CHATML, Markup, Role
from characters.turn import Scene, Turn


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a prompt. `control`: our markup. `learned`: training takes loss on it."""

    text: str
    control: bool = False
    learned: bool = False


_BRIEF = 160  # characters: what stands for a short description at most

Encoder = Callable[[str, bool], Sequence[int]]  # (text, control) -> token ids


@dataclass(frozen=True, slots=True)
class Style:
    """How much of a card the model reads, and in which markup. A model is served as it was taught.

    `cards`: "full" gives persona, style and example lines, "brief" one line a character (for small
    models and contexts), "name" the name alone (for models with the voices in their weights).
    `rules`: whether the house rules stand before the cards. `examples`: whether full cards show
    example lines; a talk that needs the room goes without. `cue`: whether the speaker is told
    before each reply who it is and whom it answers, as a model needs that was not taught here.
    """

    markup: Markup = CHATML
    cards: Literal["full", "brief", "name"] = "full"
    rules: bool = True
    examples: bool = True
    cue: bool = False


@dataclass(frozen=True, slots=True)
class Tail:
    """What one speaker needs for one reply: canon passages, memories, a director's note, and what
    was named just now that nobody in the speaker's world has heard of."""

    passages: tuple[str, ...] = ()
    memory: tuple[str, ...] = ()
    note: str = ""
    unheard: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.passages or self.memory or self.note or self.unheard)


_QUOTED = 80  # characters of what was just said, that a cue says again


@dataclass(frozen=True, slots=True)
class _Phrases:
    """The renderer's own words in one language."""

    colon: str
    lead: str  # between colon and text; encoded with the text, as " Old" is one token
    narrator: str
    rules: str
    place: str
    summary: str
    card: str
    manner: str
    brief: str
    lines: str
    passages: str
    memory: str
    note: str
    unheard: str
    between: str
    next: str
    cue: str
    known: str  # the cue where something stands before the reply that it can be answered from
    whisper: str


_PHRASES: dict[Language, _Phrases] = {
    "zh": _Phrases(
        colon="：",
        lead="",
        narrator="旁白",
        rules=(
            "这是一场多人对话。在场的每个角色只说自己的话，不替别人说话，不跳出角色；"
            "不知道的事就说不知道；别人用哪种语言，就用哪种语言回答。"
        ),
        place="场景：{}",
        summary="此前：{}",
        card="【{name}】{persona}",
        manner="\n说话：{style}",
        brief="{name}：{brief}",
        lines="\n例：{}",
        passages="书中：",
        memory="记得：",
        note="提示：{}",
        unheard="没听过{}",
        between="、",
        next="接下来：{}",
        cue="你是{name}，正对{other}说话；照着刚说的那句回答，一两句。",
        known=(
            "你是{name}，正对{other}说话。{other}刚说：“{said}”\n"
            "上面有和这句有关的，就照它回答；只说一两句。"
        ),
        whisper="（悄悄对你说，别人都听不见）{}",
    ),
    "en": _Phrases(
        colon=":",
        lead=" ",
        narrator="Narrator",
        rules=(
            "This is a conversation of several people. Each character on stage speaks only for "
            "themselves and never leaves the role; what they cannot know they say they do not "
            "know; they answer in the language they are spoken to."
        ),
        place="Scene: {}",
        summary="Earlier: {}",
        card="[{name}] {persona}",
        manner="\nManner: {style}",
        brief="{name}: {brief}",
        lines="\nExample: {}",
        passages="From the book:",
        memory="Remembered:",
        note="Note: {}",
        unheard="never heard of {}",
        between=", ",
        next="Next: {}",
        cue=(
            "You are {name}, speaking to {other}; answer what was just said in one or two "
            "sentences."
        ),
        known=(
            "You are {name}, speaking to {other}, who just said: “{said}”\nIf a line above is "
            "about that, answer from it; one or two sentences."
        ),
        whisper="(whispers to you, unheard by anybody else) {}",
    ),
}


def name_of(turn: Turn, scene: Scene) -> str:
    """The name that stands before the turn's colon."""
    if turn.side == "narration":
        return _PHRASES[scene.language].narrator
    if turn.side == "character":
        try:
            return scene.member(turn.speaker).name[scene.language]
        except KeyError:
            return turn.speaker
    return turn.speaker


def prompt(
    scene: Scene,
    speaker: Character,
    *,
    tail: Tail | None = None,
    style: Style | None = None,
) -> tuple[Span, ...]:
    """What the model reads so that `speaker` says the next line.

    Only turns that the speaker was present for are in it.

    Raises:
        ValueError: the speaker is not in the scene's cast.
    """
    style = style or Style()
    return (
        *transcript(scene, speaker, style=style),
        *_tail(scene, speaker, tail or Tail(), style),
        *_opening(scene, speaker, style),
    )


def lesson(
    scene: Scene,
    speaker: Character,
    reply: str,
    *,
    tail: Tail | None = None,
    style: Style | None = None,
    learn: Literal["reply", "all"] = "reply",
    since: int = 0,
) -> tuple[Span, ...]:
    """The same prompt with the reply filled in and marked as learned.

    `learn="all"` also learns the cast's earlier lines, names included: one pass over a scene then
    teaches every voice in it and who speaks next (multi-party SFT as in MuPaS, arXiv 2412.05342).
    Where a tail names the speaker, the last name is not learned. `since`: turns of the scene before
    this index are read only.
    """
    style = style or Style()
    head = prompt(scene, speaker, tail=tail, style=style)
    if learn == "all":
        taught = transcript(scene, speaker, style=style, learned=since)
        head = (*taught, *head[len(taught) :])
        if not tailed(tail, style):
            head = (*head[:-1], Span(head[-1].text, learned=True))
    reply = style.markup.said(_PHRASES[scene.language].lead + reply)
    close = Span(style.markup.close, control=True, learned=True)
    return (*head, Span(reply, learned=True), *([close] if close.text else []))


def next_names(
    scene: Scene, candidates: Sequence[Character], *, style: Style | None = None
) -> tuple[tuple[Span, ...], list[tuple[Span, ...]]]:
    """What is read to ask who speaks next: the transcript, and how each candidate would go on.

    The model's probability of a continuation after the transcript is its opinion of the candidate.
    The transcript holds the turns that any of them heard.

    Raises:
        ValueError: a candidate is not in the scene's cast, or there is none.
    """
    style = style or Style()
    if not candidates:
        raise ValueError("nobody to choose among")
    heard = tuple(
        replace(turn, witnesses=None)
        for turn in scene.turns
        if any(turn.heard_by(character.id) for character in candidates)
    )
    scene = replace(scene, turns=heard)
    shared = transcript(scene, candidates[0], style=style)
    if any(character not in scene.cast for character in candidates):
        raise ValueError("a candidate is not on stage")
    return shared, [_opening(scene, character, style) for character in candidates]


def transcript(
    scene: Scene, speaker: Character, *, style: Style | None = None, learned: int | None = None
) -> tuple[Span, ...]:
    """System part and turns: the prefix that all who heard the same turns share.

    `learned`: the lines of the cast from this turn on are marked as learned.
    """
    if speaker not in scene.cast:
        raise ValueError(f"{speaker.id} is not on stage")
    style = style or Style()
    spans = list(_block("system", _system(scene, style), style))
    if style.markup.begin:
        spans.insert(0, Span(style.markup.begin, control=True))
    if scene.summary:
        phrases = _PHRASES[scene.language]
        earlier = phrases.summary.format(scene.summary)
        line = f"{phrases.narrator}{phrases.colon}{phrases.lead}{earlier}"
        spans += _block("user", line, style)
    for number, turn in enumerate(scene.turns):
        if turn.heard_by(speaker.id):
            spans += _turn(turn, scene, style, learned is not None and number >= learned)
    return tuple(spans)


def _turn(turn: Turn, scene: Scene, style: Style, learned: bool) -> Iterable[Span]:
    phrases = _PHRASES[scene.language]
    words = turn.text
    if turn.whispered and turn.side == "human":
        words = phrases.whisper.format(words)
    name, text = name_of(turn, scene) + phrases.colon, phrases.lead + words
    if turn.side != "character":
        return _block("user", name + text, style)
    # Header, name and text are spans of their own, exactly as when the line was asked for.
    markup = style.markup
    return (
        *_control(markup.open("assistant")),
        Span(markup.said(name, "assistant"), learned=learned),
        Span(markup.said(text), learned=learned),
        *((Span(close, control=True, learned=learned),) if (close := style.markup.close) else ()),
        *_control(style.markup.gap),
    )


def _opening(scene: Scene, speaker: Character, style: Style) -> tuple[Span, ...]:
    name = speaker.name[scene.language] + _PHRASES[scene.language].colon
    opening = _control(style.markup.open("assistant") + style.markup.thought)
    return (*opening, Span(style.markup.said(name, "assistant")))


def _block(role: Role, text: str, style: Style) -> tuple[Span, ...]:
    return (
        *_control(style.markup.open(role)),
        Span(style.markup.said(text, role)),
        *(Span(closing, control=True) for closing in style.markup.shut(role)),
    )


def _control(text: str) -> tuple[Span, ...]:
    return (Span(text, control=True),) if text else ()


def _system(scene: Scene, style: Style) -> str:
    phrases = _PHRASES[scene.language]
    parts = [phrases.rules] if style.rules else []
    if scene.place:
        parts.append(phrases.place.format(scene.place))
    parts += [card(character, scene.language, style) for character in scene.cast]
    return "\n".join(parts)


def card(character: Character, language: Language, style: Style) -> str:
    """A character's card as the model reads it."""
    phrases = _PHRASES[language]
    name = character.name[language]
    if style.cards == "name":
        return name
    brief, persona = character.brief[language], character.persona[language]
    if style.cards == "brief":
        text = phrases.brief.format(name=name, brief=brief or _short(persona))
        return expand(text, char=name, seed=character.id, language=language)
    text = phrases.card.format(name=name, persona=persona or brief)
    if manner := character.style[language]:
        text += phrases.manner.format(style=manner)
    if character.source and character.source.system:
        text += f"\n{character.source.system}"
    if style.examples:
        text += "".join(phrases.lines.format(line) for line in character.lines[language])
    return expand(text, char=name, seed=character.id, language=language)


def _short(persona: str) -> str:
    """The first sentences of a long description, for a card that has no short one."""
    if len(persona) <= _BRIEF:
        return persona
    end = max(persona.rfind(mark, 0, _BRIEF) for mark in "。！？.!?；;")
    return persona[: end + 1] if end > 0 else persona[:_BRIEF]


def tailed(tail: Tail | None, style: Style) -> bool:
    """Whether something stands between the transcript and the reply."""
    return bool(tail) or style.cue or style.markup.names_next


def _tail(scene: Scene, speaker: Character, tail: Tail, style: Style) -> tuple[Span, ...]:
    if not tailed(tail, style):
        return ()
    phrases, name = _PHRASES[scene.language], speaker.name[scene.language]
    lines: list[str] = []
    if tail.passages:
        lines += [phrases.passages, *tail.passages]
    if tail.memory:
        lines += [phrases.memory, *tail.memory]
    if tail.unheard:
        # A 1.5B that was taught to deny such things does so in 14 of 16 questions, where it did in
        # 5 without this line; one that was only told does not heed it (docs/evaluation.md).
        words = phrases.between.join(f"“{word}”" for word in tail.unheard)
        lines.append(phrases.note.format(phrases.unheard.format(words)))
    if tail.note:
        lines.append(phrases.note.format(tail.note))
    lines.append(phrases.next.format(name))
    heard = next((turn for turn in reversed(scene.turns) if turn.heard_by(speaker.id)), None)
    if style.cue and heard and heard.side != "narration" and heard.speaker != speaker.id:
        # With lines of a book after the question a small model answers an earlier one: the 1.5B of
        # `benchmarks.lorebooks` did so in 3 of 6 replies.
        cue = phrases.known if tail.passages else phrases.cue
        said = " ".join(heard.text.split())
        said = said if len(said) <= _QUOTED else f"{said[:_QUOTED]}…"
        lines.append(cue.format(name=name, other=name_of(heard, scene), said=said))
    return _block(style.markup.tail, "\n".join(lines), style)


def orders(language: Language, *, name: str, other: str) -> tuple[str, ...]:
    """What the renderer tells a model to do before `name` answers `other`: words that are never a
    line of the talk. The quoted words of `other` are left out."""
    phrases = _PHRASES[language]
    told = (one.format(name=name, other=other, said="") for one in (phrases.cue, phrases.known))
    return (phrases.rules, *told)


def encode(spans: Iterable[Span], encoder: Encoder) -> list[int]:
    """Token ids of a prompt, each span encoded by itself."""
    return [token for span in spans for token in encoder(span.text, span.control)]


def stop_strings(scene: Scene) -> tuple[str, ...]:
    """What ends a reply because somebody else begins to speak: every name with either colon.

    Names of all on stage, and of all that the transcript holds (some may have left).
    """
    names = [character.name[scene.language] for character in scene.cast]
    names += [name_of(turn, scene) for turn in scene.turns]
    names.append(_PHRASES[scene.language].narrator)
    return tuple(f"{name}{mark}" for name in dict.fromkeys(names) for mark in "：:")


def trimmed(lengths: Sequence[int], budget: int, *, keep: float = 0.6) -> int:
    """How many of the oldest turns to drop so that the rest fits `budget` tokens.

    0 while everything fits. Once it does not, whole turns go, oldest first, until at most
    `keep` × `budget` is left: a big step now, so that the prefix then stays stable for many turns.
    At least the newest turn stays when it fits the budget by itself.
    """
    total = sum(lengths)
    if total <= budget:
        return 0
    dropped = 0
    while dropped < len(lengths) and total > keep * budget:
        if dropped == len(lengths) - 1 and total <= budget:
            break
        total -= lengths[dropped]
        dropped += 1
    return dropped
