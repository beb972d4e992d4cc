"""Macros of imported cards: what each means, the same choice for a seed, and a bound for all."""

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from characters.card import Source, Words, load_cast, read_card
from characters.fields import as_table
from characters.macros import LONGEST, expand
from characters.prompt import Style, card


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("{{char}} and {{user}}", "悟空 and 小明"),
        ("{{CHAR}}, <BOT>, <char>, <USER>", "悟空, 悟空, 悟空, 小明"),
        ("a{{// not {for} anybody}}b", "a{{// not {for} anybody}}b"),  # braces inside: no macro
        ("a{{// a remark}}b{{comment: x}}c{{hidden_key:y}}d", "abcd"),
        ("{{reverse:abc}}", "cba"),
        ("a {{trim}} b", "ab"),
        ("a{{newline}}b{{noop}}", "a\nb"),
        ("{{roll:1}} {{roll:d1}} {{roll:3d1+2}} {{roll 2d1-1}}", "1 1 5 1"),
        ("{{roll:0}}{{roll:101d6}}{{roll:1d99999999}}{{roll:x}}", ""),
        ("{{random:same,same}} {{pick::one}} {{random:a\\,b}}", "same one a,b"),
        ("{{random:{{char}},{{char}}}}", "悟空"),
        ("{{setvar::x::1}}{{original}}", ""),
        ("{{unheard_of::x}} {{}} {{ }}", "{{unheard_of::x}} {{}} {{ }}"),
        ("no { macro } <b>here</b>", "no { macro } <b>here</b>"),
    ],
)
def test_each_macro(written, means):
    assert expand(written, char="悟空", user="小明", seed="s") == means


def test_without_a_person_it_is_anybody():
    assert expand("{{user}}", char="x", language="zh") == "来客"
    assert expand("{{user}}", char="x", language="en") == "the visitor"


def test_the_seed_decides_and_pick_stays():
    written = "{{random:a,b,c,d,e,f,g,h}}{{roll:1000}}"
    assert expand(written, char="x", seed="1") == expand(written, char="x", seed="1")
    assert len({expand(written, char="x", seed=str(n)) for n in range(20)}) > 5
    picked = "{{pick:a,b,c,d,e,f,g,h}}"
    assert len({expand(picked, char="x", seed=str(n)) for n in range(20)}) == 1


def test_a_name_is_never_a_macro():
    for name in ("{{roll:6}}", "{{char}}", "<user>", "{{random:a,b}}"):
        assert expand("{{user}}!", char="x", user=name) == f"{name}!"
        assert expand("{{random:{{user}},{{user}}}}!", char="x", user=name) == f"{name}!"


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="{}:,<>/\\rdcharuse 1\x01\x02\x03", max_size=200))
def test_any_text_ends_and_no_sign_of_ours_stays(text):
    made = expand(text, char="X", user="Y", seed="s")
    assert len(made) <= LONGEST
    if "{{" in text or "<" in text:
        assert not set(made) & set("\x01\x02\x03\x04\x05")


def test_many_nested_macros_take_no_time():
    began = time.monotonic()
    expand("{{random:" * 5000 + "a" + "}}" * 5000, char="x")
    expand("{{char}}" * 100_000, char="x" * 100)
    assert time.monotonic() - began < 5
    assert len(expand("{{char}}" * 100_000, char="x" * 100)) <= LONGEST


def test_a_card_is_read_with_its_macros_expanded_below_the_house_rules():
    wukong = load_cast()["wukong"]
    mine = replace(
        wukong,
        persona=replace(wukong.persona, zh="{{char}}认得{{user}}。{{// 注}}"),
        source=Source("{}", system="{{char}}说话只用七言。"),
    )
    read = card(mine, "zh", Style())
    assert read.startswith("【孙悟空】孙悟空认得来客。\n说话：")
    assert "\n孙悟空说话只用七言。\n例：" in read
    assert card(replace(mine, style=Words()), "zh", Style()).startswith(
        "【孙悟空】孙悟空认得来客。\n孙悟空说话只用七言。"
    )


def test_where_a_card_came_from_is_kept_in_its_table():
    mine = replace(load_cast()["wukong"], source=Source('{"name": "悟空"}', system="七言", note=""))
    assert read_card(as_table(mine), "wukong") == mine
