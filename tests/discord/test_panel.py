"""What a panel looks like."""

from __future__ import annotations

from bot.platforms.discord.panel import panel
from bot.room import Status
from characters.card import load_cast
from tests.fakes.discord_server import walk


def test_the_buttons_that_are_pressed_here_exist():

    cast = load_cast()
    status = Status(
        cast=(cast["wukong"],), place="", mood="", chapter=0, paused=False, language="zh",
        speaking=None, version=2, versions=2, last_places=("1",),
    )  # fmt: skip
    ids = {c.get("custom_id") for c in walk(panel(status).to_components())}
    assert {"mrp:retry", "mrp:stop", "mrp:continue", "mrp:say", "mrp:next", "mrp:dismiss"} <= ids
