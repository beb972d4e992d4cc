import pytest

from bot.commands import COMMANDS, Order, help_text, people, read


@pytest.mark.parametrize(
    ("line", "order"),
    [
        ("/summon wukong", Order("summon", "wukong", "summon")),
        ("  /SUMMON  Monkey King ", Order("summon", "Monkey King", "SUMMON")),
        ("/召唤 悟空", Order("summon", "悟空", "召唤")),
        ("/召唤悟空、八戒", Order("summon", "悟空、八戒", "召唤")),
        ("／在场", Order("who", "", "在场")),
        ("/退场 八戒", Order("dismiss", "八戒", "退场")),
        ("/名册", Order("cast", "", "名册")),
        ("/帮助", Order("help", "", "帮助")),
        ("/忘记", Order("forget", "", "忘记")),
        ("/退出", Order("quit", "", "退出")),
        ("/language en", Order("language", "en", "language")),
        ("/fly away", Order("", "away", "fly")),
    ],
)
def test_commands_have_names_in_both_languages(line, order):
    assert read(line) == order


@pytest.mark.parametrize("line", ["悟空，你好", "", "/", "1/2 是多少", "a /summon b"])
def test_everything_else_is_talk(line):
    assert read(line) is None


@pytest.mark.parametrize(
    ("argument", "ids"),
    [
        ("wukong", ["wukong"]),
        ("悟空 八戒", ["wukong", "bajie"]),
        ("悟空、八戒，沙僧", ["wukong", "bajie", "shaseng"]),
        ("Monkey King pigsy", ["wukong", "bajie"]),
        ("Great Sage Equal to Heaven and Sandy", ["wukong", "shaseng"]),
        ("齐天大圣", ["wukong"]),
        ("悟空 孙悟空 wukong", ["wukong"]),
        ("", []),
    ],
)
def test_several_characters_are_named_at_once(cast, argument, ids):
    found, unknown = people(argument, cast)
    assert [c.id for c in found] == ids
    assert unknown == ()


def test_a_name_that_is_nobodys_is_told_apart_from_those_that_are(cast):
    found, unknown = people("悟空 Harry Potter、林黛玉", cast)
    assert [c.id for c in found] == ["wukong"]
    assert unknown == ("Harry Potter", "林黛玉")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_help_lists_every_command_in_both_languages(language):
    text = help_text(language)
    for command in COMMANDS:
        assert f"/{command.names[0]}" in text
        assert f"/{command.zh_names[0]}" in text
        assert command.does[language] in text


def test_no_two_commands_share_a_name():
    names = [name for c in COMMANDS for name in (*c.names, *c.zh_names)]
    assert len(names) == len(set(names))
