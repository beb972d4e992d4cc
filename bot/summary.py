"""Summaries of turns that no longer fit the context, one for all who heard the same. Pure.

A character remembers only what it heard, so those who heard the same turns share one summary. The
model writes it in idle time; where it writes none that has to do with what was said, the beginnings
of the last things said stand instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.memory import Summary
from characters.prompt import name_of
from characters.turn import Scene, Turn

LONGEST = 240  # characters of a summary
_LINES, _BEGINNING = 6, 28  # of the summary without a model
# The share of a summary's pairs of characters that must stand in what it sums up.
_ABOUT = 0.35


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
