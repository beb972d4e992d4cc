"""Where a room is on Telegram, and the name that it has in the memory. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from telegram import Message


@dataclass(frozen=True, slots=True)
class Place:
    """A private chat, a group, or a topic of a forum.

    `account` is the id of the character whose own account is written to in private, "" for the
    director's.

    >>> str(Place(-100123, 7)), Place.named("-100123:7")
    ('-100123:7', Place(chat=-100123, thread=7, account=''))
    """

    chat: int
    thread: int | None = None
    account: str = ""

    @classmethod
    def of(cls, message: Message, account: str = "") -> Place:
        """Where a message stands."""
        thread = message.message_thread_id if message.is_topic_message else None
        return cls(message.chat.id, thread, account)

    @classmethod
    def named(cls, name: str) -> Place:
        """The place that a room's name means.

        Raises:
            ValueError: it is not a name of ours.
        """
        where, _, account = name.partition("@")
        chat, _, thread = where.partition(":")
        return cls(int(chat), int(thread) if thread else None, account)

    @property
    def private(self) -> bool:
        """Whether it is a chat with one person; Telegram gives groups negative ids."""
        return self.chat > 0

    def __str__(self) -> str:
        thread = f":{self.thread}" if self.thread else ""
        account = f"@{self.account}" if self.account else ""
        return f"{self.chat}{thread}{account}"
