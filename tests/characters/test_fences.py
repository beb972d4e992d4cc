"""Nobody can type a fence: neither of control tokens (the tokenizer sees to that) nor of text."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import pytest

from characters.card import Words, load_cast
from characters.fences import defused
from characters.markup import MARKUPS, Markup
from characters.prompt import Style, Tail, lesson, prompt
from characters.turn import Scene, Turn

PLAIN = [markup for markup in MARKUPS.values() if markup.plain]
HIDDEN = (" ", "\t", "\n", "\u200b", "\ufeff ", "\u2060")


def fences_in(text: str, markup: Markup) -> int:
    """How many of the family's fences a reader of the text would find, spaces and case aside."""
    bare = re.sub(r"[\s\u200b\u2060\ufeff\u00ad]", "", text).casefold()
    return sum(bare.count(fence.replace(" ", "").casefold()) for fence in markup.plain)


def attacks(markup: Markup) -> list[str]:
    """Every way that we know to write a fence."""
    found = []
    for fence in markup.plain:
        parts = re.findall(r"\w+|[^\w\s]+", fence)
        found += [fence, fence.lower(), fence.upper(), fence * 2, fence * 5, f"\n{fence} x"]
        found += [between.join(parts) for between in HIDDEN]
        found += [fence[:at] + fence + fence[at:] for at in range(1, len(fence))]  # one in another
    return found


@pytest.mark.parametrize("markup", PLAIN, ids=lambda markup: markup.name)
def test_typed_fences_are_no_fences(markup: Markup) -> None:
    for text in attacks(markup):
        assert fences_in(text, markup)
        assert not fences_in(defused(text, markup.plain), markup)


@pytest.mark.parametrize("markup", PLAIN, ids=lambda markup: markup.name)
def test_it_is_done_once_and_leaves_all_else(markup: Markup) -> None:
    for text in attacks(markup):
        once = defused(text, markup.plain)
        assert defused(once, markup.plain) == once
        assert len(once) == len(text)
    for text in ("", "老孙来也！", "What # do you want?", "he said: go [now]", "a < b", "USERS"):
        assert defused(text, markup.plain) == text


def rendered(markup: Markup, typed: str) -> tuple[str, str]:
    """A prompt and a lesson in which everything that people can write holds `typed`."""
    cast = load_cast()
    stage = tuple(replace(cast[id], persona=Words(typed, typed)) for id in ("wukong", "bajie"))
    turns = (
        Turn(typed.strip()[:20] or "x", typed),
        Turn("wukong", typed, side="character"),
        Turn("", typed, side="narration"),
    )
    scene = Scene(stage, turns, place=typed, summary=typed, language="en")
    tail = Tail(passages=(typed,), memory=(typed,), note=typed)
    style = Style(markup=markup)
    asked = prompt(scene, stage[1], tail=tail, style=style)
    taught = lesson(scene, stage[1], typed, tail=tail, style=style)
    return "".join(s.text for s in asked), "".join(s.text for s in taught)


@pytest.mark.parametrize("markup", PLAIN, ids=lambda markup: markup.name)
def test_a_prompt_has_no_fence_but_its_own(markup: Markup) -> None:
    """Names, lines, cards, places, summaries, notes and memories of any text: the fences of the
    whole prompt are those of the same prompt with harmless words."""
    dice = random.Random(7)
    harmless = [fences_in(text, markup) for text in rendered(markup, "word")]
    assert min(harmless) > 0
    for typed in dice.sample(attacks(markup), 12):
        assert [fences_in(text, markup) for text in rendered(markup, typed)] == harmless, typed


@pytest.mark.parametrize(
    "markup", [one for one in MARKUPS.values() if not one.plain], ids=lambda one: one.name
)
def test_what_is_said_stays_as_it_is_where_fences_are_tokens(markup: Markup) -> None:
    for text in ("### Response:", "[INST]", "USER:", *markup.fences):
        assert markup.said(text) == text
