"""What the host sees: counts and figures, feedback without names; never words of a room."""

import json
import re
from pathlib import Path
from typing import get_args

import bot
from bot.faults import Fault
from bot.limits import Why
from bot.platforms.studio.hosting.words import COUNTED


async def test_counts_and_no_words(studio):
    ming = await studio.browser()
    path = await studio.room(ming, "wukong")
    await studio.say(ming, path, "悟空，我的秘密")
    owner = await studio.browser("studio:owner", "主人", role="owner")
    for minute in range(3):
        studio.site.figures.look(60.0 * minute)
    status, text = await owner.get("/owner")
    assert status == 200
    assert "我的秘密" not in text
    assert path.removeprefix("/room/") not in text
    assert text.count("<svg") == 7  # six curves, and a bar for the one who spoke
    assert "1 / 1" in text  # a room of ours, used today
    assert (await owner.get(path))[0] == 404  # a host reads no room that is not theirs


async def test_feedback_to_read_and_to_take_along(studio):
    said = iter(["头一个说法。", "另一个说法，更好。"])
    studio.script = lambda prompt: next(said, "又一句。")
    ming = await studio.browser()
    path = await studio.room(ming, "wukong")
    await studio.say(ming, path, "悟空，说")
    await ming.post(f"{path}/order", order="retry")
    await studio.quiet(path)
    feed = await studio.site.rooms.feed(path.removeprefix("/room/"))
    await feed.room.settle()
    await ming.post(f"{path}/order", order="retry 1")
    await studio.quiet(path)
    await feed.room.settle()
    owner = await studio.browser("studio:owner", "主人", role="owner")
    _, text = await owner.get("/owner/feedback")
    assert "头一个说法。" in text
    assert "另一个说法，更好。" in text
    async with owner.http.get(owner.url + "/owner/feedback/dpo") as answer:
        rows = [json.loads(line) for line in (await answer.text()).splitlines()]
    assert rows[0].keys() == {"prompt", "chosen", "rejected"}
    assert "小明" not in json.dumps(rows, ensure_ascii=False)
    assert (await owner.get("/owner/feedback/kto"))[0] == 200
    assert (await owner.get("/owner/feedback/csv"))[0] == 404


def test_whatever_is_counted_has_a_name_in_chinese():
    counted = {*get_args(Fault), *(f"refused: {why}" for why in get_args(Why) if why)}
    for file in Path(bot.__file__).parent.rglob("*.py"):
        counted |= set(re.findall(r'stats\["([^"]+)"\] \+=', file.read_text("utf-8")))
    assert len(counted) > 25
    assert counted == COUNTED.keys()


async def test_counts_are_named_in_the_language_that_is_read(studio):
    owner = await studio.browser("studio:owner", "主人", role="owner")
    studio.house.stats.update({"card lines": 3, "of a later version": 2})
    _, text = await owner.get("/owner")
    assert '<th scope="row">用卡片上的话代替</th><td>3</td>' in text
    assert '<th scope="row" lang="en">of a later version</th><td>2</td>' in text
    await owner.post("/look", language="en")
    _, text = await owner.get("/owner")
    assert '<th scope="row" lang="en">card lines</th><td>3</td>' in text
