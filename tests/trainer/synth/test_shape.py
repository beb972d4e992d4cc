"""One shape, three readers: the schema, the grammar, and the parser that holds both to it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.synth.shape import (
    BadAnswer,
    Choice,
    Items,
    Object,
    Shape,
    Text,
    filled,
    grammar,
    longest,
    parse,
    schema,
)

TURN = Object({"speaker": Choice(("孙悟空", 'a "b"')), "text": Text(20)})
SCENE = Object({"turns": Items(TURN, 1, 3), "label": Choice(("高", "低"))})

shapes: st.SearchStrategy[Shape] = st.recursive(
    st.builds(Text, st.integers(8, 90))
    | st.builds(Choice, st.lists(st.text("悟空ab 1", min_size=1), min_size=1).map(tuple)),
    lambda inner: (
        st.builds(lambda of, least, more: Items(of, least, least + more), inner,
                  st.integers(0, 2), st.integers(0, 2))
        | st.builds(Object, st.dictionaries(st.sampled_from("abc"), inner, min_size=1))
    ),
    max_leaves=5,
)  # fmt: skip


@given(shapes, st.integers(0, 99))
def test_a_full_answer_is_of_its_shape_and_within_its_length(shape: Shape, number: int) -> None:
    if isinstance(shape, Text | Choice):
        shape = Object({"x": shape})
    value = filled(shape, number)
    assert parse(shape, json.dumps(value, ensure_ascii=False)) == value
    compact = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert len(compact) <= longest(shape)


def test_the_schema_is_what_strict_endpoints_take() -> None:
    assert schema(SCENE) == {
        "type": "object",
        "properties": {
            "turns": {
                "type": "array",
                "minItems": 1,
                "maxItems": 3,
                "items": {
                    "type": "object",
                    "properties": {
                        "speaker": {"type": "string", "enum": ["孙悟空", 'a "b"']},
                        "text": {"type": "string"},
                    },
                    "required": ["speaker", "text"],
                    "additionalProperties": False,
                },
            },
            "label": {"type": "string", "enum": ["高", "低"]},
        },
        "required": ["turns", "label"],
        "additionalProperties": False,
    }


def test_a_grammar_has_one_rule_a_shape() -> None:
    lines = grammar(SCENE).splitlines()
    assert lines[0].startswith("root ::= r")
    assert sum("{0,19}" in line for line in lines) == 1
    assert "A-Za-z" not in grammar(SCENE)
    assert "A-Za-z" in grammar(Object({"reply": Text(9, "A-Za-z")}))
    assert r'"\"a \\\"b\\\"\""' in grammar(SCENE)


GOOD = '{"turns":[{"speaker":"孙悟空","text":" 来也 "}],"label":"高"}'


@pytest.mark.parametrize("text", [GOOD, f"```json\n{GOOD}\n```", f"好的：{GOOD} 完"])
def test_what_stands_around_the_json_is_left_out(text: str) -> None:
    assert parse(SCENE, text)["turns"] == [{"speaker": "孙悟空", "text": "来也"}]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no JSON"),
        ("没有", "no JSON"),
        (GOOD[:-4], "not JSON"),
        (GOOD.replace("高", "中"), "label: '中' is none"),
        (GOOD.replace(" 来也 ", "  "), r"turns\[0\].text: must be a text"),
        (GOOD.replace("来也", "来" * 41), "41 characters"),
        ('{"turns":[],"label":"高"}', "turns: must be a list of 1"),
        ('{"turns":{},"label":"高"}', "turns: must be a list"),
        ('{"label":"高"}', "turns: is missing"),
        ('{"turns":["x"],"label":"高"}', r"turns\[0\]: must be an object"),
        ("[1]", "answer: must be an object"),
    ],
)
def test_another_shape_is_refused_with_its_place(text: str, told: str) -> None:
    with pytest.raises(BadAnswer, match=told):
        parse(SCENE, text)


def test_more_than_asked_for_is_cut() -> None:
    assert parse(Items(Text(5), 0, 2), '["a","b","c"]') == ["a", "b"]
