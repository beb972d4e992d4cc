"""The rooms of one Telegram bot: opened when somebody is there, each with a stage of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any
from weakref import WeakValueDictionary

from telegram import Bot

from bot.house import House
from bot.memory import places
from bot.platforms.telegram.accounts import Accounts
from bot.platforms.telegram.places import Place
from bot.platforms.telegram.senders import PLATFORM, Sender
from bot.platforms.telegram.stage import TelegramStage
from bot.room import Room
from characters.card import Language

log = logging.getLogger(__name__)


class Rooms:
    """Opens rooms of `house` with a `TelegramStage` each. A stage lives as long as its room.

    `later` begins a background task.
    """

    def __init__(
        self,
        house: House,
        accounts: Accounts,
        later: Callable[[Coroutine[Any, Any, None], str], object],
    ) -> None:
        self._house = house
        self._accounts = accounts
        self._stages: WeakValueDictionary[str, TelegramStage] = WeakValueDictionary()
        self._later = later
        house.doors[PLATFORM] = self._by_name

    async def open(self, place: Place) -> tuple[Room, TelegramStage]:
        """The room of a place, and where it is shown."""
        name, bot = str(place), self.account(place)
        room: Room | None = None

        def language() -> Language:
            return room.language if room else "zh"

        def make() -> TelegramStage:
            made = TelegramStage(
                bot,
                place.chat,
                place.thread,
                private=place.private,
                bot_of=(lambda character: None) if place.private else self._accounts.of,
                language=language,
                aloud=self._house.shared.speaker is not None,
            )
            self._stages[name] = made
            return made

        fresh = name not in self._stages
        room = await self._house.room(
            PLATFORM, name, make, private=place.private, place=str(place.chat)
        )
        if fresh and not place.private:
            memory = self._house.memory
            work = places.put_into_place(memory, PLATFORM, str(place.chat), name)
            self._later(work, "noting a room")  # beside it: nobody waits for it
        return room, self._stages[name]

    async def _by_name(self, name: str) -> Room | None:
        """A room for another platform that shows it too."""
        try:
            return (await self.open(Place.named(name)))[0]
        except ValueError:
            return None

    def account(self, place: Place) -> Bot:
        """The account that hears and speaks there."""
        return self._accounts.characters.get(place.account, self._accounts.director)

    async def unfinished(self) -> list[str]:
        """Names of the rooms in which something waits to be answered or shown."""
        return await self._house.unfinished(PLATFORM)

    async def resume(self, name: str) -> None:
        """Take up what was left unfinished in a room."""
        try:
            place = Place.named(name)
        except ValueError:
            log.error("Telegram: there is no chat behind the room %r", name)
            return
        room, _ = await self.open(place)
        await room.resume()

    async def rate(self, chat: int, message: int, sender: Sender, value: int) -> None:
        """A reaction to a message. It does not say in which topic: the chat's rooms are tried."""
        names = {str(Place(chat))}
        names |= {name for name, stage in self._stages.items() if stage.chat == chat}
        for name in names:
            room, _ = await self.open(Place.named(name))
            if await room.rate(sender.person, str(message), value):
                return

    async def erase_chat(self, chat: int) -> None:
        """The bot was removed from a group: what was said in its rooms is erased."""
        names = await places.rooms_of_place(self._house.memory, PLATFORM, str(chat))
        for name in names:
            await self._house.erase(PLATFORM, name, place=str(chat))
        if names:
            log.info("Telegram: removed from chat %d: its %d rooms are erased", chat, len(names))

    async def move(self, old: int, new: int) -> None:
        """A group became a supergroup: its room goes with it."""
        log.info("Telegram: chat %d is now %d", old, new)
        await self._house.move(PLATFORM, str(old), str(new))
        self._stages.pop(str(old), None)
