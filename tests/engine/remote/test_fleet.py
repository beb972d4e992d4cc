"""The servers of one engine."""

import asyncio

import pytest

from engine.remote.address import addresses
from engine.remote.connection import Away
from engine.remote.fleet import Fleet, Patience, Place, Wish
from engine.remote.gate import Ticket
from engine.sequence import EngineError


def test_patience_counts_from_the_first_absence():
    patience = Patience(10.0)
    assert patience.left(100.0) == 10.0
    assert patience.left(104.0) == 6.0
    assert patience.left(200.0) < 0


async def opened(*servers) -> Fleet:
    return await Fleet.open(addresses([each.url for each in servers]), "", Wish())


async def test_one_that_is_away_at_the_start_joins_later(serve):
    here, away = await serve(), await serve()
    await away.stop()
    fleet = await opened(here, away)
    names = {here.url.removeprefix("http://"), away.url.removeprefix("http://")}
    assert set(fleet.absent) == {away.url.removeprefix("http://")}
    assert {(await fleet.server(f"r{n}", Patience(1.0))).name for n in range(9)} < names
    await away.start()
    async with asyncio.timeout(10):
        while {(await fleet.server(f"r{n}", Patience(1.0))).name for n in range(9)} != names:
            await asyncio.sleep(0.02)
    assert fleet.absent == ()
    await fleet.close()


async def test_fences_are_tried_again_on_one_that_comes_back(serve):
    server = await serve()
    fleet = await opened(server)
    assert await fleet.check_fences(["<|im_start|>"]) == []
    server.special_always = True  # started anew with another tokenizer's habits
    known = await fleet.server("r", Patience(1.0))
    assert known.offer.exact
    fleet.away(known, Away("gone", 0.0))
    assert not (await fleet.server("r", Patience(1.0))).offer.exact
    await fleet.close()


async def test_no_more_patience_is_a_sentence_with_the_reason(serve):
    server = await serve()
    fleet = await opened(server)
    known = await fleet.server("r", Patience(1.0))
    with pytest.raises(EngineError, match="too much to do; it is asked again"):
        await fleet.retry(known, Away("it has too much to do", 60.0), Patience(1.0))
    with pytest.raises(EngineError, match="does not answer"):
        await fleet.server("r", Patience(1.0))
    await fleet.close()


async def test_a_place_is_given_back_whatever_happens(serve):
    fleet = await opened(await serve())
    server = await fleet.server("r", Patience(1.0))
    for _ in range(9):  # more than there are slots
        with pytest.raises(ZeroDivisionError):
            async with Place(server, Ticket("r", "", True)):
                raise ZeroDivisionError
    await fleet.close()
