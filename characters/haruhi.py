"""ChatHaruhi's prompt, for models that were never taught a voice ("bring your own GGUF").

    spans = haruhi(scene, speaker, stories, encoder=engine.encode, style=serving.style)

    system     act like so-and-so, reuse the original lines, tone and vocabulary; the card's persona
    user       original scenes of the book, best first, within 1,500 tokens
    …          the last whole exchanges, within 1,200 tokens
    user       小明:「悟空，你怕不怕紧箍咒？」
    assistant  孙悟空:「                                    the model goes on from here

After ChatHaruhi (arXiv 2308.09597, sections 3.2 to 3.4), in our own words. Two things differ: the
newest exchange that alone is beyond the budget leaves no history (theirs then sent all of it), and
a scene too long for what is left is cut to whole lines rather than dropped with all that follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from characters.card import Character, Language
from characters.markup import Role
from characters.prompt import Encoder, Span, Style, name_of
from characters.turn import Scene, Turn

STORY_TOKENS = 1500
HISTORY_TOKENS = 1200


@dataclass(frozen=True, slots=True)
class Story:
    """A scene of the book: (name, words) pairs; a line without a name is narration."""

    lines: tuple[tuple[str, str], ...]


_SYSTEM: dict[Language, str] = {
    "zh": (
        "请你扮演{name}。若人家问的与原文里的台词相近，便尽量用原文的台词；"
        "用{name}的语气、口吻和用词回答，{name}知道的事你都知道。只说{name}自己的话。\n{persona}\n{style}"
    ),
    "en": (
        "Play {name}. Where what is said comes close to a line of the original, use that line; "
        "answer in {name}'s tone, manner and words, and know all that {name} knows. Speak for "
        "{name} only.\n{persona}\n{style}"
    ),
}
_STORIES: dict[Language, str] = {
    "zh": "{name}说过的话，可作参考：",
    "en": "Scenes with {name}, to go by:",
}
_BREAK = "###"
OPEN, CLOSE = "「", "」"


def haruhi(
    scene: Scene,
    speaker: Character,
    stories: Sequence[Story],
    *,
    encoder: Encoder,
    style: Style | None = None,
    story_tokens: int = STORY_TOKENS,
    history_tokens: int = HISTORY_TOKENS,
) -> tuple[Span, ...]:
    """What the model reads so that `speaker` answers the scene's last turn.

    `stories` come ranked, best first. Both budgets are counted with the model's own tokens and are
    never exceeded: whole lines of stories, whole exchanges of history, down to none of them.
    """
    style = style or Style()
    markup, language = style.markup, scene.language
    name = speaker.name[language]
    heard = [turn for turn in scene.turns if turn.heard_by(speaker.id)]
    told = _SYSTEM[language].format(
        name=name, persona=speaker.persona[language], style=speaker.style[language]
    )
    spans = [*_block("system", told, style)]
    if markup.begin:
        spans.insert(0, Span(markup.begin, control=True))
    block = _within(stories, story_tokens, _STORIES[language].format(name=name), encoder)
    if block:
        spans += _block("user", block, style)
    for exchange in _exchanges(heard[:-1], scene, speaker, style, history_tokens, encoder):
        spans += exchange
    if heard:
        spans += _block("user", _line(name_of(heard[-1], scene), heard[-1].text), style)
    spans.append(Span(markup.open("assistant") + markup.thought, control=True))
    spans.append(Span(markup.said(f"{name}:{OPEN}", "assistant")))
    return tuple(spans)


def _within(stories: Sequence[Story], budget: int, head: str, encoder: Encoder) -> str:
    """The head and as many whole lines as fit; nothing where not one line does."""
    kept: list[str] = [head]
    for story in stories:
        lines = [_line(name, words) if name else words for name, words in story.lines]
        fitting: list[str] = []
        for line in lines:
            if len(encoder("\n".join([*kept, _BREAK, *fitting, line]), False)) > budget:
                break
            fitting.append(line)
        # A scene of which only one line fits has no exchange left in it.
        if len(fitting) >= min(2, len(lines)) and fitting:
            kept += [_BREAK, *fitting]
        if len(fitting) < len(lines):
            break
    return "\n".join(kept) if len(kept) > 1 else ""


def _exchanges(
    turns: Sequence[Turn],
    scene: Scene,
    speaker: Character,
    style: Style,
    budget: int,
    encoder: Encoder,
) -> list[tuple[Span, ...]]:
    """The newest whole exchanges (others, then the speaker) within the budget."""
    whole: list[tuple[Span, ...]] = []
    asked: list[Turn] = []
    for turn in turns:
        if turn.side == "character" and turn.speaker == speaker.id:
            if asked:
                question = "\n".join(_line(name_of(each, scene), each.text) for each in asked)
                answer = _line(name_of(turn, scene), turn.text)
                whole.append(
                    (*_block("user", question, style), *_block("assistant", answer, style))
                )
            asked = []
        else:
            asked.append(turn)
    kept: list[tuple[Span, ...]] = []
    left = budget
    for exchange in reversed(whole):
        left -= sum(len(encoder(span.text, span.control)) for span in exchange)
        if left < 0:
            break
        kept.insert(0, exchange)
    return kept


def _line(name: str, words: str) -> str:
    return f"{name}:{OPEN}{words}{CLOSE}"


def _block(role: Role, text: str, style: Style) -> tuple[Span, ...]:
    markup = style.markup
    return (
        Span(markup.open(role), control=True),
        Span(markup.said(text, role)),
        *(Span(closing, control=True) for closing in markup.shut(role)),
    )
