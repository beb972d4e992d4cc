"""What was told in private is neither recalled nor shown where others can read.

Every way in (direct message, guild, thread, and user installs in a guild, a group and the bot's own
direct message) with every order, as a command, as text, with /say, on the panel and in menus.
"""

# slow: every order in every place, on the protocol server

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from bot.commands import COMMANDS
from tests.discord.conftest import World
from tests.fakes.discord_server import BUCKETS, EPHEMERAL, text_of, walk

SECRET = "密码是SECRET777"
ASKED = "悟空，我的密码是什么？"

# What each order is given; those that would erase or share everything ask only.
ARGUMENTS = {
    "summon": "悟空、八戒", "dismiss": "八戒", "scene": "花果山", "note": "说话短些",
    "narrate": "天黑了", "next": "悟空", "edit": "俺知道密码", "undo": 1, "auto": 2,
    "persona": "书生", "remember": "我会游泳", "correct": "99 没有", "forget": "99",
    "language": "zh", "whisper": "悟空 你好", "checkpoint": "一", "rate": "up",
}  # fmt: skip
ORDERS = [c for c in COMMANDS if not c.here_only]


class Way:
    """One way in: where, and whether the bot is no member there."""

    def __init__(self, world: World, channel: int, *, external: bool = False) -> None:
        self.world = world
        self.channel = channel
        self.external = external

    async def order(self, name: str, **options: object) -> None:
        call = await self.world.server.slash(
            self.world.ming, self.channel, name, external=self.external, **options
        )
        await call.acknowledged()

    async def say(self, text: str) -> None:
        await self.order("say", text=text)

    def shown(self) -> str:
        """All that others can read there."""
        return "\n".join(map(text_of, self.world.server.messages(self.channel)))

    def to_me(self) -> str:
        posts = self.world.server.posts[self.channel].values()
        return "\n".join(text_of(m) for m in posts if m["flags"] & EPHEMERAL)


def direct(world: World) -> Way:
    return Way(world, world.direct)


def direct_by_user_install(world: World) -> Way:
    return Way(world, world.direct, external=True)


def guild(world: World) -> Way:
    return Way(world, world.channel)


def thread(world: World) -> Way:
    return Way(
        world, world.server.add_channel(world.guild, "第一场", type=11, parent=world.channel)
    )


def user_install_in_guild(world: World) -> Way:
    away = world.server.add_guild("别人家", member=False)
    return Way(world, world.server.add_channel(away, "客厅"), external=True)


def user_install_in_group(world: World) -> Way:
    return Way(world, world.server.add_channel(None, "一伙", type=3), external=True)


@pytest.fixture
def told(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world in which 小明 told the bot a secret, in private."""
    for kind in list(BUCKETS):
        monkeypatch.setitem(BUCKETS, kind, (10_000, 1.0))
    monkeypatch.setattr("tests.fakes.discord_server.GLOBAL", 10_000)
    world.direct = world.server.add_direct(world.ming)
    return world


async def settled(world: World, way: Way) -> None:
    """All that was ordered is done: the room answers one more order."""
    await way.order("help")

    def nothing_is_loading() -> bool:
        posts = world.server.posts[way.channel].values()
        return not any(m["flags"] & 128 and not text_of(m) for m in posts)

    await world.server.until(nothing_is_loading, 20)


async def ready(world: World, way: Way, panel: str, button: str) -> None:
    """A panel's button can be pressed: while a line is written most cannot."""

    def can_be_pressed() -> bool:
        components = walk(world.server.posts[way.channel][int(panel)]["components"])
        return any(c.get("custom_id") == button and not c.get("disabled") for c in components)

    await world.server.until(can_be_pressed, 20, f"{button} could not be pressed")


async def everything(world: World, way: Way) -> None:
    await way.order("summon", who="悟空、八戒")
    await settled(world, way)
    await way.say(ASKED)
    await settled(world, way)
    for command in ORDERS:
        name, value = command.names[0], ARGUMENTS.get(command.id)
        options = {}
        if command.argument:
            option = {"people": "who", "person": "who"}.get(command.argument, command.argument)
            if value is not None:
                options[option] = value
        await way.order(name, **options)
        await settled(world, way)
        await way.say(f"/{name} {value or ''}".strip())
        await settled(world, way)
        await way.say(ASKED)
        await settled(world, way)
    panels = [
        m for m in world.server.messages(way.channel)
        if any(c.get("custom_id") == "mrp:stop" for c in walk(m["components"]))
    ]  # fmt: skip
    assert panels
    panel, server, ming = panels[-1]["id"], world.server, world.ming
    where: dict[str, Any] = {"external": way.external}
    for button in ("mrp:continue", "mrp:retry", "mrp:stop"):
        await ready(world, way, panel, button)
        await (await server.click(ming, way.channel, panel, button, **where)).acknowledged()
        await settled(world, way)
    await ready(world, way, panel, "mrp:next")
    call = await server.click(ming, way.channel, panel, "mrp:next", "wukong", **where)
    await call.acknowledged()
    await settled(world, way)
    for said in (ASKED, "/memory"):
        await ready(world, way, panel, "mrp:say")
        modal = await (
            await server.click(ming, way.channel, panel, "mrp:say", **where)
        ).acknowledged()
        call = await server.submit(ming, way.channel, modal["data"], said, **where)
        await call.acknowledged()
        await settled(world, way)
    last = max(world.server.posts[way.channel])
    for menu in ("Regenerate", "Why", "Remember this"):
        await (await server.menu(ming, way.channel, menu, last, **where)).acknowledged()
        await settled(world, way)


@pytest.mark.parametrize(
    "make", [guild, thread, user_install_in_guild, user_install_in_group], ids=lambda f: f.__name__
)
async def test_where_others_read_nothing_private_is_recalled_or_shown(
    told: World, make: Callable[[World], Way]
):
    way = make(told)
    async with told.bot():
        private = direct(told)
        await private.order("remember", text=f"我的{SECRET}")
        await settled(told, private)
        told.prompts.clear()
        await everything(told, way)
        assert len(told.prompts) > 10
        assert not [p for p in told.prompts if "SECRET777" in p]
        assert "SECRET777" not in way.shown()
        # The person alone is told, though.
        await way.order("memory")
        await settled(told, way)
        assert "SECRET777" not in way.shown()


@pytest.mark.parametrize("make", [direct, direct_by_user_install], ids=lambda f: f.__name__)
async def test_in_a_direct_message_with_the_bot_it_is_recalled(
    told: World, make: Callable[[World], Way]
):
    way = make(told)
    async with told.bot():
        await way.order("remember", text=f"我的{SECRET}")
        await way.order("summon", who="悟空")
        await settled(told, way)
        told.prompts.clear()
        await way.say(ASKED)
        await told.server.until(lambda: told.prompts, 10)
    assert "SECRET777" in told.prompts[-1]


async def test_typed_orders_about_oneself_are_answered_in_private(told: World):
    async with told.bot():
        await direct(told).order("remember", text=f"我的{SECRET}")
        await settled(told, direct(told))
        for make in (guild, thread):
            way = make(told)
            before = len(told.server.messages(told.direct))
            for text in ("/记忆", "/memory", "/导出"):
                await told.server.say(told.ming, way.channel, f"<@{told.server.bot}> {text}")
            await told.server.until(
                partial(lambda n: len(told.server.messages(told.direct)) >= n + 3, before), 10
            )
            assert "SECRET777" not in way.shown()


async def test_an_order_given_with_say_is_answered_like_the_command(told: World):
    way = user_install_in_guild(told)
    async with told.bot():
        await direct(told).order("remember", text=f"我的{SECRET}")
        await settled(told, direct(told))
        await way.say("/memory")
        await told.server.until(lambda: "记得你" in way.to_me(), 10)
        assert "记得你" not in way.shown()
