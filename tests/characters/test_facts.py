"""Facts of a cast's own story, told when a message names what they are about."""

from dataclasses import replace
from pathlib import Path

import pytest

from characters.card import Language, Words, load_cast
from characters.facts import Fact, FactError, read_facts
from characters.told import told
from characters.turn import Scene, Turn

CAST = load_cast()
FACTS = (
    Fact("wukong", Words("棒是孙悟空的", "The rod is Wukong's"), ("金箍棒", "iron rod")),
    Fact("wukong", Words("孙悟空使棒", "Wukong fights with a rod"), (), ("兵器", "weapon")),
    Fact("wukong", Words("大圣是孙悟空", "The Great Sage is Wukong"), ("大圣",)),
    Fact("bajie", Words("耙是猪八戒的", "The rake is Bajie's"), ("钉耙", "rake")),
    Fact("bajie", Words("猪八戒使耙", "Bajie fights with a rake"), (), ("兵器", "weapon")),
    Fact("niumowang", Words("平天大圣是牛魔王", "He who Levels Heaven"), ("平天大圣",), (), 4),
    Fact("shaseng", Words("只有中文"), ("流沙河",)),
)


def asked(
    *turns: str | Turn, of: str = "wukong", language: Language = "zh", chapter: int = 0
) -> tuple[str, ...]:
    said = tuple(Turn("小明", turn) if isinstance(turn, str) else turn for turn in turns)
    scene = Scene((CAST["wukong"], CAST["bajie"]), said, language=language)
    return tuple(f.text[language] for f in told(FACTS, scene, CAST[of], chapter))


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("悟空，你的金箍棒多重？", ("棒是孙悟空的",)),
        ("悟空，你的釘耙呢", ("耙是猪八戒的",)),  # traditional
        ("八戒的钉耙重，还是金箍棒重？", ("棒是孙悟空的", "耙是猪八戒的")),  # longest name first
        ("你使甚么兵器？", ("孙悟空使棒",)),  # the speaker's own, not 八戒's
        ("世上甚么兵器最好？", ()),  # nobody's
        ("我的兵器丢了，你说怎么办？", ()),
        ("我兵器丢了你说怎么办？", ()),
        ("你还记得我使甚么兵器么？", ()),
        ("你知道他最爱的兵器么", ()),
        ("兵器你使哪一样？", ("孙悟空使棒",)),
        ("你的兵器，我的兵器，哪个重？", ("孙悟空使棒",)),
        # Traditional, and no 你 or mark of a question.
        ("釘耙是誰的", ("耙是猪八戒的",)),
        ("金箍棒有幾斤重是多少", ("棒是孙悟空的",)),
        ("妳使甚麼兵器", ("孙悟空使棒",)),
        # Wanted.
        ("讲讲钉耙的故事", ("耙是猪八戒的",)),
        ("平天大圣是谁？", ("平天大圣是牛魔王",)),  # not 大圣
        ("平天大圣和齐天大圣是谁？", ("平天大圣是牛魔王", "大圣是孙悟空")),
        ("你从流沙河来么", ("只有中文",)),
        # Its own name calls somebody; it is not asked about.
        ("大圣，你饿么？", ()),
        ("你饿么，大圣", ()),
        ("大圣你饿么", ()),
        ("大圣是甚么官？", ("大圣是孙悟空",)),
        # Nothing is asked, and nobody spoken to.
        ("今天在水边看见一根金箍棒", ()),
        ("天气真好，你饿么？", ()),
        ("", ()),
    ],
)
def test_what_a_message_names(text, facts):
    assert asked(text) == facts


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("What's your weapon?", ("Wukong fights with a rod",)),
        ("where are the RAKES", ("The rake is Bajie's",)),
        ("whose rake is it", ("The rake is Bajie's",)),
        ("Tell me about the rake", ("The rake is Bajie's",)),
        ("My weapon broke. Can you mend it?", ()),
        ("Do you remember which weapon I like?", ("Wukong fights with a rod",)),
        ("Do you remember my weapon?", ()),
        ("u lost ur weapon", ("Wukong fights with a rod",)),
        ("Will you brake?", ()),
        ("You rakehell!", ()),
        ("Is the iron rod yours?", ("The rod is Wukong's",)),
        ("你是流沙河的么", ("只有中文",)),  # what there is
    ],
)
def test_english(text, facts):
    assert asked(text, language="en") == facts


def test_who_has_answered_is_told_no_more():
    line = "悟空，你的钉耙呢？"
    assert asked(line, Turn("bajie", "在我这里", "character")) == ("耙是猪八戒的",)
    assert asked(line, Turn("wukong", "俺使棒", "character")) == ()
    assert asked(line, Turn("wukong", "俺使棒", "character"), "那你的金箍棒呢？") == (
        "棒是孙悟空的",
    )
    assert asked(Turn("bajie", "你的钉耙呢", "character")) == ()


def test_its_own_comes_first():
    facts = (
        Fact("bajie", Words("八戒吃了"), ("人参果",)),
        Fact("wukong", Words("悟空偷"), ("人参果",)),
    )
    scene = Scene((CAST["wukong"],), (Turn("小明", "你偷过人参果么？"),))
    assert [fact.text.zh for fact in told(facts, scene, CAST["wukong"])] == ["悟空偷", "八戒吃了"]


def test_what_was_not_heard_is_not_looked_up():
    assert asked(Turn("小明", "你的钉耙呢？", "human", frozenset({"bajie"}))) == ()


def test_later_chapters_and_strangers():
    assert asked("平天大圣是你么？", chapter=3) == ()  # and not 大圣
    assert asked("平天大圣是你么？", chapter=4) == ("平天大圣是牛魔王",)
    stranger = replace(CAST["wukong"], id="pikachu")
    said = (Turn("小明", "你的金箍棒呢？"),)
    assert told(FACTS, Scene((stranger,), said), stranger) == ()


def test_no_more_than_three():
    text = "你的金箍棒、钉耙、流沙河、平天大圣，哪个好？"
    assert len(asked(text)) == 3


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("wukong", "[[facts]]\nkeys = ['a']", "fact 1: says nothing in zh or en"),
        ("wukong", "[[facts]]\nzh = 'a'", "has either keys or asked"),
        ("wukong", "[[facts]]\nzh = 'a'\nkeys = ['a']\nasked = ['b']", "has either keys or asked"),
        ("wukong", "[[facts]]\nzh = 'a'\nkeys = []", "keys: a list of words"),
        ("wukong", "[[facts]]\nzh = 'a'\nkeys = ['a', ' ']", "none of them empty"),
        ("wukong", "[[facts]]\nzh = 'a'\nkeys = [3]", "none of them empty"),
        ("wukong", "[[facts]]\nzh = 'a'\nkeys = 'a'", "keys: a list of words"),
        ("wukong", "[[facts]]\nzh = 3\nkeys = ['a']", "zh and en are texts"),
        ("wukong", "[[facts]]\nzh = 'a'\nkeys = ['a']\nfr = 'b'", "fr: unknown key"),
        ("wukong", "[[facts]]\nzh = 'a'\nkeys = ['a']\nchapter = true", "no number of a chapter"),
        ("wukong", "[[facts]]\nzh = 'a'\nkeys = ['a']\nchapter = -1", "no number of a chapter"),
        ("wukong", "facts = 3", "written as [[facts]] tables"),
        ("wukong", "fact = []", "written as [[facts]] tables"),
        ("wukong", "[[facts]", "cannot be read as TOML"),
        ("nobody", "", "facts of 'nobody', who has no card here (wukong)"),
    ],
)
def test_broken_files(tmp_path: Path, name, text, what):
    (tmp_path / "facts").mkdir()
    (tmp_path / "facts" / f"{name}.toml").write_text(text, encoding="utf-8")
    with pytest.raises(FactError) as caught:
        read_facts(tmp_path, ["wukong"])
    assert what in str(caught.value)
    assert f"{name}.toml" in str(caught.value)


def test_the_facts_that_ship():
    assert {fact.about for fact in CAST.facts} == {character.id for character in CAST}
    for fact in CAST.facts:
        owner = CAST[fact.about]
        for language in ("zh", "en"):
            said = fact.text[language]
            named = (owner.name[language], *owner.aliases[language])
            assert any(name in said for name in named), said
            assert len(said) <= (70 if language == "zh" else 260), said
        assert all(len(key) > 1 for key in (*fact.keys, *fact.asked)), fact
