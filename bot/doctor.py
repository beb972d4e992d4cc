"""`mrp doctor`: looks at everything a bot needs, and says of each fault what to do.

    mrp doctor                  one line a finding; status 0, or 1 where something must be done
    mrp doctor --json           and one JSON object as the last line

It reads the same environment as the bot: DISCORD_TOKEN, TELEGRAM_TOKEN (or …_FILE), REDIS_URL,
REDIS_PASSWORD, MRP_MODEL. DISCORD_API and TELEGRAM_API name other servers. It changes nothing: it
asks the platforms who the bot is, Redis how it keeps what it is given, and loads the model once.
Tokens and passwords stand in no finding.
"""

from __future__ import annotations

import argparse
import asyncio
import email.utils
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import aiohttp

from bot.filters import FilterError, load_filter
from bot.house import add_options
from bot.limits import LimitsError, load_limits
from bot.memory import Memory, MemoryProblem
from bot.memory.server import Embedded, Server, data_folder
from bot.platforms.discord import run as discord_run
from bot.platforms.telegram import cli as telegram_cli
from bot.secrets import SecretProblem, known, redact, redis_url, without_empty
from bot.voice import ECHO, chosen_model, open_voice
from canon import Canon, CanonError
from characters.card import CardError, load_cast
from characters.style import StyleError
from engine.resources import GiB, needs, plan
from engine.sequence import EngineError

Level = Literal["well", "warning", "fault"]

OLDEST_REDIS = (6, 2)  # the commands that the memory uses
SKEW_S = 60.0  # tokens, retention and Discord's nonces are all told by the clock
LEAST_DISK, LITTLE_DISK = 200 << 20, 2 * GiB
REPLIES = 4  # as the bot opens its engine

# https://docs.discord.com/developers/resources/application#application-object-application-flags
_MESSAGE_CONTENT = 1 << 18 | 1 << 19
_ADMINISTRATOR = 1 << 3

_MARKS: dict[Level, str] = {"well": "✓", "warning": "!", "fault": "✗"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what it is about, how it is, and what to do where it is not well."""

    level: Level
    about: str
    says: str
    do: str = ""

    def __str__(self) -> str:
        line = f"{_MARKS[self.level]} {self.about}: {self.says}"
        return f"{line}. → {self.do}" if self.do else line


def memory_left() -> int:
    """Bytes that this process may still take: the machine's, or its container's if that is less.

    Read as Linux tells it; 0 where it does not.
    """
    left = []
    try:
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                left.append(int(line.split()[1]) * 1024)
    except OSError:
        pass
    try:
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text("ascii"))  # "max" is no number
        left.append(limit - int((group / "memory.current").read_text("ascii")))
    except (OSError, ValueError):
        pass
    return max(0, min(left)) if left else 0


@dataclass(frozen=True, slots=True)
class Machine:
    """What the doctor asks of the machine: bytes left, seconds since 1970."""

    memory: Callable[[], int] = memory_left
    disk: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free
    clock: Callable[[], float] = time.time


@dataclass(slots=True)
class Examination:
    """All findings, and what belongs into an invitation to Discord."""

    findings: list[Finding] = field(default_factory=list)
    discord: dict[str, object] = field(default_factory=dict)

    @property
    def well(self) -> bool:
        return all(finding.level != "fault" for finding in self.findings)


async def examine(
    options: argparse.Namespace, environment: Mapping[str, str], machine: Machine | None = None
) -> Examination:
    """Look at everything. Raises nothing: what goes wrong is a finding."""
    machine = machine or Machine()
    found = Examination()
    hidden = known(environment)
    timeout = aiohttp.ClientTimeout(total=15)
    async with aiohttp.ClientSession(timeout=timeout) as web:
        asking = _Web(web, machine)
        parts = (
            _discord(asking, environment, found),
            _telegram(asking, environment, options),
            _files(options, environment),
            _memory(environment, machine),
            _model(options, environment, machine),
        )
        for part in parts:
            found.findings += await part
        if not asking.tokens:
            found.findings.append(
                Finding(
                    "warning",
                    "platforms",
                    "no token is set, so only mrp terminal can run",
                    "set DISCORD_TOKEN or TELEGRAM_TOKEN (or …_FILE), as docs/deploy.md shows",
                )
            )
        found.findings += asking.clock()
    found.findings = [
        Finding(f.level, f.about, redact(f.says, hidden), redact(f.do, hidden))
        for f in found.findings
    ]
    return found


class _Unreachable(Exception):
    """A server that does not answer, or not in JSON."""


class _Web:
    """Asks HTTP servers, and compares their clocks with ours."""

    def __init__(self, session: aiohttp.ClientSession, machine: Machine) -> None:
        self.tokens = False
        self._session = session
        self._machine = machine
        self._skew: dict[str, float] = {}

    async def ask(self, url: str, **headers: str) -> tuple[int, Any]:
        """Status and JSON of a page. Raises _Unreachable."""
        try:
            async with self._session.get(url, headers=headers) as answer:
                told = email.utils.parsedate_to_datetime(answer.headers.get("Date", ""))
                self._skew[answer.url.host or ""] = self._machine.clock() - told.timestamp()
                return answer.status, await answer.json(content_type=None)
        except (TimeoutError, aiohttp.ClientError, OSError) as problem:
            # Its own words may hold the address, and with it a token.
            raise _Unreachable(type(problem).__name__) from None
        except ValueError:
            raise _Unreachable("an answer that is not of its kind") from None

    def clock(self) -> list[Finding]:
        if not self._skew:
            return []
        host, skew = max(self._skew.items(), key=lambda pair: abs(pair[1]))
        if abs(skew) > SKEW_S:
            says = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} {host}"
            return [Finding("fault", "clock", says, "set the time: timedatectl set-ntp true")]
        return [Finding("well", "clock", f"within {max(1.0, abs(skew)):.0f} s of {host}")]


# -- platforms ---------------------------------------------------------------------------------


async def _discord(web: _Web, environment: Mapping[str, str], found: Examination) -> list[Finding]:
    if not environment.get("DISCORD_TOKEN") and not environment.get("DISCORD_TOKEN_FILE"):
        return []
    web.tokens = True
    try:
        token = discord_run.token_from(dict(environment))
    except discord_run.DiscordProblem as problem:
        return [Finding("fault", "discord", str(problem), "put the bot's token there")]
    api = environment.get("DISCORD_API", "https://discord.com/api/v10").rstrip("/")
    bot = {"Authorization": f"Bot {token}"}
    try:
        status, application = await web.ask(f"{api}/applications/@me", **bot)
        if status == 401:
            do = f"make a new one at {discord_run.PORTAL}, under Bot, and put it in DISCORD_TOKEN"
            return [Finding("fault", "discord", "the token is refused", do)]
        if status != 200 or not isinstance(application, dict):
            raise _Unreachable(f"status {status}")
        guilds_status, guilds = await web.ask(f"{api}/users/@me/guilds", **bot)
    except _Unreachable as problem:
        do = "look at the network, a proxy, and https://discordstatus.com"
        return [Finding("fault", "discord", f"cannot be reached ({problem})", do)]
    link = discord_run.invitation(int(application["id"]))
    found.discord = {"permissions": discord_run.PERMISSIONS.value, "invite": link}
    name = application.get("name", "")
    findings = [Finding("well", "discord", f"the token is that of {name}")]
    if not int(application.get("flags") or 0) & _MESSAGE_CONTENT:
        findings.append(
            Finding(
                "warning",
                "discord intents",
                "Message Content is off: in servers characters hear commands and mentions only",
                f"turn it on at {discord_run.PORTAL}, under Bot",
            )
        )
    if application.get("interactions_endpoint_url"):
        findings.append(
            Finding(
                "fault",
                "discord interactions",
                "commands go to a web address, not to this bot",
                f"empty Interactions Endpoint URL at {discord_run.PORTAL}",
            )
        )
    if guilds_status == 200 and isinstance(guilds, list):
        findings += _guilds(guilds, link)
    says = f"permissions {discord_run.PERMISSIONS.value}, invite with {link}"
    findings.append(Finding("well", "discord invitation", says))
    return findings


def _guilds(guilds: Iterable[Mapping[str, Any]], link: str) -> list[Finding]:
    """What the bot lacks in each server. Rules of single channels may still take something away."""
    findings, complete = [], 0
    for guild in guilds:
        has = int(guild.get("permissions") or 0)
        missing = [
            name.replace("_", " ")
            for name, wanted in discord_run.PERMISSIONS
            if wanted and not has & _ADMINISTRATOR and not has & _bit(name)
        ]
        if not missing:
            complete += 1
            continue
        findings.append(
            Finding(
                "fault",
                f"discord server {guild.get('name', guild.get('id'))}",
                f"the bot may not {', '.join(missing)}",
                f"invite it again with {link}&guild_id={guild.get('id')}",
            )
        )
    if complete:
        findings.append(Finding("well", "discord servers", f"{complete} with all permissions"))
    if not findings:
        findings.append(
            Finding("warning", "discord servers", "the bot is in none", f"invite it with {link}")
        )
    return findings


def _bit(name: str) -> int:
    return type(discord_run.PERMISSIONS)(**{name: True}).value


async def _telegram(
    web: _Web, environment: Mapping[str, str], options: argparse.Namespace
) -> list[Finding]:
    if not any(key.startswith("TELEGRAM_TOKEN") and environment[key] for key in environment):
        return []
    web.tokens = True
    try:
        tokens = telegram_cli.tokens(environment)
    except telegram_cli.TelegramProblem as problem:
        return [Finding("fault", "telegram", str(problem), "put the token of @BotFather there")]
    api = environment.get("TELEGRAM_API", "https://api.telegram.org").rstrip("/")
    findings: list[Finding] = []
    for who, token in tokens.items():
        about = f"telegram {who}".strip()
        variable = f"TELEGRAM_TOKEN_{who.upper()}" if who else "TELEGRAM_TOKEN"
        try:
            findings += await _account(web, f"{api}/bot{token}", about, variable)
        except _Unreachable as problem:
            do = "look at the network, a proxy, and TELEGRAM_API"
            findings.append(Finding("fault", about, f"cannot be reached ({problem})", do))
    try:
        ids = {character.id.casefold() for character in load_cast(options.cast)}
    except CardError as problem:
        findings.append(
            Finding("fault", "cast", str(problem), "mend the card, or leave --cast out")
        )
        return findings
    for who in tokens:
        if who and who not in ids:
            says = f"TELEGRAM_TOKEN_{who.upper()} is for nobody in the cast"
            do = f"name one of {', '.join(sorted(ids))}"
            findings.append(Finding("fault", f"telegram {who}", says, do))
    return findings


async def _account(web: _Web, bot: str, about: str, variable: str) -> list[Finding]:
    status, answer = await web.ask(f"{bot}/getMe")
    if status in (401, 404):
        do = f"copy it anew from @BotFather (/token) into {variable}"
        return [Finding("fault", about, "the token is refused", do)]
    if status != 200 or not isinstance(answer, dict) or not answer.get("ok"):
        raise _Unreachable(f"status {status}")
    me = answer["result"]
    findings = [Finding("well", about, f"the token is that of @{me.get('username', '?')}")]
    if about == "telegram" and not me.get("can_read_all_group_messages"):
        findings.append(
            Finding(
                "warning",
                "telegram privacy",
                "in groups the bot hears commands and replies to it only",
                "/setprivacy, Disable at @BotFather, then take it out of the group and in again",
            )
        )
    if about == "telegram" and not me.get("can_join_groups", True):
        findings.append(
            Finding(
                "warning", "telegram groups", "nobody can add the bot to a group",
                "/setjoingroups, Enable at @BotFather",
            )
        )  # fmt: skip
    status, answer = await web.ask(f"{bot}/getWebhookInfo")
    hook = answer.get("result", {}) if status == 200 and isinstance(answer, dict) else {}
    if hook.get("url"):
        findings.append(
            Finding(
                "fault",
                f"{about} webhook",
                "updates go to a web address, so polling gets none",
                "run mrp telegram --webhook with that address, or ask Telegram for deleteWebhook",
            )
        )
    return findings


# -- what the house reads ----------------------------------------------------------------------


async def _files(options: argparse.Namespace, environment: Mapping[str, str]) -> list[Finding]:
    """The cast, the book, the limits and the filter, as far as they are named."""

    def named(option: object, variable: str) -> Path | None:
        name = option or environment.get(variable)
        return Path(str(name)).expanduser() if name else None

    reading: tuple[tuple[str, Path | None, Callable[[Path], object]], ...] = (
        ("cast", options.cast, load_cast),
        ("book", named(options.canon, "MRP_CANON"), Canon.open),
        ("limits", named(options.limits, "MRP_LIMITS"), load_limits),
        ("filter", named(options.filter, "MRP_FILTER"), load_filter),
    )
    findings = []
    for about, path, read in reading:
        if path is None:
            continue
        try:
            read(path)
        except (CardError, CanonError, LimitsError, FilterError) as problem:
            findings.append(Finding("fault", about, str(problem), "mend it, or name another"))
        else:
            findings.append(Finding("well", about, str(path)))
    return findings


# -- what remembers ------------------------------------------------------------------------------


async def _memory(environment: Mapping[str, str], machine: Machine) -> list[Finding]:
    try:
        url = redis_url(environment)
    except SecretProblem as problem:
        do = "name a file that the bot's user may read"
        return [Finding("fault", "redis", str(problem), do)]
    findings: list[Finding] = []
    if url is None:
        findings += _disk(data_folder(), "the memory's folder", machine)
        if any(finding.level == "fault" for finding in findings):
            return findings
    try:
        server = Server(url) if url else Embedded(data_folder())
        memory = Memory(server, 3.0)
    except MemoryProblem as problem:
        return [*findings, Finding("fault", "redis", str(problem), "correct REDIS_URL")]
    try:
        await memory.connect(3.0)
        info = await memory.redis.info()
        findings += _redis(info, memory.where, embedded=url is None)
        if all(finding.level != "fault" for finding in findings):
            await memory.versions()
    except MemoryProblem as problem:
        do = "start Redis, or correct REDIS_URL and REDIS_PASSWORD"
        findings.append(Finding("fault", "redis", str(problem), do))
    except Exception as problem:
        # The driver's many errors; what it says may hold the address.
        do = "look whether this is a Redis"
        findings.append(Finding("fault", "redis", f"{type(problem).__name__} from it", do))
    finally:
        await memory.close()
    return findings


def _redis(info: Mapping[str, Any], where: str, *, embedded: bool) -> list[Finding]:
    """What Redis says of itself: its version, and whether it keeps what it is given."""
    version = str(info.get("redis_version", "0"))
    parts = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    kind = "its own server" if embedded else where
    findings: list[Finding] = []
    if parts < OLDEST_REDIS:
        wanted = ".".join(map(str, OLDEST_REDIS))
        says = f"{kind} is version {version}; the memory needs {wanted}"
        findings.append(Finding("fault", "redis version", says, "run redis 8 (docker-compose.yml)"))
    if not int(info.get("aof_enabled", 0)):
        findings.append(
            Finding(
                "fault",
                "redis persistence",
                "no append-only file: what was said since the last snapshot dies with the server",
                "set appendonly yes and appendfsync everysec",
            )
        )
    for key in ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status"):
        if info.get(key, "ok") != "ok":
            says = f"{key.replace('_', ' ')}: {info[key]}"
            do = "look at its disk and its log; it may refuse to write"
            findings.append(Finding("fault", "redis persistence", says, do))
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        says = f"maxmemory-policy is {policy}: when it is full, people are forgotten"
        findings.append(Finding("fault", "redis eviction", says, "set maxmemory-policy noeviction"))
    if info.get("role") == "slave":
        findings.append(
            Finding("fault", "redis", "it is a replica and takes no writes", "name its primary")
        )
    if not findings:
        says = f"version {version}, {kind}, append-only file on"
        findings.append(Finding("well", "redis", says))
    return findings


def _disk(folder: Path, about: str, machine: Machine) -> list[Finding]:
    near = folder
    while not near.exists():
        near = near.parent
    if not os.access(near, os.W_OK):
        says = f"{about} {folder} cannot be written"
        do = "give it to the bot's user, or name another with XDG_DATA_HOME"
        return [Finding("fault", "disk", says, do)]
    free = machine.disk(near)
    says = f"{free / GiB:.1f} GiB free at {folder}"
    if free < LEAST_DISK:
        return [Finding("fault", "disk", says, "make room: what people say could not be kept")]
    if free < LITTLE_DISK:
        return [Finding("warning", "disk", says, "make room soon")]
    return [Finding("well", "disk", says)]


# -- what speaks -----------------------------------------------------------------------------------


async def _model(
    options: argparse.Namespace, environment: Mapping[str, str], machine: Machine
) -> list[Finding]:
    model = options.model or environment.get("MRP_MODEL") or chosen_model(None)
    if model == ECHO:
        return [Finding("warning", "model", "echo repeats what it hears", "name a GGUF: --model")]
    path = Path(model).expanduser()
    size = path.stat().st_size if path.is_file() else 0
    left = machine.memory()
    if left and size > left:
        return [_does_not_fit(size, left)]
    try:
        voice = await asyncio.to_thread(open_voice, model, context=options.context)
    except (EngineError, StyleError) as problem:
        do = "name another with --model or MRP_MODEL, or fetch this one again"
        return [Finding("fault", "model", str(problem), do)]
    try:
        metadata = voice.engine.metadata
        context = voice.engine.context
        layout = plan(metadata, size, context=context, replies=REPLIES)
        total = needs(metadata, size, layout, REPLIES).total
        if left and total > left:
            return [_does_not_fit(total, left)]
        says = (
            f"{voice.name}, {size / GiB:.2f} GiB, takes {total / GiB:.2f} GiB with {context} tokens"
        )
        return [
            Finding("well", "model", f"{says}; {left / GiB:.1f} GiB were free" if left else says)
        ]
    finally:
        await voice.close()


def _does_not_fit(total: int, left: int) -> Finding:
    return Finding(
        "fault",
        "model memory",
        f"it takes {total / GiB:.2f} GiB and {left / GiB:.2f} GiB are free",
        "take a smaller quantization (mrp shrink), a shorter --context, or raise the memory limit",
    )


def main(argv: list[str]) -> int:
    """Examine and print. Returns 0, or 1 where there is a fault."""
    parser = argparse.ArgumentParser(
        prog="mrp doctor",
        description="Looks at everything a bot needs: tokens, intents, permissions, Redis, the "
        "model, disk, clock; and says what to do.",
    )
    add_options(parser)
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    options = parser.parse_args(argv)
    found = asyncio.run(examine(options, without_empty(os.environ)))
    for finding in found.findings:
        print(finding)
    if options.json:
        rows = [asdict(finding) for finding in found.findings]
        result = {"well": found.well, "findings": rows, "discord": found.discord}
        print(json.dumps(result, ensure_ascii=False))
    return 0 if found.well else 1
