"""Summaries of turns that no longer fit the context, one for all who heard the same. Pure.

A character remembers only what it heard, so those who heard the same turns share one summary. The
model writes it in idle time; where it writes none that has to do with what was said, the beginnings
of the last things said stand instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.learning import question
from bot.memory import Summary
from characters.card import Language, Words
from characters.markup import Markup
from characters.prompt import Span, name_of
from characters.turn import Scene, Turn

LONGEST = 240  # characters of a summary
_LINES, _BEGINNING = 6, 28  # of the summary without a model
# The share of a summary's pairs of characters that must stand in what it sums up.
_ABOUT = 0.35

_SUM_UP = Words(
    "把下面的对话概括成不超过{}个字的一段话：谁说了自己的什么事、谁做了什么、说定了什么。只写发生过的事，"
    "谁的事就是谁的事。",
    "Sum up the following conversation in one paragraph of at most {} characters: who told what "
    "about themselves, who did what, and what was agreed. Write only what happened, and of each "
    "what is theirs.",
)
_EARLIER = Words("此前：{}", "Previously: {}")
# Who is who is what small models get wrong; they do what they are shown.
_SHOWN: dict[Language, tuple[str, str]] = {
    "zh": (
        "阿青：法明师父，我怕打雷，夜里睡不着。\n法明：莫怕，来佛堂同坐。\n阿福：我去点灯。\n"
        "阿青：我后天要去洛阳卖布。\n法明：早去早回。",
        "阿青怕打雷，夜里睡不着，法明叫他来佛堂同坐，阿福去点灯。阿青后天要去洛阳卖布，法明叫他早去早回。",
    ),
    "en": (
        "Ben: Father Faming, thunder frightens me at night.\nFaming: Then come and sit with us.\n"
        "Will: I'll light the lamp.\nBen: On Tuesday I leave for York to sell cloth.\n"
        "Faming: Come back soon.",
        "Ben is afraid of thunder at night; Faming lets him sit with them, and Will lights the "
        "lamp. On Tuesday Ben leaves for York to sell cloth, and Faming wants him back soon.",
    ),
}


def by_hearers(
    cast: Iterable[str], turns: Sequence[Turn], known: Iterable[Summary]
) -> list[tuple[frozenset[str], str, tuple[Turn, ...]]]:
    """Groups of characters who heard the same of `turns` and share an earlier summary: their ids,
    that summary, and what they heard. Who heard nothing and knows nothing is in none."""
    known = tuple(known)
    groups: dict[tuple[str, tuple[int, ...]], set[str]] = {}
    for character in cast:
        earlier = next((s.text for s in known if character in s.heard), "")
        heard = tuple(n for n, turn in enumerate(turns) if turn.heard_by(character))
        if heard or earlier:
            groups.setdefault((earlier, heard), set()).add(character)
    return [
        (frozenset(ids), earlier, tuple(turns[n] for n in heard))
        for (earlier, heard), ids in groups.items()
    ]


def ask_for_summary(scene: Scene, earlier: str, longest: int, markup: Markup) -> tuple[Span, ...]:
    """The prompt whose answer sums up a scene's turns, after an `earlier` summary, in at most
    `longest` characters."""
    between = "：" if scene.language == "zh" else ": "
    lines = [_EARLIER[scene.language].format(earlier)] if earlier else []
    lines += [f"{name_of(turn, scene)}{between}{turn.text}" for turn in scene.turns]
    told = _SUM_UP[scene.language].format(longest)
    return question(told, "\n".join(lines), markup, [_SHOWN[scene.language]])


def beginnings(scene: Scene, earlier: str, longest: int = LONGEST) -> str:
    """A summary without a model: how the last things that were said begin."""
    said = [turn for turn in scene.turns if turn.text.strip()][-_LINES:]
    quotes = [f"{name_of(turn, scene)}：{_begun(turn.text)}" for turn in said]
    new = "；".join(quotes)
    room = longest - len(new) - 1
    kept = earlier[-room:].partition("；")[2] if len(earlier) > room else earlier
    return "；".join(filter(None, (kept, new)))[-longest:]


def is_about(text: str, scene: Scene, earlier: str) -> bool:
    """Whether a summary is one of this scene: of its length, and mostly in its words."""
    if not 8 <= len(text) <= 2 * LONGEST:
        return False
    source = earlier + "".join(name_of(turn, scene) + turn.text for turn in scene.turns)
    pairs = {text[i : i + 2] for i in range(len(text) - 1) if text[i : i + 2].isalnum()}
    return bool(pairs) and sum(pair in source for pair in pairs) >= _ABOUT * len(pairs)


def with_summary(known: Iterable[Summary], heard: frozenset[str], text: str) -> tuple[Summary, ...]:
    """All summaries, with this one in the place of those characters' earlier ones."""
    others = (replace(s, heard=s.heard - heard) for s in known)
    return (*(s for s in others if s.heard), Summary(heard, text))


def _begun(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _BEGINNING else f"{line[:_BEGINNING]}……"
