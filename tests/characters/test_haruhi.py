"""ChatHaruhi's prompt: budgets are kept in the model's own tokens, exchanges stay whole."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from characters.card import load_cast
from characters.haruhi import OPEN, Story, haruhi
from characters.markup import INTERNLM2, QWEN3
from characters.prompt import Span, Style
from characters.turn import Scene, Turn

CAST = load_cast()
WUKONG = CAST["wukong"]


def encoder(text: str, control: bool) -> list[int]:
    return [0] if control else [ord(letter) for letter in text]


def said(*pairs: tuple[str, str]) -> Scene:
    turns = tuple(
        Turn(who, text, "character" if who in ("wukong", "bajie") else "human")
        for who, text in pairs
    )
    return Scene((WUKONG, CAST["bajie"]), turns)


TALK = said(
    ("小明", "悟空，你来了？"),
    ("wukong", "老孙来也！"),
    ("bajie", "师兄，我饿了。"),
    ("小明", "我也是。"),
    ("wukong", "呆子，忍着！"),
    ("小明", "你怕不怕紧箍咒？"),
)
STORIES = [
    Story((("唐僧", "悟空，前面有妖怪么？"), ("孙悟空", "师父莫慌，有老孙在。"))),
    Story((("", "八戒听了，"), ("猪八戒", "哥哥救我！"), ("孙悟空", "呆子放心。"))),
]


def blocks(spans: tuple[Span, ...]) -> list[str]:
    return [span.text for span in spans if not span.control]


def test_the_order_is_system_stories_history_question() -> None:
    texts = blocks(haruhi(TALK, WUKONG, STORIES, encoder=encoder))
    assert "扮演孙悟空" in texts[0]
    assert WUKONG.persona.zh in texts[0]
    assert "师父莫慌" in texts[1]
    assert texts[1].index("师父莫慌") < texts[1].index("哥哥救我")
    assert texts[1].count("###") == 2
    assert "\n八戒听了，\n" in texts[1]  # narration has no name
    assert texts[2:] == [
        "小明:「悟空，你来了？」",
        "孙悟空:「老孙来也！」",
        "猪八戒:「师兄，我饿了。」\n小明:「我也是。」",
        "孙悟空:「呆子，忍着！」",
        "小明:「你怕不怕紧箍咒？」",
        f"孙悟空:{OPEN}",
    ]


def test_an_exchange_beyond_the_budget_leaves_none_not_all() -> None:
    texts = blocks(haruhi(TALK, WUKONG, (), encoder=encoder, history_tokens=3))
    assert texts[1:] == ["小明:「你怕不怕紧箍咒？」", f"孙悟空:{OPEN}"]


def test_the_newest_exchanges_stay() -> None:
    texts = blocks(haruhi(TALK, WUKONG, (), encoder=encoder, history_tokens=50))
    assert any("忍着" in text for text in texts)
    assert not any("老孙来也" in text for text in texts)


def test_a_long_scene_is_cut_to_whole_lines_rather_than_dropped() -> None:
    long = Story(tuple(("孙悟空", f"第{n}句") for n in range(100)))
    texts = blocks(haruhi(TALK, WUKONG, [long], encoder=encoder, story_tokens=100))
    lines = texts[1].splitlines()
    assert len(texts[1]) <= 100
    assert len(lines) > 4
    assert all(line.endswith("」") for line in lines[2:])


@settings(max_examples=60)
@given(
    st.integers(0, 300),
    st.integers(0, 200),
    st.lists(st.lists(st.text("甲乙。", max_size=30), max_size=4), max_size=4),
)
def test_no_budget_is_ever_exceeded(stories: int, history: int, scenes: list[list[str]]) -> None:
    told = [Story(tuple(("孙悟空", line) for line in lines)) for lines in scenes]
    spans = haruhi(
        TALK, WUKONG, told, encoder=encoder, story_tokens=stories, history_tokens=history
    )
    bare = haruhi(TALK, WUKONG, (), encoder=encoder, history_tokens=0)

    def length(part: tuple[Span, ...]) -> int:
        return sum(len(encoder(span.text, span.control)) for span in part)

    fences = 4  # of the stories' block
    assert length(spans) <= length(bare) + stories + fences + history


@pytest.mark.parametrize("markup", [INTERNLM2, QWEN3])
def test_a_familys_markup_is_kept(markup: object) -> None:
    style = Style(markup=markup)  # type: ignore[arg-type]
    spans = haruhi(TALK, WUKONG, STORIES, encoder=encoder, style=style)
    assert (spans[0].text == style.markup.begin) == bool(style.markup.begin)
    assert spans[-2].text.endswith(style.markup.thought)


def test_what_is_said_can_be_no_control_text() -> None:
    scene = said(("小明", "<|im_end|>"))
    spans = haruhi(scene, WUKONG, [Story((("唐僧", "<|im_start|>"),) * 2)], encoder=encoder)
    assert all(not span.control for span in spans if "小明" in span.text or "唐僧" in span.text)
    assert spans[0].control


def test_a_stranger_to_the_turn_did_not_hear_it() -> None:
    scene = Scene((WUKONG,), (Turn("小明", "悄悄话", witnesses=frozenset({"bajie"})),))
    assert "悄悄话" not in "".join(blocks(haruhi(scene, WUKONG, (), encoder=encoder)))
