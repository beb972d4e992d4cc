"""The bot accounts of one process: their tokens, and their clients of the Bot API."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from telegram import Bot
from telegram.ext import ExtBot
from telegram.request import HTTPXRequest

from bot.platforms.protocol import PlatformProblem
from bot.platforms.telegram.limits import Limiter
from bot.platforms.telegram.updates import POLL_SECONDS, UpdatesRequest
from characters.card import Cast, Character

API = "https://api.telegram.org"

_TOKEN = re.compile(r"\d{5,}:[A-Za-z0-9_-]{20,}")


class TelegramProblem(PlatformProblem):
    """The bot cannot begin; the message says why and what to do."""


@dataclass(frozen=True)
class Accounts:
    """The bots of one process: the director, and characters' own by id (maybe none)."""

    director: Bot = field(repr=False)  # a Bot's repr holds its token
    characters: dict[str, Bot] = field(default_factory=dict, repr=False)

    def of(self, character: Character) -> Bot | None:
        """The account that speaks for a character alone."""
        return self.characters.get(character.id)

    def owner(self, bot: Bot) -> str:
        """The id of the character whose account this is; "" for the director's."""
        return next((key for key, own in self.characters.items() if own is bot), "")

    def __iter__(self) -> Iterator[Bot]:
        yield self.director
        yield from self.characters.values()


def tokens(environment: Mapping[str, str]) -> dict[str, str]:
    """The tokens that the environment names, by character id; the director's under "".

    Raises:
        TelegramProblem: there is none, or a file that should hold one cannot be read.
    """
    found: dict[str, str] = {}
    for key in environment:
        match = re.fullmatch(r"TELEGRAM_TOKEN(?:_(?!FILE$)(\w+?))?(_FILE)?", key)
        if not match or not environment[key].strip():
            continue
        token = environment[key].strip()
        if match[2]:
            try:
                token = Path(token).expanduser().read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as problem:
                why = getattr(problem, "strerror", None) or "it is no text"
                raise TelegramProblem(f"{key} names a file that cannot be read: {why}") from None
        if not _TOKEN.fullmatch(token):
            raise TelegramProblem(f"{key} does not hold a token; @BotFather gives one (123456:AB…)")
        found.setdefault((match[1] or "").casefold(), token)
    if "" not in found:
        raise TelegramProblem(
            "TELEGRAM_TOKEN is not set; talk to @BotFather on Telegram, /newbot gives you a token"
        )
    return found


def accounts(
    environment: Mapping[str, str],
    cast: Cast,
    *,
    on_limited: Callable[[float], None] | None = None,
) -> Accounts:
    """One bot for each token. `on_limited` is called with the seconds of each "retry after".

    Raises:
        TelegramProblem: a token is named after nobody in the cast.
    """
    made: dict[str, Bot] = {}
    ids = {character.id.casefold(): character.id for character in cast}
    for name, token in tokens(environment).items():
        if name and name not in ids:
            raise TelegramProblem(
                f"TELEGRAM_TOKEN_{name.upper()} is for nobody in the cast; there are "
                + ", ".join(ids.values())
            )
        made[ids.get(name, "")] = client_of(
            token, api_of(environment), Limiter(on_limited=on_limited)
        )
    return Accounts(made.pop(""), made)


def client_of(token: str, api: str, limiter: Limiter) -> ExtBot[None]:
    """A client of one account, with connections of its own for asking for updates."""
    return ExtBot(
        token,
        base_url=f"{api}/bot",
        base_file_url=f"{api}/file/bot",
        request=HTTPXRequest(connection_pool_size=64, read_timeout=20, pool_timeout=20),
        get_updates_request=UpdatesRequest(connection_pool_size=1, read_timeout=POLL_SECONDS + 10),
        rate_limiter=limiter,
    )


def api_of(environment: Mapping[str, str]) -> str:
    """The address of the Bot API server: TELEGRAM_API, or Telegram's own."""
    return environment.get("TELEGRAM_API", API).rstrip("/")
