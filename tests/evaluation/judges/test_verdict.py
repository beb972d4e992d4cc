"""What is understood of a judge's words."""

from __future__ import annotations

import pytest

from evaluation.judges.verdict import last_choice, last_number, listed


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("8", 8),
        ("It is good.\n8/10", 8),
        ("分数：7\n", 7),
        ("3 of them, but:\n[[9]]", 9),
        ("10 / 10", 10),
        ("8.0", 8),
        ("11", None),
        ("none", None),
        ("", None),
    ],
)
def test_the_last_number_of_the_last_line(text: str, number: int | None) -> None:
    assert last_number(text, 1, 10) == number


def test_the_choice_in_brackets_goes_before_one_in_passing() -> None:
    names = ["孙悟空", "唐僧", "猪八戒"]
    assert last_choice("像唐僧。最符合的角色为[孙悟空]，而非唐僧", names) == "孙悟空"
    assert last_choice("The most suitable role is 猪八戒", names) == "猪八戒"
    assert last_choice("nobody", names) is None
    assert last_choice("", names) is None


def test_a_list_is_found_in_a_fence_and_nonsense_is_not() -> None:
    assert listed('```json\n[{"a": 1}]\n```') == [{"a": 1}]
    assert listed('words [not] then [{"a": 2}] more') == [{"a": 2}]
    assert listed("[]") == []
    assert listed("[1, 2]") is None
    assert listed("") is None
