"""A Bot API server on 127.0.0.1, as strict as Telegram's where the bot could go wrong.

    server = TelegramServer(); await server.start()
    server.bot("123456:…", "director_bot")
    group = server.group("取经路上")
    server.says(group, user, "/summon 悟空")
    await server.until(lambda: server.shown(group))
    await server.stop()

It refuses what Telegram refuses: texts over 4,096 UTF-16 units after parsing, HTML that does not
parse, edits that change nothing, drafts outside of private chats, callback data over 64 bytes, more
than 20 messages a minute to a group. `faults` is asked before every call and may answer with a
failure of its own. `pace` is how many of its seconds pass in one of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from aiohttp import web


class Refused(Exception):
    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters


class Dropped(Exception):
    """The connection ends without an answer."""


@dataclass
class Shown:
    """A message in a chat. `edits` are the texts it had before."""

    id: int
    chat: int
    bot: str
    text: str
    html: str
    thread: int | None = None
    keyboard: Any = None
    at: float = 0.0
    deleted: bool = False
    edits: list[str] = field(default_factory=list)
    name: str = ""  # of a person
    file: str = ""  # its name, where the text is a document's
    content: bytes = b""  # a document's bytes
    voice: bytes = b""  # a voice note's sound, whose caption is the text
    duration: int = 0
    reply_to: int = 0

    def buttons(self) -> dict[str, str]:
        rows = (self.keyboard or {}).get("inline_keyboard", [])
        return {b["callback_data"]: b["text"] for row in rows for b in row}


@dataclass
class Account:
    token: str
    id: int
    username: str
    privacy: bool = True
    updates: deque[dict[str, Any]] = field(default_factory=deque)
    next_id: int = 1
    bell: asyncio.Event = field(default_factory=asyncio.Event)
    commands: dict[str, Any] = field(default_factory=dict)
    webhook: dict[str, Any] | None = None
    polling: int = 0  # questions for updates until now


@dataclass
class Group:
    id: int
    title: str
    members: set[int] = field(default_factory=set)
    forum: bool = False
    moved_to: int | None = None
    admins: set[int] = field(default_factory=set)
    creator: int = 0


_RIGHTS = dict.fromkeys(
    [
        "can_be_edited", "can_manage_chat", "can_delete_messages", "can_manage_video_chats",
        "can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users",
        "can_post_stories", "can_edit_stories", "can_delete_stories",
    ],
    True,
)  # fmt: skip


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


class _Html(HTMLParser):
    """Telegram's subset: its tags, closed in order; no others."""

    TAGS = frozenset(
        {"b", "strong", "i", "em", "u", "s", "code", "pre", "a", "blockquote", "tg-spoiler"}
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.open: list[str] = []
        self.entities = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in self.TAGS:
            raise Refused(400, f'Bad Request: can\'t parse entities: Unsupported start tag "{tag}"')
        self.open.append(tag)
        self.entities += 1

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise Refused(400, "Bad Request: can't parse entities: Unexpected end tag")

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(html: str) -> str:
    if re.search(r"<(?![/a-zA-Z])", html):
        raise Refused(400, "Bad Request: can't parse entities: Unsupported start tag")
    reader = _Html()
    reader.feed(html)
    reader.close()
    if reader.open:
        raise Refused(
            400, f"Bad Request: can't parse entities: Can't find end tag of {reader.open}"
        )
    if reader.entities > 100:
        raise Refused(400, "Bad Request: too many entities")
    return reader.text


class TelegramServer:
    def __init__(self, *, pace: float = 1.0) -> None:
        self.accounts: dict[str, Account] = {}
        self.groups: dict[int, Group] = {}
        self.people: dict[int, dict[str, Any]] = {}
        self.blocked: set[int] = set()  # people who blocked the bot, or never started it
        self.messages: dict[int, dict[int, Shown]] = defaultdict(dict)
        self.drafts: list[tuple[int, int, str]] = []
        self.actions: list[tuple[int, str]] = []
        self.answers: dict[str, str | None] = {}
        self.files: dict[str, bytes] = {}  # what people sent, by id
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.sends: dict[tuple[str, int], deque[float]] = defaultdict(deque)
        self.broken: list[str] = []  # rules that were broken
        self.faults: Callable[[str, dict[str, Any]], Exception | None] = lambda m, d: None
        self.pace = pace
        self._number = 100
        self._query = 1
        self._changed = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.url = ""

    # -- life ------------------------------------------------------------------------------------

    async def start(self) -> str:
        app = web.Application()
        app.router.add_route("*", "/bot{token}/{method}", self._call)
        app.router.add_get("/file/bot{token}/{name}", self._file)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}"
        return self.url

    async def stop(self) -> None:
        for account in self.accounts.values():
            account.bell.set()
        if self._runner:
            await self._runner.cleanup()

    def now(self) -> float:
        return time.monotonic() * self.pace

    def bot(self, token: str, username: str, *, privacy: bool = True) -> Account:
        made = Account(token, int(token.split(":")[0]), username, privacy)
        self.accounts[token] = made
        return made

    def person(self, number: int, name: str, *, started: bool = True, language: str = "zh") -> int:
        self.people[number] = {
            "id": number, "is_bot": False, "first_name": name, "language_code": language,
        }  # fmt: skip
        if not started:
            self.blocked.add(number)
        return number

    def group(self, title: str, *, forum: bool = False) -> int:
        self._number += 1
        number = -(1_000_000_000_000 + self._number)
        self.groups[number] = Group(number, title, forum=forum)
        self.groups[number].members = {a.id for a in self.accounts.values()}
        return number

    # -- what people do --------------------------------------------------------------------------

    def says(
        self,
        chat: int,
        person: int,
        text: str,
        *,
        thread: int | None = None,
        reply_to: int | None = None,
        to: str | None = None,
    ) -> int:
        """A person writes; returns the message's id. `to`: the account, in private."""
        number = self._next()
        message: dict[str, Any] = {
            "message_id": number,
            "date": int(time.time()),
            "chat": self._chat(chat),
            "from": self.people[person],
            "text": text,
        }
        if thread:
            message |= {"message_thread_id": thread, "is_topic_message": True}
        if text.startswith("/"):
            length = units(text.split()[0])
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        replied = self.messages[chat].get(reply_to) if reply_to else None
        if replied:
            message["reply_to_message"] = self._message(replied)
        self.messages[chat][number] = Shown(
            number, chat, "", text, text, thread, at=self.now(), name=str(person)
        )
        for account in self._hearing(chat, text, replied, to):
            self._update(account, {"message": message})
        return number

    def sends_note(self, chat: int, person: int, sound: bytes, *, seconds: int) -> int:
        """A person sends a voice note; returns the message's id."""
        number = self._next()
        self.files[f"note{number}"] = sound
        note = {
            "file_id": f"note{number}", "file_unique_id": f"n{number}", "duration": seconds,
            "mime_type": "audio/ogg", "file_size": len(sound),
        }  # fmt: skip
        message = {
            "message_id": number, "date": int(time.time()), "chat": self._chat(chat),
            "from": self.people[person], "voice": note,
        }  # fmt: skip
        self.messages[chat][number] = Shown(
            number, chat, "", "", "", at=self.now(), name=str(person), voice=sound
        )
        for account in self._hearing(chat, "", None, None):
            self._update(account, {"message": message})
        return number

    def sends_file(
        self, chat: int, person: int, name: str, content: bytes, caption: str = ""
    ) -> int:
        """A person sends a document, or with "" as its name a photo; returns the message's id."""
        number = self._next()
        self.files[f"file{number}"] = content
        file = {
            "file_id": f"file{number}", "file_unique_id": f"f{number}", "file_size": len(content),
        }  # fmt: skip
        small = {"file_id": "thumb", "file_unique_id": "t", "width": 90, "height": 90}
        sent: dict[str, Any] = {"document": file | {"file_name": name}}
        if not name:
            sent = {"photo": [small, file | {"width": 800, "height": 600}]}
        message = {
            "message_id": number, "date": int(time.time()), "chat": self._chat(chat),
            "from": self.people[person], **sent,
        } | ({"caption": caption} if caption else {})  # fmt: skip
        self.messages[chat][number] = Shown(
            number, chat, "", caption, caption, at=self.now(), name=str(person), file=name,
            content=content,
        )  # fmt: skip
        for account in self._hearing(chat, caption, None, None):
            self._update(account, {"message": message})
        return number

    def edits(self, chat: int, person: int, message: int, text: str) -> None:
        """A person edits a message of theirs."""
        shown = self.messages[chat][message]
        shown.text = shown.html = text
        edited = self._message(shown) | {
            "from": self.people[person], "edit_date": int(time.time()),
        }  # fmt: skip
        for account in self._hearing(chat, text, None, None):
            self._update(account, {"edited_message": edited})

    def presses(self, chat: int, person: int, message: int, data: str) -> str:
        """A person presses a button; returns the query's id, whose answer is in `answers`."""
        shown = self.messages[chat][message]
        assert data in shown.buttons(), f"no button {data!r} on {shown.text!r}"
        self._query += 1
        query = {
            "id": str(self._query),
            "from": self.people[person],
            "chat_instance": "1",
            "message": self._message(shown),
            "data": data,
        }
        account = next(a for a in self.accounts.values() if a.token == shown.bot)
        self._update(account, {"callback_query": query})
        return str(self._query)

    def reacts(self, chat: int, person: int, message: int, emoji: str) -> None:
        for account in self.accounts.values():
            event = {
                "chat": self._chat(chat),
                "message_id": message,
                "user": self.people[person],
                "date": int(time.time()),
                "old_reaction": [],
                "new_reaction": [{"type": "emoji", "emoji": emoji}],
            }
            self._update(account, {"message_reaction": event})

    def adds(self, chat: int, person: int, account: Account) -> None:
        """A person adds a bot to a group."""
        user = {"id": account.id, "is_bot": True, "first_name": account.username,
                "username": account.username}  # fmt: skip
        change = {
            "chat": self._chat(chat),
            "from": self.people[person],
            "date": int(time.time()),
            "old_chat_member": {"status": "left", "user": user},
            "new_chat_member": {"status": "member", "user": user},
        }
        self._update(account, {"my_chat_member": change})

    def migrates(self, chat: int) -> int:
        """A group becomes a supergroup with another id."""
        old = self.groups[chat]
        new = self.group(old.title)
        old.moved_to = new
        message = {
            "message_id": self._next(),
            "date": int(time.time()),
            "chat": self._chat(chat),
            "migrate_to_chat_id": new,
        }
        for account in self.accounts.values():
            self._update(account, {"message": message})
        return new

    # -- what stands there -----------------------------------------------------------------------

    def shown(self, chat: int, *, thread: int | None = None) -> list[Shown]:
        """What bots have written in a chat, as it stands."""
        return [
            m
            for m in self.messages[chat].values()
            if m.bot and not m.deleted and (thread is None or m.thread == thread)
        ]

    async def until(self, condition: Callable[[], Any], seconds: float = 20.0) -> Any:
        """Wait until something is so."""
        end = time.monotonic() + seconds
        while not (found := condition()):
            self._changed.clear()
            left = end - time.monotonic()
            if left <= 0:
                raise AssertionError("it did not happen in time")
            try:
                await asyncio.wait_for(self._changed.wait(), min(left, 0.2))
            except TimeoutError:
                continue
        return found

    # -- the API ---------------------------------------------------------------------------------

    async def _call(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        account = self.accounts.get(request.match_info["token"])
        if account is None:
            return self._refusal(Refused(401, "Unauthorized"))
        data = await self._arguments(request)
        if method != "getUpdates":
            self.calls.append((method, data))
        try:
            fault = self.faults(method, data)
            if fault:
                raise fault
            answer = getattr(self, f"_{method}", None)
            if answer is None:
                raise Refused(404, "Not Found: method not found")
            result = answer(account, data)
            if asyncio.iscoroutine(result):
                result = await result
        except Refused as refusal:
            return self._refusal(refusal)
        except Dropped:
            if request.transport:
                request.transport.abort()
            return web.Response()
        finally:
            self._changed.set()
        return web.json_response({"ok": True, "result": result})

    @staticmethod
    async def _arguments(request: web.Request) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in {**request.query, **(await request.post())}.items():
            try:
                if key == "text" or isinstance(value, web.FileField):
                    found[key] = value
                else:
                    found[key] = json.loads(value)
            except (ValueError, TypeError):
                found[key] = value
        return found

    @staticmethod
    def _refusal(refusal: Refused) -> web.Response:
        body: dict[str, Any] = {
            "ok": False, "error_code": refusal.code, "description": refusal.description,
        }  # fmt: skip
        if refusal.parameters:
            body["parameters"] = refusal.parameters
        return web.json_response(body, status=refusal.code)

    def _getMe(self, account: Account, data: dict[str, Any]) -> Any:
        return {
            "id": account.id,
            "is_bot": True,
            "first_name": account.username,
            "username": account.username,
            "can_join_groups": True,
            "can_read_all_group_messages": not account.privacy,
            "supports_inline_queries": False,
        }

    async def _getUpdates(self, account: Account, data: dict[str, Any]) -> Any:
        if account.webhook:
            raise Refused(409, "Conflict: can't use getUpdates method while webhook is active")
        # Who asks anew ends the question of whoever asked before.
        account.polling += 1
        mine = account.polling
        account.bell.set()
        offset = data.get("offset", 0)
        while account.updates and account.updates[0]["update_id"] < offset:
            account.updates.popleft()
        wanted = data.get("allowed_updates")
        if wanted:
            account.updates = deque(u for u in account.updates if any(kind in u for kind in wanted))
        if not account.updates:
            account.bell.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(account.bell.wait(), min(data.get("timeout", 0), 2))
            if account.polling != mine:
                raise Refused(409, "Conflict: terminated by other getUpdates request")
        return list(account.updates)[:100]

    def _sendMessage(self, account: Account, data: dict[str, Any]) -> Any:
        chat = data["chat_id"]
        self._may_write(account, chat)
        text = self._text(data)
        keyboard = self._keyboard(data)
        self._flood(account, chat)
        made = Shown(
            self._next(),
            chat,
            account.token,
            text,
            str(data["text"]),
            data.get("message_thread_id"),
            keyboard,
            self.now(),
        )
        self.messages[chat][made.id] = made
        return self._message(made)

    def _sendDocument(self, account: Account, data: dict[str, Any]) -> Any:
        chat, file = data["chat_id"], data["document"]
        self._may_write(account, chat)
        content = file.file.read()
        if not content:
            raise Refused(400, "Bad Request: file must be non-empty")
        self._flood(account, chat)
        made = Shown(
            self._next(), chat, account.token, content.decode(errors="replace"), "",
            data.get("message_thread_id"), at=self.now(), file=file.filename, content=content,
        )  # fmt: skip
        self.messages[chat][made.id] = made
        return self._message(made)

    def _getFile(self, account: Account, data: dict[str, Any]) -> Any:
        name = str(data["file_id"])
        if name not in self.files:
            raise Refused(400, "Bad Request: invalid file_id")
        return {
            "file_id": name, "file_unique_id": name, "file_size": len(self.files[name]),
            "file_path": name,
        }  # fmt: skip

    async def _file(self, request: web.Request) -> web.Response:
        self.calls.append(("file", dict(request.match_info)))
        data = self.files.get(request.match_info["name"])
        return web.Response(body=data) if data is not None else web.Response(status=404)

    def _sendVoice(self, account: Account, data: dict[str, Any]) -> Any:
        chat, file = data["chat_id"], data["voice"]
        self._may_write(account, chat)
        sound = file.file.read()
        if sound[:4] != b"OggS" or b"OpusHead" not in sound[:64]:
            self.broken.append("a voice note that is no OGG/Opus")
            raise Refused(400, "Bad Request: wrong file type")
        caption = str(data.get("caption", ""))
        if units(caption) > 1024:
            raise Refused(400, "Bad Request: message caption is too long")
        self._flood(account, chat)
        replied = (data.get("reply_parameters") or {}).get("message_id", 0)
        made = Shown(
            self._next(), chat, account.token, caption, "", data.get("message_thread_id"),
            at=self.now(), file=file.filename, voice=sound, duration=data.get("duration", 0),
            reply_to=replied,
        )  # fmt: skip
        self.messages[chat][made.id] = made
        return self._message(made)

    def _editMessageText(self, account: Account, data: dict[str, Any]) -> Any:
        chat = data["chat_id"]
        self._may_write(account, chat)
        shown = self.messages[chat].get(data["message_id"])
        if shown is None or shown.deleted:
            raise Refused(400, "Bad Request: message to edit not found")
        if shown.bot != account.token:
            raise Refused(400, "Bad Request: message can't be edited")
        text, keyboard = self._text(data), self._keyboard(data)
        if text == shown.text and keyboard == shown.keyboard:
            raise Refused(
                400,
                "Bad Request: message is not modified: specified new message content and reply "
                "markup are exactly the same as a current content and reply markup of the message",
            )
        self._flood(account, chat)
        shown.edits.append(shown.text)
        shown.text, shown.html, shown.keyboard = text, str(data["text"]), keyboard
        return self._message(shown)

    def _deleteMessage(self, account: Account, data: dict[str, Any]) -> Any:
        shown = self.messages[data["chat_id"]].get(data["message_id"])
        if shown is None or shown.deleted:
            raise Refused(400, "Bad Request: message to delete not found")
        if shown.bot != account.token:
            raise Refused(400, "Bad Request: message can't be deleted")
        shown.deleted = True
        return True

    def _sendMessageDraft(self, account: Account, data: dict[str, Any]) -> Any:
        chat = data["chat_id"]
        if chat not in self.people:
            raise Refused(400, "Bad Request: drafts can be sent to private chats only")
        if not data.get("draft_id"):
            raise Refused(400, "Bad Request: DRAFT_ID_INVALID")
        self._may_write(account, chat)
        self.drafts.append((chat, data["draft_id"], self._text(data)))
        return True

    def _sendChatAction(self, account: Account, data: dict[str, Any]) -> Any:
        self._may_write(account, data["chat_id"])
        self.actions.append((data["chat_id"], data["action"]))
        return True

    def _answerCallbackQuery(self, account: Account, data: dict[str, Any]) -> Any:
        text = data.get("text")
        if text is not None and len(str(text)) > 200:
            raise Refused(400, "Bad Request: MESSAGE_TOO_LONG")
        if str(data["callback_query_id"]) in self.answers:
            raise Refused(400, "Bad Request: query is too old and response timeout expired")
        self.answers[str(data["callback_query_id"])] = text
        return True

    def _getChatAdministrators(self, account: Account, data: dict[str, Any]) -> Any:
        group = self.groups.get(data["chat_id"])
        if group is None:
            raise Refused(400, "Bad Request: there are no administrators in the private chat")
        return [
            {
                "status": "creator" if number == group.creator else "administrator",
                "user": self.people.get(number) or self._user(number),
                "is_anonymous": False,
                **(_RIGHTS if number != group.creator else {}),
            }
            for number in group.admins
        ]

    def _setMyCommands(self, account: Account, data: dict[str, Any]) -> Any:
        commands = data["commands"]
        if len(commands) > 100:
            raise Refused(400, "Bad Request: too many commands")
        for command in commands:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", command["command"]):
                raise Refused(400, "Bad Request: BOT_COMMAND_INVALID")
            if not 1 <= len(command["description"]) <= 256:
                raise Refused(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
        scope = (data.get("scope") or {}).get("type", "default")
        account.commands[f"{scope}/{data.get('language_code', '')}"] = commands
        return True

    def _setWebhook(self, account: Account, data: dict[str, Any]) -> Any:
        if not str(data["url"]).startswith(("https://", "http://127.0.0.1")):
            raise Refused(400, "Bad Request: bad webhook: HTTPS url must be provided for webhook")
        secret = str(data.get("secret_token", ""))
        if secret and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
            raise Refused(400, "Bad Request: secret token contains unallowed characters")
        account.webhook = data
        return True

    def _deleteWebhook(self, account: Account, data: dict[str, Any]) -> Any:
        account.webhook = None
        return True

    # -- rules -----------------------------------------------------------------------------------

    def _may_write(self, account: Account, chat: int) -> None:
        group = self.groups.get(chat)
        if group is None:
            if chat not in self.people:
                raise Refused(400, "Bad Request: chat not found")
            if chat in self.blocked:
                raise Refused(403, "Forbidden: bot was blocked by the user")
            return
        if group.moved_to:
            raise Refused(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                migrate_to_chat_id=group.moved_to,
            )
        if account.id not in group.members:
            raise Refused(403, "Forbidden: bot is not a member of the supergroup chat")

    def _text(self, data: dict[str, Any]) -> str:
        text = str(data.get("text", ""))
        if data.get("parse_mode") == "HTML":
            text = parsed(text)
        elif data.get("parse_mode"):
            raise Refused(400, "Bad Request: unsupported parse_mode")
        text = text.strip()
        if not text:
            raise Refused(400, "Bad Request: message text is empty")
        if units(text) > 4096:
            self.broken.append(f"a text of {units(text)} units")
            raise Refused(400, "Bad Request: message is too long")
        return text

    def _keyboard(self, data: dict[str, Any]) -> Any:
        keyboard = data.get("reply_markup")
        for row in (keyboard or {}).get("inline_keyboard", []):
            if len(row) > 8:
                raise Refused(400, "Bad Request: too many buttons in a row")
            for button in row:
                if not 1 <= len(button["callback_data"].encode()) <= 64:
                    raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
        return keyboard

    def _flood(self, account: Account, chat: int) -> None:
        """20 a minute to a group; 30 a second to all."""
        if chat > 0:
            return
        now, sent = self.now(), self.sends[account.token, chat]
        while sent and now - sent[0] >= 60:
            sent.popleft()
        if len(sent) >= 20:
            self.broken.append("more than 20 messages a minute")
            raise Refused(
                429, "Too Many Requests: retry after 30", retry_after=int(60 - (now - sent[0])) + 1
            )
        sent.append(now)

    def _hearing(
        self, chat: int, text: str, replied: Shown | None, to: str | None
    ) -> list[Account]:
        """Who gets a message: in a group, privacy mode keeps most of it from a bot."""
        if chat > 0:
            return [a for a in self.accounts.values() if to in (None, a.username)][:1]
        group, found = self.groups[chat], []
        for account in self.accounts.values():
            if account.id not in group.members:
                continue
            command = re.match(r"/\w+(?:@(\w+))?", text)
            named = f"@{account.username}" in text
            mine = command and (command[1] or account.username) == account.username
            answered = replied is not None and replied.bot == account.token
            if not account.privacy or account.id in group.admins or mine or named or answered:
                found.append(account)
        return found

    def _update(self, account: Account, what: dict[str, Any]) -> None:
        account.updates.append({"update_id": account.next_id, **what})
        account.next_id += 1
        account.bell.set()

    def _chat(self, chat: int) -> dict[str, Any]:
        if chat > 0:
            return {"id": chat, "type": "private", "first_name": self.people[chat]["first_name"]}
        group = self.groups[chat]
        made: dict[str, Any] = {"id": chat, "type": "supergroup", "title": group.title}
        return made | ({"is_forum": True} if group.forum else {})

    def _message(self, shown: Shown) -> dict[str, Any]:
        made: dict[str, Any] = {
            "message_id": shown.id,
            "date": int(time.time()),
            "chat": self._chat(shown.chat),
            "text": shown.text,
        }
        if shown.bot:
            account = self.accounts[shown.bot]
            made["from"] = {"id": account.id, "is_bot": True, "first_name": account.username,
                            "username": account.username}  # fmt: skip
        if shown.voice:
            made["voice"] = {"file_id": "v", "file_unique_id": "w", "duration": shown.duration}
            del made["text"]
        elif shown.file:
            made["document"] = {"file_id": "f", "file_unique_id": "u", "file_name": shown.file}
            del made["text"]
        elif shown.name.isdigit():
            made["from"] = self.people[int(shown.name)]
        if shown.thread:
            made |= {"message_thread_id": shown.thread, "is_topic_message": True}
        if shown.keyboard:
            made["reply_markup"] = shown.keyboard
        return made

    def _user(self, number: int) -> dict[str, Any]:
        account = next(a for a in self.accounts.values() if a.id == number)
        return {"id": number, "is_bot": True, "first_name": account.username,
                "username": account.username}  # fmt: skip

    def _next(self) -> int:
        self._number += 1
        return self._number
