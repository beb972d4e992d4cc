"""Asking servers: JSON or a reason without the address, and whose clock is wrong."""

from __future__ import annotations

import email.utils
import time

import aiohttp
import pytest
from aiohttp import web

from bot.doctor.probe import SKEW_S, Probe, Unreachable

SECRET = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"


@pytest.fixture
async def url():
    async def page(request: web.Request) -> web.Response:
        late = float(request.query.get("late", "0"))
        date = email.utils.formatdate(time.time() - late, usegmt=True)
        if request.query.get("bare"):
            return web.Response(text="<html>", headers={"Date": date})
        return web.json_response({"ok": True}, headers={"Date": date}, status=201)

    app = web.Application()
    app.router.add_get("/{path:.*}", page)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}/bot{SECRET}/getMe"
    await runner.cleanup()


async def asked(url: str) -> Probe:
    async with aiohttp.ClientSession() as session:
        probe = Probe(session, time.time)
        assert await probe.ask(url) == (201, {"ok": True})
        return probe


async def test_a_page_is_its_status_and_its_json(url):
    (finding,) = (await asked(url)).clock()
    assert finding.level == "well"


@pytest.mark.parametrize(("late", "where"), [(3600, "ahead of"), (-3600, "behind")])
async def test_a_clock_that_is_wrong_by_more_than_a_minute_is_a_fault(url, late, where):
    (finding,) = (await asked(f"{url}?late={late}")).clock()
    assert finding.level == "fault"
    assert where in finding.says
    assert SKEW_S == 60


@pytest.mark.parametrize("bad", ["{url}?bare=1", "http://127.0.0.1:9/bot{secret}/getMe"])
async def test_what_cannot_be_asked_is_said_without_its_address(url, bad):
    async with aiohttp.ClientSession() as session:
        probe = Probe(session, time.time)
        with pytest.raises(Unreachable) as problem:
            await probe.ask(bad.format(url=url, secret=SECRET))
    assert SECRET not in str(problem.value)
    assert "127.0.0.1" not in str(problem.value)


async def test_without_an_answer_nothing_is_said_of_the_clock():
    async with aiohttp.ClientSession() as session:
        assert Probe(session, time.time).clock() == []
