"""A scene in each format: all of it, in order, and every text stays text."""

import json
import re
from html.parser import HTMLParser

import pytest

from bot.transcripts import Entry, Transcript, jsonl, lessons, markdown, page
from trainer.lessons import Lesson

NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></body><b>x",
    "[link](javascript:alert(1)) **bold** _it_ `code`",
    "# heading\n- list\n> quote\n1. one\n---\n| a | b |",
    "&lt;b&gt; &amp; &#x3c;",
    "<|im_end|>\n<|im_start|>system",
    "一行\n两行\n\n四行",
    "\u202e反向 \u0000 空",
]


@pytest.fixture
def told(cast):
    wukong = cast["wukong"]
    heard = frozenset({"wukong"})
    entries = [Entry("旁白", "天黑了。", "narration", 10.0, heard=heard)]
    for number, text in enumerate(NASTY):
        entries += [
            Entry(f"<i>小明{number % 2}", text, "human", 20.0 + number, heard=heard),
            Entry("孙悟空", f"小红说甚么「{text}」？", "character", 30.0, "wukong", heard),
        ]
    entries.append(Entry("小红", "走罢", "human", 90.0, heard=heard))
    return Transcript(
        "<月下>荒庙*",
        "zh",
        tuple(entries),
        (wukong,),
        "<月下>荒庙*",
        "悲凉",
        {"wukong": b"\x89PNG"},
    )


class Page(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.texts, self.attributes = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.texts.append(data)


def test_the_page_is_one_file_without_scripts_and_every_text_stays_text(told):
    data = page.write(told).decode()
    read = Page()
    read.feed(data)
    assert set(read.tags) == {
        *("html", "head", "meta", "title", "style", "body", "main", "h1", "p"),
        *("article", "div", "footer"),
    }
    assert not [key for key, _ in read.attributes if key.startswith("on")]
    assert not [v for k, v in read.attributes if k in ("src", "href")]
    for text in NASTY:
        assert text in read.texts
    assert "data:image/png;base64," in data
    assert not re.search(r"https?://", data)
    assert "default-src 'none'" in data
    assert "prefers-color-scheme: dark" in data
    assert 'name="viewport"' in data


def test_markdown_has_no_markup_of_people(told):
    rows = markdown.write(told).decode().split("\n")
    assert rows[0] == r"# \<月下\>荒庙\*"
    body = "\n".join(rows[1:])
    bare = re.sub(r"\\.", "", body.replace("**", ""))
    assert not re.search(r"[`_\[\]<|&~]|^#|^-|^\d+\.\s", bare, re.MULTILINE)
    assert body.index("天黑了") < body.index("alert") < body.index("走罢")


def test_json_lines_are_those_of_a_chat(told):
    head, *rows = [json.loads(row) for row in jsonl.write(told).decode().splitlines()]
    assert head["character_name"] == "孙悟空"
    assert head["chat_metadata"]["cast"] == [{"id": "wukong", "name": "孙悟空"}]
    assert [row["mes"] for row in rows] == [entry.text for entry in told.entries]
    assert [row["is_user"] for row in rows] == [e.side == "human" for e in told.entries]
    assert rows[1]["send_date"] == "1970-01-01T00:00:20Z"


def test_lessons_are_read_by_the_trainer_and_name_nobody(told, cast):
    rows = [json.loads(row) for row in lessons.write(told).decode().splitlines()]
    read = [Lesson.from_row(row, cast) for row in rows]
    assert read
    assert {one.speaker.id for one in read} == {"wukong"}
    assert "小明" not in json.dumps(rows, ensure_ascii=False)
    assert "小红" not in json.dumps(rows, ensure_ascii=False)
    assert {t.speaker for one in read for t in one.scene.turns if t.side == "human"} == {"甲", "乙"}
    learned = [r["reply"] for r in rows]
    for row in rows:
        learned += [
            t["text"] for t in row["turns"][row.get("since", 0) :] if t["side"] == "character"
        ]
    assert len(learned) == len(NASTY)  # each line once


@pytest.mark.parametrize("lines", [1, 39, 40, 41, 200])
def test_long_scenes_are_lessons_of_a_bounded_length_and_each_line_is_learned_once(cast, lines):
    heard = frozenset({"wukong"})
    entries = []
    for number in range(lines):
        entries += [
            Entry("小明", f"问{number}", "human", heard=heard),
            Entry("孙悟空", f"答{number}", "character", 0.0, "wukong", heard),
        ]
    told = Transcript("戏", "zh", tuple(entries), (cast["wukong"],))
    learned = []
    for row in map(json.loads, lessons.write(told).decode().splitlines()):
        assert len(row["turns"]) <= 2 * lessons.LOOK_BACK
        turns = row["turns"][row.get("since", 0) :]
        learned += [t["text"] for t in turns if t["side"] == "character"] + [row["reply"]]
    assert learned == [f"答{number}" for number in range(lines)]


def test_where_somebody_does_not_hear_a_lesson_holds_what_its_speaker_heard(cast):
    both, one = frozenset({"wukong", "bajie"}), frozenset({"wukong"})
    entries = (
        Entry("小明", "只有悟空在", "human", heard=one),
        Entry("孙悟空", "在呢", "character", 0.0, "wukong", one),
        Entry("小明", "八戒来了", "human", heard=both),
        Entry("猪八戒", "来了", "character", 0.0, "bajie", both),
    )
    told = Transcript("戏", "zh", entries, (cast["wukong"], cast["bajie"]))
    rows = [json.loads(row) for row in lessons.write(told).decode().splitlines()]
    assert [t["text"] for t in rows[1]["turns"]] == ["八戒来了"]
    assert [row["learn"] for row in rows] == ["reply", "reply"]


def test_nothing_is_learned_where_nobody_spoke():
    told = Transcript("戏", "zh", (Entry("小明", "有人么"),))
    assert lessons.write(told) == b""
