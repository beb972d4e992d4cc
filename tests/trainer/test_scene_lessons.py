"""Every line of a character is learned once, with what it needs to be known."""

import dataclasses
import random
from collections import Counter

import pytest

from characters.card import load_cast
from characters.prompt import Style
from trainer.scene_lessons import lessons_of, without_place
from trainer.scenes import load_scenes

KNOWN = load_cast()
TEXT = """# 一
@ language: zh
@ cast: wukong, bajie
@ place: 庙里
小明：早。
孙悟空：早哩。
@ memory: 小明怕狗
小明：我怕什么？
猪八戒：你怕狗。
小明：大圣，是么？
孙悟空：呆子说的是。
@ absent: bajie
小明：悄悄说，八戒胖不胖？
孙悟空：胖得很。
@ present: bajie
猪八戒：说甚么呢？
小明：再见！
"""


@pytest.fixture
def written(tmp_path):
    (tmp_path / "a.scene").write_text(TEXT, encoding="utf-8")
    return load_scenes(tmp_path, KNOWN)[0]


def learned(one) -> list[str]:
    """The lines that a lesson learns."""
    spans = one.spans(Style(cards="name", rules=False))
    return [s.text for s in spans if s.learned and not s.control and not s.text.endswith("：")]


def test_every_line_is_learned_once(written):
    taught = Counter(text for one in lessons_of(written, KNOWN) for text in learned(one))
    assert taught == {"早哩。": 1, "你怕狗。": 1, "呆子说的是。": 1, "胖得很。": 1, "说甚么呢？": 1}


def test_a_line_with_a_tail_is_learned_with_it_only(written):
    (one,) = [one for one in lessons_of(written, KNOWN) if one.tail]
    assert one.tail is not None
    assert (one.speaker.id, one.learn, one.tail.memory) == ("bajie", "reply", ("小明怕狗",))


LOOKED_UP = """# 二
@ language: zh
@ cast: wukong, bajie
小明：早，八戒。
猪八戒：早哩。
小明：大圣，你那钉耙多重？
孙悟空：钉耙是呆子的。
小明：那你有手机么？
@ passage: 那呆子取出钉耙。
猪八戒：手鸡？没见过。
"""


def test_what_a_room_looks_up_is_read_before_the_line(tmp_path):
    (tmp_path / "a.scene").write_text(LOOKED_UP, encoding="utf-8")
    lessons = list(lessons_of(load_scenes(tmp_path, KNOWN)[0], KNOWN))
    assert [one.reply for one in lessons] == ["早哩。", "钉耙是呆子的。", "手鸡？没见过。"]
    first, second, third = (one.tail for one in lessons)
    assert first is None
    assert second is not None
    assert third is not None
    assert any("猪八戒的兵器" in passage for passage in second.passages)
    assert (third.passages, third.unheard) == (("那呆子取出钉耙。",), ("手机",))
    assert Counter(text for one in lessons for text in learned(one)) == dict.fromkeys(
        ("早哩。", "钉耙是呆子的。", "手鸡？没见过。"), 1
    )


def test_nobody_learns_from_what_they_did_not_hear(written):
    (one,) = [one for one in lessons_of(written, KNOWN) if one.reply == "说甚么呢？"]
    assert "悄悄" not in "".join(span.text for span in one.spans(Style()))
    (other,) = [one for one in lessons_of(written, KNOWN) if one.reply == "胖得很。"]
    assert "悄悄" in "".join(span.text for span in other.spans(Style()))


def test_a_lesson_shows_as_much_of_the_cards_as_it_says(written):
    texts = {}
    for cards in ("full", "brief", "name"):
        first = next(iter(lessons_of(written, KNOWN, cards)))
        texts[cards] = first.spans(Style(cards="brief", rules=False))[1].text
    assert texts["name"] == "场景：庙里\n孙悟空\n猪八戒"
    assert len(texts["name"]) < len(texts["brief"]) < len(texts["full"])
    assert KNOWN["wukong"].persona.zh in texts["full"]


def test_lessons_survive_the_way_through_json(written):
    for one in lessons_of(written, KNOWN, "name"):
        again = type(one).from_row(one.to_row(), KNOWN)
        assert again.spans(Style()) == one.spans(Style())
        assert (again.cards, again.since) == (one.cards, one.since)


def test_the_oldest_turn_that_goes_moves_where_learning_begins(written):
    one = next(one for one in lessons_of(written, KNOWN) if one.since)
    shorter = one.without_oldest_turn()
    assert shorter.since == one.since - 1
    assert learned(shorter) == learned(one)


def test_the_place_goes_as_often_as_asked(written):
    one = next(iter(lessons_of(written, KNOWN)))
    rng = random.Random(1)
    bare = sum(not without_place(one, rng, 0.5).scene.place for _ in range(200))
    assert 70 < bare < 130
    assert without_place(one, rng, 0.0) == one
    assert without_place(one, rng, 1.0).scene == dataclasses.replace(one.scene, place="")
