"""Evenings: scripts are read strictly, and what a rule counts is what it says."""

import argparse
import asyncio
import contextlib
import json
import signal
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from characters.card import Character, load_cast
from evaluation.error import EvaluationError
from evaluation.evening_scripts import failures, read_evenings
from evaluation.evenings import Report, options, perform, run
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


# -- what is kept --------------------------------------------------------------------------------

TWO = "# 一\n/召唤 悟空\n小明> 在么？\n? answered\n# 二\n小明> 你是谁？\n? holds 悟空\n"


def playing(asked: list[str], *, stop_at: str = "", answer: str = "老孙便是悟空。"):
    """A stand-in for the bot's rooms, that writes down what was said and can be stopped."""

    class Room:
        async def say(self, name: str, text: str) -> Sequence[Line]:
            if text == stop_at:
                signal.raise_signal(signal.SIGINT)  # as Ctrl-C does
                await asyncio.sleep(60)
            asked.append(text)
            return [by("wukong", answer)]

    @contextlib.asynccontextmanager
    async def play(args):
        async def open_room(title: str) -> Room:
            return Room()

        yield open_room

    return play


def evenings(tmp_path, play, *words: str):
    parser = argparse.ArgumentParser()
    options(parser)
    (tmp_path / "scripts").mkdir(exist_ok=True)
    (tmp_path / "scripts" / "a.evening").write_text(TWO, encoding="utf-8")
    given = ["--scripts", str(tmp_path / "scripts"), "--model", "m.gguf", *words]
    return run(argparse.Namespace(**vars(parser.parse_args(given)), play=play))


def test_a_run_that_is_stopped_goes_on_after_the_last_whole_evening(tmp_path, capsys):
    asked: list[str] = []
    out = ("-o", str(tmp_path / "out"))
    with pytest.raises(EvaluationError, match="--resume"):
        evenings(tmp_path, playing(asked, stop_at="你是谁？"), *out)
    assert not (tmp_path / "out" / "evenings.json").exists(), "it is not whole"
    result = evenings(tmp_path, playing(asked), *out, "--resume")
    assert asked == ["/召唤 悟空", "在么？", "你是谁？"]
    assert (result["evenings"], result["lines"], result["held"]) == (2, 2, 2)
    assert "evenings: 3 of 3" in capsys.readouterr().err
    page = (tmp_path / "out" / "transcript.md").read_text(encoding="utf-8")
    assert page.index("## 一") < page.index("## 二")


def test_a_whole_run_is_only_counted_again_and_a_new_one_begins_anew(tmp_path):
    asked: list[str] = []
    out = ("-o", str(tmp_path / "out"))
    first = evenings(tmp_path, playing(asked), *out)
    assert evenings(tmp_path, playing(asked), *out, "--resume") == first
    assert len(asked) == 3
    evenings(tmp_path, playing(asked, answer="不知道。"), *out)
    assert len(asked) == 6
    told = json.loads((tmp_path / "out" / "evenings.json").read_text(encoding="utf-8"))
    assert told["failed"] == ["二: 你是谁？ → holds 悟空"]


def test_an_evening_that_was_cut_while_it_was_written_is_played_again(tmp_path):
    asked: list[str] = []
    evenings(tmp_path, playing(asked), "-o", str(tmp_path / "out"))
    kept = tmp_path / "out" / "evenings.jsonl"
    kept.write_bytes(kept.read_bytes()[:-20])
    evenings(tmp_path, playing(asked), "-o", str(tmp_path / "out"), "--resume")
    assert asked[3:] == ["你是谁？"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--resume",), "-o"),
        (("--resume", "-o", "OUT", "--seed", "2"), "another model or seed"),
        (("--only", "三"), "no script"),
    ],
)
def test_what_cannot_be_gone_on_with_is_one_sentence(tmp_path, words, said):
    out = str(tmp_path / "out")
    evenings(tmp_path, playing([]), "-o", out)
    with pytest.raises(EvaluationError, match=said):
        evenings(tmp_path, playing([]), *(out if word == "OUT" else word for word in words))


def test_evenings_are_played_together_and_kept_in_whatever_order(tmp_path):
    out, asked = ("-o", str(tmp_path / "out")), []
    one = evenings(tmp_path, playing(asked), *out, "--at-once", "2")
    assert sorted(asked) == sorted(["/召唤 悟空", "在么？", "你是谁？"])
    assert one["evenings"] == 2
    with pytest.raises(EvaluationError, match="--at-once"):
        evenings(tmp_path, playing(asked), "--at-once", "0")


def test_kept_runs_are_counted_side_by_side_without_a_model(tmp_path, capsys):
    bad = "你是孙悟空，正对小明说话；照着刚说的那句回答。"
    evenings(tmp_path, playing([], answer=bad), "-o", str(tmp_path / "before"))
    evenings(tmp_path, playing([]), "-o", str(tmp_path / "after"))
    capsys.readouterr()
    runs = [str(tmp_path / name) for name in ("before", "after")]
    result = evenings(tmp_path, None, "--compare", *runs)
    assert result["before"]["faults"]["recites its orders"] == 2
    table = capsys.readouterr().out.splitlines()
    assert table[0] == "| | before | after |"
    assert "| recites its orders | 2 | 0 |" in table
    assert "| checks held | 2 of 2 | 2 of 2 |" in table
    with pytest.raises(EvaluationError, match="nowhere"):
        evenings(tmp_path, None, "--compare", runs[0], str(tmp_path / "nowhere"))


def test_what_was_kept_stays_until_something_is_played(tmp_path):
    out = ("-o", str(tmp_path / "out"))
    evenings(tmp_path, playing([]), *out)
    kept = (tmp_path / "out" / "evenings.jsonl").read_bytes()
    with pytest.raises(EvaluationError):
        evenings(tmp_path, playing([], stop_at="在么？"), *out, "--only", "一")
    assert (tmp_path / "out" / "evenings.jsonl").read_bytes() == kept


def test_one_evening_can_be_played_by_a_part_of_its_title(tmp_path):
    asked: list[str] = []
    assert evenings(tmp_path, playing(asked), "--only", "二")["evenings"] == 1
    assert asked == ["你是谁？"]
