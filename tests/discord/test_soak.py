"""Many messages in many channels while a tenth of all requests breaks, in a seeded order.

MRP_SOAK=1000 python -m pytest tests/discord/test_soak.py -s
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import time
from collections import Counter
from functools import partial

from tests.discord.conftest import World, varied
from tests.fakes.discord_server import Asked, Fault, text_of

MESSAGES = int(os.environ.get("MRP_SOAK", "40"))
FAULTY = 0.10
PATIENCE = 300.0  # seconds a message may wait, on a machine that does much else
SEED = 6

TEXTS = (
    "你怕不怕紧箍咒？",
    "@everyone <@{user}> **快看** https://a.b/c",
    f"“{varied(90)}”",
    varied(1700),
    "# 标题\n- 一\n- 二\n> 引文 `code` ||spoiler||",
    "😀👨‍👩‍👧🇨🇳👍🏽",
)
OFTEN = (4, 4, 4, 1, 4, 4)
SILENT = "\u202e\u200e"  # nothing is left of it: it is refused


class Weather:
    """Which request breaks, and how: the same for the same seed and order of requests."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.count: Counter[str] = Counter()
        self.on = False

    def __call__(self, asked: Asked) -> Fault | None:
        if not self.on or self._chance.random() >= FAULTY:
            return None
        name, fault = self._chance.choice(
            [
                ("500", Fault(500)),
                ("502 though done", Fault(502, after=True)),
                ("cut", Fault(0)),
                ("cut though done", Fault(0, after=True)),
                ("429 user", Fault(scope="user", retry_after=0.2)),
                ("429 shared", Fault(scope="shared", retry_after=0.4)),
            ]
        )
        self.count[name] += 1
        return fault


async def test_every_message_is_answered_or_refused_once(world: World, caplog):
    chance = random.Random(SEED)
    server, weather = world.server, Weather(random.Random(SEED))
    server.fault = weather
    people = [server.add_user(f"客{number}") for number in range(20)]
    channels = [world.channel]
    rooms = max(4, MESSAGES // 40)
    channels += [server.add_channel(world.guild, f"第{n}间") for n in range(1, rooms)]
    denied = channels[::5]
    for channel in denied:
        server.deny(channel, "manage_webhooks")
    begun = time.monotonic()
    async with world.bot() as troupe:
        for channel in channels:
            await server.slash(world.ming, channel, "summon", who="悟空")
        for channel in channels:
            await server.until(partial(spoken, server, channel), 20)
        weather.on = True
        todo = list(enumerate(chance.choices(TEXTS, OFTEN, k=MESSAGES)))
        silent = set(chance.sample(range(MESSAGES), MESSAGES // 20))
        plan = {channel: [] for channel in channels}
        for number, text in todo:
            text = SILENT if number in silent else f"〔{number}〕{text}〔／{number}〕"
            plan[chance.choice(channels)].append((number, text))
        done = asyncio.Event()
        troubles = asyncio.create_task(_trouble(world, chance, done, denied))
        await asyncio.gather(
            *(_talk(world, channel, plan[channel], people) for channel in channels)
        )
        done.set()
        await troubles
        weather.on = False
        await asyncio.sleep(4.0)  # what would be said twice
        assert troupe.is_ready()
    took = time.monotonic() - begun
    for channel, said in plan.items():
        texts = spoken(server, channel)
        whole = "\n".join(texts).replace("\\", "").replace("@\u200b", "@")
        for number, text in said:
            if text == SILENT:
                continue
            assert whole.count(f"〔{number}〕") == 1, (number, texts)
            assert whole.count(f"〔／{number}〕") == 1, (number, texts)
        refused = sum(text_of(m) == "你没有说话。" for m in server.messages(channel))
        assert refused == sum(text == SILENT for _, text in said)
        assert not any(text.endswith("▍") for text in texts)
        assert all(len(text) <= 2000 for text in texts)
    assert server.pings == []
    kinds = Counter(a.bucket.split("/")[0] for a in server.asked)
    # Requests beyond a bucket's rate come only after an answer with its headers was lost.
    assert len(server.too_many) <= 0.02 * len(server.asked)
    found = {
        "messages": MESSAGES, "channels": len(channels), "seconds": round(took, 1),
        "requests": len(server.asked), "by_bucket": dict(kinds),
        "faults": dict(weather.count), "beyond_rate": len(server.too_many),
        "identified": server.identified, "resumed": server.resumed,
        "refused": len(silent),
    }  # fmt: skip
    print(json.dumps(found, ensure_ascii=False))


def spoken(server, channel: int) -> list[str]:
    """What characters said in a channel, as far as it stands."""
    found = []
    for message in server.messages(channel):
        text = text_of(message)
        if message.get("webhook_id"):
            found.append(text)
        elif text.startswith("**孙悟空**\n"):
            found.append(text.partition("\n")[2])
    return found


async def _talk(world: World, channel: int, said: list[tuple[int, str]], people: list[int]) -> None:
    """Say one thing after another in a channel, each when the one before was answered."""
    server = world.server
    for number, text in said:
        before = sum(text_of(m) == "你没有说话。" for m in server.messages(channel))
        user = people[number % len(people)]
        await server.say(user, channel, text.replace("{user}", str(user)))

        def answered(text: str = text, before: int = before, number: int = number) -> bool:
            if text == SILENT:
                now = sum(text_of(m) == "你没有说话。" for m in server.messages(channel))
                return now > before
            return any(f"〔／{number}〕" in answer for answer in spoken(server, channel))

        try:
            await server.until(answered, PATIENCE)
        except AssertionError:
            memory = world.memory.room("discord", str(channel))
            await memory.look()
            kept = [(k.turn.speaker, k.turn.text[:20]) for k in memory.turns[-3:]]
            shown = [(name, words[:20]) for name, words in server.said(channel)[-3:]]
            asked = [(a.method, a.path[-60:]) for a in server.asked if str(channel) in a.path][-8:]
            waiting = [t.get_name() for t in asyncio.all_tasks() if "Task-" not in t.get_name()]
            raise AssertionError(
                f"message {number} {text[:20]!r} was not answered in channel {channel}: "
                f"{kept=} {shown=} {asked=} {waiting=}"
            ) from None


async def _trouble(
    world: World, chance: random.Random, done: asyncio.Event, denied: list[int]
) -> None:
    """Connections end and webhooks disappear, now and then."""
    server = world.server
    while not done.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), chance.uniform(2.0, 4.0))
            return
        match chance.randrange(5):
            case 0:
                await server.drop()
            case 1:
                await server.ask_reconnect()
            case 2:
                await server.invalidate()
            case 3:
                await server.invalidate(resumable=True)
            case _:
                if server.webhooks:
                    del server.webhooks[chance.choice(list(server.webhooks))]
