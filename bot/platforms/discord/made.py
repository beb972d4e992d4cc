"""The form in which somebody makes a character on Discord, and the buttons under its preview.

await interaction.response.send_modal(CharacterForm("en"))
await interaction.followup.send(view=what_now("en"), ephemeral=True)

What is filled in becomes the same order that is typed elsewhere (`bot.forms`).
"""

from __future__ import annotations

import re
from typing import Any, Protocol

import discord
from discord import ui

from bot.commands import Order
from bot.platforms.discord.text import custom_id
from characters.card import Language, Words

TITLE = Words("做一个角色", "Make a character")
NAME = Words("名字", "Name")
GREETING = Words("开场白：登场时说的话", "Greeting: what it says when it enters")
SHORT = Words("简介：一句话", "Short description: one sentence")
LONG = Words("详情：来历、性情、语气（可以不填）", "Long description (may be left out)")
LONG_HINT = Words(
    "可以另起一行写“语气：……”“别名：……”“台词：……”“类别：……”“声音：低、慢”",
    "On lines of their own: “manner: …”, “nickname: …”, “lines: …”, “categories: …”, “voice: …”",
)
PICTURE = Words("图像（可以不填）", "Picture (may be left out)")
KEEP_HERE = Words("保存在这里", "Keep here")
KEEP_PRIVATE = Words("只给自己", "Keep for me")
DRAFT = Words("补全缺的", "Draft the rest")
DISCARD = Words("放弃", "Discard")
_BUTTONS = {
    "keep_here": KEEP_HERE,
    "keep_private": KEEP_PRIVATE,
    "draft": DRAFT,
    "discard": DISCARD,
}


class FormActions(Protocol):
    """What a client does with a filled-in form, and when a button under a preview is pressed."""

    async def formed(
        self, interaction: discord.Interaction[Any], form: str, picture: discord.Attachment | None
    ) -> None: ...

    async def ordered(self, interaction: discord.Interaction[Any], order: Order) -> None: ...


class FormClient(Protocol):
    """A client, as the form and the buttons see it."""

    @property
    def interactions(self) -> FormActions: ...


class CharacterForm(ui.Modal):
    """The modal: name, greeting, short and long description, and a picture to upload."""

    def __init__(self, language: Language) -> None:
        super().__init__(title=TITLE[language], timeout=1800)
        long = discord.TextStyle.paragraph
        self._name: ui.TextInput[CharacterForm] = ui.TextInput(max_length=40)
        self._greeting: ui.TextInput[CharacterForm] = ui.TextInput(style=long, max_length=600)
        self._short: ui.TextInput[CharacterForm] = ui.TextInput(max_length=300)
        self._long: ui.TextInput[CharacterForm] = ui.TextInput(
            style=long, max_length=2500, required=False, placeholder=LONG_HINT[language]
        )
        self._picture: ui.FileUpload[CharacterForm] = ui.FileUpload(required=False, max_values=1)
        fields: tuple[tuple[Words, ui.Item[Any]], ...] = (
            (NAME, self._name),
            (GREETING, self._greeting),
            (SHORT, self._short),
            (LONG, self._long),
            (PICTURE, self._picture),
        )
        for label, field in fields:
            self.add_item(ui.Label(text=label[language], component=field))

    async def on_submit(self, interaction: discord.Interaction[Any], /) -> None:
        client: FormClient = interaction.client
        rows = [
            f"name: {_one(self._name.value)}",
            f"greeting: {_one(self._greeting.value)}",
            f"short: {_one(self._short.value)}",
            *filter(None, (row.strip() for row in self._long.value.splitlines())),
        ]
        picture = next(iter(self._picture.values), None)
        await client.interactions.formed(interaction, "\n".join(rows), picture)


def _one(text: str) -> str:
    """An answer on one line: breaks and bars in it are no borders between fields."""
    return " ".join(text.replace("|", "/").replace("｜", "/").split())


def what_now(language: Language) -> ui.View:
    """The buttons under a preview; they work after a restart."""
    view = ui.View(timeout=None)
    for action, label in _BUTTONS.items():
        button: ui.Button[Any] = ui.Button(label=label[language], custom_id=custom_id(action))
        view.add_item(Made(action, button))
    return view


class Made(
    ui.DynamicItem[ui.Button[Any]],
    template=r"mrp:(?P<action>keep_here|keep_private|draft|discard)",
):
    """A button under a preview."""

    def __init__(self, action: str, button: ui.Button[Any]) -> None:
        super().__init__(button)
        self.action = action

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Made:
        assert isinstance(item, ui.Button)
        return cls(match["action"], item)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        client: FormClient = interaction.client
        order = Order("character", self.action.replace("_", " "))
        await client.interactions.ordered(interaction, order)
