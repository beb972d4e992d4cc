"""Taking one person out of what others said."""

import pytest

from bot.memory.erasure import speaks_of_oneself, striker, telling, without


def row(number, kind, person="", text="", speaker="小明"):
    fields = {"s": speaker, "t": text, "k": kind} | ({"p": person} if person else {})
    return f"{number}-0", fields


def test_answers_go_with_what_they_answer():
    rows = [
        row(1, "h", "a:1"),
        row(2, "c", speaker="wukong"),
        row(3, "n", ""),
        row(4, "c", speaker="bajie"),
        row(5, "h", "b:1", speaker="小红"),
        row(6, "c", speaker="wukong"),
    ]
    left, gone, names = without(rows, {"a:1"})
    assert [row_id for row_id, _ in gone] == ["1-0", "2-0"]
    assert [row_id for row_id, _ in left] == ["3-0", "4-0", "5-0", "6-0"]
    assert names == {"小明"}
    _, gone, _ = without([row(1, "h", "a:1"), row(9, "h", "a:1")], {"a:1"}, before=5)
    assert [row_id for row_id, _ in gone] == ["1-0"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("阿青来过。", "某人来过。"),
        ("Ann came.", "someone came."),
        ("Annual report", "Annual report"),
        ("她对花生过敏得很厉害", "她……得很厉害"),
        ("花生好吃", "花生好吃"),
    ],
)
def test_names_and_runs_that_tell_a_fact_are_struck_out(text, left):
    strike = striker({"阿青", "Ann"}, ["对花生过敏"])
    assert strike(text) == left


def test_names_that_are_anybodys_are_not():
    assert telling({"客人", "someone", "明", "阿青（客）"}) == ["阿青"]


def test_with_numbers_only_what_is_one_persons_goes():
    strike = striker((), ["我的电话是13800138000", "我对花生过敏得很厉害"], numbers_only=True)
    assert "13800138000" not in strike("我记得13800138000")
    assert strike("我对花生过敏得很厉害") == "我对花生过敏得很厉害"


@pytest.mark.parametrize(
    ("text", "oneself"),
    [
        ("我怕水", True),
        ("I live in York", True),
        ("It rains", False),
        ("阿青怕水", False),
        ("My cat", True),
    ],
)
def test_who_speaks_of_oneself(text, oneself):
    assert speaks_of_oneself(text) is oneself
