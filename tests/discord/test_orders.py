"""How commands are registered and names completed."""

from __future__ import annotations

import pytest

from bot.commands import COMMANDS, read
from bot.platforms.discord.orders import MENUS, OPTIONS, SAY, in_taiwan
from tests.discord.conftest import World
from text.folding import simplified


async def test_names_are_completed_in_both_languages(world: World):
    server = world.server
    async with world.bot():
        chinese = await server.complete(world.ming, world.channel, "summon", "who", "猴")
        assert chinese[0]["name"] == "孙悟空"
        english = await server.complete(world.hong, world.channel, "summon", "who", "mon")
        assert english[0]["name"] == "Sun Wukong"
        second = await server.complete(world.ming, world.channel, "summon", "who", "孙悟空、八")
        assert second[0]["name"] == "孙悟空、猪八戒"
        everybody = await server.complete(world.ming, world.channel, "summon", "who", "")
        assert len(everybody) == len(world.cast)
        gone = await server.complete(world.hong, world.channel, "dismiss", "who", "")
        assert gone[0]["name"] == "all"
        assert await server.complete(world.ming, world.channel, "summon", "who", "林黛玉") == []


async def test_commands_are_registered_for_all_languages_and_places(world: World):
    async with world.bot():
        commands = {c["name"]: c for c in world.server.commands if c["type"] == 1}
        menus = [c["name"] for c in world.server.commands if c["type"] == 3]
    assert {c.names[0] for c in COMMANDS if not c.here_only} | {"say"} == commands.keys()
    summon = commands["summon"]
    assert summon["name_localizations"]["zh-CN"] == "召唤"
    assert summon["name_localizations"]["zh-TW"] == "召喚"
    assert summon["name_localizations"]["ja"] == "召喚"
    assert summon["description_localizations"]["zh-CN"].startswith("请角色上场")
    assert summon["options"][0]["autocomplete"]
    assert summon["options"][0]["name_localizations"]["zh-CN"] == "名字"
    assert sorted(summon["integration_types"]) == [0, 1]
    assert sorted(summon["contexts"]) == [0, 1, 2]
    assert sorted(menus) == ["Regenerate", "Remember this", "Why"]


def test_traditional_characters():
    assert in_taiwan("请角色上场，可一次请几位") == "請角色上場，可一次請幾位"
    assert in_taiwan("重说上一句；各个说法都留着") == "重說上一句；各個說法都留著"


def test_whatever_is_registered_is_in_traditional_characters():
    """Names, descriptions, options and menus of all commands; but for characters that are written
    so in both scripts, and have another form for another meaning."""
    both = set("回布才面出只教同台群私念家")
    texts = [text for c in COMMANDS for text in (c.does.zh, *c.zh_names)]
    texts += [SAY.zh, *(words.zh for words in MENUS.values())]
    texts += [words.zh for pair in OPTIONS.values() for words in pair]
    every = [(chr(code), simplified(chr(code))) for code in range(0x4E00, 0xA000)]
    only_simplified = {simple for one, simple in every if simple != one} - both
    assert not set(in_taiwan("".join(texts))) & only_simplified


async def test_names_are_completed_as_people_read_them(world: World):
    """In traditional characters, full width, whatever the case."""
    async with world.bot():
        for begun in ("豬八", "Ｚｈｕ", "ZHU BA", "zhu ba"):
            found = await world.server.complete(world.ming, world.channel, "summon", "who", begun)
            assert found[0]["name"] == "猪八戒", begun
        more = await world.server.complete(world.ming, world.channel, "summon", "who", "孫悟空、")
        assert "孙悟空、孙悟空" not in [choice["name"] for choice in more]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.id)
def test_orders_as_text_are_read_in_traditional_characters(command):
    for name in command.zh_names:
        bare, named = read(f"/{in_taiwan(name)}"), read(f"/{in_taiwan(name)} 悟空")
        assert bare is not None
        assert bare.id == command.id
        assert named is not None
        assert named.argument == "悟空"
