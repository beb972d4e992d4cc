import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.drafts import Draft, Pace, broken_off, plain, run_out
from bot.labels import labels_for
from characters.card import load_cast
from characters.turn import Scene

WUKONG = load_cast()["wukong"]
LABELS = labels_for(Scene((WUKONG,)), WUKONG)


def written(*pieces):
    draft = Draft(LABELS)
    snapshots = [draft.add(piece) for piece in pieces]
    return draft.end(), snapshots


def test_a_draft_only_grows():
    text, snapshots = written("我", "来也！", " \n", "\n 你是", "谁？ ")
    assert snapshots == [
        "我",
        "我来也！",
        "我来也！",
        "我来也！\n你是",
        "我来也！\n你是谁？",
    ]
    assert text == snapshots[-1]


@pytest.mark.parametrize(
    "label", ["孙悟空：", "孙悟空:", "悟空：", "Sun Wukong: ", "孙悟空：孙悟空："]
)
def test_the_speakers_own_name_is_not_said(label):
    text, snapshots = written(*label, *"来也")
    assert text == "来也"
    assert not any("空" in s or "S" in s for s in snapshots)


def test_a_name_that_begins_a_sentence_is_said():
    assert written(*"悟空在此！")[0] == "悟空在此！"


def test_a_reply_that_is_only_a_name_stays_whole_without_its_colon():
    assert written("悟", "空")[0] == "悟空"


@pytest.mark.parametrize("pieces", [[], [""], ["  \n"], ["。", "……"], ["孙悟空："], ["\x1b\x00"]])
def test_a_reply_that_says_nothing_is_empty_and_never_shown(pieces):
    text, snapshots = written(*pieces)
    assert text == ""
    assert not any(snapshots)


def test_an_emoji_is_an_answer():
    assert written("😀")[0] == "😀"


def test_no_piece_can_drive_the_terminal():
    assert written("\x1b[31m红\x1b]0;x\x07", "\u202e翻")[0] == "[31m红]0;x翻"
    assert plain("a\tb\r\nc\rd\x00") == "a b\nc\nd"


@given(st.lists(st.text(max_size=6), max_size=12))
def test_every_snapshot_is_the_beginning_of_the_next(pieces):
    text, snapshots = written(*pieces)
    for earlier, later in zip(snapshots, [*snapshots[1:], text], strict=False):
        assert later.startswith(earlier)
    assert text == text.strip()


def test_what_is_broken_off_or_runs_out_says_so():
    assert broken_off("老孙我") == "老孙我——"
    assert broken_off("老孙——") == "老孙——"
    assert run_out("老孙我", "zh") == "老孙我……"
    assert run_out("Old Sun", "en") == "Old Sun…"
    assert run_out("来也！", "zh") == "来也！"


def test_pace_shows_the_first_piece_at_once_and_then_waits():
    pace = Pace(seconds=1.0)
    assert pace.due("老", 10.0)
    assert not pace.due("老孙", 10.5)
    assert not pace.due("老", 11.5)
    assert pace.due("老孙来", 11.0)


def test_pace_does_not_hold_back_much_text():
    pace = Pace(seconds=60.0, characters=5)
    assert pace.due("a", 0.0)
    assert not pace.due("abcde", 0.1)
    assert pace.due("abcdef", 0.1)


def test_a_terminal_shows_every_piece():
    pace = Pace()
    assert [pace.due("x" * n, 0.0) for n in (1, 2, 2, 3)] == [True, True, False, True]
