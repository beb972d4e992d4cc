"""The book as a script: whose line it is, and where nobody should learn from a gap."""

import json

import pytest

from characters.card import load_cast
from characters.script import ScriptError, read_script, sentences_within, speaking
from characters.turn import Turn

CAST = load_cast()


def said(speaker, text, kind="speech", confidence=1.0):
    return {
        "speaker": speaker,
        "addressee": "",
        "text": text,
        "kind": kind,
        "confidence": confidence,
        "start": 0,
        "end": len(text),
    }


def told(text):
    return said("", text, "narration")


@pytest.fixture
def script(tmp_path):
    """Write scenes, one list of turns each, chapter after chapter; gives the file."""

    def write(*scenes):
        file = tmp_path / "scenes.jsonl"
        rows = [
            {
                "id": f"{chapter:03}-001",
                "chapter": chapter,
                "place": "",
                "start": 0,
                "end": 1,
                "participants": [],
                "turns": turns,
            }
            for chapter, turns in enumerate(scenes, start=1)
        ]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return file

    return write


def lines(file, **options):
    """Speaker and text of each stretch."""
    return [
        [(turn.speaker, turn.text) for turn in stretch.turns]
        for stretch in read_script(file, CAST, **options)
    ]


def test_lines_are_given_to_cards_and_to_others_under_their_names(script):
    file = script([said("土地", "大圣。"), told("风起。"), said("孙悟空", " 何事？ ")])
    (stretch,) = read_script(file, CAST)
    assert (stretch.scene, stretch.chapter) == ("001-001", 1)
    assert stretch.turns == (
        Turn("土地", "大圣。", "human"),
        Turn("wukong", "何事？", "character"),
    )


@pytest.mark.parametrize(
    "doubtful", [said("?", "谁说的", confidence=0.0), said("猪八戒", "不大像他", confidence=0.5)]
)
def test_a_speaker_who_is_not_sure_breaks_the_scene(script, doubtful):
    file = script([said("唐僧", "一"), said("沙僧", "二"), doubtful, said("孙悟空", "三")])
    assert lines(file) == [[("tangseng", "一"), ("shaseng", "二")], [("wukong", "三")]]


def test_doubt_at_the_edges_leaves_the_rest_whole(script):
    doubtful = said("?", "谁", confidence=0.0)
    file = script([doubtful, said("唐僧", "一"), said("沙僧", "二"), doubtful], [doubtful])
    assert lines(file) == [[("tangseng", "一"), ("shaseng", "二")]]


def test_what_is_said_in_pieces_around_a_tag_becomes_one_line(script):
    file = script([said("猪八戒", "哥哥，"), told("八戒笑道："), said("猪八戒", "饿了。")])
    assert lines(file) == [[("bajie", "哥哥，饿了。")]]


def test_a_speaker_does_not_answer_himself_across_what_happened(script):
    file = script([said("猪八戒", "饿了。"), told("众人走了半日。" * 5), said("猪八戒", "累了。")])
    assert lines(file) == [[("bajie", "饿了。")], [("bajie", "累了。")]]


def test_another_speaker_may_answer_across_what_happened(script):
    file = script([said("猪八戒", "饿了。"), told("众人走了半日。" * 5), said("沙僧", "快了。")])
    assert lines(file) == [[("bajie", "饿了。"), ("shaseng", "快了。")]]


def test_only_what_is_said_aloud_is_a_line(script):
    file = script([said("孙悟空", "心里话", "thought"), said("孙悟空", "出声")])
    assert lines(file) == [[("wukong", "出声")]]


def test_only_the_chapters_asked_for_are_read(script):
    file = script(*([said("孙悟空", str(number))] for number in range(1, 5)))
    assert lines(file, chapters=[2, 4]) == [[("wukong", "2")], [("wukong", "4")]]
    assert len(lines(file)) == 4
    assert lines(file, chapters=[]) == []


def test_missing_scenes_say_what_to_run(tmp_path):
    with pytest.raises(ScriptError, match="mrp canon build") as problem:
        list(read_script(tmp_path / "scenes.jsonl", CAST))
    assert str(tmp_path / "scenes.jsonl") in str(problem.value)
    assert problem.value.for_user


def broken(script, line):
    file = script([said("孙悟空", "好")])
    with file.open("a", encoding="utf-8") as more:
        more.write(line + "\n")
    with pytest.raises(ScriptError) as problem:
        list(read_script(file, CAST))
    assert f"{file}:2:" in str(problem.value)


@pytest.mark.parametrize(
    "line", ["{", "[1]", "3", '{"id": "1", "chapter": 1}', '{"id": "1", "chapter": 1, "turns": 3}']
)
def test_a_broken_row_names_file_and_line(script, line):
    broken(script, line)


@pytest.mark.parametrize("wrong", [{"text": None}, {"confidence": "high"}])
def test_a_broken_turn_names_file_and_line(script, wrong):
    turn = said("孙悟空", "好") | wrong
    broken(script, json.dumps({"id": "1", "chapter": 1, "turns": [turn]}))


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("短。", "短。"),
        ("一二三四五。六七八九十", "一二三四五。"),
        ("一二三！四五六。七八九十", "一二三！四五六。"),
        ("一二三四五六七八九十", "一二三四五六七八。"),
        ("一。三四五六七，九十", "一。三四五六七。"),
    ],
)
def test_long_lines_are_cut_at_the_end_of_a_sentence(text, cut):
    assert sentences_within(text, 8) == cut


def test_who_speaks_is_told_in_the_order_of_first_lines():
    turns = [
        Turn("土地", "大圣"),
        Turn("bajie", "一", "character"),
        Turn("wukong", "二", "character"),
        Turn("bajie", "三", "character"),
    ]
    assert speaking(turns) == ("bajie", "wukong")
    assert speaking([]) == ()
