"""Hand-written scenes: what is read, what is refused with file and line, and how good ours are."""

import pytest

import mrp
from characters.card import load_cast
from characters.prompt import Tail
from trainer import scenes
from trainer.scenes import SceneError, load_scenes, quality

KNOWN = load_cast()
GOOD = """# 两个名字
@ language: zh
@ cast: wukong, bajie
@ place: 茶棚
@ kind: names, follow-up
小明：大圣，我叫小明，他是阿兰。
孙悟空：记下了：小明和阿兰。
旁白：天黑了。
@ memory: 小明怕狗
@ passage: 行者闻言大笑。
小明：我怕什么？
猪八戒：你怕狗，老猪记得。
@ absent: bajie
阿兰: 八戒听不见罢？
孙悟空：听不见，但说无妨。
@ present: bajie
小明：八戒回来了！
猪八戒：你们背着老猪说甚么？

# Two names
@ language: en
@ cast: shaseng
Amy: I am Amy.
Sha Wujing: Then I shall remember: Amy.
"""


def write(folder, text, name="a.scene"):
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_scene_is_read_whole(tmp_path):
    one, two = load_scenes(write(tmp_path, GOOD), KNOWN)
    assert (one.title, one.where, one.kind) == ("两个名字", "a.scene:1", ("names", "follow-up"))
    assert [c.id for c in one.scene.cast] == ["wukong", "bajie"]
    assert (one.scene.place, one.scene.language, two.scene.language) == ("茶棚", "zh", "en")
    said = [(turn.speaker, turn.side) for turn in one.scene.turns]
    assert said[:4] == [
        ("小明", "human"),
        ("wukong", "character"),
        ("", "narration"),
        ("小明", "human"),
    ]
    assert one.scene.turns[1].text == "记下了：小明和阿兰。", "only the first colon ends the name"
    assert one.tails == {4: Tail(("行者闻言大笑。",), ("小明怕狗",))}
    heard = [turn.witnesses for turn in one.scene.turns]
    assert heard == [None] * 5 + [frozenset({"wukong"})] * 2 + [None] * 2


def changed(old, new):
    assert old in GOOD
    return GOOD.replace(old, new, 1)


MISTAKES = {
    "nobody of this name on stage": (
        changed("猪八戒：你怕", "沙僧：你怕"),
        12,
        "not in the scene's cast",
    ),
    "a short name": (changed("猪八戒：你怕", "八戒：你怕"), 12, "write the full name"),
    "a name of the other language": (changed("Sha Wujing:", "沙僧："), 24, "write the full name"),
    "no colon": (changed("小明：我怕什么？", "我怕什么？"), 11, "no name and colon"),
    "nothing said": (changed("小明：我怕什么？", "小明："), 11, "says nothing"),
    "an unknown key": (changed("@ place:", "@ plaec:"), 4, "plaec: is no key"),
    "an empty key": (changed("@ place: 茶棚", "@ place:"), 4, "says nothing"),
    "an unknown language": (changed("@ language: zh", "@ language: fr"), 2, "'fr' is none of"),
    "an unknown character": (changed("wukong, bajie", "wukong, nezha"), 3, "nezha"),
    "a character twice": (changed("wukong, bajie", "wukong, wukong"), 3, "twice"),
    "a key twice": (changed("@ place: 茶棚", "@ cast: bajie"), 4, "stands twice"),
    "the head too late": (changed("旁白：天黑了。", "@ place: 庙里"), 8, "before the first turn"),
    "no cast": (changed("@ cast: shaseng\n", ""), 22, "cast: is missing"),
    "no language": (changed("@ language: en\n", ""), 22, "language: is missing"),
    "no title": ("小明：好。\n" + GOOD, 1, "before the first title"),
    "the same title": (changed("# Two names", "# 两个名字"), 20, "was there before"),
    "the same line": (
        changed("你们背着老猪说甚么？", "你怕狗，老猪记得！"),
        18,
        "was there before",
    ),
    "an absent one speaks": (changed("孙悟空：听不见", "猪八戒：听不见"), 15, "is absent"),
    "a stranger absent": (changed("@ absent: bajie", "@ absent: shaseng"), 13, "not in the scene"),
    "a tail of nothing": (GOOD + "@ note: 快些\n", 25, "without a character's line"),
    "no character": (changed("Sha Wujing: Then", "Bob: Then"), 20, "no turn of a character"),
    "nobody to talk with": (changed("Amy: I am", "Narrator: I am"), 20, "no turn of a person"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_names_file_and_line(mistake, tmp_path):
    text, line, told = MISTAKES[mistake]
    with pytest.raises(SceneError, match=told) as problem:
        load_scenes(write(tmp_path, text), KNOWN)
    assert str(problem.value).startswith(f"{tmp_path / 'a.scene'}:{line}: ")
    assert problem.value.for_user


def test_two_characters_may_talk_among_themselves(tmp_path):
    text = "# 师兄弟\n@ language: zh\n@ cast: wukong, bajie\n孙悟空：呆子！\n猪八戒：哥啊！\n"
    (one,) = load_scenes(write(tmp_path, text), KNOWN)
    assert len(one.scene.turns) == 2


@pytest.mark.parametrize(
    "line", ["孙悟空：记下了，小明和阿兰！", "小红：记得那一天我们一起爬山去看日出吗"]
)
def test_a_line_of_an_earlier_file_is_named_with_its_place(line, tmp_path):
    first = GOOD.replace("小明：我怕什么？", "小明：记得那一天我们一起爬山去看日出吗")
    write(tmp_path, first)
    again = f"# 又来\n@ language: zh\n@ cast: wukong\n小红：嗯\n{line}\n孙悟空：好。\n"
    write(tmp_path, again, "b.scene")
    with pytest.raises(SceneError, match=r"b\.scene:5: .* was there before \(a\.scene:"):
        load_scenes(tmp_path, KNOWN)


def test_short_words_of_people_may_come_again(tmp_path):
    write(tmp_path, GOOD)
    again = "# 又来\n@ language: zh\n@ cast: wukong\n小红：八戒回来了！\n孙悟空：还早哩。\n"
    assert len(load_scenes(write(tmp_path, again, "b.scene"), KNOWN)) == 3


def test_a_persons_name_is_as_a_chat_shows_it(tmp_path):
    text = GOOD.replace("小明：大圣", "小 明*：大圣")
    (one, _) = load_scenes(write(tmp_path, text), KNOWN)
    assert one.scene.turns[0].speaker == "小_明"


def test_no_scenes_and_no_text_are_said(tmp_path):
    with pytest.raises(SceneError, match="no scene"):
        load_scenes(tmp_path, KNOWN)
    (tmp_path / "a.scene").write_bytes("# 好".encode("gb18030"))
    with pytest.raises(SceneError, match=r"a\.scene: cannot be read"):
        load_scenes(tmp_path, KNOWN)


# --- ours ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ours():
    return load_scenes()


def test_our_scenes_are_many_and_unlike_each_other(ours):
    counted = quality(ours)
    assert counted["scenes"] >= 250
    assert counted["near_duplicates"] <= scenes.MOST_ALIKE, counted["alike"]
    assert counted["distinct_4"] >= scenes.LEAST_DISTINCT
    assert counted["characters"].keys() == {character.id for character in KNOWN}
    assert counted["languages"]["en"] > counted["scenes"] / 10


def test_one_in_ten_is_held_out_whatever_else_there_is(ours):
    held = {one.title for one in ours if one.held_out}
    assert 0.05 < len(held) / len(ours) < 0.15
    assert held == {one.title for one in reversed(ours) if one.held_out}


def test_the_verb_counts_and_judges(tmp_path, capsys):
    assert mrp.main(["lessons", "scenes", str(write(tmp_path, GOOD))]) == 0
    assert "scenes           2" in capsys.readouterr().out
    parrot = "".join(
        f"# 第{n}\n@ language: zh\n@ cast: wukong\n小红：{n}？\n"
        f"孙悟空：老孙一个筋斗十万八千里去去就来第{n}回了\n"
        for n in range(9)
    )
    assert mrp.main(["lessons", "scenes", str(write(tmp_path, parrot))]) == 1
    assert "near duplicate: a.scene:" in capsys.readouterr().out
