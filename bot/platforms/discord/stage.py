"""Streaming replies to Discord: drafts are posted, edited as they grow, and split into messages.

A reply is posted 0.8 s after its first text, then edited at most every 1.2 s, and once more when it
is complete. A reply that is complete at once is one message without an edit. Until something is
posted, the typing indicator is shown.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from functools import partial
from typing import Any

from bot.drafts import Pace
from bot.platforms.discord.errors import FAILED, Gone, described, retried
from bot.platforms.discord.faces import Faces
from bot.platforms.discord.outlets import Outlet, Post
from bot.platforms.discord.posting import Posting, TypingIndicator, Undeleted, speaker_of
from bot.platforms.discord.text import WRITING, escape, parts, told
from bot.platforms.text import is_document
from bot.stage import Line
from characters.card import Words
from speech.sound import Sound

_log = logging.getLogger(__name__)

# Seconds for which a withdrawn draft stays: a reply that is written once more takes its place.
REPLACED_WITHIN = 8.0
TOLD_EVERY = 3600.0  # seconds between two messages to people that the bot cannot write somewhere

# The response to the interaction that is being carried out: notices go there first.
Says = Callable[[str, bool], Awaitable[bool]]
answering: ContextVar[Says | None] = ContextVar("answering", default=None)

NOT_IN_PUBLIC = Words(
    "这只能对你一个人说，可是我不能给你发私信：请用斜杠命令，或者私信我。",
    "This is for you alone, and I cannot write to you: use the slash command, or a direct message.",
)


class DiscordStage:
    """The `bot.stage.Stage` of one room.

    `send(text, nonce)` posts a notice, `type()` shows the typing indicator, `whisper(person, text)`
    sends a direct message and returns whether that worked. `private`: nobody but one person reads
    here. `why_silent()` is one sentence on why the bot may not write here.
    """

    def __init__(
        self,
        outlet: Outlet,
        faces: Callable[[], Faces],
        *,
        send: Callable[[str, str], Awaitable[None]],
        type: Callable[[], Awaitable[None]],
        whisper: Callable[[str, str], Awaitable[bool]],
        why_silent: Callable[[], str],
        private: bool = False,
    ) -> None:
        self.outlet = outlet
        self.asker = ""  # whoever spoke last: `platform:id`
        self._faces = faces
        self._send = send
        self._whisper = whisper
        self.private = private
        self._why_silent = why_silent
        self._told_silent = -TOLD_EVERY
        self._typing = TypingIndicator(type)
        self._writing: Posting | None = None
        self._withdrawn: Posting | None = None
        self._deletion: asyncio.Task[None] | None = None  # of what is withdrawn
        self._undeleted = Undeleted(outlet)
        self._posts: dict[str, tuple[Post, ...]] = {}  # of the newest lines
        self._left: list[Post] = []  # messages of an earlier process

    # -- bot.stage.Stage -------------------------------------------------------------------------

    def pace(self) -> Pace:
        self._typing.start()  # a line is about to be written
        return Pace(0.2)

    async def notice(self, text: str, *, to: str = "", secret: bool = False) -> None:
        says = answering.get()
        if says is not None and await says(text, secret):
            return
        if secret and not self.private:
            if to and await self._whisper(to, text):
                return
            text = f"{NOT_IN_PUBLIC.zh}\n{NOT_IN_PUBLIC.en}"
        clean = told if secret else escape
        for part in (text,) if is_document(text) else map(clean, parts(text)):
            await self.lasting("a notice", partial(self._send, part))

    async def attach(self, name: str, data: bytes) -> str:
        await self.lasting("a file", lambda nonce: self.outlet.attach(name, data, nonce))
        return ""

    async def show(self, line: Line) -> tuple[str, ...]:
        writing = self._writing
        if writing is None or writing.line.id != line.id or writing.line.version != line.version:
            if writing is not None:
                await writing.end()
            self._writing = writing = await self._begun(line)
        writing.line = line
        if not line.done:
            writing.grow(self._typing.stop)
            return ()
        await writing.end()
        self._writing = None
        self._typing.stop()
        done = await self.lasting(
            f"a line of {line.speaker.id}", lambda _: writing.write(done=True)
        )
        posts = tuple(writing.posts)
        self._posts[line.id] = posts
        while len(self._posts) > 32:
            del self._posts[next(iter(self._posts))]
        await self._undeleted.delete()
        return tuple(str(post.id) for post in posts) if done else ()

    async def play(self, line: Line, sound: Sound) -> None:
        """Send a line's note as an answer to the line; the note of another version is deleted. It
        is tried once: a note that comes late is worth nothing."""
        reply_to = next((int(place) for place in reversed(line.places) if place.isdigit()), 0)
        try:
            await self.outlet.silence(line.id)
            await self.outlet.play(sound, line=line.id, name=line.speaker.id, reply_to=reply_to)
        except (Gone, *FAILED) as problem:
            _log.info("a note could not be sent: %s", described(problem))

    async def withdraw(self, line_id: str, places: Sequence[str]) -> None:
        await self.lasting("a note to take back", lambda _: self.outlet.silence(line_id))
        self._typing.stop()
        posts = list(self._posts.pop(line_id, ()))
        writing = self._writing
        if writing is not None and writing.line.id == line_id:
            await writing.end()
            self._writing = None
            if not places and not posts:
                await self._withdraw_draft(writing)
                return
            posts += writing.posts
        known = {str(post.id) for post in posts}
        for place in places:
            if place not in known:
                await self.lasting("a message to take back", partial(self._find, place, posts))
        for post in dict.fromkeys(posts):
            await self.lasting("taking back", partial(self._delete, post))

    # -- after a start ---------------------------------------------------------------------------

    async def remember_what_stands(self) -> None:
        """Load the newest messages of characters, so that a reply that stands there is not posted
        again."""
        with contextlib.suppress(*FAILED):
            self._left = await self.outlet.standing(50)

    async def take_half_lines_back(self) -> None:
        """Delete drafts that an earlier process left unfinished."""
        left, self._left = self._left, []
        for post in left:
            if post.content.endswith(WRITING):
                await self.lasting("half a line", partial(self._delete, post))

    # -- drafts that are taken back --------------------------------------------------------------

    async def _withdraw_draft(self, writing: Posting) -> None:
        """Delete a draft, a moment later: when the reply is written once more, its next draft is an
        edit of this one, and nothing jumps in the channel."""
        await self._delete_withdrawn()
        self._withdrawn = writing
        self._deletion = asyncio.create_task(self._delete_later(writing))

    async def _delete_later(self, writing: Posting) -> None:
        await asyncio.sleep(REPLACED_WITHIN)
        if self._withdrawn is writing:
            await self._delete_withdrawn()

    async def _delete_withdrawn(self) -> None:
        withdrawn, self._withdrawn = self._withdrawn, None
        for post in withdrawn.posts if withdrawn else ():
            await self.lasting("taking back", partial(self._delete, post))

    async def _begun(self, line: Line) -> Posting:
        """The state of a reply of which the first draft is shown now."""
        withdrawn = self._withdrawn
        if withdrawn is not None and withdrawn.line.id == line.id:
            self._withdrawn = None
            writing = self._posting(line, withdrawn.posts)
            writing.attempt = max(withdrawn.attempt, line.version)
            return writing
        await self._delete_withdrawn()
        return self._posting(line, await self._standing(line))

    def _posting(self, line: Line, posts: list[Post]) -> Posting:
        return Posting(self.outlet, self._faces, line, posts=posts, undeleted=self._undeleted)

    async def _find(self, place: str, found: list[Post], _: str) -> None:
        post = await self.outlet.find(place)
        found += [post] if post else []

    async def _delete(self, post: Post, _: str) -> None:
        await self.outlet.delete(post)

    async def _standing(self, line: Line) -> list[Post]:
        """Where the line stands by now."""
        if line.places:
            known = {str(post.id): post for post in self._posts.get(line.id, ())}
            posts = []
            for place in line.places:
                post = known.get(place)
                if post is None:
                    with contextlib.suppress(*FAILED):
                        post = await self.outlet.find(place)
                posts.append(post or Post(0, ""))
            return posts
        if not self._left:
            return []
        # After a restart: the same text by the same name, or half a line of that name.
        name = speaker_of(line, self._faces()).name
        found = []
        for content in [escape(part) for part in parts(line.text)]:
            for post in self._left:
                same = post.content == content if line.done else False
                half = post.content.endswith(WRITING)
                if post.name in (name, escape(name)) and (same or half):
                    self._left.remove(post)
                    found.append(post)
                    break
        return sorted(found, key=lambda post: post.id)

    # -- requests --------------------------------------------------------------------------------

    async def lasting(self, what: str, step: Callable[[str], Awaitable[Any]]) -> bool:
        """Repeat `step` while Discord does not answer (see `errors.retried`)."""
        return await retried(what, step, on_forbidden=self._tell_silent)

    async def _tell_silent(self) -> None:
        """Tell whoever spoke last that the bot may not write here; at most once an hour."""
        if time.monotonic() - self._told_silent < TOLD_EVERY:
            return
        self._told_silent = time.monotonic()
        text, says = self._why_silent(), answering.get()
        if says is not None and await says(text, True):
            return
        if self.asker:
            await self._whisper(self.asker, text)
