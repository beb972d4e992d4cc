"""Reviews of what members make: let in, given back, once; and reports of whom is still there."""

import pytest

from bot.casts import CastProblem, Casts
from bot.memory.reports import Report, report
from bot.reviews import clear_reports, reports, waiting
from characters.card import read_card

HERE, THERE = "test:a server", "test:another server"
HONG = "test:小红"


def made(name="小墨龙"):
    table = {"id": "new", "language": "zh", "name": name, "greeting": "来了！", "brief": "小龙。"}
    return read_card(table, "made")


@pytest.fixture
def casts(memory, cast):
    return Casts(memory, cast)


@pytest.fixture
def other(memory, cast):
    """Another process: it shares Redis and nothing else."""
    return Casts(memory, cast)


async def test_a_review_lets_it_in_or_gives_it_back_and_is_made_once(casts, other):
    for number, place in enumerate((HERE, HERE, THERE)):
        await casts.keep(made(f"待审客{number}"), HONG, "place", place=place, waiting=True)
    await other.refresh()
    first, second = waiting(other, HERE)
    assert [len(waiting(other, place)) for place in (HERE, THERE, None, "")] == [2, 1, 3, 0]
    approved = await other.review(first.id, approved=True)
    assert (approved.reach, approved.waiting, approved.owner) == ("place", False, HONG)
    assert (await casts.of(HERE)).find("待审客0").id == first.id
    for decision in (True, False):
        with pytest.raises(CastProblem, match="待审客0"):
            await casts.review(first.id, approved=decision)
    refused = await casts.review(second.id, approved=False)
    assert (refused.reach, refused.waiting) == ("private", False)
    with pytest.raises(CastProblem):
        await casts.review("c_never", approved=True)
    with pytest.raises(CastProblem):
        await casts.review("wukong", approved=True)


async def test_what_nobody_owns_any_more_is_withdrawn_when_it_is_refused(casts):
    entry = await casts.keep(made(), "", "place", place=HERE, waiting=True)
    await casts.review(entry.id, approved=False)
    assert casts.is_gone(entry.id)


async def test_refusing_one_whose_maker_has_a_private_one_of_that_name_loses_neither(casts):
    mine = await casts.keep(made(), HONG)
    entry = await casts.keep(made(), HONG, "place", place=HERE, waiting=True)
    await casts.review(entry.id, approved=False)
    assert {each.id for each in await casts.owned_by([HONG])} == {mine.id, entry.id}
    with pytest.raises(CastProblem, match="name already"):
        await casts.keep(made(), HONG)


async def test_reports_are_of_characters_that_are_there(casts, other, memory):
    entries = [await casts.keep(made(name), HONG, "place", place=HERE) for name in ("甲龙", "乙龙")]
    for entry, place in zip(entries, (HERE, THERE), strict=True):
        await report(memory, Report(entry.id, "test:小明", place, "骂人"))
    await report(memory, Report("c_never", "test:小明", HERE, "没有这个"))
    assert [each.character for each in await reports(other, memory, HERE)] == [entries[0].id]
    assert len(await reports(other, memory, None)) == 2
    await clear_reports(memory, THERE, character=entries[1].id)
    assert len(await reports(other, memory, None)) == 1
    await casts.withdraw(entries[0].id)
    assert await reports(other, memory, None) == []
