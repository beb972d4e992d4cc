"""What the host sees: counts and figures, feedback without names; never words of a room."""

import json


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
