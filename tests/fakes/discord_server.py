"""A small Discord on 127.0.0.1: REST and gateway, as strict as the real one where our bot goes.

    async with FakeDiscord() as server:
        guild = server.add_guild("取经")
        channel = server.add_channel(guild, "花果山")
        ming = server.add_user("小明")
        …start a discord.py client with token server.token…
        call = await server.slash(ming, channel, "summon", who="猴哥")
        message = await server.say(ming, channel, "悟空，你好")
        server.messages(channel)          # as Discord has them: dicts
        server.pings, server.problems     # must stay empty

What it checks and does (numbers are Discord's): message and component limits, names of webhooks, 15
webhooks a channel, nonces, 3 seconds for interactions, permissions, rate limits with buckets and
scopes, gateway sessions with heartbeats, resume, reconnect and invalid sessions, intents, and
message content only for those who may read it. `server.fault` breaks requests on purpose.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import re
import time
import zlib
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import discord
import yarl
from aiohttp import WSMsgType, web

EPOCH = 1420070400000
TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.fake-token.never-seen-anywhere"

INTENTS = discord.Intents
GUILDS, MESSAGES, REACTIONS = 1 << 0, 1 << 9, 1 << 10
DIRECT, DIRECT_REACTIONS, CONTENT = 1 << 12, 1 << 13, 1 << 15
PRIVILEGED = {1 << 1, 1 << 8, CONTENT}

VOICE = 1 << 13
EPHEMERAL, V2, SUPPRESS_EMBEDS, LOADING = 1 << 6, 1 << 15, 1 << 2, 1 << 7
FLAG_CONTENT, FLAG_CONTENT_LIMITED = 1 << 18, 1 << 19

ALL_PERMISSIONS = discord.Permissions.all()

# route -> (requests, seconds), for each channel or webhook; what is known of the real ones.
BUCKETS: dict[str, tuple[int, float]] = {
    "POST message": (5, 5.0),
    "PATCH message": (5, 5.0),
    "DELETE message": (5, 1.0),
    "GET messages": (10, 5.0),
    "webhook": (5, 2.0),
    "typing": (5, 5.0),
    "channel webhooks": (5, 5.0),
    "other": (50, 1.0),
}
GLOBAL = 50  # requests a second


class Refusal(Exception):
    """An answer that is an error, as Discord words it."""

    def __init__(self, status: int, code: int, message: str, errors: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "message": message}
        if errors is not None:
            self.body["errors"] = errors


def bad_form(where: str, message: str) -> Refusal:
    return Refusal(
        400, 50035, "Invalid Form Body", {where: {"_errors": [{"code": "BAD", "message": message}]}}
    )


UNKNOWN_CHANNEL = Refusal(404, 10003, "Unknown Channel")
UNKNOWN_MESSAGE = Refusal(404, 10008, "Unknown Message")
UNKNOWN_WEBHOOK = Refusal(404, 10015, "Unknown Webhook")
UNKNOWN_INTERACTION = Refusal(404, 10062, "Unknown interaction")
MISSING_PERMISSIONS = Refusal(403, 50013, "Missing Permissions")
MISSING_ACCESS = Refusal(403, 50001, "Missing Access")


@dataclass(frozen=True)
class Fault:
    """How a request is broken: an HTTP status (0: the connection is cut), before or after it was
    done; or a 429 with its scope."""

    status: int = 500
    after: bool = False
    retry_after: float = 0.3
    scope: str = ""


@dataclass
class Asked:
    """A request as it came."""

    method: str
    path: str
    at: float
    bucket: str
    body: Any = None


@dataclass
class Session:
    """A gateway session: events since it began, whether somebody listens or not."""

    id: str
    intents: int
    shard: tuple[int, int]
    events: list[dict[str, Any]] = field(default_factory=list)
    socket: web.WebSocketResponse | None = None
    deflate: Any = None
    sent: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass
class Call:
    """An interaction and what became of it."""

    id: int
    token: str
    kind: int
    channel: int
    user: int
    at: float
    answer: asyncio.Future[dict[str, Any]]
    answered_after: float | None = None
    original: int | None = None
    deferred: int = 0
    followups: list[int] = field(default_factory=list)
    external: bool = False
    message: int | None = None  # whose component it is

    @property
    def at_original(self) -> int:
        """What `@original` is: the component's own message after a deferred update, else the
        answer; 0 for nothing."""
        return (self.message if self.deferred == 6 else self.original) or 0

    async def acknowledged(self, seconds: float = 3.0) -> dict[str, Any]:
        """The callback that the bot made.

        Raises:
            TimeoutError: it made none in time.
        """
        return await asyncio.wait_for(asyncio.shield(self.answer), seconds)


class FakeDiscord:
    """One application, its bot, and everybody it can meet."""

    def __init__(self, *, message_content: bool = True, heartbeat: float = 41.25) -> None:
        self.token = TOKEN
        self.heartbeat = heartbeat
        self.approved = CONTENT if message_content else 0
        self.shards = 1
        self._numbers = itertools.count(1)
        self._last_ms = 0
        self.users: dict[int, dict[str, Any]] = {}
        self.guilds: dict[int, dict[str, Any]] = {}
        self.channels: dict[int, dict[str, Any]] = {}
        self.posts: dict[int, dict[int, dict[str, Any]]] = defaultdict(dict)
        self.webhooks: dict[int, dict[str, Any]] = {}
        self.commands: list[dict[str, Any]] = []
        self.emojis: list[dict[str, Any]] = []
        self.uploads: dict[int, bytes] = {}
        self.calls: dict[str, Call] = {}
        self.denied: dict[int, set[str]] = defaultdict(set)
        self.bot = self.add_user("戏班", bot=True)
        self.application = self.bot  # as for every application since 2016
        self.sessions: dict[str, Session] = {}
        self.identified = 0
        self.resumed = 0
        # what must stay empty
        self.pings: list[tuple[int, str]] = []
        self.problems: list[str] = []
        # what is known of every request
        self.asked: list[Asked] = []
        self.too_many: list[Asked] = []
        self.fault: Callable[[Asked], Fault | None] = lambda asked: None
        self._buckets: dict[str, tuple[float, int]] = {}
        self._global: deque[float] = deque()
        self._nonces: dict[tuple[int, str], int] = {}
        self._webhook_minute: dict[int, deque[float]] = defaultdict(deque)
        self._timers: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    # -- coming and going ------------------------------------------------------------------------

    async def __aenter__(self) -> FakeDiscord:
        app = web.Application(client_max_size=2**24)
        app.router.add_route("GET", "/gateway", self._gateway)
        app.router.add_route("*", "/api/v10/{path:.*}", self._rest)
        app.router.add_route("GET", "/uploads/{file}", self._upload)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self._before = (discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY)
        discord.http.Route.BASE = f"http://127.0.0.1:{self.port}/api/v10"
        gateway = yarl.URL(f"ws://127.0.0.1:{self.port}/gateway")
        discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = gateway
        self.gateway_url = str(gateway)
        return self

    async def __aexit__(self, *_: object) -> None:
        base, gateway = self._before
        discord.http.Route.BASE = base
        discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = gateway
        for session in self.sessions.values():
            if session.socket is not None:
                with contextlib.suppress(Exception):
                    await session.socket.close()
        for timer in self._timers:
            timer.cancel()
        await self._runner.cleanup()

    def snowflake(self) -> int:
        ms = max(int(time.time() * 1000), self._last_ms)
        self._last_ms = ms
        return ((ms - EPOCH) << 22) | (next(self._numbers) & 0x3FFFFF)

    # -- the world -------------------------------------------------------------------------------

    def add_user(self, name: str, *, bot: bool = False, locale: str = "zh-CN") -> int:
        user = self.snowflake()
        self.users[user] = {
            "id": str(user), "username": f"user{user % 1000}", "global_name": name,
            "discriminator": "0", "avatar": None, "bot": bot, "locale": locale,
        }  # fmt: skip
        return user

    def add_guild(self, name: str, *, member: bool = True) -> int:
        guild = self.snowflake()
        self.guilds[guild] = {
            "id": str(guild), "name": name, "member": member, "permissions": ALL_PERMISSIONS.value,
            "owner": 1, "everyone": ALL_PERMISSIONS.value & ~(1 << 3), "roles": [], "given": {},
        }  # fmt: skip
        return guild

    def add_role(self, guild: int, name: str, *, of_bot: bool = False, **permissions: bool) -> int:
        """A role; `of_bot`: the managed one that Discord makes for every bot it lets in."""
        role = self.snowflake()
        self.guilds[guild]["roles"].append({
            "id": str(role), "name": name, "color": 0, "colors": {"primary_color": 0},
            "permissions": str(discord.Permissions(**permissions).value), "position": 1,
            "hoist": False, "managed": of_bot, "mentionable": False, "flags": 0,
            "tags": {"bot_id": str(self.bot)} if of_bot else {},
        })  # fmt: skip
        if of_bot:
            self.give_role(guild, self.bot, role)
        return role

    def give_role(self, guild: int, user: int, role: int) -> None:
        self.guilds[guild]["given"].setdefault(user, []).append(str(role))

    def plain_members(self, guild: int) -> None:
        """People there may write and read, and moderate nothing."""
        allowed = discord.Permissions.text() | discord.Permissions(view_channel=True)
        allowed.update(manage_messages=False, manage_threads=False)
        self.guilds[guild]["everyone"] = allowed.value

    def add_channel(
        self, guild: int | None, name: str = "", *, type: int = 0, parent: int | None = None
    ) -> int:
        """Types: 0 text, 1 direct, 3 group of people without the bot, 11 thread, 15 forum."""
        channel = self.snowflake()
        self.channels[channel] = {
            "id": str(channel), "guild": guild, "name": name, "type": type, "parent": parent,
        }  # fmt: skip
        return channel

    def add_direct(self, user: int) -> int:
        channel = self.add_channel(None, type=1)
        self.channels[channel]["recipient"] = user
        return channel

    def add_webhook(self, channel: int, name: str, *, application: int | None = None) -> int:
        webhook = self.snowflake()
        self.webhooks[webhook] = {
            "id": str(webhook), "type": 1, "channel": channel, "name": name,
            "token": f"hook-{webhook}", "application": application,
        }  # fmt: skip
        return webhook

    def deny(self, channel: int, *permissions: str) -> None:
        """Take permissions from the bot in a channel, as discord.Permissions names them."""
        self.denied[channel].update(permissions)

    def messages(self, channel: int) -> list[dict[str, Any]]:
        """All that stands in a channel, oldest first, without what only one person sees."""
        return [m for _, m in sorted(self.posts[channel].items()) if not m["flags"] & EPHEMERAL]

    def said(self, channel: int) -> list[tuple[str, str]]:
        """(name, text) of all that stands in a channel."""
        return [(m["author"]["username"], text_of(m)) for m in self.messages(channel)]

    def answer_to(self, call: Call) -> dict[str, Any]:
        """The message a command was answered with."""
        assert call.original is not None
        return self.posts[call.channel][call.original]

    async def until(self, what: Callable[[], Any], seconds: float = 5.0, why: str = "") -> Any:
        """Wait until `what` is true, and return it.

        Raises:
            AssertionError: it does not become true.
        """
        end = time.monotonic() + seconds
        while True:
            found = what()
            if found:
                return found
            if time.monotonic() > end:
                raise AssertionError(why or "it did not happen in time")
            await asyncio.sleep(0.01)

    # -- what people do --------------------------------------------------------------------------

    async def say(
        self,
        user: int,
        channel: int,
        text: str,
        *,
        reply_to: int | str | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> dict[str, Any]:
        """A person writes, with files by their names."""
        message = self._message(channel, self.users[user], {"content": text})
        for name, content in (files or {}).items():
            file = self.snowflake()
            self.uploads[file] = content
            url = f"http://127.0.0.1:{self.port}/uploads/{file}"
            message["attachments"].append({
                "id": str(file), "filename": name, "size": len(content), "url": url,
                "proxy_url": url,
            })  # fmt: skip
        if reply_to is not None:
            self._answers(message, reply_to)
        for mentioned in re.findall(r"<@!?(\d+)>", text):
            if int(mentioned) in self.users:
                message["mentions"].append(self.users[int(mentioned)])
        message["mention_roles"] = re.findall(r"<@&(\d+)>", text)
        await self._dispatch_message("MESSAGE_CREATE", message)
        return message

    def _answers(self, message: dict[str, Any], reply_to: int | str) -> None:
        """Make a message a reply; to one of the bot it mentions the bot."""
        channel = int(message["channel_id"])
        known = self.posts[channel].get(int(reply_to))
        message["type"] = 19
        message["message_reference"] = {
            "message_id": str(reply_to), "channel_id": str(channel),
            "guild_id": self._guild_id(channel),
        }  # fmt: skip
        message["referenced_message"] = known
        if known and int(known["author"]["id"]) == self.bot:
            message["mentions"].append(self.users[self.bot])

    async def forward(self, user: int, channel: int, text: str) -> dict[str, Any]:
        """Pass on what somebody wrote elsewhere: its text is in a snapshot."""
        message = self._message(channel, self.users[user], {"content": ""})
        message["message_reference"] = {"type": 1, "message_id": "1", "channel_id": "2"}
        message["message_snapshots"] = [{"message": {
            "type": 0, "content": text, "embeds": [], "attachments": [], "flags": 0,
            "timestamp": message["timestamp"], "edited_timestamp": None, "mentions": [],
            "mention_roles": [], "stickers": [], "components": [],
        }}]  # fmt: skip
        await self._dispatch_message("MESSAGE_CREATE", message)
        return message

    async def sends_note(
        self,
        user: int,
        channel: int,
        sound: bytes,
        *,
        seconds: float,
        reply_to: int | str | None = None,
        kept: bool = True,
    ) -> dict[str, Any]:
        """A person sends a voice message; `seconds` is what their client says of its length. Not
        `kept`: the CDN has no such file."""
        file = self.snowflake()
        if kept:
            self.uploads[file] = sound
        url = f"http://127.0.0.1:{self.port}/uploads/{file}"
        message = self._message(channel, self.users[user], {"content": "", "flags": VOICE})
        message["attachments"] = [{
            "id": str(file), "filename": "voice-message.ogg", "size": len(sound), "url": url,
            "proxy_url": url, "content_type": "audio/ogg", "duration_secs": seconds,
            "waveform": base64.b64encode(bytes(32)).decode(),
        }]  # fmt: skip
        if reply_to is not None:
            self._answers(message, reply_to)
        await self._dispatch_message("MESSAGE_CREATE", message)
        return message

    async def edit(self, user: int, channel: int, message: int | str, text: str) -> None:
        """Change one's own message."""
        found = self.posts[channel][int(message)]
        assert int(found["author"]["id"]) == user
        found["content"], found["edited_timestamp"] = text, now()
        await self._dispatch_message("MESSAGE_UPDATE", found)

    async def unfurl(self, channel: int, message: int | str) -> None:
        """Discord adds the preview of a link: an update that nobody wrote."""
        found = self.posts[channel][int(message)]
        found["embeds"] = [{"type": "link", "url": "https://a.b", "title": "A"}]
        await self._dispatch_message("MESSAGE_UPDATE", found)

    async def delete(self, channel: int, *messages: int | str) -> None:
        """Delete messages, as their author or a moderator does; several at once in bulk."""
        for message in messages:
            del self.posts[channel][int(message)]
        guild = self._guild_id(channel)
        data: dict[str, Any] = {"channel_id": str(channel)} | ({"guild_id": guild} if guild else {})
        intent = MESSAGES if guild else DIRECT
        if len(messages) == 1:
            data["id"] = str(messages[0])
            await self._dispatch("MESSAGE_DELETE", data, guild, intent)
        else:
            data["ids"] = [str(message) for message in messages]
            await self._dispatch("MESSAGE_DELETE_BULK", data, guild, intent)

    async def remove_bot(self, guild: int) -> None:
        """Kick the bot out of a guild."""
        self.guilds[guild]["member"] = False
        await self._dispatch("GUILD_DELETE", {"id": str(guild)}, str(guild), 0)

    async def delete_channel(self, channel: int) -> None:
        guild = self._guild_id(channel)
        thread = self.channels[channel]["type"] == 11
        event = "THREAD_DELETE" if thread else "CHANNEL_DELETE"
        await self._dispatch(event, self._channel(channel), guild, GUILDS)
        del self.channels[channel]

    async def react(self, user: int, channel: int, message: int | str, emoji: str) -> None:
        await self._reaction("MESSAGE_REACTION_ADD", user, channel, message, emoji)

    async def unreact(self, user: int, channel: int, message: int | str, emoji: str) -> None:
        await self._reaction("MESSAGE_REACTION_REMOVE", user, channel, message, emoji)

    async def _reaction(
        self, event: str, user: int, channel: int, message: int | str, emoji: str
    ) -> None:
        guild = self._guild_id(channel)
        data = {
            "user_id": str(user), "channel_id": str(channel), "message_id": str(message),
            "emoji": {"id": None, "name": emoji}, "burst": False, "type": 0,
            "message_author_id": self.posts[channel][int(message)]["author"]["id"],
        }  # fmt: skip
        if guild:
            data["guild_id"] = guild
            data["member"] = self._member(user, guild)
        await self._dispatch(event, data, guild, REACTIONS if guild else DIRECT_REACTIONS)

    async def slash(
        self, user: int, channel: int, name: str, *, external: bool = False, **options: Any
    ) -> Call:
        """Give a slash command, as it is registered.

        Raises:
            AssertionError: there is no such command or option; a client would not offer it.
        """
        command = self._command(name, 1)
        known = {option["name"]: option for option in command.get("options", ())}
        assert options.keys() <= known.keys(), f"/{name} has no option {options.keys() - known}"
        missing = {n for n, o in known.items() if o.get("required")} - options.keys()
        assert not missing, f"/{name} needs {missing}"
        data = {
            "id": command["id"], "name": name, "type": 1,
            "options": [
                {"name": n, "type": known[n]["type"], "value": v} for n, v in options.items()
            ],
        }  # fmt: skip
        return await self._interaction(2, user, channel, data, external=external)

    async def complete(
        self, user: int, channel: int, name: str, option: str, begun: str
    ) -> list[dict[str, Any]]:
        """What is offered while somebody types an option."""
        command = self._command(name, 1)
        known = {o["name"]: o for o in command.get("options", ())}[option]
        assert known.get("autocomplete"), f"/{name} {option} offers nothing"
        data = {
            "id": command["id"], "name": name, "type": 1,
            "options": [{"name": option, "type": 3, "value": begun, "focused": True}],
        }  # fmt: skip
        call = await self._interaction(4, user, channel, data)
        given = await call.acknowledged()
        assert given["type"] == 8
        return list(given["data"]["choices"])

    async def menu(
        self, user: int, channel: int, name: str, message: int | str, *, external: bool = False
    ) -> Call:
        """Choose a message's context menu."""
        command = self._command(name, 3)
        target = self.posts[channel][int(message)]
        data = {
            "id": command["id"], "name": name, "type": 3, "target_id": str(message),
            "resolved": {"messages": {str(message): self._seen(target)}},
        }  # fmt: skip
        return await self._interaction(2, user, channel, data, external=external)

    async def click(
        self,
        user: int,
        channel: int,
        message: int | str,
        custom_id: str,
        *values: str,
        external: bool = False,
    ) -> Call:
        """Press a button, or choose from a menu.

        Raises:
            AssertionError: the message has no such button that can be pressed.
        """
        target = self.posts[channel][int(message)]
        found = [
            c for c in walk(target["components"])
            if c.get("custom_id") == custom_id and not c.get("disabled")
        ]  # fmt: skip
        assert found, f"no button {custom_id!r} can be pressed there"
        data: dict[str, Any] = {"custom_id": custom_id, "component_type": found[0]["type"]}
        if found[0]["type"] == 3:
            known = {o["value"] for o in found[0]["options"]}
            assert set(values) <= known, f"{values} are not on the menu {known}"
            data["values"] = list(values)
        return await self._interaction(3, user, channel, data, message=target, external=external)

    async def submit(
        self,
        user: int,
        channel: int,
        modal: dict[str, Any],
        *texts: str,
        upload: bytes = b"",
        external: bool = False,
    ) -> Call:
        """Fill in a modal that a call was answered with; `upload` goes into its file field."""
        fields = [c for c in walk(modal["components"]) if c["type"] == 4]
        assert len(fields) == len(texts)
        rows = [
            {
                "type": 18, "id": number * 2 + 1,
                "component": {
                    "type": 4, "id": number * 2 + 2, "custom_id": f["custom_id"], "value": text,
                },
            }
            for number, (f, text) in enumerate(zip(fields, texts, strict=True))
        ]  # fmt: skip
        data: dict[str, Any] = {"custom_id": modal["custom_id"], "components": rows}
        for c in (c for c in walk(modal["components"]) if c["type"] == 19):
            file = self.snowflake()
            rows.append({
                "type": 18, "id": 90,
                "component": {
                    "type": 19, "id": 91, "custom_id": c["custom_id"],
                    "values": [str(file)] if upload else [],
                },
            })  # fmt: skip
            if upload:
                self.uploads[file] = upload
                url = f"http://127.0.0.1:{self.port}/uploads/{file}"
                data["resolved"] = {"attachments": {str(file): {
                    "id": str(file), "filename": "face.png", "size": len(upload), "url": url,
                    "proxy_url": url,
                }}}  # fmt: skip
        return await self._interaction(5, user, channel, data, external=external)

    def _command(self, name: str, type: int) -> dict[str, Any]:
        for command in self.commands:
            if command["name"] == name and command.get("type", 1) == type:
                return command
        known = [c["name"] for c in self.commands if c.get("type", 1) == type]
        raise AssertionError(f"there is no command {name!r}; there are {known}")

    async def _interaction(
        self,
        kind: int,
        user: int,
        channel: int,
        data: dict[str, Any],
        *,
        message: dict[str, Any] | None = None,
        external: bool = False,
    ) -> Call:
        number = self.snowflake()
        call = Call(
            number, f"itoken-{number}", kind, channel, user, time.monotonic(),
            asyncio.get_running_loop().create_future(), external=external,
            message=int(message["id"]) if message else None,
        )  # fmt: skip
        self.calls[call.token] = call
        guild = self._guild_id(channel)
        where = self.channels[channel]
        person = self.users[user]
        payload: dict[str, Any] = {
            "id": str(number), "application_id": str(self.application), "type": kind,
            "token": call.token, "version": 1, "data": data, "locale": person["locale"],
            "channel": self._channel(channel), "channel_id": str(channel),
            "attachment_size_limit": 10485760, "entitlements": [],
            "app_permissions": str(self._permissions(channel).value),
            "context": 0 if guild else (1 if where["type"] == 1 else 2),
            "authorizing_integration_owners": {"1": str(user)} if external else {"0": guild or "0"},
        }  # fmt: skip
        if guild:
            payload |= {
                "guild_id": guild,
                "guild_locale": "en-US",
                "member": self._member(user, guild),
            }
            payload["guild"] = {"id": guild, "locale": "en-US", "features": []}
            payload["member"]["permissions"] = str(self._rights(user, guild))
        else:
            payload["user"] = person
        if message is not None:
            payload["message"] = self._seen(message)
        await self._dispatch("INTERACTION_CREATE", payload, None if external else guild, 0)
        self._spawn(self._overdue(call))
        return call

    async def _overdue(self, call: Call) -> None:
        await asyncio.sleep(3.0)
        if not call.answer.done():
            self.problems.append(f"interaction {call.id} of type {call.kind} unanswered for 3 s")
            call.answer.set_exception(TimeoutError("unanswered for 3 s"))
            call.answer.exception()

    def _spawn(self, work: Awaitable[None]) -> None:
        timer: asyncio.Task[None] = asyncio.ensure_future(work)
        self._timers.add(timer)
        timer.add_done_callback(self._timers.discard)

    # -- values on the wire ----------------------------------------------------------------------

    def _guild_id(self, channel: int) -> str | None:
        guild = self.channels.get(channel, {}).get("guild")
        return str(guild) if guild else None

    def _member(self, user: int, guild: int | str) -> dict[str, Any]:
        return {
            "user": self.users[user], "nick": None,
            "roles": self.guilds[int(guild)]["given"].get(user, []), "deaf": False, "mute": False,
            "joined_at": "2024-01-01T00:00:00+00:00", "flags": 0, "avatar": None,
        }  # fmt: skip

    def _rights(self, user: int, guild: int | str) -> int:
        """What a person may do in a guild, as Discord sends it along with an interaction."""
        there = self.guilds[int(guild)]
        if there["owner"] == user:
            return ALL_PERMISSIONS.value
        given = there["given"].get(user, [])
        value = int(there["everyone"])
        for role in there["roles"]:
            if role["id"] in given:
                value |= int(role["permissions"])
        return value

    def _permissions(self, channel: int) -> discord.Permissions:
        denied = set(self.denied[channel])
        parent = self.channels[channel]["parent"]
        if parent:
            denied |= self.denied[parent]
        permissions = discord.Permissions(ALL_PERMISSIONS.value & ~(1 << 3))
        permissions.update(**dict.fromkeys(denied, False))
        return permissions

    def _channel(self, channel: int) -> dict[str, Any]:
        where = self.channels[channel]
        data: dict[str, Any] = {
            "id": where["id"], "type": where["type"], "flags": 0,
            "last_message_id": str(where["last"]) if where.get("last") else None,
            "permissions": str(ALL_PERMISSIONS.value),
        }  # fmt: skip
        if where["type"] == 1:
            data["recipients"] = [self.users[where["recipient"]]]
            return data
        if where["type"] == 3:
            data |= {"recipients": [], "name": where["name"], "icon": None, "owner_id": "1"}
            return data
        data |= {
            "name": where["name"], "guild_id": str(where["guild"]), "position": 0, "nsfw": False,
            "parent_id": str(where["parent"]) if where["parent"] else None,
            "rate_limit_per_user": 0, "topic": None,
        }  # fmt: skip
        if where["type"] == 11:
            data |= {
                "owner_id": str(self.bot), "message_count": 0, "member_count": 1,
                "thread_metadata": {
                    "archived": False, "auto_archive_duration": 1440, "locked": False,
                    "archive_timestamp": "2024-01-01T00:00:00+00:00",
                },
            }  # fmt: skip
        else:
            denied = discord.Permissions(**dict.fromkeys(self.denied[channel], True)).value
            data["permission_overwrites"] = [
                {"id": str(self.bot), "type": 1, "allow": "0", "deny": str(denied)}
            ]
        if where["type"] == 15:
            data |= {"available_tags": [], "default_reaction_emoji": None}
        return data

    def _guild(self, guild: int) -> dict[str, Any]:
        channels = [c for c in self.channels.values() if c["guild"] == guild]
        everyone = self.guilds[guild]["everyone"]
        return {
            "id": str(guild), "name": self.guilds[guild]["name"],
            "owner_id": str(self.guilds[guild]["owner"]),
            "region": "x", "afk_timeout": 300, "verification_level": 0, "icon": None,
            "default_message_notifications": 0, "explicit_content_filter": 0,
            "roles": [{
                "id": str(guild), "name": "@everyone", "permissions": str(everyone), "color": 0,
                "colors": {"primary_color": 0}, "position": 0, "hoist": False, "managed": False,
                "mentionable": False, "flags": 0,
            }, *self.guilds[guild]["roles"]],
            "emojis": [], "stickers": [], "features": [], "mfa_level": 0, "system_channel_id": None,
            "system_channel_flags": 0, "joined_at": "2024-01-01T00:00:00+00:00", "large": False,
            "unavailable": False, "member_count": 2, "voice_states": [], "presences": [],
            "members": [self._member(self.bot, guild)], "premium_tier": 0, "nsfw_level": 0,
            "preferred_locale": "en-US", "stage_instances": [], "guild_scheduled_events": [],
            "soundboard_sounds": [], "premium_progress_bar_enabled": False,
            "channels": [
                self._channel(int(c["id"])) for c in channels if c["type"] != 11
            ],
            "threads": [self._channel(int(c["id"])) for c in channels if c["type"] == 11],
        }  # fmt: skip

    def _message(
        self, channel: int, author: dict[str, Any], body: dict[str, Any], **more: Any
    ) -> dict[str, Any]:
        number = self.snowflake()
        message = {
            "id": str(number), "channel_id": str(channel), "author": author,
            "content": body.get("content") or "", "timestamp": now(), "edited_timestamp": None,
            "tts": False, "mention_everyone": False, "mentions": [], "mention_roles": [],
            "attachments": [], "embeds": body.get("embeds") or [], "pinned": False,
            "type": 0, "flags": body.get("flags", 0), "components": body.get("components") or [],
            "_files": body.get("_files") or {},
        } | more  # fmt: skip
        if body.get("nonce") is not None:
            message["nonce"] = body["nonce"]
        if body.get("message_reference"):
            message["message_reference"] = {
                "channel_id": str(channel), **body["message_reference"],
            }  # fmt: skip
            message["type"] = 19
        for place, component in enumerate(walk(message["components"]), 1):
            component.setdefault("id", place)
        self.posts[channel][number] = message
        self.channels[channel]["last"] = number
        return message

    def _seen(self, message: dict[str, Any]) -> dict[str, Any]:
        guild = self._guild_id(int(message["channel_id"]))
        return message | ({"guild_id": guild} if guild else {})

    # -- the gateway -----------------------------------------------------------------------------

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=True, max_msg_size=0, compress=False)
        await socket.prepare(request)
        deflate = zlib.compressobj() if request.query.get("compress") == "zlib-stream" else None
        send = Sender(socket, deflate)
        await send({"op": 10, "d": {"heartbeat_interval": int(self.heartbeat * 1000)}})
        session: Session | None = None
        try:
            while True:
                got = await socket.receive(timeout=self.heartbeat * 1.5 + 1)
                if got.type is not WSMsgType.TEXT:
                    break
                data = json.loads(got.data)
                match data["op"]:
                    case 1:
                        await asyncio.sleep(0.01)  # no network is faster than a thread
                        await send({"op": 11})
                    case 2:
                        session = await self._identify(socket, send, data["d"])
                    case 6:
                        session = await self._resume(socket, send, data["d"])
                    case 3 | 4 | 8:
                        pass
                    case _:
                        await socket.close(code=4001)
        except TimeoutError:
            self.problems.append("no heartbeat came")
            await socket.close(code=4009)
        finally:
            if session is not None and session.socket is socket:
                session.socket = None
        return socket

    async def _identify(
        self, socket: web.WebSocketResponse, send: Sender, data: dict[str, Any]
    ) -> Session | None:
        if data["token"] != self.token:
            await socket.close(code=4004)
            return None
        if any(data["intents"] & p and not self.approved & p for p in PRIVILEGED):
            await socket.close(code=4014)
            return None
        shard, shards = data.get("shard", (0, 1))
        if shard >= shards:
            await socket.close(code=4010)
            return None
        self.identified += 1
        session = Session(f"session-{self.snowflake()}", data["intents"], (shard, shards))
        self.sessions[session.id] = session
        session.socket, session.deflate = socket, send
        guilds = [
            g for g, data in self.guilds.items()
            if data["member"] and (g >> 22) % shards == shard
        ]  # fmt: skip
        await self._event(session, "READY", {
            "v": 10, "user": self.users[self.bot], "session_id": session.id,
            "resume_gateway_url": self.gateway_url, "shard": [shard, shards],
            "guilds": [{"id": str(g), "unavailable": True} for g in guilds],
            "application": {"id": str(self.application), "flags": self._flags()},
        })  # fmt: skip
        for guild in guilds:
            await self._event(session, "GUILD_CREATE", self._guild(guild))
        return session

    async def _resume(
        self, socket: web.WebSocketResponse, send: Sender, data: dict[str, Any]
    ) -> Session | None:
        if data["token"] != self.token:
            await socket.close(code=4004)
            return None
        session = self.sessions.get(data["session_id"])
        if session is None:
            await send({"op": 9, "d": False})
            return None
        async with session.lock:
            session.socket, session.deflate = socket, send
            self.resumed += 1
            for event in session.events:
                if event["s"] > data["seq"]:
                    await send(event)
            session.sent = len(session.events)
        await self._event(session, "RESUMED", {})
        return session

    async def _event(self, session: Session, name: str, data: dict[str, Any]) -> None:
        event = {"op": 0, "t": name, "s": len(session.events) + 1, "d": data}
        session.events.append(event)
        async with session.lock:
            while session.socket is not None and session.sent < len(session.events):
                event = session.events[session.sent]
                session.sent += 1
                try:
                    await session.deflate(event)
                except (ConnectionError, RuntimeError):
                    session.socket = None

    async def _dispatch(
        self, name: str, data: dict[str, Any], guild: str | None, intent: int
    ) -> None:
        data = json.loads(json.dumps(data, default=repr))
        for session in list(self.sessions.values()):
            shard, shards = session.shard
            if ((int(guild) >> 22) % shards if guild else 0) != shard:
                continue
            if intent and not session.intents & intent:
                continue
            await self._event(session, name, data)

    async def _dispatch_message(self, name: str, message: dict[str, Any]) -> None:
        channel = int(message["channel_id"])
        guild = self._guild_id(channel)
        if message["flags"] & EPHEMERAL:
            return
        data = self._seen(message)
        if guild and not message.get("webhook_id"):
            data["member"] = self._member(int(message["author"]["id"]), guild)
        for session in list(self.sessions.values()):
            shard, shards = session.shard
            if ((int(guild) >> 22) % shards if guild else 0) != shard:
                continue
            if not session.intents & (MESSAGES if guild else DIRECT):
                continue
            await self._event(
                session,
                name,
                json.loads(json.dumps(self._readable(data, session.intents), default=repr)),
            )

    def _readable(self, message: dict[str, Any], intents: int) -> dict[str, Any]:
        """The message as an application sees it that may or may not read message content."""
        mine = message.get("application_id") == str(self.application)
        if (
            intents & CONTENT
            or not self._guild_id(int(message["channel_id"]))
            or mine
            or int(message["author"]["id"]) == self.bot
            or any(int(m["id"]) == self.bot for m in message["mentions"])
        ):
            return message
        return message | {"content": "", "embeds": [], "attachments": [], "components": []}

    async def drop(self, *, code: int = 4000) -> None:
        """Close all gateway sockets; sessions can be resumed."""
        for session in list(self.sessions.values()):
            if session.socket is not None:
                socket, session.socket = session.socket, None
                await socket.close(code=code)

    async def ask_reconnect(self) -> None:
        for session in list(self.sessions.values()):
            if session.socket is not None:
                with contextlib.suppress(ConnectionError, RuntimeError):
                    await session.deflate({"op": 7, "d": None})

    async def invalidate(self, *, resumable: bool = False) -> None:
        """Tell that sessions are over; what happens before the next one is lost."""
        sessions = list(self.sessions.values())
        if not resumable:
            self.sessions.clear()
        for session in sessions:
            if session.socket is not None:
                with contextlib.suppress(ConnectionError, RuntimeError):
                    await session.deflate({"op": 9, "d": resumable})

    @property
    def connected(self) -> bool:
        return any(s.socket is not None for s in self.sessions.values())

    # -- REST ------------------------------------------------------------------------------------

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        body = await self._body(request)
        route, found, handler = self._route(request.method, path)
        asked = Asked(request.method, path, time.monotonic(), route, body)
        self.asked.append(asked)
        if handler is None:
            self.problems.append(f"{request.method} {path} is not known here")
            return answer({"code": 0, "message": "404: Not Found"}, status=404)
        by_token = path.startswith(("webhooks/", "interactions/")) and path.count("/") > 1
        if not by_token and request.headers.get("Authorization") != f"Bot {self.token}":
            return answer({"code": 0, "message": "401: Unauthorized"}, status=401)
        limited, headers = self._limit(asked)
        if limited is not None:
            return limited
        fault = self.fault(asked)
        if fault and fault.scope:
            return self._slow_down(fault.retry_after, fault.scope, headers)
        if fault and not fault.after:
            return self._broken(request, fault)
        try:
            done = await handler(found, body, request)
        except Refusal as refusal:
            done = answer(refusal.body, status=refusal.status)
        if fault:
            return self._broken(request, fault)
        done.headers.update(headers)
        return done

    @staticmethod
    async def _body(request: web.Request) -> Any:
        if request.content_type == "multipart/form-data":
            form = await request.post()
            raw: Any = form["payload_json"]
            sent_as_json = isinstance(raw, bytes | bytearray)  # not as plain text
            body = json.loads(bytes(raw) if sent_as_json else str(raw))
            body["_as_json"] = sent_as_json
            body["_files"] = {
                part.filename: text_or_bytes(part.file.read())
                for key, part in form.items()
                if key.startswith("files[") and isinstance(part, web.FileField)
            }  # fmt: skip
            return body
        text = await request.text()
        return json.loads(text) if text else {}

    @staticmethod
    def _broken(request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault.status:
            return web.Response(status=fault.status, text="upstream connect error")
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    def _route(self, method: str, path: str) -> tuple[str, tuple[str, ...], Any]:
        for wanted, pattern, bucket, handler in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and wanted == method:
                return bucket.format(*match.groups()), match.groups(), getattr(self, handler)
        return "", (), None

    def _limit(self, asked: Asked) -> tuple[web.Response | None, dict[str, str]]:
        """Count a request; too many are answered with 429 and its headers."""
        if not asked.bucket:
            return None, {}
        kind = asked.bucket.split("/")[0]
        limit, period = BUCKETS[kind]
        began, used = self._buckets.get(asked.bucket, (0.0, 0))
        if asked.at - began >= period:
            began, used = asked.at, 0
        reset = period - (asked.at - began)
        headers = {
            "X-RateLimit-Limit": str(limit), "X-RateLimit-Bucket": kind.replace(" ", "-"),
            "X-RateLimit-Remaining": str(max(limit - used - 1, 0)),
            "X-RateLimit-Reset-After": f"{reset:.3f}",
            "X-RateLimit-Reset": f"{time.time() + reset:.3f}",
        }  # fmt: skip
        if used >= limit:
            self.too_many.append(asked)
            return self._slow_down(reset, "user", headers), headers
        self._buckets[asked.bucket] = (began, used + 1)
        if kind == "webhook":
            return None, headers  # by their own token: nothing to do with the bot's global limit
        while self._global and asked.at - self._global[0] > 1:
            self._global.popleft()
        if len(self._global) >= GLOBAL:
            self.too_many.append(asked)
            return self._slow_down(1 - (asked.at - self._global[0]), "global", {}), headers
        self._global.append(asked.at)
        return None, headers

    @staticmethod
    def _slow_down(seconds: float, scope: str, headers: dict[str, str]) -> web.Response:
        body = {
            "message": "You are being rate limited.", "retry_after": round(seconds, 3),
            "global": scope == "global",
        }  # fmt: skip
        sent = headers | {
            "Retry-After": str(int(seconds) + 1), "X-RateLimit-Scope": scope, "Via": "1.1 google",
            "X-RateLimit-Remaining": "0",
        }  # fmt: skip
        if scope == "global":
            sent["X-RateLimit-Global"] = "true"
        return answer(body, status=429, headers=sent)

    # -- REST: who am I, commands, faces ----------------------------------------------------------

    def _flags(self) -> int:
        return FLAG_CONTENT_LIMITED if self.approved & CONTENT else 0

    async def gateway_bot(self, found: Any, body: Any, request: Any) -> web.Response:
        return answer({
            "url": self.gateway_url, "shards": self.shards,
            "session_start_limit": {
                "total": 1000, "remaining": 999, "reset_after": 1, "max_concurrency": 1,
            },
        })  # fmt: skip

    async def me(self, found: Any, body: Any, request: Any) -> web.Response:
        return answer(self.users[self.bot])

    async def application_me(self, found: Any, body: Any, request: Any) -> web.Response:
        return answer({
            "id": str(self.application), "name": "戏班", "icon": None, "description": "",
            "summary": "", "bot_public": True, "bot_require_code_grant": False, "verify_key": "x",
            "owner": self.users[self.bot], "flags": self._flags(),
            "integration_types_config": {"0": {}, "1": {}},
        })  # fmt: skip

    async def my_guilds(self, found: Any, body: Any, request: Any) -> web.Response:
        return answer([
            {"id": data["id"], "name": data["name"], "permissions": str(data["permissions"])}
            for data in self.guilds.values()
            if data["member"]
        ])  # fmt: skip

    async def get_member(self, found: Any, body: Any, request: Any) -> web.Response:
        if not self.guilds.get(int(found[0]), {}).get("member"):
            raise MISSING_ACCESS
        return answer(self._member(int(found[1]), found[0]))

    async def put_commands(self, found: Any, body: Any, request: Any) -> web.Response:
        kinds = defaultdict(int)
        names = set()
        for command in body:
            kind = command.get("type", 1)
            kinds[kind] += 1
            valid_command(command)
            if (kind, command["name"]) in names:
                raise bad_form("name", f"{command['name']} is there twice")
            names.add((kind, command["name"]))
        if kinds[1] > 100 or kinds[2] > 15 or kinds[3] > 15:
            raise Refusal(400, 30032, "Maximum number of application commands reached")
        self.commands = [
            c | {
                "id": str(self.snowflake()), "application_id": str(self.application),
                "version": "1",
                "description": c.get("description", ""),
                "default_member_permissions": c.get("default_member_permissions"),
            }
            for c in body
        ]  # fmt: skip
        return answer(self.commands)

    async def get_commands(self, found: Any, body: Any, request: Any) -> web.Response:
        return answer(self.commands)

    async def get_emojis(self, found: Any, body: Any, request: Any) -> web.Response:
        return answer({"items": self.emojis})

    async def _upload(self, request: web.Request) -> web.Response:
        """The CDN: what somebody uploaded."""
        found = self.uploads.get(int(request.match_info["file"]))
        return web.Response(status=404) if found is None else web.Response(body=found)

    async def delete_emoji(self, found: Any, body: Any, request: Any) -> web.Response:
        self.emojis = [each for each in self.emojis if each["id"] != found[1]]
        return web.Response(status=204)

    async def post_emoji(self, found: Any, body: Any, request: Any) -> web.Response:
        if not re.fullmatch(r"\w{2,32}", body["name"], re.ASCII):
            raise bad_form("name", "Must be 2 to 32 letters, digits and underscores")
        if any(e["name"] == body["name"] for e in self.emojis):
            raise bad_form("name", "That name is taken")
        if not body["image"].startswith("data:image/png;base64,") or len(body["image"]) > 349_526:
            raise Refusal(400, 50035, "Invalid Form Body: File cannot be larger than 256 KiB")
        emoji = {
            "id": str(self.snowflake()), "name": body["name"], "roles": [], "animated": False,
            "user": self.users[self.bot], "require_colons": True, "managed": False,
            "available": True,
        }  # fmt: skip
        self.emojis.append(emoji)
        return answer(emoji, status=201)

    # -- REST: channels and messages ---------------------------------------------------------------

    def _allowed(self, channel: str | int, *permissions: str) -> int:
        number = int(channel)
        if number not in self.channels:
            raise UNKNOWN_CHANNEL
        guild = self.channels[number]["guild"]
        if guild and not self.guilds[guild]["member"]:
            raise MISSING_ACCESS
        if self.channels[number]["type"] == 1:
            return number
        has = self._permissions(number)
        if not has.view_channel:
            raise MISSING_ACCESS
        if not all(getattr(has, permission) for permission in permissions):
            raise MISSING_PERMISSIONS
        return number

    async def get_channel(self, found: Any, body: Any, request: Any) -> web.Response:
        return answer(self._channel(self._allowed(found[0])))

    async def make_direct(self, found: Any, body: Any, request: Any) -> web.Response:
        user = int(body["recipient_id"])
        for channel in self.channels.values():
            if channel["type"] == 1 and channel.get("recipient") == user:
                return answer(self._channel(int(channel["id"])))
        return answer(self._channel(self.add_direct(user)))

    async def typing(self, found: Any, body: Any, request: Any) -> web.Response:
        self._allowed(found[0], "send_messages")
        return web.Response(status=204)

    async def post_message(self, found: Any, body: Any, request: Any) -> web.Response:
        channel = self.channels.get(int(found[0]), {})
        needed = "send_messages_in_threads" if channel.get("type") == 11 else "send_messages"
        number = self._allowed(found[0], needed)
        if channel["type"] == 15:
            raise Refusal(400, 50008, "Cannot send messages in a non-text channel")
        valid_message(body)
        nonce = body.get("nonce")
        if nonce is not None:
            if len(str(nonce)) > 25:
                raise bad_form("nonce", "Must be 25 or fewer in length.")
            if body.get("enforce_nonce") and (number, str(nonce)) in self._nonces:
                sent = self._nonces[number, str(nonce)]
                if sent in self.posts[number]:
                    return answer(self._seen(self.posts[number][sent]))
        if body.get("flags", 0) & VOICE:
            self._allowed(found[0], "send_voice_messages")
            valid_voice(body)
        message = self._message(number, self.users[self.bot], body)
        if nonce is not None:
            self._nonces[number, str(nonce)] = int(message["id"])
        self._count_pings(message, body)
        await self._dispatch_message("MESSAGE_CREATE", message)
        return answer(self._seen(message))

    async def get_messages(self, found: Any, body: Any, request: Any) -> web.Response:
        number = self._allowed(found[0], "read_message_history")
        known = sorted(
            ((i, m) for i, m in self.posts[number].items() if not m["flags"] & EPHEMERAL),
            reverse=True,
        )
        query = request.query
        limit = int(query.get("limit", 50))
        if not 1 <= limit <= 100:
            raise bad_form("limit", "1 to 100")
        if "after" in query:
            later = [(i, m) for i, m in known if i > int(query["after"])]
            known = later[-limit:] if limit < len(later) else later
        elif "before" in query:
            known = [(i, m) for i, m in known if i < int(query["before"])][:limit]
        else:
            known = known[:limit]
        return answer([self._readable(m, self.approved) for _, m in known])

    async def get_message(self, found: Any, body: Any, request: Any) -> web.Response:
        number = self._allowed(found[0], "read_message_history")
        message = self.posts[number].get(int(found[1]))
        if message is None or message["flags"] & EPHEMERAL:
            raise UNKNOWN_MESSAGE
        return answer(self._readable(self._seen(message), self.approved))

    async def patch_message(self, found: Any, body: Any, request: Any) -> web.Response:
        number = self._allowed(found[0])
        message = self.posts[number].get(int(found[1]))
        if message is None:
            raise UNKNOWN_MESSAGE
        if int(message["author"]["id"]) != self.bot:
            raise Refusal(403, 50005, "Cannot edit a message authored by another user")
        return await self._edited(message, body)

    async def delete_message(self, found: Any, body: Any, request: Any) -> web.Response:
        number = self._allowed(found[0])
        message = self.posts[number].get(int(found[1]))
        if message is None:
            raise UNKNOWN_MESSAGE
        if int(message["author"]["id"]) != self.bot:
            self._allowed(found[0], "manage_messages")
        return await self._deleted(message)

    async def _edited(self, message: dict[str, Any], body: dict[str, Any]) -> web.Response:
        merged = {
            "content": body.get("content", message["content"]),
            "embeds": body.get("embeds", message["embeds"]),
            "components": body.get("components", message["components"]),
            "_files": body.get("_files") or message.get("_files"),
            "flags": body.get("flags", 0) | (message["flags"] & V2),
        }
        if message["flags"] & V2 and body.get("content"):
            raise bad_form("content", "The 'content' field cannot be used with components V2")
        valid_message(merged)
        message["content"] = merged["content"] or ""
        message["embeds"] = merged["embeds"] or []
        message["_files"] = merged["_files"] or {}
        message["components"] = merged["components"] or []
        message["flags"] = message["flags"] | (merged["flags"] & (V2 | SUPPRESS_EMBEDS))
        for place, component in enumerate(walk(message["components"]), 1):
            component.setdefault("id", place)
        message["edited_timestamp"] = now()
        self._count_pings(message, body)
        await self._dispatch_message("MESSAGE_UPDATE", message)
        return answer(self._seen(message))

    async def _deleted(self, message: dict[str, Any]) -> web.Response:
        channel = int(message["channel_id"])
        del self.posts[channel][int(message["id"])]
        guild = self._guild_id(channel)
        data = {"id": message["id"], "channel_id": str(channel)}
        if guild:
            data["guild_id"] = guild
        await self._dispatch("MESSAGE_DELETE", data, guild, MESSAGES if guild else DIRECT)
        return web.Response(status=204)

    def _count_pings(self, message: dict[str, Any], body: dict[str, Any]) -> None:
        """Who would be told by this message, with its allowed_mentions or for want of them."""
        text = text_of(message)
        allowed = body.get("allowed_mentions")
        kinds = {"users", "roles", "everyone"} if allowed is None else set(allowed.get("parse", ()))
        found = []
        if "everyone" in kinds:
            found += re.findall(r"@(?:everyone|here)", text)
        if "users" in kinds:
            found += re.findall(r"<@!?\d+>", text)
        if "roles" in kinds:
            found += re.findall(r"<@&\d+>", text)
        replied = message.get("message_reference") and (
            allowed is None or allowed.get("replied_user")
        )
        self.pings += [(int(message["id"]), ping) for ping in found]
        if replied:
            self.pings.append((int(message["id"]), "reply"))
        if allowed is None:
            self.problems.append(f"message {message['id']} was written without allowed_mentions")

    # -- REST: webhooks --------------------------------------------------------------------------

    def _webhook(self, webhook: dict[str, Any]) -> dict[str, Any]:
        mine = webhook["application"] == self.application
        data = {
            "id": webhook["id"], "type": 1, "channel_id": str(webhook["channel"]),
            "guild_id": self._guild_id(webhook["channel"]), "name": webhook["name"],
            "avatar": None, "application_id": str(webhook["application"]) if mine else None,
            "user": self.users[self.bot] if mine else {
                "id": "5", "username": "another", "discriminator": "0", "avatar": None,
            },
        }  # fmt: skip
        return data | ({"token": webhook["token"]} if mine else {})

    async def get_webhooks(self, found: Any, body: Any, request: Any) -> web.Response:
        number = self._allowed(found[0], "manage_webhooks")
        return answer([self._webhook(w) for w in self.webhooks.values() if w["channel"] == number])

    async def post_webhook(self, found: Any, body: Any, request: Any) -> web.Response:
        number = self._allowed(found[0], "manage_webhooks")
        if self.channels[number]["type"] == 11:
            raise Refusal(400, 50024, "Cannot execute action on this channel type")
        valid_webhook_name(body.get("name"), "name")
        if sum(w["channel"] == number for w in self.webhooks.values()) >= 15:
            raise Refusal(400, 30007, "Maximum number of webhooks reached (15)")
        webhook = self.add_webhook(number, body["name"], application=self.application)
        return answer(self._webhook(self.webhooks[webhook]))

    def _with_token(self, found: Sequence[str]) -> dict[str, Any]:
        webhook = self.webhooks.get(int(found[0]))
        if webhook is None:
            raise UNKNOWN_WEBHOOK
        if webhook["token"] != found[1]:
            raise Refusal(401, 50027, "Invalid Webhook Token")
        return webhook

    def _thread(self, webhook: dict[str, Any], request: Any) -> int:
        thread = request.query.get("thread_id")
        where = self.channels[webhook["channel"]]
        if thread is None:
            if where["type"] == 15:
                raise Refusal(
                    400, 220001, "Webhooks posted to forum channels must have a thread_name or id"
                )
            return int(webhook["channel"])
        known = self.channels.get(int(thread))
        if known is None or known["parent"] != webhook["channel"]:
            raise UNKNOWN_CHANNEL
        return int(thread)

    async def execute(self, found: Any, body: Any, request: Any) -> web.Response:
        if found[0] == str(self.application):
            return await self._followup(found, body, request)
        webhook = self._with_token(found)
        channel = self._thread(webhook, request)
        if "username" in body:
            valid_webhook_name(body["username"], "username")
        avatar = body.get("avatar_url")
        if avatar and not re.match(r"https?://", avatar):
            raise bad_form("avatar_url", "Not a well formed URL.")
        if body.get("message_reference") or "nonce" in body:
            raise bad_form("message_reference", "webhooks cannot reply, and know no nonce")
        mine = webhook["application"] == self.application
        with_components = request.query.get("with_components") in ("1", "true")
        if body.get("components") and not (mine or with_components):
            raise Refusal(400, 50006, "Cannot send an empty message")
        valid_message(body)
        if body.get("flags", 0) & VOICE:
            raise bad_form("flags", "a webhook cannot set IS_VOICE_MESSAGE")
        author = {
            "id": webhook["id"], "username": body.get("username") or webhook["name"],
            "avatar": avatar and "hash", "discriminator": "0000", "bot": True,
        }  # fmt: skip
        message = self._message(
            channel, author, body, webhook_id=webhook["id"],
            application_id=str(self.application) if mine else None, _avatar=avatar,
        )  # fmt: skip
        self._count_pings(message, body)
        await self._dispatch_message("MESSAGE_CREATE", message)
        if request.query.get("wait") in ("1", "true"):
            return answer(self._seen(message))
        return web.Response(status=204)

    def _hook_message(self, found: Any, request: Any) -> dict[str, Any]:
        if found[0] == str(self.application):
            return self._call_message(found)
        webhook = self._with_token(found)
        channel = self._thread(webhook, request)
        message = self.posts[channel].get(int(found[2]))
        if message is None or message.get("webhook_id") != found[0]:
            raise UNKNOWN_MESSAGE
        return message

    async def hook_get(self, found: Any, body: Any, request: Any) -> web.Response:
        return answer(self._seen(self._hook_message(found, request)))

    async def hook_patch(self, found: Any, body: Any, request: Any) -> web.Response:
        if found[0] == str(self.application) and found[2] == "@original":
            return await self._original(found, body)
        if "username" in body or "avatar_url" in body:
            raise bad_form("username", "the author of a message cannot be changed")
        return await self._edited(self._hook_message(found, request), body)

    async def hook_delete(self, found: Any, body: Any, request: Any) -> web.Response:
        return await self._deleted(self._hook_message(found, request))

    async def delete_webhook(self, found: Any, body: Any, request: Any) -> web.Response:
        webhook = self.webhooks.get(int(found[0]))
        if webhook is None:
            raise UNKNOWN_WEBHOOK
        self._allowed(webhook["channel"], "manage_webhooks")
        del self.webhooks[int(found[0])]
        return web.Response(status=204)

    # -- REST: interactions ----------------------------------------------------------------------

    async def callback(self, found: Any, body: Any, request: Any) -> web.Response:
        call = self.calls.get(found[1])
        if call is None or (call.answer.done() and call.answer.exception() is not None):
            raise UNKNOWN_INTERACTION
        if call.answer.done():
            raise Refusal(400, 40060, "Interaction has already been acknowledged.")
        kind, data = body["type"], body.get("data") or {}
        message = None
        if kind == 4:
            message = self._respond(call, data)
        elif kind == 5:
            call.deferred = 5
            message = self._message(call.channel, self.users[self.bot], {
                "content": "", "flags": (data.get("flags", 0) & EPHEMERAL) | LOADING,
            }, application_id=str(self.application))  # fmt: skip
            call.original = int(message["id"])
        elif kind == 6 and call.kind == 3:
            call.deferred = 6
        elif kind == 7 and call.kind == 3:
            pass
        elif kind == 8 and call.kind == 4:
            if len(data["choices"]) > 25:
                raise bad_form("choices", "Must be 25 or fewer in length.")
            for choice in data["choices"]:
                if not 1 <= len(choice["name"]) <= 100 or not 1 <= len(choice["value"]) <= 100:
                    raise bad_form("choices", "Must be between 1 and 100 in length.")
        elif kind == 9 and call.kind in (2, 3):
            valid_modal(data)
        else:
            raise bad_form("type", f"an interaction of type {call.kind} has no answer {kind}")
        call.answered_after = time.monotonic() - call.at
        call.answer.set_result(body)
        if kind == 4 and message:
            await self._dispatch_message("MESSAGE_CREATE", message)
        resource: dict[str, Any] = {"type": kind}
        if message:
            resource["message"] = self._seen(message)
        return answer({
            "interaction": {
                "id": str(call.id), "type": call.kind, "channel_id": str(call.channel),
                "response_message_id": message and message["id"],
                "response_message_loading": kind == 5,
                "response_message_ephemeral": bool(message and message["flags"] & EPHEMERAL),
            },
            "resource": resource,
        })  # fmt: skip

    def _respond(self, call: Call, data: dict[str, Any]) -> dict[str, Any]:
        valid_message(data)
        message = self._message(
            call.channel, self.users[self.bot], data, application_id=str(self.application)
        )
        message["interaction_metadata"] = {
            "id": str(call.id), "type": call.kind, "user": self.users[call.user],
            "authorizing_integration_owners": {},
        }  # fmt: skip
        call.original = call.original or int(message["id"])
        self._count_pings(message, data)
        return message

    def _known_call(self, found: Sequence[str]) -> Call:
        call = self.calls.get(found[1])
        if call is None or not call.answer.done() or call.answer.exception() is not None:
            raise UNKNOWN_INTERACTION
        if time.monotonic() - call.at > 15 * 60:
            raise Refusal(401, 50027, "Invalid Webhook Token")
        return call

    async def _followup(self, found: Any, body: Any, request: Any) -> web.Response:
        call = self._known_call(found)
        if "username" in body or "avatar_url" in body:
            raise bad_form("username", "not for followups")
        original = self.posts[call.channel].get(call.original or 0)
        if call.deferred == 5 and original is not None and original["flags"] & LOADING:
            return await self._original(found, body)
        call.followups.append(0)
        if call.external and len(call.followups) > 5:
            raise Refusal(400, 40094, "This interaction reached its 5 follow-up messages")
        message = self._respond(call, body)
        await self._dispatch_message("MESSAGE_CREATE", message)
        return answer(self._seen(message))

    async def _original(self, found: Any, body: Any) -> web.Response:
        call = self._known_call(found)
        message = self.posts[call.channel].get(call.at_original)
        if message is None:
            raise UNKNOWN_MESSAGE
        if message["flags"] & LOADING:
            message["flags"] &= ~(LOADING)
        return await self._edited(message, body)

    def _call_message(self, found: Any) -> dict[str, Any]:
        call = self._known_call(found)
        number = call.at_original if found[2] == "@original" else int(found[2])
        message = self.posts[call.channel].get(number)
        if message is None:
            raise UNKNOWN_MESSAGE
        return message


class Sender:
    """Sends what the gateway says, one stream of compression for the whole connection."""

    def __init__(self, socket: web.WebSocketResponse, deflate: Any) -> None:
        self._socket = socket
        self._deflate = deflate

    async def __call__(self, event: dict[str, Any]) -> None:
        text = json.dumps(event, default=repr)
        if self._deflate is None:
            await self._socket.send_str(text)
            return
        packed = self._deflate.compress(text.encode()) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        await self._socket.send_bytes(packed)


_MAJOR = r"(\d+)"
_TOKEN = r"([^/]+)"
ROUTES: tuple[tuple[str, str, str, str], ...] = (
    ("GET", "gateway/bot", "", "gateway_bot"),
    ("GET", "users/@me", "", "me"),
    ("GET", "users/@me/guilds", "", "my_guilds"),
    ("GET", rf"guilds/{_MAJOR}/members/{_MAJOR}", "other/member/{0}", "get_member"),
    ("GET", "oauth2/applications/@me", "", "application_me"),
    ("GET", "applications/@me", "", "application_me"),
    ("POST", "users/@me/channels", "other/dm", "make_direct"),
    ("PUT", rf"applications/{_MAJOR}/commands", "other/commands", "put_commands"),
    ("GET", rf"applications/{_MAJOR}/commands", "other/commands", "get_commands"),
    ("GET", rf"applications/{_MAJOR}/emojis", "other/emojis", "get_emojis"),
    ("POST", rf"applications/{_MAJOR}/emojis", "other/emojis", "post_emoji"),
    ("DELETE", rf"applications/{_MAJOR}/emojis/{_MAJOR}", "other/emojis", "delete_emoji"),
    ("GET", rf"channels/{_MAJOR}", "other/channel/{0}", "get_channel"),
    ("POST", rf"channels/{_MAJOR}/typing", "typing/{0}", "typing"),
    ("POST", rf"channels/{_MAJOR}/messages", "POST message/{0}", "post_message"),
    ("GET", rf"channels/{_MAJOR}/messages", "GET messages/{0}", "get_messages"),
    ("GET", rf"channels/{_MAJOR}/messages/{_MAJOR}", "GET messages/{0}/one", "get_message"),
    ("PATCH", rf"channels/{_MAJOR}/messages/{_MAJOR}", "PATCH message/{0}", "patch_message"),
    ("DELETE", rf"channels/{_MAJOR}/messages/{_MAJOR}", "DELETE message/{0}", "delete_message"),
    ("GET", rf"channels/{_MAJOR}/webhooks", "channel webhooks/{0}", "get_webhooks"),
    ("POST", rf"channels/{_MAJOR}/webhooks", "channel webhooks/{0}/new", "post_webhook"),
    ("DELETE", rf"webhooks/{_MAJOR}", "other/webhook/{0}", "delete_webhook"),
    ("POST", rf"webhooks/{_MAJOR}/{_TOKEN}", "webhook/{0}/{1}", "execute"),
    ("GET", rf"webhooks/{_MAJOR}/{_TOKEN}/messages/(@original|\d+)", "webhook/{0}/{1}", "hook_get"),
    ("PATCH", rf"webhooks/{_MAJOR}/{_TOKEN}/messages/(@original|\d+)", "webhook/{0}/{1}",
     "hook_patch"),
    ("DELETE", rf"webhooks/{_MAJOR}/{_TOKEN}/messages/(@original|\d+)", "webhook/{0}/{1}",
     "hook_delete"),
    ("POST", rf"interactions/{_MAJOR}/{_TOKEN}/callback", "", "callback"),
)  # fmt: skip


def answer(data: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=json.dumps(data, default=repr).encode(), status=status, headers=headers,
        content_type="application/json",
    )  # fmt: skip


# -- what Discord checks ---------------------------------------------------------------------------


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000000+00:00", time.gmtime())


def walk(components: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """All components, those inside others too."""
    found = []
    for component in components:
        found.append(component)
        found += walk(component.get("components") or [])
        for inner in ("accessory", "component"):
            if component.get(inner):
                found += walk([component[inner]])
    return found


def text_of(message: dict[str, Any]) -> str:
    """All text of a message, in its components too."""
    texts = [message["content"]] if message["content"] else []
    texts += [c["content"] for c in walk(message["components"]) if c["type"] == 10]
    return "\n".join(texts)


def valid_message(body: dict[str, Any]) -> None:
    content, embeds = body.get("content") or "", body.get("embeds") or []
    components, flags = body.get("components") or [], body.get("flags") or 0
    if len(content) > 2000:
        raise bad_form("content", "Must be 2000 or fewer in length.")
    if len(embeds) > 10 or sum(len(str(e.get("description") or "")) for e in embeds) > 6000:
        raise bad_form("embeds", "Must be 10 or fewer, and 6000 characters together.")
    if flags & V2:
        if content or embeds:
            raise bad_form("content", "cannot be used when IS_COMPONENTS_V2 is set")
        if not components:
            raise Refusal(400, 50006, "Cannot send an empty message")
    elif not (content.strip() or embeds or components or body.get("_files")):
        raise Refusal(400, 50006, "Cannot send an empty message")
    valid_components(components, bool(flags & V2))


def text_or_bytes(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def valid_voice(body: dict[str, Any]) -> None:
    """One OGG/Opus file with its length and waveform, and nothing else."""
    files, told = list((body.get("_files") or {}).values()), body.get("attachments") or []
    if body.get("content") or body.get("embeds") or body.get("components"):
        raise bad_form("content", "voice messages have none")
    if len(files) != 1 or len(told) != 1 or not bytes(files[0])[:4] == b"OggS":
        raise bad_form("attachments", "one audio file")
    if not body.get("_as_json"):
        raise bad_form("payload_json", "length and waveform are ignored unless it is JSON")
    points = base64.b64decode(told[0]["waveform"], validate=True)
    if not 1 <= len(points) <= 256 or not 0 < told[0]["duration_secs"] <= 1200:
        raise bad_form("attachments", "waveform and duration_secs")


def valid_components(components: Sequence[dict[str, Any]], v2: bool) -> None:
    everything = walk(components)
    if len(everything) > 40:
        raise bad_form("components", "The maximum of 40 components is exceeded")
    if not v2 and (len(components) > 5 or any(c["type"] != 1 for c in components)):
        raise bad_form("components", 'Value of field "type" must be one of (1,).')
    ids = [c["custom_id"] for c in everything if c.get("custom_id")]
    if len(ids) != len(set(ids)):
        raise bad_form("components", "Component custom id cannot be duplicated")
    if any(not 1 <= len(i) <= 100 for i in ids):
        raise bad_form("custom_id", "Must be between 1 and 100 in length.")
    if sum(len(c["content"]) for c in everything if c["type"] == 10) > 4000:
        raise bad_form("components", "The text is longer than 4000 characters")
    for c in everything:
        match c["type"]:
            case 1:
                inner = c["components"]
                menus = [i for i in inner if i["type"] != 2]
                if not 1 <= len(inner) <= 5 or (menus and len(inner) > 1):
                    raise bad_form("components", "an action row is 1 to 5 buttons or one menu")
            case 2:
                if not (c.get("label") or c.get("emoji")) or len(c.get("label") or "") > 80:
                    raise bad_form("label", "Must be 80 or fewer in length.")
                if c["style"] != 5 and not c.get("custom_id"):
                    raise bad_form("custom_id", "This field is required")
            case 3:
                options = c["options"]
                values = [o["value"] for o in options]
                if not 1 <= len(options) <= 25 or len(values) != len(set(values)):
                    raise bad_form("options", "Must be between 1 and 25 in length, all different")
                if any(not 1 <= len(o["label"]) <= 100 for o in options):
                    raise bad_form("options", "Must be between 1 and 100 in length.")
                if len(c.get("placeholder") or "") > 150:
                    raise bad_form("placeholder", "Must be 150 or fewer in length.")
            case 9:
                if not 1 <= len(c["components"]) <= 3 or not c.get("accessory"):
                    raise bad_form("components", "a section is 1 to 3 texts and an accessory")
            case 10:
                if not c["content"]:
                    raise bad_form("content", "This field is required")
            case 11:
                if not re.match(r"https?://|attachment://", c["media"]["url"]):
                    raise bad_form("media", "Not a well formed URL.")


def valid_modal(data: dict[str, Any]) -> None:
    if not 1 <= len(data["title"]) <= 45 or not 1 <= len(data["custom_id"]) <= 100:
        raise bad_form("title", "Must be between 1 and 45 in length.")
    if not 1 <= len(data["components"]) <= 5:
        raise bad_form("components", "Must be between 1 and 5 in length.")
    for c in walk(data["components"]):
        if c["type"] == 18 and len(c["label"]) > 45:
            raise bad_form("label", "Must be 45 or fewer in length.")
        if c["type"] == 4 and len(c.get("placeholder") or "") > 100:
            raise bad_form("placeholder", "Must be 100 or fewer in length.")


def valid_webhook_name(name: Any, where: str) -> None:
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= 80:
        raise bad_form(where, "Must be between 1 and 80 in length.")
    for word in ("clyde", "discord"):
        if word in name.casefold():
            raise bad_form(where, f'Username cannot contain "{word}"')


_NAME = re.compile(r"[-_'\w]{1,32}")


def valid_command(command: dict[str, Any]) -> None:
    """Names, lengths and numbers of an application command."""
    kind = command.get("type", 1)
    names = {"default": command["name"], **(command.get("name_localizations") or {})}
    for locale, name in names.items():
        if kind == 1 and (not _NAME.fullmatch(name) or name != name.lower()):
            raise bad_form("name", f"{name!r} ({locale}) is no name of a slash command")
        if not 1 <= len(name) <= 32:
            raise bad_form("name", "Must be between 1 and 32 in length.")
    valid_locales(command)
    if kind != 1:
        if command.get("description"):
            raise bad_form("description", "menus have none")
        return
    valid_descriptions(command)
    options = command.get("options") or []
    if len(options) > 25:
        raise bad_form("options", "Must be 25 or fewer in length.")
    required = [bool(o.get("required")) for o in options]
    if required != sorted(required, reverse=True):
        raise bad_form("options", "Required options must be placed before non-required options")
    for option in options:
        valid_locales(option)
        valid_descriptions(option)
        for name in (option["name"], *(option.get("name_localizations") or {}).values()):
            if not _NAME.fullmatch(name) or name != name.lower():
                raise bad_form("name", f"{name!r} is no name of an option")
        if len(option.get("choices") or []) > 25:
            raise bad_form("choices", "Must be 25 or fewer in length.")
    if len(json.dumps(command, ensure_ascii=False)) > 16000:
        raise bad_form("name", "Command exceeds maximum size (8000)")


def valid_descriptions(what: dict[str, Any]) -> None:
    for text in (what["description"], *(what.get("description_localizations") or {}).values()):
        if not 1 <= len(text) <= 100:
            raise bad_form("description", f"Must be between 1 and 100 in length: {text}")


_LOCALES = {locale.value for locale in discord.Locale}


def valid_locales(what: dict[str, Any]) -> None:
    for key in ("name_localizations", "description_localizations"):
        unknown = (what.get(key) or {}).keys() - _LOCALES
        if unknown:
            raise bad_form(key, f"there is no locale {unknown}")


@contextlib.asynccontextmanager
async def connected(
    server: FakeDiscord, client: discord.Client, seconds: float = 10.0
) -> AsyncIterator[discord.Client]:
    """A client that is connected to the server while the block runs."""
    running = asyncio.create_task(client.start(server.token))
    try:
        end = time.monotonic() + seconds
        while not client.is_ready():
            if running.done():
                running.result()
            assert time.monotonic() < end, "the client did not become ready"
            await asyncio.sleep(0.01)
        yield client
    finally:
        await client.close()
        await asyncio.wait({running}, timeout=5)
