"""The control panel of a room: who is on stage, and buttons that work after a restart.

    view = panel(await room.status())          # a discord.ui.LayoutView

A button's custom id holds all it needs (discord.py calls that a dynamic item), so the panels of an
earlier process work as before. What is pressed goes to the client, which is a `PanelActions`.
"""

from __future__ import annotations

import re
from typing import Any, Protocol

import discord
from discord import ui

from bot.drafts import joined
from bot.platforms.discord.text import custom_id, escape
from bot.platforms.text import shortened
from bot.room import Status
from characters.card import Character, Language, Words

ON_STAGE = Words("在场", "On stage")
EMPTY_STAGE = Words(
    "台上没有人。用 /召唤 请一位上来。", "Nobody is on stage. Bring someone with /summon."
)
WHERE = Words("地点", "Place")
MOOD = Words("气氛", "Mood")
CHAPTER = Words("书到第 {} 回", "The book has come to chapter {}")
PAUSED = Words("暂停中", "Paused")
CONTINUE = Words("接着说", "Continue")
RETRY = Words("重说", "Retry")
STOP = Words("停", "Stop")
SAY = Words("说话", "Say")
NEXT = Words("让谁接着说…", "Who speaks next…")
DISMISS = Words("请谁退场…", "Who leaves…")
EVERYBODY = Words("全体", "Everybody")
SAY_WHAT = Words("说什么？", "What do you say?")
CANNOT_READ = Words(
    "这里没有“消息内容”权限，我读不到普通发言：请用 /说、“说话”按钮，或者 @我。",
    "Without the Message Content intent I cannot read plain talk here: use /say, the Say button, "
    "or mention me.",
)

LONGEST_SAID = 2000  # characters of the modal's text field


class PanelActions(Protocol):
    """What a client does when an item of a panel is used."""

    async def pressed(
        self, interaction: discord.Interaction[Any], action: str, argument: str = ""
    ) -> None: ...

    async def said(self, interaction: discord.Interaction[Any], text: str) -> None: ...


def panel(status: Status, *, reads: bool = True) -> ui.LayoutView:
    """The panel as a view. `reads` is whether message content can be read where it stands."""
    language = status.language
    rows = [f"**{ON_STAGE[language]}** {_cast(status)}"] if status.cast else [EMPTY_STAGE[language]]
    if status.place:
        rows.append(f"**{WHERE[language]}** {escape(shortened(status.place, 200))}")
    if status.mood:
        rows.append(f"**{MOOD[language]}** {escape(shortened(status.mood, 200))}")
    if status.chapter:
        rows.append(CHAPTER[language].format(status.chapter))
    if status.paused:
        rows.append(f"⏸ {PAUSED[language]}")
    if not reads:
        rows.append(f"-# {CANNOT_READ[language]}")
    box: ui.Container[Any] = ui.Container(ui.TextDisplay("\n".join(rows)))
    if status.cast:
        retry = RETRY[language]
        if status.versions > 1:
            retry += f" ({status.version}/{status.versions})"
        none = not status.last_places
        box.add_item(
            ui.ActionRow(
                Press.button("continue", CONTINUE[language], "⏩", disabled=none),
                Press.button("retry", retry, "🔁", disabled=none),
                Press.button("stop", STOP[language], "⏹️"),
                Press.button("say", SAY[language], "💬"),
                *([Press.button("aloud", "", "🔊", disabled=none)] if status.sound else []),
            )
        )
        people = [_option(character, language) for character in status.cast[:24]]
        everybody = discord.SelectOption(label=EVERYBODY[language], value="all")
        box.add_item(ui.ActionRow(Choose.menu("next", NEXT[language], people)))
        box.add_item(ui.ActionRow(Choose.menu("dismiss", DISMISS[language], [*people, everybody])))
    view = ui.LayoutView(timeout=None)
    view.add_item(box)
    return view


def is_panel(message: discord.Message) -> bool:
    """Whether a message of the bot's own is a panel."""
    items = list(ui.LayoutView.from_message(message, timeout=None).walk_children())
    ids = {item.custom_id for item in items if isinstance(item, ui.Button)}
    texts = [item.content for item in items if isinstance(item, ui.TextDisplay)]
    return custom_id("stop") in ids or any(
        empty in text for text in texts for empty in (EMPTY_STAGE.zh, EMPTY_STAGE.en)
    )


def _cast(status: Status) -> str:
    names = (f"{c.emoji} {escape(c.name[status.language])}".strip() for c in status.cast)
    return joined(names, status.language)


def _option(character: Character, language: Language) -> discord.SelectOption:
    return discord.SelectOption(
        label=shortened(character.name[language], 100),
        value=character.id,
        emoji=character.emoji or None,
    )


class Press(
    ui.DynamicItem[ui.Button[Any]], template=r"mrp:(?P<action>continue|retry|stop|say|aloud)"
):
    """A button of the panel."""

    def __init__(self, action: str, button: ui.Button[Any]) -> None:
        super().__init__(button)
        self.action = action

    @classmethod
    def button(cls, action: str, label: str, emoji: str, *, disabled: bool = False) -> Press:
        return cls(
            action,
            ui.Button(
                label=label or None, emoji=emoji, custom_id=custom_id(action), disabled=disabled
            ),
        )

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Press:
        assert isinstance(item, ui.Button)
        return cls(match["action"], item)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        client: PanelActions = interaction.client
        await client.pressed(interaction, self.action)


class Choose(ui.DynamicItem[ui.Select[Any]], template=r"mrp:(?P<action>next|dismiss)"):
    """A menu of the panel."""

    def __init__(self, action: str, menu: ui.Select[Any]) -> None:
        super().__init__(menu)
        self.action = action

    @classmethod
    def menu(cls, action: str, hint: str, options: list[discord.SelectOption]) -> Choose:
        return cls(
            action, ui.Select(custom_id=custom_id(action), placeholder=hint, options=options)
        )

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Choose:
        assert isinstance(item, ui.Select)
        return cls(match["action"], item)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        client: PanelActions = interaction.client
        await client.pressed(interaction, self.action, " ".join(self.item.values))


class Say(ui.Modal):
    """The modal in which somebody writes what to say, where message content cannot be read."""

    def __init__(self, language: Language) -> None:
        super().__init__(title=SAY[language], timeout=900)
        self._text: ui.TextInput[Say] = ui.TextInput(
            style=discord.TextStyle.paragraph, max_length=LONGEST_SAID
        )
        self.add_item(ui.Label(text=SAY_WHAT[language], component=self._text))

    async def on_submit(self, interaction: discord.Interaction[Any], /) -> None:
        client: PanelActions = interaction.client
        await client.said(interaction, self._text.value)
