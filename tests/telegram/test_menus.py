"""The command menus that Telegram shows."""

from __future__ import annotations

from tests.telegram.conftest import World


async def test_menus_are_set_in_both_languages(world: World):
    async with world.bot():
        menus = world.director.commands
        assert set(menus) == {
            f"{scope}/{code}"
            for scope in ("all_private_chats", "all_group_chats")
            for code in ("", "zh")
        }
        english = {c["command"]: c["description"] for c in menus["all_private_chats/"]}
        chinese = {c["command"]: c["description"] for c in menus["all_private_chats/zh"]}
        assert english.keys() == chinese.keys() >= {"summon", "dismiss", "forget", "stop"}
        assert "quit" not in english
        assert english["summon"] != chinese["summon"]
