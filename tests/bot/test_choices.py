"""Choices: how they are written, and which messages pick one."""

import pytest

from bot.choices import offered, pick

WAYS = ("上山", "下河", "原地不动")


@pytest.mark.parametrize(
    ("text", "choices"),
    [
        ("上山 | 下河｜原地不动", WAYS),
        ("1. 上山\n2、下河\n3) 原地不动", WAYS),
        ("上山；下河;原地不动", WAYS),
        ("上山；快 | 下河", ("上山；快", "下河")),
        ("上山 | | 上山 | 下河", ("上山", "下河")),
        ("上山", ("上山",)),
        ("  ", ()),
        ("- climb\n- swim", ("climb", "swim")),
    ],
)
def test_choices_are_read_from_a_line(text, choices):
    assert offered(text) == choices


@pytest.mark.parametrize(
    ("text", "picked"),
    [
        *(("2", "下河"), ("２", "下河"), ("二", "下河"), ("第二个", "下河"), ("选2", "下河")),
        *(("2.", "下河"), ("3号！", "原地不动"), ("two", "下河"), ("option 3", "原地不动")),
        *(("下河", "下河"), (" 原地不动 ", "原地不动")),
        *(("0", None), ("4", None), ("-1", None), ("2d6", None), ("1 2", None), ("I", None)),
        *(("二师兄", None), ("我选八戒", None), ("下河去", None), ("", None), ("2" * 900, None)),
        *(("v", None), ("一起走", None), ("1个人去吧", None)),
    ],
)
def test_a_number_picks_and_talk_does_not(text, picked):
    assert pick(text, WAYS) == picked
    assert pick(text, ()) is None
