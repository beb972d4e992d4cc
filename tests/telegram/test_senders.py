"""Whoever delivers a message is not always one person, nor its author."""

from __future__ import annotations

import time
from typing import Any

import pytest
from telegram import Message

from bot.platforms.telegram.senders import Sender, forwarded, sender_of, words_of

USER = {"id": 11, "is_bot": False, "first_name": "小", "last_name": "明"}
GROUP = {"id": -1001234, "type": "supergroup", "title": "取经路上"}
CHANNEL = {"id": -1002000000001, "type": "channel", "title": "小明的频道"}


def made(**more: Any) -> Message:
    message = {"message_id": 1, "date": int(time.time()), "chat": GROUP, "from": USER, "text": "好"}
    found = Message.de_json({k: v for k, v in (message | more).items() if v is not None}, None)
    assert found is not None
    return found


def bot(number: int, name: str) -> dict[str, Any]:
    return {"id": number, "is_bot": True, "first_name": name}


@pytest.mark.parametrize(
    ("message", "sender"),
    [
        ({}, Sender("telegram:11", "小 明")),
        # Administrators who stay anonymous are one sender to Telegram.
        (
            {"from": bot(1087968824, "Group"), "sender_chat": GROUP, "author_signature": "掌柜"},
            Sender("telegram:-1001234", "掌柜", personal=False, administrator=True),
        ),
        (
            {"from": bot(1087968824, "Group"), "sender_chat": GROUP},
            Sender("telegram:-1001234", "取经路上", personal=False, administrator=True),
        ),
        # A person who posts as their channel; several may.
        (
            {"from": bot(136817688, "Channel"), "sender_chat": CHANNEL},
            Sender("telegram:-1002000000001", "小明的频道", personal=False),
        ),
        # A post of the linked channel, which Telegram forwards by itself.
        (
            {
                "from": {"id": 777000, "is_bot": False, "first_name": "Telegram"},
                "sender_chat": CHANNEL,
                "is_automatic_forward": True,
            },
            None,
        ),
        ({"from": bot(7, "other")}, None),
        ({"from": {"id": 777000, "is_bot": False, "first_name": "Telegram"}}, None),
        ({"from": None}, None),
    ],
)
def test_who_says_it(message, sender):
    assert sender_of(made(**message)) == sender


ORIGINS = [
    {"type": "user", "date": 1, "sender_user": USER},
    {"type": "hidden_user", "date": 1, "sender_user_name": "某人"},
    {"type": "chat", "date": 1, "sender_chat": GROUP},
    {"type": "channel", "date": 1, "chat": CHANNEL, "message_id": 3},
]


@pytest.mark.parametrize("origin", ORIGINS, ids=lambda origin: origin["type"])
def test_what_is_forwarded_is_somebody_elses(origin):
    assert forwarded(made(forward_origin=origin))


def test_what_an_inline_bot_made_is_not_ones_own():
    assert forwarded(made(via_bot=bot(7, "gif")))
    assert not forwarded(made())


def test_words_may_stand_under_a_picture():
    assert words_of(made()) == "好"
    assert words_of(made(text=None, caption="看")) == "看"
    assert words_of(made(text=None)) is None
