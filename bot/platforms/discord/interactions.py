"""Interactions on Discord: slash commands, context menus, buttons and modals become orders.

Each is acknowledged first, before anything is asked of Redis, then carried out, and its answer is
filled with what the room says.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import discord
from discord import app_commands

from bot.commands import Order, read
from bot.memory import MemoryProblem
from bot.memory.sketches import put_picture
from bot.platforms.discord.access import user_moderates
from bot.platforms.discord.answers import Answer, is_member
from bot.platforms.discord.errors import FAILED
from bot.platforms.discord.guilds import PLATFORM
from bot.platforms.discord.made import CharacterForm, what_now
from bot.platforms.discord.messages import Messages
from bot.platforms.discord.orders import MENUS
from bot.platforms.discord.panel import Say
from bot.platforms.discord.panels import Panels
from bot.platforms.discord.rooms import ChannelRoom, ChannelRooms
from bot.platforms.discord.stage import answering
from bot.platforms.discord.tasks import Tasks
from bot.platforms.discord.text import escape, parts
from bot.platforms.notes import NOT_YOURS, TAKEN_BACK
from bot.room.orders.making import verb_of
from bot.stage import Message
from characters import pictures
from characters.card import Language, Words

_log = logging.getLogger(__name__)

# Answers to these are seen by everybody; to the others, only by who asked.
PUBLIC = {
    "summon", "dismiss", "scene", "narrate", "undo", "auto", "pause", "resume", "recap", "language",
    "roll", "choices", "branch", "checkpoint", "autoreply", "proactive",
}  # fmt: skip

# After these characters speak.
SPEAKING = {"summon", "next", "continue", "retry", "auto", "narrate"}

BROKEN = Words(
    "出错了，没有做成；请再试一次。", "Something broke and it was not done; please try again."
)
NOT_THE_LAST = Words("只有最后一句可以这样。", "That goes for the last line only.")
NOT_A_LINE = Words("那不是角色说的话。", "No character said that.")
NO_WORDS = Words("那里没有可以记的字。", "There are no words to remember in that.")
NOBODY_SPEAKS = Words("没有人在说话。", "Nobody is speaking.")
STOPPED = Words("停了。", "Stopped.")


class Interactions:
    """What people do with commands, menus and panels."""

    def __init__(
        self,
        client: discord.Client,
        *,
        rooms: ChannelRooms,
        messages: Messages,
        panels: Panels,
        tasks: Tasks,
    ) -> None:
        self._client = client
        self._rooms = rooms
        self._messages = messages
        self._panels = panels
        self._tasks = tasks

    # -- slash commands --------------------------------------------------------------------------

    async def ordered(self, interaction: discord.Interaction[Any], order: Order) -> None:
        """A slash command: acknowledged at once, carried out, answered."""
        if order.id == "character" and verb_of(order.argument) == ("create", ""):
            await interaction.response.send_modal(CharacterForm(_language(interaction)))
            return
        with self._tasks.tracked():
            await self._ordered(interaction, order)

    async def _ordered(
        self,
        interaction: discord.Interaction[Any],
        order: Order,
        on: discord.Message | None = None,
    ) -> None:
        """`on` is the message that it goes for, which must be the last line."""
        answer = Answer(interaction)
        speaks = not is_member(interaction) and order.id in SPEAKING
        await answer.hold(private=order.id not in PUBLIC and not speaks)
        room = await self._rooms.of_interaction(interaction)
        if on is not None and str(on.id) not in (await room.room.status()).last_places:
            me = self._client.user.id if self._client.user else 0
            ours = on.author.id == me or on.webhook_id
            await answer.tell((NOT_THE_LAST if ours else NOT_A_LINE)[_language(interaction)])
            return
        if speaks:
            # Else the first line would take the place of the answer.
            await self._panels.show(room, answer)
        await self._carry_out(room, order, interaction, answer)
        status = await room.room.status()
        if (order.id == "summon" or speaks) and not answer.told and status.cast:
            await self._panels.show(room, answer)
        else:
            await answer.finish()
            self._panels.update(room)

    async def said(self, interaction: discord.Interaction[Any], text: str) -> None:
        """`/say` and the Say button: the words stand in the channel, and are heard.

        An order that is said is given: its answer is seen by whom that of the command would be.
        """
        with self._tasks.tracked():
            order = read(text)
            if order is not None and order.id:
                await self._ordered(interaction, order)
            else:
                await self._said(interaction, text)

    async def _said(self, interaction: discord.Interaction[Any], text: str) -> None:
        name = interaction.user.display_name
        answer = Answer(interaction)
        await answer.hold(private=False)
        room = await self._rooms.of_interaction(interaction)
        shown = await answer.show(
            [f"**{escape(name)}**\n{escape(part)}" for part in parts(text, 1800)]
        )
        heard = Message(
            person=f"{PLATFORM}:{interaction.user.id}",
            name=name,
            text=text,
            id=str(shown or interaction.id),
            moderator=user_moderates(interaction),
        )
        try:
            await room.room.hear(heard)
        except MemoryProblem as problem:
            await room.stage.notice(str(problem))
        self._panels.update(room)

    # -- characters that people make -------------------------------------------------------------

    async def formed(
        self, interaction: discord.Interaction[Any], form: str, picture: discord.Attachment | None
    ) -> None:
        """A filled-in form: its picture is kept beside, and the preview comes as the answer."""
        with self._tasks.tracked():
            answer = Answer(interaction)
            await answer.hold(private=True)
            refused = await self._take(interaction, picture) if picture else ""
            await self._ordered(interaction, Order("character", f"create {form}"))
            language = _language(interaction)
            try:
                if refused:
                    await interaction.followup.send(refused, ephemeral=True)
                await interaction.followup.send(view=what_now(language), ephemeral=True)
            except FAILED as problem:
                _log.info("the buttons of a preview could not be shown: %s", problem)

    async def _take(
        self, interaction: discord.Interaction[Any], picture: discord.Attachment
    ) -> str:
        """Keep an uploaded picture for the sketch. Returns why not, "" when all is well."""
        try:
            if picture.size > pictures.LARGEST:
                raise pictures.PictureError(
                    pictures.TOO_LARGE, f"{picture.size >> 20} MB", f"{pictures.LARGEST >> 20} MB"
                )
            png = await asyncio.to_thread(pictures.normalised, await picture.read())
            memory = self._rooms.house.memory
            await put_picture(memory, f"{PLATFORM}:{interaction.user.id}", png)
        except pictures.PictureError as problem:
            return problem.told(_language(interaction))
        except (MemoryProblem, *FAILED) as problem:
            return str(problem)
        return ""

    # -- panels ----------------------------------------------------------------------------------

    async def pressed(
        self, interaction: discord.Interaction[Any], action: str, argument: str = ""
    ) -> None:
        """A button or menu of a panel."""
        if action == "say":
            await interaction.response.send_modal(Say(_language(interaction)))
            return
        with self._tasks.tracked():
            await self._pressed(interaction, action, argument)

    async def _pressed(
        self, interaction: discord.Interaction[Any], action: str, argument: str
    ) -> None:
        answer = Answer(interaction)
        await answer.hold_panel()
        room = await self._rooms.of_interaction(interaction)
        room.panel = interaction.message or room.panel
        if action == "stop":
            stopped = room.room.stop()
            await answer.tell((STOPPED if stopped else NOBODY_SPEAKS)[room.room.language])
            return
        if action == "aloud":
            places = (await room.room.status()).last_places
            told = await room.room.aloud.read_at(places[-1] if places else "")
            if told:
                await answer.tell(told[room.room.language])
            return
        await self._carry_out(room, Order(action, argument), interaction, answer)
        self._panels.update(room)

    async def unsaid(
        self, interaction: discord.Interaction[Any], message_id: int, person_id: int
    ) -> None:
        """*Not what I said* under a note's words: they go, if it was whoever spoke that said so."""
        with self._tasks.tracked():
            answer = Answer(interaction)
            await answer.hold_panel()
            if interaction.user.id != person_id:
                await answer.tell(NOT_YOURS[_language(interaction)])
                return
            room = await self._rooms.of_interaction(interaction)
            try:
                await room.room.deleted([str(message_id)])
                taken_back = escape(TAKEN_BACK[room.room.language])
                await interaction.edit_original_response(content=taken_back, view=None)
            except MemoryProblem as problem:
                await answer.tell(str(problem))
            except FAILED as problem:
                _log.info("what was heard could not be taken back: %s", problem)
            self._panels.update(room)

    # -- context menus ---------------------------------------------------------------------------

    def context_menus(self) -> list[app_commands.ContextMenu]:
        """Those of a message: another version, why, and remembering it."""

        async def retry(interaction: discord.Interaction[Any], message: discord.Message) -> None:
            await self._on_last(interaction, message, Order("retry"))

        async def why(interaction: discord.Interaction[Any], message: discord.Message) -> None:
            await self._on_last(interaction, message, Order("why"))

        async def keep(interaction: discord.Interaction[Any], message: discord.Message) -> None:
            text = self._messages.text(message)
            if text:
                await self.ordered(interaction, Order("remember", text))
            else:
                answer = Answer(interaction)
                await answer.hold(private=True)
                await answer.tell(NO_WORDS[_language(interaction)])

        callbacks = {"retry": retry, "why": why, "remember": keep}
        return [
            app_commands.ContextMenu(
                name=app_commands.locale_str(MENUS[key].en, zh=MENUS[key].zh), callback=callback
            )
            for key, callback in callbacks.items()
        ]

    async def _on_last(
        self, interaction: discord.Interaction[Any], message: discord.Message, order: Order
    ) -> None:
        with self._tasks.tracked():
            await self._ordered(interaction, order, on=message)

    # -- how it is done --------------------------------------------------------------------------

    async def _carry_out(
        self,
        room: ChannelRoom,
        order: Order,
        interaction: discord.Interaction[Any],
        answer: Answer,
    ) -> None:
        token = answering.set(answer.tell)
        try:
            await room.room.obey(
                order,
                person=f"{PLATFORM}:{interaction.user.id}",
                name=interaction.user.display_name,
                moderator=user_moderates(interaction),
            )
        except MemoryProblem as problem:
            await answer.tell(str(problem))
        except Exception:
            # Whatever it was, the person who gave the order is told.
            if self._tasks.closing:
                return
            _log.exception("the order %s failed", order.id)
            await answer.tell(BROKEN[room.room.language])
        finally:
            answering.reset(token)
            self._rooms.order_given(room)

    async def failed(
        self, interaction: discord.Interaction[Any], problem: app_commands.AppCommandError
    ) -> None:
        """A command ended with an exception: the log says which, and the person that it did."""
        cause = getattr(problem, "original", problem)
        if self._tasks.closing:
            return
        if isinstance(cause, (MemoryProblem, *FAILED)):
            _log.error("a command failed: %s", cause)
        else:
            _log.error("a command failed", exc_info=cause)
        answer = Answer(interaction)
        await answer.hold(private=True)
        known = isinstance(cause, MemoryProblem)
        await answer.tell(str(cause) if known else BROKEN[_language(interaction)])


def _language(interaction: discord.Interaction[Any]) -> Language:
    """The language of somebody's Discord client: for what only that person reads."""
    return "zh" if interaction.locale.value.startswith("zh") else "en"
