"""Who said a message, and whether they wrote it. Pure.

Whoever delivers a message is not always one person, nor its author: administrators may stay
anonymous, people may post as their channel, a channel's posts are forwarded into its group, and
anybody forwards.
"""

from __future__ import annotations

from dataclasses import dataclass

from telegram import CallbackQuery, Message, MessageReactionUpdated, User

PLATFORM = "telegram"

# Telegram's own account, from which service messages and forwards of linked channels come.
SERVICE = 777000


@dataclass(frozen=True, slots=True)
class Sender:
    """Who said something: `telegram:id` and a name.

    `personal`: one human being, so that what is remembered of them is theirs. `administrator`: sent
    in the name of the group itself, which only administrators can.
    """

    person: str
    name: str
    personal: bool = True
    administrator: bool = False

    @property
    def number(self) -> int:
        """Telegram's id of it."""
        return int(self.person.partition(":")[2])


def sender_of(message: Message) -> Sender | None:
    """Who says it; None for bots, for the house itself, and for a channel's forwarded posts."""
    if message.is_automatic_forward:
        return None
    chat = message.sender_chat
    if chat is not None:
        name = message.author_signature or chat.title or chat.full_name or "?"
        here = chat.id == message.chat.id
        return Sender(f"{PLATFORM}:{chat.id}", name, personal=False, administrator=here)
    user = message.from_user
    if user is None or user.is_bot or user.id == SERVICE:
        return None
    return of_user(user)


def of_user(user: User) -> Sender:
    """A human being."""
    return Sender(f"{PLATFORM}:{user.id}", user.full_name)


def presser(query: CallbackQuery) -> Sender:
    """Who pressed a button: always one human being, anonymous administrators too."""
    return of_user(query.from_user)


def reactor(event: MessageReactionUpdated) -> Sender | None:
    """Who reacted; None for bots and for who stays anonymous."""
    return None if event.user is None or event.user.is_bot else of_user(event.user)


def forwarded(message: Message) -> bool:
    """Whether somebody else wrote the text: it was forwarded, or made by an inline bot."""
    return message.forward_origin is not None or message.via_bot is not None


def words_of(message: Message) -> str | None:
    """What is said: the text, or what stands under a picture or file. None: nothing is."""
    return message.text if message.text is not None else message.caption
