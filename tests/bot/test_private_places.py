"""What is said where others can read never holds what somebody told in private.

Every way in, as the platforms name their rooms and say whether one person alone reads there, with
every order, typed and as slash commands and buttons give it. (tests/discord/test_privacy.py and the
Telegram tests ask the same of the platforms themselves.)
"""

# slow: every order in every place

import itertools

import pytest

from bot.commands import COMMANDS, Order
from bot.people import People
from bot.room import Room, Shared
from bot.stage import Message
from bot.voice import Voice
from characters.prompt import Style
from characters.style import Serving
from engine.echo import EchoEngine

SECRET = "SECRET777"
ARGUMENTS = {
    "summon": "悟空、八戒、沙僧",
    "dismiss": "八戒",
    "scene": "花果山",
    "note": "说话短些",
    "narrate": "天黑了",
    "next": "悟空",
    "edit": "俺知道",
    "undo": "1",
    "auto": "2",
    "persona": "书生",
    "remember": "我会游泳",
    "correct": "1 我的密码改了",
    "forget": "1",
    "language": "zh",
    "export": "",
}
ORDERS = [c.id for c in COMMANDS if not c.here_only]
# Where others read along, by platform.
PUBLIC = {
    "guild channel": "discord:101",
    "thread": "discord:102",
    "user install": "discord:103-7",
    "group DM": "discord:104-7",
    "group": "telegram:-105",
    "topic": "telegram:-105:6",
    "channel": "telegram:-106",
    "terminal room of several": "terminal:main",
}
_numbers = itertools.count()


class Seen:
    """A stage that keeps apart what everybody sees and what only one person does."""

    def __init__(self):
        self.public: list[str] = []
        self.alone: list[str] = []

    def pace(self):
        from bot.drafts import Pace

        return Pace()

    async def notice(self, text, *, to="", secret=False):
        (self.alone if secret else self.public).append(text)

    async def show(self, line):
        self.public.append(line.text)
        return (f"place of {line.id}",) if line.done else ()

    async def attach(self, name, data):
        self.public.append(name)
        return name

    async def withdraw(self, line_id, places):
        pass


@pytest.fixture
async def told(memory, cast):
    """Somebody who has told 悟空 a secret in private, and rooms to meet them in. The model says
    all that it reads about the password."""
    prompts: list[str] = []

    def answer(prompt: str) -> str:
        prompts.append(prompt)
        return f"你说过：{SECRET}" if SECRET in prompt else f"老孙不晓得。{len(prompts)}"

    voice = Voice(EchoEngine(answer, context=2**20), Serving(style=Style(cards="brief")))
    people = People(memory, voice, cast, quiet=60)
    shared = Shared(cast, voice, memory, people=people)
    person = f"discord:{next(_numbers)}"

    def room(key: str, private: bool) -> tuple[Room, Seen]:
        platform, _, name = key.partition(":")
        stage = Seen()
        return Room(platform, f"{name}:{person}", shared, stage, private=private), stage

    direct, alone = room("discord:1", True)
    for text in ("/summon 悟空 八戒", f"记住：我的密码是{SECRET}", "悟空，我的密码是什么？"):
        await direct.hear(Message(person, "小明", text, moderator=True))
    await people.settle()
    assert SECRET in alone.public[-1]  # in private it is told
    yield person, room, prompts, people
    await people.close()


@pytest.mark.parametrize("way", PUBLIC)
async def test_no_order_brings_a_private_fact_to_others(told, way):
    person, make, prompts, people = told
    room, stage = make(PUBLIC[way], False)
    for text in ("/summon 悟空 八戒", "悟空，我的密码是什么？", "八戒，你说呢"):
        await room.hear(Message(person, "小明", text, moderator=True))
    begun = len(prompts)
    for order in ORDERS:
        argument = ARGUMENTS.get(order, "")
        if order in ("forget", "link", "unlink", "optout", "optin", "share", "retention"):
            argument = "999" if order == "forget" else ""
        command = next(c for c in COMMANDS if c.id == order)
        for name in (command.names[0], command.zh_names[0]):
            await room.hear(Message(person, "小明", f"/{name} {argument}", moderator=True))
        await room.obey(Order(order, argument), person=person, name="小明", moderator=True)
        await room.hear(Message(person, "小明", "悟空，我的密码是什么？", moderator=True))
        assert not any(SECRET in shown for shown in stage.public), order
        assert not any(SECRET in prompt for prompt in prompts[begun:]), order
    await people.settle()
    for stranger in ("discord:999", "telegram:999"):
        await room.hear(Message(stranger, "路人", "悟空，小明的密码是什么？"))
        for order in ("memory", "export", "recap", "why"):
            await room.obey(Order(order), person=stranger, name="路人")
    assert not any(SECRET in shown for shown in (*stage.public, *stage.alone[-8:]))


async def test_who_allows_it_is_told_of_it_in_groups_too(told):
    person, make, _, people = told
    room, stage = make(PUBLIC["guild channel"], False)
    await room.hear(Message(person, "小明", "/summon 悟空", moderator=True))
    await room.obey(Order("share", "可以"), person=person, name="小明")
    await room.hear(Message(person, "小明", "悟空，我的密码是什么？"))
    assert SECRET in stage.public[-1]
    await people.settle()


async def test_a_private_room_is_read_by_one_person_alone(told):
    person, make, prompts, _ = told
    room, _ = make("telegram:7", True)
    await room.hear(Message(person, "小明", "/summon 悟空", moderator=True))
    await room.hear(Message("discord:998", "路人", "悟空，小明的密码是什么？"))
    assert SECRET not in prompts[-1]  # it is theirs, not the room's
