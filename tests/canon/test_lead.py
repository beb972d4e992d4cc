from __future__ import annotations

import pytest

from canon.lead import kind_of, read_lead
from canon.quotes import find_quotes


def kind(text: str) -> str:
    (span,) = find_quotes(text, lambda sentence: False)
    return kind_of(text, read_lead(text, 0, span), span)


@pytest.mark.parametrize(
    "text",
    [
        "阿青道：“我去。”",
        "阿青喝一声“着！”",
        "阿青心中大怒道：“你来！”",
        "阿青自言自语道：“怎么不见？”",
        "阿青忙问：“谁？”",
    ],
)
def test_what_is_said_aloud_is_speech(text: str) -> None:
    assert kind(text) == "speech"


@pytest.mark.parametrize(
    "text",
    [
        "阿青心中暗想道：“他是谁？”",
        "阿青寻思道：“不好。”",
        "阿青心疑道：“那里响？”",
        "阿青自忖道：“且等他来。”",
    ],
)
def test_what_is_only_thought_is_thought(text: str) -> None:
    assert kind(text) == "thought"


@pytest.mark.parametrize(
    "text",
    [
        "门上写着“白石村”三个大字。",
        "上有六个大字，乃“松溪桥”。",
        "碑上刻着：“山高水长，来者留步。”",
        "诗曰：“雪满空山不见人。”",
        "那村唤作“白石”，有百十户人家。",
    ],
)
def test_names_inscriptions_and_verse_are_texts(text: str) -> None:
    assert kind(text) == "text"


def test_a_line_break_after_the_tag_does_not_hide_it() -> None:
    text = "阿青提了弓，\n笑道：\n“我去。”"
    (span,) = find_quotes(text, lambda sentence: False)
    lead = read_lead(text, 0, span)
    assert lead.tagged
    assert [text[a:b].strip() for a, b in lead.clauses] == ["阿青提了弓，", "笑道"]
