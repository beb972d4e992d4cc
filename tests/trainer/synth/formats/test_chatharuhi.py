"""ChatHaruhi's stories."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tests.trainer.synth.formats.samples import DIALOGUES, put
from trainer.synth.error import FormatError
from trainer.synth.formats import Dialogue, Utterance, read, write


def test_a_haruhi_folder_comes_back(tmp_path: Path) -> None:
    source = tmp_path / "wukong"
    (source / "texts").mkdir(parents=True)
    (source / "system_prompt.txt").write_text("你正在扮演孙悟空", "utf-8")
    story = "旁白:师徒行至山前。\n八戒:「哥啊，饿了。」\n孙悟空:「呆子！\n等着。」\n"
    (source / "texts" / "第一回.txt").write_text(story, "utf-8")
    (one,) = read("chatharuhi", source, "孙悟空")
    assert one.system == "你正在扮演孙悟空"
    assert [line.own for line in one.lines] == [False, False, True]
    assert one.lines[2].text == "呆子！\n等着。"
    write("chatharuhi", tmp_path / "again", [one])
    assert (tmp_path / "again" / "texts" / "第一回.txt").read_text("utf-8") == story
    assert (tmp_path / "again" / "system_prompt.txt").read_text("utf-8") == "你正在扮演孙悟空"


def test_a_written_folder_never_leaves_its_place(tmp_path: Path) -> None:
    sly = Dialogue((Utterance("a", "b"),), extra={"file": "../../outside.txt"})
    write("chatharuhi", tmp_path / "in", [sly])
    assert (tmp_path / "in" / "texts" / "outside.txt").exists()
    assert not (tmp_path / "outside.txt").exists()


def test_stories_do_not_guess_whose_voice_it_is(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="--role"):
        list(read("chatharuhi-jsonl", put(tmp_path / "in.jsonl", DIALOGUES)))


def test_haruhi_texts_in_base64_are_read(tmp_path: Path) -> None:
    hidden = base64.b64encode("八戒：「饿。」\n孙悟空：「等。」".encode()).decode()
    (one,) = read("chatharuhi-role", put(tmp_path / "r.jsonl", [{"enc_text": hidden}]), "孙悟空")
    assert one.lines == (Utterance("八戒", "饿。"), Utterance("孙悟空", "等。", own=True))
    with pytest.raises(FormatError, match="base64"):
        list(read("chatharuhi-role", put(tmp_path / "r.jsonl", [{"enc_text": "?"}]), "孙悟空"))
