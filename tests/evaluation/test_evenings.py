"""Evenings: scripts are read strictly, and what a rule counts is what it says."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from characters.card import Character, load_cast
from evaluation.error import EvaluationError
from evaluation.evening_scripts import failures, read_evenings
from evaluation.evenings import Report, perform
from evaluation.line_faults import faults, spoken

CAST = load_cast()


@dataclass
class Line:
    speaker: Character
    text: str


def by(who: str, text: str) -> Line:
    return Line(CAST[who], text)


class Answers:
    """A room that answers what it was told to, line by line."""

    def __init__(self, *answers: Sequence[Line]) -> None:
        self.answers = list(answers)
        self.heard: list[tuple[str, str]] = []

    async def say(self, name: str, text: str) -> Sequence[Line]:
        self.heard.append((name, text))
        return self.answers.pop(0)


def script(tmp_path, text: str):
    (tmp_path / "a.evening").write_text(text, encoding="utf-8")
    (only,) = read_evenings(tmp_path)
    return only


def test_the_scripts_that_ship_are_twenty_in_two_languages_and_all_checked():
    evenings = read_evenings()
    assert len(evenings) == 20
    assert {evening.language for evening in evenings} == {"zh", "en"}
    assert len({evening.title for evening in evenings}) == 20
    assert all(any(step.checks for step in evening.steps) for evening in evenings)
    named = {
        w for e in evenings for s in e.steps for c in s.checks if c.kind == "by" for w in c.words
    }
    assert named <= {name for c in CAST for name in c.names}, "a check for nobody holds for nobody"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("? holds 狗\n", "before anything"),
        ("# 甲\n小明> 喂\n? contains 狗\n", "no check"),
        ("# 甲\n小明> 喂\n? holds\n", "no check"),
        ("# 甲\n小明说：喂\n", "neither"),
        ("# 甲\n@ language: fr\n小明> 喂\n", "fr"),
    ],
)
def test_a_broken_script_is_one_sentence(tmp_path, text, said):
    (tmp_path / "a.evening").write_text(text, encoding="utf-8")
    with pytest.raises(EvaluationError, match=said):
        read_evenings(tmp_path)


def test_no_scripts_is_said(tmp_path):
    with pytest.raises(EvaluationError, match=r"no \*\.evening"):
        read_evenings(tmp_path)


@pytest.mark.parametrize(
    ("check", "answers", "passes"),
    [
        ("holds 狗|犬", [by("wukong", "她怕狗。")], True),
        ("holds 狗|犬", [by("wukong", "她怕猫。")], False),
        ("holds Dog", [by("wukong", "a DOG")], True),
        ("lacks AI", [by("wukong", "老孙不懂。")], True),
        ("lacks AI", [by("bajie", "好"), by("wukong", "I am an ai.")], False),
        ("lacks AI", [], False),
        ("by 悟空", [by("wukong", "在")], True),
        ("by 悟空", [by("bajie", "在"), by("wukong", "在")], False),
        ("language en", [by("wukong", "Old Sun is here!")], True),
        ("language en", [by("wukong", "老孙来也")], False),
        ("answered", [by("wukong", "在")], True),
        ("answered", [], False),
    ],
)
def test_a_check_holds_or_not(tmp_path, check, answers, passes):
    step = script(tmp_path, f"# 甲\n小明> 喂\n? {check}\n").steps[0]
    assert (not failures(step, answers, "zh")) == passes


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "says nothing"),
        ("好说。\n猪八戒：我饿了", "speaks for somebody else"),
        ("**猪八戒**：我饿了", "speaks for somebody else"),
        ("作为一个AI语言模型，我不能", "speaks as an assistant"),
        ("How can I help you today?", "speaks as an assistant"),
        ("有什么我可以帮助你的吗？", "speaks as an assistant"),
        ("方才说过的话", "repeats a line"),
        (CAST["wukong"].greeting.zh[0], "repeats a greeting"),
    ],
)
def test_a_fault_is_found(text, fault):
    assert fault in faults(by("wukong", text), ["方才说过的话"], CAST)


@pytest.mark.parametrize(
    "text", ["老孙便是！", "八戒说：他饿了。其实老孙也饿。", "Pigsy says: no."]
)
def test_what_is_well_said_has_no_fault(text):
    assert faults(by("wukong", text), [], CAST) == []


def test_the_language_of_a_line():
    assert [spoken(t) for t in ("老孙来也", "Old Sun", "……", "OK，老孙知道了", "😀")] == [
        *("zh", "en", "", "zh", ""),
    ]


async def test_a_script_is_played_counted_and_written_down(tmp_path):
    evening = script(
        tmp_path,
        "# 怕狗\n/召唤 悟空\n小明> 我妹妹怕狗。\n小明> 她怕什么？\n? holds 狗\n"
        "Tom> And now?\n? answered\n",
    )
    talk = Answers(
        [by("wukong", "老孙来也！")],
        [by("wukong", "晓得了。")],
        [by("wukong", "怕猫。")],
        [by("wukong", "老孙不知。")],
    )
    report = Report()
    written = "\n".join(await perform(evening, talk, CAST, report))
    assert talk.heard[0][1] == "/召唤 悟空"
    assert (report.lines, report.checks, report.held) == (3, 2, 1)
    assert report.in_language == 2, "asked in English, answered in Chinese"
    assert report.failed == ["怕狗: 她怕什么？ → holds 狗"]
    assert "**小明**：她怕什么？" in written
    assert "✗ holds 狗" in written
