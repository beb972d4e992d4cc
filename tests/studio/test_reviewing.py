"""The queue and the reports as the host sees them; makers are told what came of it, and why."""

from dataclasses import replace

import pytest

from bot.memory.reports import Report, report
from characters.card import Lines, Words


@pytest.fixture
async def owner(studio):
    return await studio.browser("studio:owner", "主人", role="owner")


async def made(studio, name="小白龙马", maker="discord:7", *, waiting=True):
    casts = studio.house.casts
    known = next(iter(studio.house.cast))
    character = replace(
        known,
        id="",
        name=Words(name, name),
        aliases=Lines(),
        brief=Words("<b>一匹</b>马", "a horse"),
        titles=(),
    )
    await studio.memory.person(maker).came("discord:1", "小红")
    return await casts.keep(character, maker, "place", place="discord:1", waiting=waiting)


async def told(studio, maker="discord:7"):
    return await studio.house.people.came(maker, "小红", "discord:2", private=True, language="zh")


async def test_one_is_approved_and_its_maker_hears_why(studio, owner):
    entry = await made(studio)
    _, text = await owner.get("/owner/reviews")
    assert "小白龙马" in text
    assert "&lt;b&gt;一匹" in text
    assert "discord:7" not in text  # who made it is not shown
    status, _, where = await owner.post(
        "/owner/reviews", do="approve", character=entry.id, why="画得真好 {}"
    )
    assert (status, where) == (303, "/owner/reviews")
    kept = studio.house.casts.entry(entry.id)
    assert (kept.waiting, kept.reach) == (False, "place")
    said = await told(studio)
    assert "小白龙马" in said
    assert "画得真好 {}" in said
    assert await told(studio) == ""  # once
    status, text, _ = await owner.post("/owner/reviews", do="approve", character=entry.id)
    assert (status, "在等审核" in text) == (409, True)


async def test_one_is_refused_and_stays_its_makers(studio, owner):
    entry = await made(studio)
    await owner.post("/owner/reviews", do="refuse", character=entry.id, why="太凶了")
    kept = studio.house.casts.entry(entry.id)
    assert (kept.waiting, kept.reach) == (False, "private")
    assert "太凶了" in await told(studio)


async def test_reports_by_character_are_done_with_or_lead_to_its_end(studio, owner):
    kept = [await made(studio, name, waiting=False) for name in ("小白龙马", "黑风山主")]
    for number, entry in enumerate([*kept, kept[0]]):
        await report(
            studio.memory, Report(entry.id, f"discord:{number}", "discord:1", f"骂人{number}")
        )
    _, text = await owner.get("/owner/reviews")
    assert all(f"骂人{number}" in text for number in range(3))
    await owner.post("/owner/reviews", do="done", character=kept[0].id)
    _, text = await owner.get("/owner/reviews")
    assert "骂人0" not in text
    assert "骂人1" in text
    await owner.post("/owner/reviews", do="withdraw", character=kept[1].id, why="收到举报")
    assert studio.house.casts.entry(kept[1].id) is None
    assert "收到举报" in await told(studio)
    _, text = await owner.get("/owner/reviews")
    assert "没有举报" in text


async def test_odd_forms_change_nothing(studio, owner):
    entry = await made(studio)
    for fields in ({}, {"do": "approve"}, {"do": "fly", "character": entry.id}):
        assert (await owner.post("/owner/reviews", **fields))[0] == 400
    for gone in ("c_000000000000", "wukong", "../x"):
        status, _, _ = await owner.post("/owner/reviews", do="withdraw", character=gone)
        assert status == 409
    assert studio.house.casts.entry(entry.id).waiting


async def test_nobody_who_had_everything_forgotten_is_told(studio, owner):
    entry = await made(studio)
    await studio.memory.redis.delete("mrp:1:{person:discord:7}:account")
    await owner.post("/owner/reviews", do="approve", character=entry.id)
    assert not await studio.memory.redis.exists("mrp:1:{person:discord:7}:account")
