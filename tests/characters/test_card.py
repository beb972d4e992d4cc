"""Cards: the nine that come with the project, and what is said of a broken one."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from characters.card import (
    CAST_FOLDER,
    PEOPLE,
    CardError,
    Cast,
    UnknownCharacter,
    load_card,
    load_cast,
)

NINE = {
    "wukong": "孙悟空",
    "tangseng": "唐僧",
    "bajie": "猪八戒",
    "shaseng": "沙僧",
    "guanyin": "观音菩萨",
    "longma": "白龙马",
    "niumowang": "牛魔王",
    "baigu": "白骨夫人",
    "honghaier": "红孩儿",
}

GOOD = """
id = "nezha"
talkativeness = 0.6
[name]
zh = "哪吒"
en = "Nezha"
[aliases]
zh = ["三太子"]
en = ["Third Prince"]
[brief]
zh = "托塔天王之子"
en = "A son of the Pagoda Bearer"
[persona]
zh = "脚踏风火轮"
en = "He rides wheels of wind and fire"
[style]
zh = "年少气盛"
en = "Young and proud"
[greeting]
zh = ["哪吒来也"]
en = ["Nezha is here"]
[lines]
zh = ["看枪"]
en = ["Mind the spear"]
[sampling]
temperature = 0.7
"""


@pytest.fixture(scope="module")
def cast() -> Cast:
    return load_cast()


@pytest.fixture
def write(tmp_path) -> Callable[..., Path]:
    def write(text: str, name: str = "nezha.toml") -> Path:
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return file

    return write


def another(old: str = "", new: str = "") -> str:
    """A second good card that shares no name with the first, with one text replaced."""
    second = (
        GOOD.replace("nezha", "muzha")
        .replace('"哪吒"', '"木吒"')
        .replace('"Nezha"', '"Muzha"')
        .replace('"三太子"', '"二太子"')
        .replace("Third Prince", "Second Prince")
    )
    assert old in second
    return second.replace(old, new) if old else second


def test_the_nine_are_there_under_their_names(cast):
    assert {character.id: character.name.zh for character in cast} == NINE
    assert len(cast) == 9


@pytest.mark.parametrize("character_id", NINE)
def test_each_card_is_full_in_both_languages(cast, character_id):
    card = cast[character_id]
    for language in ("zh", "en"):
        assert card.name[language]
        assert card.brief[language]
        assert card.persona[language]
        assert card.style[language]
        assert card.aliases[language]
        assert card.greeting[language]
        assert card.lines[language]
    assert 0 <= card.talkativeness <= 1
    assert 0 < card.temperature <= 2
    assert card.first_chapter > 0
    assert card.colour
    assert card.emoji


def test_every_word_of_a_card_is_read_from_its_own_key(write):
    card = load_card(write(GOOD))
    assert (card.id, card.name.zh, card.name.en) == ("nezha", "哪吒", "Nezha")
    assert (card.aliases.zh, card.aliases.en) == (("三太子",), ("Third Prince",))
    assert (card.brief.zh, card.brief.en) == ("托塔天王之子", "A son of the Pagoda Bearer")
    assert card.persona["zh"] == "脚踏风火轮"
    assert card.persona["en"] == "He rides wheels of wind and fire"
    assert (card.style["zh"], card.style["en"]) == ("年少气盛", "Young and proud")
    assert (card.greeting["zh"], card.greeting["en"]) == (("哪吒来也",), ("Nezha is here",))
    assert (card.lines["zh"], card.lines["en"]) == (("看枪",), ("Mind the spear",))
    assert (card.talkativeness, card.temperature, card.first_chapter) == (0.6, 0.7, 0)


def test_a_card_is_a_value_that_cannot_be_changed(cast):
    with pytest.raises(AttributeError):
        cast["wukong"].id = "bajie"
    assert hash(cast["wukong"]) == hash(load_cast()["wukong"])


def test_the_cast_stands_in_the_order_of_the_book(cast, tmp_path, write):
    chapters = [character.first_chapter for character in cast]
    assert chapters == sorted(chapters)
    write(GOOD, "a.toml")
    write("first_chapter = 3\n" + another(), "b.toml")
    assert [card.id for card in load_cast(tmp_path)] == ["muzha", "nezha"]


@pytest.mark.parametrize(
    ("name", "who"),
    [
        ("wukong", "wukong"),
        ("悟空", "wukong"),
        ("齐天大圣", "wukong"),
        ("Monkey King", "wukong"),
        ("monkey king", "wukong"),
        ("MONKEYKING", "wukong"),
        ("  Monkey   King ", "wukong"),
        (" 悟 空 ", "wukong"),
        ("猪八戒", "bajie"),
        ("Tripitaka", "tangseng"),
        ("红孩儿", "honghaier"),
    ],
)
def test_any_name_finds_its_owner_whatever_case_and_spaces(cast, name, who):
    assert cast.find(name).id == who


def test_every_name_of_every_card_finds_that_card(cast):
    for character in cast:
        for name in character.names:
            assert cast.find(name) is character
            assert cast.find(name.upper()) is character


@pytest.mark.parametrize("name", ["哪吒", "", "空", "wu"])
def test_an_unknown_name_is_told_who_there_is(cast, name):
    with pytest.raises(UnknownCharacter) as told:
        cast.find(name)
    assert repr(name) in str(told.value)
    for character_id, shown in NINE.items():
        assert character_id in str(told.value)
        assert shown in str(told.value)
    assert told.value.for_user


def test_an_id_is_looked_up_exactly(cast):
    with pytest.raises(UnknownCharacter):
        cast["悟空"]


MISTAKES = {
    "unknown key": ("talkativeness = 0.6", "talkativness = 0.6", "talkativness"),
    "unknown key in a table": ('zh = "哪吒"', 'zh = "哪吒"\njp = "ナタ"', "name.jp"),
    "unknown key in lists": ('zh = ["看枪"]', 'zh = ["看枪"]\nfr = []', "lines.fr"),
    "unknown dial": ("temperature = 0.7", "top_p = 0.7", "sampling.top_p"),
    "no id": ('id = "nezha"', "", "id"),
    "an id that is no word": ('id = "nezha"', 'id = "ne zha"', "id"),
    "an id that is not ASCII": ('id = "nezha"', 'id = "哪吒"', "id"),
    "no Chinese name": ('zh = "哪吒"', "", "name.zh"),
    "no English name": ('en = "Nezha"', "", "name.en"),
    "an empty name": ('en = "Nezha"', 'en = "  "', "name.en"),
    "no name at all": ('[name]\nzh = "哪吒"\nen = "Nezha"\n', "", "name"),
    "a name with a colon": ('"哪吒"', '"哪：吒"', "name"),
    "a name with markup": ('"Nezha"', '"<Nezha>"', "name"),
    "no persona": ('zh = "脚踏风火轮"', "", "persona.zh"),
    "no greeting": ('en = ["Nezha is here"]', "", "greeting.en"),
    "an empty line": ('["看枪"]', '["看枪", ""]', "lines.zh"),
    "a number for a name": ('en = "Nezha"', "en = 3", "name.en"),
    "a text for a table": ("[brief]", 'brief = "x"\n[brie]', "brief"),
    "a text for a list": ('["三太子"]', '"三太子"', "aliases.zh"),
    "a number in a list": ('["三太子"]', "[3]", "aliases.zh"),
    "a text for a number": ("talkativeness = 0.6", 'talkativeness = "much"', "talkativeness"),
    "a yes for a number": ("talkativeness = 0.6", "talkativeness = true", "talkativeness"),
    "too talkative": ("talkativeness = 0.6", "talkativeness = 1.5", "talkativeness"),
    "not a number": ("talkativeness = 0.6", "talkativeness = nan", "talkativeness"),
    "too hot": ("temperature = 0.7", "temperature = 3", "sampling.temperature"),
    "a text for a dial": ("temperature = 0.7", 'temperature = "hot"', "sampling.temperature"),
    "a number for a text": ("talkativeness = 0.6", "emoji = 1", "emoji"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_names_the_file_and_the_key(mistake, write):
    old, new, key = MISTAKES[mistake]
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    if mistake == "a text for a table":
        # A key of the top level must stand before the first table.
        text = 'brief = "x"\n' + GOOD.replace("[brief]", "[brie]")
    file = write(text)
    tomllib.loads(text)  # the mistake is in the card, not in the TOML
    with pytest.raises(CardError) as told:
        load_card(file)
    assert str(told.value).startswith(f"{file}: {key}: ")
    assert told.value.for_user


def test_what_is_not_toml_names_the_file(write):
    file = write("id = nezha")
    with pytest.raises(CardError, match="TOML") as told:
        load_card(file)
    assert str(file) in str(told.value)


def test_what_is_not_utf8_names_the_file(tmp_path):
    file = tmp_path / "nezha.toml"
    file.write_bytes(GOOD.encode("gb18030"))
    with pytest.raises(CardError) as told:
        load_card(file)
    assert str(file) in str(told.value)


@pytest.mark.parametrize(
    ("old", "new", "shared"),
    [
        ('"二太子"', '"三太子"', "三太子"),
        ('"Second Prince"', '"Third Prince"', "thirdprince"),
        ('"Second Prince"', '"third PRINCE"', "thirdprince"),
        ('"Second Prince"', '"ThirdPrince"', "thirdprince"),
        ('"Second Prince"', '"NEZHA"', "nezha"),
        ('"木吒"', '"三太子"', "三太子"),
        ('id = "muzha"', 'id = "nezha"', "nezha"),
    ],
)
def test_a_name_of_two_characters_names_both_files(old, new, shared, tmp_path, write):
    first = write(GOOD, "a.toml")
    second = write(another(old, new), "b.toml")
    with pytest.raises(CardError) as told:
        load_cast(tmp_path)
    message = str(told.value)
    assert message.startswith(f"{second}: aliases: ")
    assert shared in message
    assert first.name in message


def test_two_cards_without_a_common_name_live_together(tmp_path, write):
    write(GOOD, "a.toml")
    write(another(), "b.toml")
    assert {card.id for card in load_cast(tmp_path)} == {"nezha", "muzha"}


def test_a_broken_card_in_a_folder_is_named(tmp_path, write):
    write(GOOD, "a.toml")
    broken = write(another("talkativeness", "talk"), "b.toml")
    with pytest.raises(CardError) as told:
        load_cast(tmp_path)
    assert str(told.value).startswith(f"{broken}: talk: ")


@pytest.mark.parametrize("made", [True, False])
def test_a_folder_without_cards_is_named(made, tmp_path):
    folder = tmp_path / "cards"
    if made:
        folder.mkdir()
        (folder / "notes.txt").write_text("no card")
    with pytest.raises(CardError) as told:
        load_cast(folder)
    assert str(folder) in str(told.value)


def test_cards_say_the_words_of_the_novel():
    # 俺老孙 does not occur in the novel once; 老孙 marks his voice there.
    for file in CAST_FOLDER.glob("*.toml"):
        assert "俺老孙" not in file.read_text(encoding="utf-8")


def test_titles_lookalikes_and_refusals_are_read(write):
    card = load_card(
        write(
            GOOD
            + """
[lookalikes]
zh = ["三太子庙"]
[refusal]
en = ["Never!"]
[[titles]]
zh = ["师弟"]
by = ["muzha", "people"]
[[titles]]
en = ["Brother"]
"""
        )
    )
    assert card.lookalikes.zh == ("三太子庙",)
    assert card.refusal.en == ("Never!",)
    first, second = card.titles
    assert (first.words.zh, first.words.en) == (("师弟",), ())
    assert [first.spoken_by(who) for who in ("muzha", PEOPLE, "nezha")] == [True, True, False]
    assert second.spoken_by("anybody")
    assert "师弟" not in card.names


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("titles = 3", "titles: must be tables"),
        ("[[titles]]\nby = ['a']", "titles: a table without zh or en"),
        ("[[titles]]\nzh = ['x']\nby = 'a'", "titles.by: must be a list"),
        ("[[titles]]\nzh = 'x'", "titles.zh: must be a list"),
        ("[[titles]]\nzh = ['x']\nof = 1", "titles.of: unknown key"),
    ],
)
def test_a_broken_title_names_its_key(write, text, says):
    text = text + "\n" + GOOD if text.startswith("titles") else GOOD + text
    with pytest.raises(CardError, match=says):
        load_card(write(text))
