"""Reports about characters: one a person and character, bounded, and taken away."""

import pytest

from bot.memory import reports
from bot.memory.reports import (
    MOST_OF_A_PERSON,
    Report,
    clear_reports,
    forget_reports,
    report,
    reports_of,
)

HERE, THERE = "test:here", "test:there"


async def whys(memory, place=None):
    return [each.why for each in await reports_of(memory, place)]


async def test_the_newest_of_a_person_counts_and_nobody_reads_who(memory):
    for number, (person, why) in enumerate(
        (("小明", "骂人"), ("小红", "抄袭"), ("小明", "又骂人"))
    ):
        assert await report(memory, Report("c_1", f"test:{person}", HERE, why, at=number + 1))
    found = await reports_of(memory, HERE)
    assert [(each.why, each.person) for each in found] == [("又骂人", ""), ("抄袭", "")]
    assert await whys(memory, THERE) == []
    assert "小明" not in str(await memory.redis.hgetall("mrp:1:{cast}:reports"))


async def test_reports_are_cleared_by_place_and_by_character(memory):
    for character, place in (("c_1", HERE), ("c_2", HERE), ("c_1", THERE)):
        person = f"test:{character}{place}"
        await report(memory, Report(character, person, place, f"{character} {place}"))
    await clear_reports(memory, HERE, character="c_1")
    assert sorted(await whys(memory)) == ["c_1 test:there", "c_2 test:here"]
    await clear_reports(memory, None, character="c_1")
    assert await whys(memory) == ["c_2 test:here"]
    await clear_reports(memory, THERE)
    assert await whys(memory) == ["c_2 test:here"]
    await clear_reports(memory, None)
    assert await whys(memory) == []


async def test_one_person_cannot_drive_out_what_others_reported(memory):
    assert await report(memory, Report("c_0", "test:小红", HERE, "骂人"))
    for number in range(MOST_OF_A_PERSON):
        assert await report(memory, Report(f"c_{number}", "test:小明", HERE, "不喜欢"))
    assert not await report(memory, Report("c_more", "test:小明", HERE, "不喜欢"))
    assert await report(memory, Report("c_0", "test:小明", HERE, "还是不喜欢"))  # in place of one
    assert len(await whys(memory)) == MOST_OF_A_PERSON + 1
    await clear_reports(memory, HERE, character="c_0")
    assert await report(memory, Report("c_more", "test:小明", HERE, "不喜欢"))


async def test_the_oldest_goes_when_there_are_too_many(memory, monkeypatch):
    monkeypatch.setattr(reports, "MOST", 3)
    for number in range(5):
        await report(memory, Report("c_1", f"test:{number}", HERE, str(number), at=number + 1))
    assert await whys(memory) == ["4", "3", "2"]


@pytest.mark.parametrize("why", ["长" * 5000, "<b>|\n</b>\x00"])
async def test_any_words_are_kept_as_text_and_bounded(memory, why):
    await report(memory, Report("c_1", "test:小明", HERE, why))
    assert await whys(memory) == [why[: reports.LONGEST]]


async def test_what_a_person_reported_is_forgotten_with_them(memory):
    await report(memory, Report("c_1", "test:小明", HERE, "一"))
    await report(memory, Report("c_1", "test:小红", HERE, "二"))
    await forget_reports(memory, ["test:小明", "test:别人"])
    assert await whys(memory) == ["二"]
