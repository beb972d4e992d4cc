"""ChatHaruhi's prompt in the examination: stories from the canon, ranked by its search.

mrp evaluate report MODEL.gguf -o DIR --prompt haruhi --canon build/canon

The held-out chapters are never quoted: they hold the lines that the exam asks for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from canon import Canon, CanonError
from canon.scenes import BookScene
from characters.card import Cast
from characters.haruhi import Story, haruhi
from characters.prompt import Span
from characters.style import Serving
from engine.sequence import Engine
from evaluation.subject import Ask, Renderer

# ChatHaruhi takes 19 from its index before the budget cuts them.
SEARCHED = 19


def renderer(folder: Path, cast: Cast, held_out: Collection[int]) -> Renderer:
    """A renderer that quotes the book's scenes. Raises CanonError when the folder is unreadable."""
    canon = Canon.open(folder)
    scenes: dict[int, list[BookScene]] = {}
    for scene in canon.scenes():
        if scene.chapter not in held_out:
            scenes.setdefault(scene.chapter, []).append(scene)

    def stories(ask: Ask) -> list[Story]:
        name = ask.speaker.name.zh
        try:
            found = canon.search(ask.question, character=name, k=SEARCHED)
        except CanonError:  # a card of nobody in this book
            found = canon.search(ask.question, k=SEARCHED)
        ranked: dict[str, BookScene] = {}
        for hit in found.passages:
            for scene in scenes.get(hit.section, ()):
                if scene.start < hit.end and hit.start < scene.end and name in scene.participants:
                    ranked.setdefault(scene.id, scene)
        return [_story(scene) for scene in ranked.values()]

    def render(ask: Ask, served: Serving, engine: Engine, budget: int) -> Sequence[Span]:
        # Half of what a small model can read is for the book, at most.
        return haruhi(
            ask.scene,
            ask.speaker,
            stories(ask),
            encoder=engine.encode,
            style=served.style,
            story_tokens=min(1500, budget // 2),
            history_tokens=min(1200, budget // 4),
        )

    return render


def _story(scene: BookScene) -> Story:
    return Story(
        tuple(
            (turn.speaker if turn.kind == "speech" else "", turn.text)
            for turn in scene.turns
            if turn.text.strip() and turn.speaker != "?"
        )
    )
