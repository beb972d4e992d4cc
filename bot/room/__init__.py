"""A room: people and characters who hear each other, in order.

    shared = Shared(cast, voice, memory)
    room = Room("terminal", "main", shared, stage)
    await room.hear(Message("terminal:小明", "小明", "悟空，你怕不怕紧箍咒？"))

Arrows go down, and no file knows one above it:

    door      what a platform calls: hear, obey, stop, rate, status
    orders/   what each command does: a table of functions
    inbox     a message is stored once, waits its turn, and is taken up again after a crash
    exchange  one message: who answers it, and who goes on
    speech    one reply: prompt, draft, retries, stored before it is shown as done
    unasked   a character speaks first, after silence
    chores    in idle time: summaries, learning, feedback
    view      the scene, the language, notices
    job       the message in hand and the flag that stops it
    shared    what all rooms of a process share: cast, model, memory, book, limits
"""

from __future__ import annotations

from bot.room.door import Room, Status
from bot.room.inbox import LONGEST
from bot.room.shared import Shared

__all__ = ["LONGEST", "Room", "Shared", "Status"]
