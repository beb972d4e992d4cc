"""Ways to send a character's message: through a webhook, as the bot, or as a follow-up.

    post = await outlet.post(speaker, "莫慌！", nonce="…")
    post = await outlet.edit(post, speaker, "莫慌莫慌！")
    await outlet.delete(post)

A send whose response was lost is not repeated blindly: the bot's own messages carry a nonce that
Discord enforces, and a webhook's message is searched for in the channel first. Nobody is pinged.
"""

from __future__ import annotations

import asyncio
import datetime
import io
import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import discord

from bot.platforms.discord.answers import file_of
from bot.platforms.discord.errors import AnswerLost, Gone, described
from bot.platforms.discord.sounds import send_note
from bot.platforms.discord.text import NOBODY, escape
from bot.platforms.discord.webhooks import INVALID_TOKEN, UNKNOWN_WEBHOOK, Webhooks
from bot.platforms.notes import Notes
from bot.platforms.text import is_document
from speech.sound import Sound

_log = logging.getLogger(__name__)

# Seconds after a lost response within which the message may still appear in the channel.
SETTLES = 0.4


@dataclass(frozen=True, slots=True)
class Speaker:
    """The author to show: `name` within Discord's rules, `face` an avatar URL or None."""

    name: str
    face: str | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """A message that was sent. `hook` is the id of its webhook, 0 for the bot's own messages."""

    id: int
    content: str
    hook: int = 0
    name: str = ""


class Outlet(Protocol):
    """All raise discord.HTTPException, AnswerLost or OSError when Discord does not answer."""

    async def post(self, speaker: Speaker, content: str, *, nonce: str, hook: int = 0) -> Post: ...

    async def edit(self, post: Post, speaker: Speaker, content: str) -> Post:
        """Raises: Gone."""
        ...

    async def delete(self, post: Post) -> None: ...

    async def attach(self, name: str, data: bytes, nonce: str) -> None:
        """Send a file."""
        ...

    async def play(self, sound: Sound, *, line: str, name: str, reply_to: int) -> None:
        """Send the voice note of a line, which answers a message."""
        ...

    async def silence(self, line: str) -> None:
        """Delete the voice note of a line, if there is one."""
        ...

    async def find(self, place: str) -> Post | None:
        """The message with this id, None when it is gone."""
        ...

    async def standing(self, limit: int) -> list[Post]:
        """The characters' messages among the newest `limit`, newest first; [] where the history may
        not be read."""
        ...


class ChannelOutlet:
    """Sends into a channel, thread or direct message of which the bot is a member."""

    def __init__(self, client: discord.Client, channel: Any, webhooks: Webhooks) -> None:
        self._client = client
        self.channel = channel
        self._webhooks = webhooks
        self._ours: deque[int] = deque(maxlen=200)
        self._by_bot: deque[str] = deque(maxlen=200)  # nonces: sent once, sent that way for good
        self._deleted: deque[int] = deque(maxlen=200)
        self._unedited: deque[int] = deque(maxlen=200)  # whose last edit failed
        self._notes = Notes()

    def deleted(self, message_id: int) -> bool:
        """Whether this outlet deleted a message itself."""
        return message_id in self._deleted

    async def post(self, speaker: Speaker, content: str, *, nonce: str, hook: int = 0) -> Post:
        while nonce not in self._by_bot:
            through = await self._webhooks.next(self.channel)
            if hook and through:  # the parts of a line stay together
                through = await self._webhooks.find(self.channel, hook) or through
            if through is None:
                break
            post = await self._through(through, speaker, content)
            if post:
                return post
        self._by_bot.append(nonce)
        view = heading(speaker, content)
        message = await self.channel.send(view=view, nonce=nonce, allowed_mentions=NOBODY)
        post = Post(message.id, content, name=speaker.name)
        there = _heading_of(message)
        if there is not None and there[1] != content:
            # The nonce was used before: Discord returned that earlier message instead of a new one.
            return await self.edit(post, speaker, content)
        return post

    async def attach(self, name: str, data: bytes, nonce: str) -> None:
        file = discord.File(io.BytesIO(data), filename=name)
        await self.channel.send(file=file, nonce=nonce, allowed_mentions=NOBODY)

    async def _through(self, hook: discord.Webhook, speaker: Speaker, content: str) -> Post | None:
        """Send through a webhook; None when it was deleted, or does not deliver."""
        since = discord.utils.utcnow() - datetime.timedelta(seconds=5)
        more: dict[str, Any] = {"avatar_url": speaker.face} if speaker.face else {}
        if isinstance(self.channel, discord.Thread):
            more["thread"] = discord.Object(self.channel.id)
        try:
            message = await hook.send(
                content,
                username=speaker.name,
                allowed_mentions=NOBODY,
                suppress_embeds=True,
                wait=True,
                **more,
            )
        except AnswerLost:
            found = await self._arrived(hook, speaker, content, since)
            if found is None:
                self._webhooks.pause(self.channel, "a message did not arrive")
                return None
            self._ours.append(found)
            return Post(found, content, hook.id, speaker.name)
        except discord.HTTPException as problem:
            if problem.code in (UNKNOWN_WEBHOOK, INVALID_TOKEN):
                _log.info("webhook %s is gone; another one takes its place", hook.id)
                self._webhooks.lost(hook)
            else:
                self._webhooks.pause(self.channel, described(problem))
            return None
        self._ours.append(message.id)
        return Post(message.id, content, hook.id, speaker.name)

    async def _arrived(
        self, hook: discord.Webhook, speaker: Speaker, content: str, since: datetime.datetime
    ) -> int | None:
        """The id of a message whose response was lost, if the message arrived."""
        await asyncio.sleep(SETTLES)
        try:
            async for message in self.channel.history(limit=50, after=since):
                if (
                    message.webhook_id == hook.id
                    and message.author.name == speaker.name
                    and message.content == content
                    and message.id not in self._ours
                ):
                    return int(message.id)
        except discord.Forbidden:
            _log.warning(
                "the permission Read Message History is missing in channel %s: a message whose "
                "answer was lost may stand there twice",
                self.channel.id,
            )
        return None

    async def edit(self, post: Post, speaker: Speaker, content: str) -> Post:
        try:
            if post.hook:
                hook = await self._webhooks.find(self.channel, post.hook)
                if hook is None:
                    raise Gone
                more: dict[str, Any] = {}
                if isinstance(self.channel, discord.Thread):
                    more["thread"] = discord.Object(self.channel.id)
                await hook.edit_message(post.id, content=content, allowed_mentions=NOBODY, **more)
            else:
                view = heading(speaker, content)
                await self._partial(post).edit(view=view, allowed_mentions=NOBODY)
        except discord.HTTPException as problem:
            if problem.code in (UNKNOWN_WEBHOOK, INVALID_TOKEN) and post.hook:
                self._webhooks.lost(discord.Object(post.hook))
                raise Gone from problem
            if problem.status in (403, 404) or problem.code == 30046:  # edits of old messages
                raise Gone from problem
            raise
        except AnswerLost as lost:
            # Tried once more; after that another message takes its place, and this one is deleted.
            if post.id in self._unedited:
                self._webhooks.pause(self.channel, described(lost))
                raise Gone from lost
            self._unedited.append(post.id)
            raise
        if post.id in self._unedited:
            self._unedited.remove(post.id)
        return Post(post.id, content, post.hook, speaker.name)

    async def delete(self, post: Post) -> None:
        self._deleted.append(post.id)
        try:
            hook = await self._webhooks.find(self.channel, post.hook) if post.hook else None
            if hook is not None:
                thread = isinstance(self.channel, discord.Thread)
                more = {"thread": discord.Object(self.channel.id)} if thread else {}
                await hook.delete_message(post.id, **more)
            else:
                await self._partial(post).delete()
        except (discord.NotFound, discord.Forbidden):
            pass  # gone already, or not ours to take away

    async def play(self, sound: Sound, *, line: str, name: str, reply_to: int) -> None:
        sent = await send_note(self._client, self.channel, sound, name=name, reply_to=reply_to)
        self._notes.add(line, sent)

    async def silence(self, line: str) -> None:
        if note := self._notes.pop(line):
            await self.delete(Post(note, ""))

    async def find(self, place: str) -> Post | None:
        try:
            return _post_of(await self.channel.fetch_message(int(place)))
        except (ValueError, discord.NotFound, discord.Forbidden):
            return None

    async def standing(self, limit: int) -> list[Post]:
        try:
            mine = {hook.id for hook in self._webhooks.known(self.channel)}
            if not mine and await self._webhooks.next(self.channel):
                mine = {hook.id for hook in self._webhooks.known(self.channel)}
            me = self._client.user.id if self._client.user else 0
            return [
                _post_of(message)
                async for message in self.channel.history(limit=limit)
                if message.webhook_id in mine
                or (message.author.id == me and _heading_of(message) is not None)
            ]
        except discord.Forbidden:
            return []

    def _partial(self, post: Post) -> discord.PartialMessage:
        found: discord.PartialMessage = self.channel.get_partial_message(post.id)
        return found


class CallOutlet:
    """Sends follow-ups to the newest interaction, where the bot is no member (a user install).

    Discord allows five follow-ups within 15 minutes of each interaction there.
    """

    def __init__(self) -> None:
        self.call: discord.Interaction[Any] | None = None

    async def post(self, speaker: Speaker, content: str, *, nonce: str, hook: int = 0) -> Post:
        if self.call is None or self.call.is_expired():
            raise Gone
        view = heading(speaker, content)
        message = await self.call.followup.send(view=view, allowed_mentions=NOBODY, wait=True)
        return Post(message.id, content, name=speaker.name)

    async def edit(self, post: Post, speaker: Speaker, content: str) -> Post:
        if self.call is None or self.call.is_expired():
            raise Gone
        try:
            view = heading(speaker, content)
            await self.call.followup.edit_message(post.id, view=view, allowed_mentions=NOBODY)
        except discord.HTTPException as problem:
            if problem.status in (401, 403, 404):
                raise Gone from problem
            raise
        return Post(post.id, content, name=speaker.name)

    async def delete(self, post: Post) -> None:
        if self.call is not None and not self.call.is_expired():
            try:
                await self.call.followup.delete_message(post.id)
            except discord.HTTPException:
                _log.info("message %s could not be taken back", post.id)

    async def attach(self, name: str, data: bytes, nonce: str) -> None:
        if self.call is None or self.call.is_expired():
            raise Gone
        file = discord.File(io.BytesIO(data), filename=name)
        await self.call.followup.send(file=file, ephemeral=True, allowed_mentions=NOBODY)

    async def send_ephemeral(self, text: str, nonce: str) -> None:
        """A message that only the person sees who gave the command; nothing once it expired."""
        if self.call is None or self.call.is_expired():
            return
        if is_document(text):
            file = file_of(text)
            await self.call.followup.send(file=file, ephemeral=True, allowed_mentions=NOBODY)
        else:
            await self.call.followup.send(text, ephemeral=True, allowed_mentions=NOBODY)

    async def play(self, sound: Sound, *, line: str, name: str, reply_to: int) -> None:
        """As a file: a follow-up cannot be a voice message with its length."""
        if self.call is None or self.call.is_expired():
            raise Gone
        file = discord.File(io.BytesIO(sound.ogg), f"{name}.ogg")
        await self.call.followup.send(file=file, allowed_mentions=NOBODY)

    async def silence(self, line: str) -> None:
        """What was sent there stays: it may be deleted for a few minutes only."""

    async def find(self, place: str) -> Post | None:
        return None

    async def standing(self, limit: int) -> list[Post]:
        return []


def heading(speaker: Speaker, content: str) -> discord.ui.LayoutView:
    """A character's message without a webhook: the name as heading, the avatar as thumbnail."""
    view = discord.ui.LayoutView(timeout=None)
    text: discord.ui.TextDisplay[Any]
    text = discord.ui.TextDisplay(f"**{escape(speaker.name)}**\n{content}")
    if speaker.face:
        view.add_item(discord.ui.Section(text, accessory=discord.ui.Thumbnail(speaker.face)))
    else:
        view.add_item(text)
    return view


def _texts(components: Iterable[Any]) -> Iterable[str]:
    for component in components:
        if isinstance(component, discord.components.TextDisplay):
            yield component.content
        yield from _texts(getattr(component, "children", ()))


def _heading_of(message: discord.Message) -> tuple[str, str] | None:
    """Name and content of a message that `heading` made, None for any other."""
    if len(message.components) != 1:
        return None
    texts = list(_texts(message.components))
    if len(texts) != 1 or not texts[0].startswith("**") or "**\n" not in texts[0]:
        return None
    name, _, content = texts[0][2:].partition("**\n")
    return name, content


def _post_of(message: discord.Message) -> Post:
    found = None if message.webhook_id else _heading_of(message)
    if found:
        return Post(message.id, found[1], name=found[0])
    return Post(message.id, message.content, message.webhook_id or 0, message.author.name)
