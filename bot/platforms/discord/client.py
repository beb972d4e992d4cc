"""The bot on Discord: its events become messages, orders and votes for rooms.

    troupe = Troupe(house, reads=True)
    await troupe.start(token)

A room is a channel, a thread, a forum post or a direct message. In a guild the bot listens where
characters are on stage, and everywhere to whoever mentions it; elsewhere it hears nothing and keeps
nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
import re
import secrets
from collections import deque
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any

import discord
from discord import app_commands

from bot.commands import Order, read
from bot.house import House
from bot.memory import MemoryProblem
from bot.platforms.discord.answers import LONGEST_TOLD, Answer, file_of, is_member
from bot.platforms.discord.faces import Faces
from bot.platforms.discord.orders import MENUS, Translator, slash_commands
from bot.platforms.discord.outlets import NOBODY, CallOutlet, ChannelOutlet
from bot.platforms.discord.panel import Choose, Press, Say, is_panel, panel
from bot.platforms.discord.stage import TRANSIENT, DiscordStage, answering
from bot.platforms.discord.text import escape, parts
from bot.platforms.discord.webhooks import Webhooks
from bot.room import Room
from bot.stage import Message
from characters.card import Language, Words

_log = logging.getLogger(__name__)

PLATFORM = "discord"
PANEL_PAUSE = 3.0  # seconds between two edits of a panel
CAUGHT_UP = 100  # messages of a room that are read again after a lost session

# Answers to these are seen by everybody; to the others, only by who asked.
PUBLIC = {
    "summon", "dismiss", "scene", "narrate", "undo", "auto", "pause", "resume", "recap", "language",
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
HELLO = Words(
    "在。用 /召唤 请角色上场，再对他们说话；/帮助 列出全部命令。",
    "Here. Bring characters on stage with /summon, then talk to them; /help lists all commands.",
)

# A thumb, whatever the colour of its skin.
THUMBS = {"👍": 1, "👎": -1}


class Troupe(discord.AutoShardedClient):
    """`reads` is whether Discord lets this application read what people write in guilds."""

    def __init__(
        self,
        house: House,
        *,
        reads: bool,
        faces: Faces | None = None,
        each: int = 3,
        shard_count: int | None = None,
        shard_ids: Sequence[int] | None = None,
        guild_ready_timeout: float = 1.0,
    ) -> None:
        intents = discord.Intents(
            guilds=True, guild_messages=True, dm_messages=True, guild_reactions=True,
            dm_reactions=True, message_content=reads,
        )  # fmt: skip
        super().__init__(
            intents=intents,
            allowed_mentions=NOBODY,
            max_messages=None,  # nothing here looks messages up in a cache
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            shard_count=shard_count,
            guild_ready_timeout=guild_ready_timeout,
            shard_ids=list(shard_ids) if shard_ids is not None else None,  # type: ignore[arg-type]
        )
        self.house = house
        self.reads = reads
        self.webhooks = Webhooks(self, each=each)
        self.faces = faces or Faces(house.cast)
        self.tree = app_commands.CommandTree(
            self,
            allowed_contexts=app_commands.AppCommandContext(
                guild=True, dm_channel=True, private_channel=True
            ),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
        )
        self.tree.error(self._command_failed)
        for command in slash_commands(house.cast, self.ordered, self.said):
            self.tree.add_command(command)
        self._add_menus()
        self._scenes: dict[str, _Scene] = {}
        self._quiet: set[int] = set()  # channels without a scene, so that they need no look
        self._heard: dict[int, int] = {}  # channel -> its newest message that was heard
        self._recent: deque[int] = deque(maxlen=2000)
        self._order: dict[int, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._began = False
        self._ends = False

    # -- coming and going ------------------------------------------------------------------------

    async def setup_hook(self) -> None:
        self.add_dynamic_items(Press, Choose)
        await self.tree.set_translator(Translator())
        if 0 in (self.shard_ids or [0]):  # one process is enough
            self._spawn(self._register(), "registering commands")
        self._spawn(self.faces.upload(self), "uploading faces")

    async def close(self) -> None:
        self._ends = True
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)
        await super().close()
        await self.webhooks.close()

    async def _register(self) -> None:
        commands = await self.tree.sync()
        _log.info("%d commands are registered", len(commands))

    async def on_ready(self) -> None:
        if not self._began:
            self._began = True
            _log.info("ready as %s in %d guilds", self.user, len(self.guilds))
            self._spawn(self._go_on(), "going on where it was left")
        else:
            # A new session: what was said between the two was told to nobody.
            self._spawn(self._catch_up(), "catching up")

    async def _go_on(self) -> None:
        """Show what was kept and not shown, answer what was not answered."""
        for name in await self.house.unfinished(PLATFORM):
            channel = await self._channel(name)
            if channel is None:
                continue
            # What was said while no process ran is heard too, if somebody still waits for it.
            since = discord.utils.utcnow() - datetime.timedelta(minutes=10)
            self._heard.setdefault(channel.id, discord.utils.time_snowflake(since))
            scene = await self._scene(channel)
            await scene.stage.remember_what_stands()
            self._spawn(self._resume(scene), f"resuming room {name}")

    async def _resume(self, scene: _Scene) -> None:
        try:
            await scene.room.resume()
        finally:
            await scene.stage.take_half_lines_back()
        await self._hear_missed(scene.channel)
        self._refresh(scene)

    async def _channel(self, name: str) -> Any:
        """The channel of a room, when it is one of this process' shards."""
        if not name.isdigit():
            return None
        channel = self.get_channel(int(name))
        if channel is None:
            try:
                channel = await self.fetch_channel(int(name))
            except (discord.HTTPException, discord.InvalidData, *TRANSIENT):
                return None
        guild = getattr(channel, "guild", None)
        shard = (guild.id >> 22) % (self.shard_count or 1) if guild else 0
        return channel if shard in (self.shards or (0,)) else None

    async def _catch_up(self) -> None:
        for channel_id in list(self._heard):
            channel = self.get_channel(channel_id)
            if channel is not None:
                await self._hear_missed(channel)

    async def _hear_missed(self, channel: Any) -> None:
        """Read what was said in a channel since the newest message that was heard there."""
        after = discord.Object(self._heard[channel.id])
        missed: list[discord.Message] = []

        async def read_them(_: str) -> None:
            missed[:] = [
                message
                async for message in channel.history(
                    limit=CAUGHT_UP, after=after, oldest_first=True
                )
            ]

        scene = await self._scene(channel)
        await scene.stage.lasting("what was said meanwhile", read_them)
        for message in missed:
            await self.on_message(message)

    @contextlib.contextmanager
    def _underway(self) -> Iterator[None]:
        """What the library's own task does here ends with the bot."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            yield
        finally:
            self._tasks.discard(task)

    def _spawn(self, work: Coroutine[Any, Any, None], what: str) -> None:
        async def guarded() -> None:
            try:
                await work
            except MemoryProblem as problem:
                _log.error("%s: %s", what, problem)
            except (discord.HTTPException, *TRANSIENT) as problem:
                _log.error("%s failed: %s", what, problem)
            except Exception:
                # A task of its own: nobody else would ever hear of it.
                if not self._ends:
                    _log.exception("%s failed", what)

        if self._ends:
            work.close()
            return
        task = asyncio.create_task(guarded(), name=what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: work.close())  # where it ended before it began

    # -- rooms -----------------------------------------------------------------------------------

    async def _scene(self, channel: Any, *, locale: discord.Locale | None = None) -> _Scene:
        """The room of a channel, with its stage."""
        name = str(channel.id)
        if name not in self._scenes:
            private = isinstance(channel, discord.DMChannel)
            outlet = ChannelOutlet(self, channel, self.webhooks)
            stage = DiscordStage(
                outlet,
                self.faces,
                send=lambda text, nonce: _send(channel, text, nonce),
                type=lambda: _type(channel),
                whisper=self._whisper,
                private=private,
            )
            room = await self._open(name, stage, private, locale)
            self._scenes.setdefault(name, _Scene(room, stage, channel))
        return self._scenes[name]

    async def _outside(self, interaction: discord.Interaction[Any]) -> _Scene:
        """The room of one person in a place where the bot is no member."""
        name = f"{interaction.channel_id or 0}-{interaction.user.id}"
        if name not in self._scenes:
            outlet = CallOutlet()

            async def send(text: str, nonce: str) -> None:
                if outlet.call is not None and not outlet.call.is_expired():
                    await outlet.call.followup.send(text, ephemeral=True, allowed_mentions=NOBODY)

            async def nothing() -> None:
                return None

            stage = DiscordStage(
                outlet, self.faces, send=send, type=nothing, whisper=self._whisper, private=True
            )
            room = await self._open(name, stage, True, interaction.locale)
            self._scenes.setdefault(name, _Scene(room, stage, None))
        scene = self._scenes[name]
        assert isinstance(scene.stage.outlet, CallOutlet)
        scene.stage.outlet.call = interaction
        return scene

    async def _open(
        self, name: str, stage: DiscordStage, private: bool, locale: discord.Locale | None
    ) -> Room:
        language: Language | None = None
        if locale is not None:
            known = self.house.memory.room(PLATFORM, name)
            await known.look()
            if known.state.language is None and not locale.value.startswith("zh"):
                language = "en"
        room = await self.house.room(
            PLATFORM, name, lambda: stage, private=private, language=language
        )
        await room.enter()
        return room

    async def _where(self, interaction: discord.Interaction[Any]) -> _Scene:
        if interaction.channel is not None and is_member(interaction):
            channel = self.get_channel(interaction.channel.id) or interaction.channel
            self._quiet.discard(channel.id)
            self._heard.setdefault(channel.id, interaction.id)
            return await self._scene(channel, locale=interaction.locale)
        return await self._outside(interaction)

    async def _whisper(self, person: str, text: str) -> bool:
        """Tell one person alone, where no command asked for it: by direct message."""
        user_id = person.removeprefix(f"{PLATFORM}:")
        if not user_id.isdigit():
            return False
        try:
            direct = await self.create_dm(discord.Object(int(user_id)))
            if len(text) > LONGEST_TOLD:
                await direct.send(file=file_of(text), allowed_mentions=NOBODY)
                return True
            for part in parts(text):
                await direct.send(
                    escape(part), nonce=secrets.token_hex(12), allowed_mentions=NOBODY
                )
            return True
        except (discord.HTTPException, *TRANSIENT) as problem:
            _log.info("a person could not be told in private: %s", problem)
            return False

    # -- what people write -----------------------------------------------------------------------

    async def on_message(self, message: discord.Message) -> None:
        if message.author.bot or message.webhook_id or message.type not in _TALK:
            return
        channel: Any = message.channel
        self._heard[channel.id] = max(message.id, self._heard.get(channel.id, 0))
        # One after the other, so that a room hears them in the order they were said in.
        async with self._order.setdefault(channel.id, asyncio.Lock()):
            await self._take(message, channel)

    async def _take(self, message: discord.Message, channel: Any) -> None:
        if message.id in self._recent:
            return
        private = isinstance(channel, discord.DMChannel)
        called = private or self.user in message.mentions
        text = self._text(message)
        order = read(text)
        if not text:
            if called and not private:
                await _send(
                    channel, escape(HELLO["zh"] + "\n" + HELLO["en"]), secrets.token_hex(12)
                )
            return
        if not called and order is not None and not order.id:
            return  # a command of somebody else
        if not called and not await self._plays(channel):
            return
        self._recent.append(message.id)
        self._spawn(self._hear(message, text), f"message {message.id}")

    async def _hear(self, message: discord.Message, text: str) -> None:
        scene = await self._scene(message.channel)
        reply = message.reference.message_id if message.reference else None
        heard = Message(
            person=f"{PLATFORM}:{message.author.id}",
            name=message.author.display_name,
            text=text,
            id=str(message.id),
            reply_to=str(reply or ""),
        )
        try:
            await scene.room.hear(heard)
        except MemoryProblem as problem:
            await scene.stage.notice(str(problem))
        if read(text) is not None:
            self._changed(scene)
        self._refresh(scene)

    async def _plays(self, channel: Any) -> bool:
        """Whether characters are on stage in a channel."""
        if channel.id in self._quiet:
            return False
        if str(channel.id) not in self._scenes:
            known = self.house.memory.room(PLATFORM, str(channel.id))
            await known.look()
            if not known.state.cast:
                self._quiet.add(channel.id)
                return False
        scene = await self._scene(channel)
        if scene.playing is None:
            scene.playing = bool((await scene.room.status()).cast)
        if not scene.playing:
            self._quiet.add(channel.id)
        return scene.playing

    def _text(self, message: discord.Message) -> str:
        """What was written, with names in place of mentions, and without ours at the start."""
        me = self.user.id if self.user else 0
        text = re.sub(rf"^\s*<@!?{me}>[\s,，:：]*", "", message.content)
        names = {user.id: user.display_name for user in message.mentions}
        text = re.sub(r"<@!?(\d+)>", lambda m: f"@{names.get(int(m[1]), '?')}", text)
        text = re.sub(r"<a?(:\w+:)\d+>", r"\1", text)
        return text.strip()

    async def on_raw_reaction_add(self, event: discord.RawReactionActionEvent) -> None:
        await self._vote(event, 1)

    async def on_raw_reaction_remove(self, event: discord.RawReactionActionEvent) -> None:
        await self._vote(event, 0)

    async def _vote(self, event: discord.RawReactionActionEvent, sign: int) -> None:
        value = THUMBS.get((event.emoji.name or "")[:1])
        if value is None or (self.user and event.user_id == self.user.id):
            return
        if event.member is not None and event.member.bot:
            return
        channel: Any = self.get_channel(event.channel_id)
        if channel is None or event.channel_id in self._quiet:
            return
        try:
            if str(channel.id) not in self._scenes and not await self._plays(channel):
                return
            scene = await self._scene(channel)
            person = f"{PLATFORM}:{event.user_id}"
            await scene.room.rate(person, str(event.message_id), sign * value)
        except MemoryProblem as problem:
            _log.error("a thumb was not counted: %s", problem)

    # -- orders ----------------------------------------------------------------------------------

    async def ordered(
        self,
        interaction: discord.Interaction[Any],
        order: Order,
    ) -> None:
        """A slash command or a menu: answered at once, carried out, and told how it went."""
        with self._underway():
            await self._ordered(interaction, order)

    async def _ordered(self, interaction: discord.Interaction[Any], order: Order) -> None:
        answer = Answer(interaction)
        outside = not is_member(interaction)
        speaks = outside and order.id in SPEAKING
        await answer.hold(private=order.id not in PUBLIC and not speaks)
        scene = await self._where(interaction)
        if speaks:
            # Else the first line would take the place of the answer.
            await self._new_panel(scene, answer)
        await self._carry_out(scene, order, interaction, answer)
        status = await scene.room.status()
        if (order.id == "summon" or speaks) and not answer.told and status.cast:
            await self._new_panel(scene, answer)
        else:
            await answer.finish()
            self._refresh(scene)

    async def pressed(
        self, interaction: discord.Interaction[Any], do: str, argument: str = ""
    ) -> None:
        """A button or menu of a panel."""
        if do == "say":
            language: Language = "zh" if interaction.locale.value.startswith("zh") else "en"
            await interaction.response.send_modal(Say(language))
            return
        with self._underway():
            await self._pressed(interaction, do, argument)

    async def _pressed(self, interaction: discord.Interaction[Any], do: str, argument: str) -> None:
        answer = Answer(interaction)
        await answer.hold_panel()
        scene = await self._where(interaction)
        scene.panel = interaction.message or scene.panel
        if do == "stop":
            stopped = scene.room.stop()
            language = scene.room.language
            await answer.tell((STOPPED if stopped else NOBODY_SPEAKS)[language])
            return
        await self._carry_out(scene, Order(do, argument), interaction, answer)
        self._refresh(scene)

    async def _carry_out(
        self,
        scene: _Scene,
        order: Order,
        interaction: discord.Interaction[Any],
        answer: Answer,
    ) -> None:
        token = answering.set(answer.tell)
        try:
            await scene.room.obey(
                order,
                person=f"{PLATFORM}:{interaction.user.id}",
                name=interaction.user.display_name,
            )
        except MemoryProblem as problem:
            await answer.tell(str(problem))
        except Exception:
            if self._ends:
                return  # the connection was taken away from under it
            _log.exception("the order %s failed", order.id)
            await answer.tell(BROKEN[scene.room.language])
        finally:
            answering.reset(token)
            self._changed(scene)

    async def said(self, interaction: discord.Interaction[Any], text: str) -> None:
        """`/say` and the Say button: the words stand in the channel, and are heard."""
        with self._underway():
            await self._said(interaction, text)

    async def _said(self, interaction: discord.Interaction[Any], text: str) -> None:
        name = interaction.user.display_name
        answer = Answer(interaction)
        await answer.hold(private=False)
        scene = await self._where(interaction)
        await answer.show([f"**{escape(name)}**\n{escape(part)}" for part in parts(text, 1800)])
        heard = Message(
            person=f"{PLATFORM}:{interaction.user.id}",
            name=name,
            text=text,
            id=str(interaction.id),
        )
        try:
            await scene.room.hear(heard)
        except MemoryProblem as problem:
            await scene.stage.notice(str(problem))
        self._refresh(scene)

    def _add_menus(self) -> None:
        async def retry(interaction: discord.Interaction[Any], message: discord.Message) -> None:
            await self._on_last(interaction, message, Order("retry"))

        async def why(interaction: discord.Interaction[Any], message: discord.Message) -> None:
            await self._on_last(interaction, message, Order("why"))

        async def keep(interaction: discord.Interaction[Any], message: discord.Message) -> None:
            text = self._text(message)
            if text:
                await self.ordered(interaction, Order("remember", text))
            else:
                answer = Answer(interaction)
                await answer.hold(private=True)
                await answer.tell(NO_WORDS[_language(interaction)])

        for key, callback in (("retry", retry), ("why", why), ("remember", keep)):
            words = MENUS[key]
            name = app_commands.locale_str(words.en, zh=words.zh)
            self.tree.add_command(app_commands.ContextMenu(name=name, callback=callback))

    async def _on_last(
        self, interaction: discord.Interaction[Any], message: discord.Message, order: Order
    ) -> None:
        scene = await self._where(interaction)
        status = await scene.room.status()
        if str(message.id) in status.last_places:
            await self.ordered(interaction, order)
            return
        answer = Answer(interaction)
        await answer.hold(private=True)
        ours = message.author.id == (self.user.id if self.user else 0) or message.webhook_id
        await answer.tell((NOT_THE_LAST if ours else NOT_A_LINE)[_language(interaction)])

    async def _command_failed(
        self, interaction: discord.Interaction[Any], problem: app_commands.AppCommandError
    ) -> None:
        cause = getattr(problem, "original", problem)
        if self._ends:
            return
        if isinstance(cause, (discord.HTTPException, MemoryProblem, *TRANSIENT)):
            _log.error("a command failed: %s", cause)
        else:
            _log.error("a command failed", exc_info=cause)
        answer = Answer(interaction)
        await answer.hold(private=True)
        sentence = (
            str(cause) if isinstance(cause, MemoryProblem) else BROKEN[_language(interaction)]
        )
        await answer.tell(sentence)

    # -- panels ----------------------------------------------------------------------------------

    async def _new_panel(self, scene: _Scene, answer: Answer) -> None:
        """The answer to a command becomes the panel; the one before goes."""
        view = await self._view(scene)
        scene.shown = view.to_components()
        old = scene.panel or await self._panel_before(scene)
        scene.panel = await answer.become(view)
        if old is not None and scene.panel is not None and old.id != scene.panel.id:
            try:
                await old.delete()
            except (discord.HTTPException, *TRANSIENT):
                _log.info("the panel before could not be taken away")

    async def _panel_before(self, scene: _Scene) -> discord.Message | None:
        """The panel that an earlier process left in the channel."""
        if scene.channel is None or scene.sought:
            return None
        scene.sought = True
        me = self.user.id if self.user else 0
        try:
            async for message in scene.channel.history(limit=50):
                if message.author.id == me and message.components and is_panel(message):
                    found: discord.Message = message
                    return found
        except (discord.HTTPException, *TRANSIENT):
            _log.info("no panel could be looked for")
        return None

    async def _view(self, scene: _Scene) -> discord.ui.LayoutView:
        channel = scene.channel
        reads = self.reads or channel is None or isinstance(channel, discord.DMChannel)
        return panel(await scene.room.status(), reads=reads)

    def _refresh(self, scene: _Scene) -> None:
        """Bring the panel up to date, a moment later and with all that changes meanwhile."""
        if scene.panel is None or scene.refreshing:
            return
        scene.refreshing = True
        self._spawn(self._redraw(scene), "redrawing a panel")

    def _changed(self, scene: _Scene) -> None:
        """An order was given: who is on stage is asked for anew."""
        scene.playing = None
        if scene.channel is not None:
            self._quiet.discard(scene.channel.id)

    async def _redraw(self, scene: _Scene) -> None:
        try:
            await asyncio.sleep(PANEL_PAUSE)
        finally:
            scene.refreshing = False
        view = await self._view(scene)
        components = view.to_components()
        if scene.panel is None or components == scene.shown:
            return

        async def edit(_: str) -> None:
            await scene.panel.edit(view=view, allowed_mentions=NOBODY)

        if await scene.stage.lasting("a panel", edit):
            scene.shown = components
        else:
            scene.panel = None


class _Scene:
    """A room with what stands around it on Discord."""

    def __init__(self, room: Room, stage: DiscordStage, channel: Any) -> None:
        self.room = room
        self.stage = stage
        self.channel = channel  # None where the bot is no member
        self.playing: bool | None = None
        self.panel: Any = None
        self.shown: Any = None
        self.sought = False
        self.refreshing = False


_TALK = (discord.MessageType.default, discord.MessageType.reply)


def _language(interaction: discord.Interaction[Any]) -> Language:
    return "zh" if interaction.locale.value.startswith("zh") else "en"


async def _send(channel: Any, text: str, nonce: str) -> None:
    await channel.send(text, nonce=nonce, allowed_mentions=NOBODY, suppress_embeds=True)


async def _type(channel: Any) -> None:
    await channel.typing()
