"""A pool of webhooks for each channel, through which characters speak under their own names.

    pool = Webhooks(client, each=3)
    hook = await pool.next(channel)              # None: none can be used here
    await hook.send("…", username="孙悟空", avatar_url=…, wait=True)

discord.py sends one request at a time through a webhook, and Discord allows 5 in 2 seconds; so a
channel gets up to four, used in turn. A channel has at most 15 of all applications. Threads and
forum posts use their parent's.

Webhook messages have no nonce, and discord.py repeats a request by itself after a 5xx, though the
first may have been carried out. Here that is `AnswerLost`, and the sender searches first.

Where webhooks fail, the pool of the channel is out of use for half a minute (`pause`), and
characters speak through the bot's own messages.
"""

from __future__ import annotations

import asyncio
import logging
import time

import aiohttp
import discord

from bot.platforms.discord.errors import DOWN, AnswerLost, described

_log = logging.getLogger(__name__)

NAME = "mRP"
# Seconds without webhooks where they are forbidden, or fail, before trying again.
FORBIDDEN_FOR, FAILING_FOR = 60.0, 30.0

# Discord's JSON error codes.
UNKNOWN_WEBHOOK, INVALID_TOKEN = 10015, 50027
TOO_MANY_HERE, TOO_MANY_IN_GUILD = 30007, 30058


async def _never_blindly(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    sends = request.method != "GET" and "/webhooks/" in request.url.path
    try:
        response = await handler(request)
    except (aiohttp.ClientConnectionError, TimeoutError) as problem:
        if sends:
            raise AnswerLost(str(problem)) from problem
        raise
    if sends and response.status >= 500:
        response.release()
        raise AnswerLost(f"status {response.status}")
    return response


class Webhooks:
    """The pools of all channels. `each` is how many webhooks a channel gets, 1 to 4."""

    def __init__(self, client: discord.Client, *, each: int = 3) -> None:
        self._client = client
        self._each = each
        self._hooks: dict[int, list[discord.Webhook]] = {}
        self._turn: dict[int, int] = {}
        self._paused: dict[int, float] = {}
        self._locks: dict[int, asyncio.Lock] = {}
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=30)
            self._session = aiohttp.ClientSession(middlewares=(_never_blindly,), timeout=timeout)
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def known(self, channel: discord.abc.Snowflake) -> list[discord.Webhook]:
        """The cached webhooks of a channel, or of a thread's parent."""
        return self._hooks.get(parent_of(channel).id, [])

    async def next(self, channel: discord.abc.Snowflake) -> discord.Webhook | None:
        """The next webhook of the pool, or a new one while it is not full; None where forbidden.

        Raises:
            discord.HTTPException: Discord refuses for another reason than a missing permission.
        """
        parent = parent_of(channel)
        if not hasattr(parent, "create_webhook"):
            return None  # a direct message
        if time.monotonic() < self._paused.get(parent.id, 0.0):
            return None
        try:
            return await self._next(parent)
        except DOWN as problem:
            self.pause(channel, described(problem))
            return None

    async def _next(self, parent: discord.TextChannel) -> discord.Webhook | None:
        async with self._locks.setdefault(parent.id, asyncio.Lock()):
            hooks = self._hooks.get(parent.id)
            if hooks is None:
                hooks = await self._there(parent)
                if hooks is None:
                    return None
                self._hooks[parent.id] = hooks
            if len(hooks) < self._each:
                await self._make(parent, hooks)
            if not hooks:
                return None
            turn = self._turn[parent.id] = self._turn.get(parent.id, -1) + 1
            return hooks[turn % len(hooks)]

    def pause(self, channel: discord.abc.Snowflake, why: str) -> None:
        """Use no webhook in this channel for a while: requests through them fail."""
        _log.warning("webhooks fail in channel %s (%s): the bot's own messages", channel.id, why)
        self._paused[parent_of(channel).id] = time.monotonic() + FAILING_FOR

    def lost(self, hook: discord.abc.Snowflake) -> None:
        """Remove a deleted webhook from the pool."""
        for hooks in self._hooks.values():
            hooks[:] = [known for known in hooks if known.id != hook.id]

    async def find(self, channel: discord.abc.Snowflake, webhook_id: int) -> discord.Webhook | None:
        """A webhook of the channel's pool by its id."""
        if not self.known(channel):
            await self.next(channel)
        return next((hook for hook in self.known(channel) if hook.id == webhook_id), None)

    async def _there(self, parent: discord.TextChannel) -> list[discord.Webhook] | None:
        """The webhooks that an earlier process created in this channel; None where forbidden."""
        try:
            found = await parent.webhooks()
        except discord.Forbidden:
            self._forbid(parent)
            return None
        me = self._client.user
        ours = sorted((w for w in found if w.token and w.user == me), key=lambda w: w.id)
        return [self._bound(hook) for hook in ours[: max(self._each, 4)]]

    async def _make(self, parent: discord.TextChannel, hooks: list[discord.Webhook]) -> None:
        try:
            hook = await parent.create_webhook(name=f"{NAME} {len(hooks) + 1}")
            hooks.append(self._bound(hook))
        except discord.Forbidden:
            self._forbid(parent)
        except discord.HTTPException as problem:
            if problem.code not in (TOO_MANY_HERE, TOO_MANY_IN_GUILD):
                raise
            if not hooks:
                _log.warning(
                    "channel %s has no place for a webhook of ours (%s); remove one in its "
                    "settings, under Integrations",
                    parent.id,
                    problem.text,
                )
                self._paused[parent.id] = time.monotonic() + FORBIDDEN_FOR

    def _forbid(self, parent: discord.abc.Snowflake) -> None:
        _log.warning(
            "the permission Manage Webhooks is missing in channel %s: characters speak there "
            "through the bot's own messages",
            parent.id,
        )
        self._paused[parent.id] = time.monotonic() + FORBIDDEN_FOR

    def _bound(self, hook: discord.Webhook) -> discord.Webhook:
        assert hook.token
        return discord.Webhook.partial(
            hook.id, hook.token, session=self.session, client=self._client
        )


def parent_of(channel: discord.abc.Snowflake) -> discord.TextChannel:
    """The channel that owns webhooks: a thread's parent, else the channel itself."""
    parent = getattr(channel, "parent", None) if isinstance(channel, discord.Thread) else channel
    return parent or channel  # type: ignore[return-value]
