from __future__ import annotations

import json
import re
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from canon import attribute, find_scenes, read_book, read_scenes, read_table
from canon.book import Book, Section
from canon.names import NameTable, Person
from canon.scenes import write_scenes


def test_rows_have_the_same_keys_and_types(folder: Path) -> None:
    rows = [json.loads(line) for line in (folder / "scenes.jsonl").open(encoding="utf-8")]
    assert rows
    for row in rows:
        assert list(row) == ["id", "chapter", "place", "start", "end", "participants", "turns"]
        assert re.fullmatch(r"\d{3}-\d{3}", row["id"])
        assert all(isinstance(name, str) for name in row["participants"])
        for turn in row["turns"]:
            assert [type(value) for value in turn.values()] == [str, str, str, str, float, int, int]
            assert turn["kind"] in ("speech", "thought", "narration")
            assert turn["text"]
            if turn["kind"] == "narration":
                assert turn["speaker"] == ""
            else:
                assert turn["speaker"]


def test_scenes_read_back_as_they_were_written(tmp_path: Path, novel: Path, names: Path) -> None:
    book, table = read_book(novel), read_table(names)
    scenes = find_scenes(book, attribute(book, table), table)
    write_scenes(scenes, tmp_path / "scenes.jsonl")
    assert list(read_scenes(tmp_path / "scenes.jsonl")) == scenes


def test_participants_place_and_narration_are_told(novel: Path, names: Path) -> None:
    book, table = read_book(novel), read_table(names)
    scenes = find_scenes(book, attribute(book, table), table)
    assert [scene.chapter for scene in scenes] == sorted(scene.chapter for scene in scenes)
    third = [scene for scene in scenes if scene.chapter == 3]
    assert third[0].participants == ("胡三娘", "石伯", "阿青") or "胡三娘" in third[0].participants
    assert any(turn.kind == "narration" for scene in scenes for turn in scene.turns)
    told = "".join(t.text for scene in scenes for t in scene.turns if t.kind == "narration")
    assert "“" not in told.replace("写着“多谢陪棋", "")


def test_a_bare_tag_is_not_narration(novel: Path, names: Path) -> None:
    book, table = read_book(novel), read_table(names)
    for scene in find_scenes(book, attribute(book, table), table):
        for turn in scene.turns:
            assert not (turn.kind == "narration" and re.fullmatch(r"石伯道：?", turn.text))


def test_a_turning_of_the_story_ends_a_scene() -> None:
    text = (
        "阿青道：“一。”石伯道：“二。”且不说二人闲话。却说胡三娘在山后，与白鹿对坐。三娘道：“三。”"
    )
    table = NameTable(people=tuple(Person(n) for n in ("阿青", "石伯", "胡三娘", "三娘", "白鹿")))
    book = Book("mini", (Section(1, "回", f"回\n{text}", "mini.txt", 0),))
    assert len(find_scenes(book, attribute(book, table), table)) == 2


@settings(max_examples=40, deadline=None)
@given(st.text("阿青石伯道笑。，“”我去来\n", max_size=200))
def test_turns_stand_where_they_say_and_no_line_is_empty(text: str) -> None:
    table = NameTable(people=(Person("阿青"), Person("石伯")))
    section = Section(1, "回", f"回\n{text}", "mini.txt", 0)
    book = Book("mini", (section,))
    for scene in find_scenes(book, attribute(book, table), table):
        assert scene.start <= scene.end
        for turn in scene.turns:
            raw = re.sub(r"[\s\u3000“”]", "", section.text[turn.start : turn.end])
            assert re.sub("[“”]", "", turn.text) == raw
            assert turn.text
            assert turn.speaker == "" or turn.speaker not in turn.addressee.split("、")
