"""What Prometheus reads, and whether the bot is well."""

import logging

import aiohttp
import pytest

from bot.metrics import Metrics, MetricsProblem, serve
from engine.echo import EchoEngine
from engine.stats import Histogram, Stats


class Busy:
    def stats(self):
        first = Histogram()
        for seconds in (0.07, 0.3, 0.3, 7.0, 100.0):
            first.add(seconds)
        return Stats(
            queued=3, writing=2, reading=1, replies=9, evaluated=100, reused=900, generated=50,
            failed=1, cells=4096, cells_used=1000, first_token=first,
        )  # fmt: skip


def value(metrics, line):
    for each in metrics.text().decode().splitlines():
        name, _, number = each.rpartition(" ")
        if name == line:
            return float(number)
    raise AssertionError(f"{line} is not in\n{metrics.text().decode()}")


def test_the_engines_figures_are_read_when_asked():
    metrics = Metrics(Busy(), {"retried": 4})
    assert value(metrics, 'mrp_queue{state="queued"}') == 3
    assert value(metrics, 'mrp_tokens_total{kind="reused"}') == 900
    assert value(metrics, 'mrp_tokens_total{kind="generated"}') == 50
    assert value(metrics, "mrp_engine_failures_total") == 1
    assert value(metrics, 'mrp_room_events_total{event="retried"}') == 4
    assert value(metrics, 'mrp_first_token_seconds_bucket{le="0.1"}') == 1
    assert value(metrics, 'mrp_first_token_seconds_bucket{le="0.5"}') == 3
    assert value(metrics, 'mrp_first_token_seconds_bucket{le="60.0"}') == 4
    assert value(metrics, 'mrp_first_token_seconds_bucket{le="+Inf"}') == 5
    assert value(metrics, "mrp_first_token_seconds_sum") == pytest.approx(107.67)


def test_the_fake_engine_has_no_figures_and_is_no_error():
    assert b"mrp_queue" not in Metrics(EchoEngine()).text()


def test_refusals_of_platforms_are_counted():
    metrics = Metrics()
    assert value(metrics, 'mrp_platform_429_total{platform="discord"}') == 0
    metrics.limited("telegram", 34)
    metrics.limited("telegram", 2.5)
    assert value(metrics, 'mrp_platform_429_total{platform="telegram"}') == 2
    assert value(metrics, 'mrp_platform_wait_seconds_total{platform="telegram"}') == 36.5


def test_what_is_logged_is_counted_by_kind_and_never_by_its_words():
    metrics = Metrics()
    handler = metrics.listen_to_logs()
    try:
        log = logging.getLogger("bot.room")
        try:
            raise KeyError("123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1")
        except KeyError:
            log.exception("小明 said something")
        log.error("plain")
        log.warning("not counted")
        logging.getLogger("discord.http").warning(
            "We are being rate limited. %s %s responded with 429. Retrying in %.2f seconds.",
            "POST", "https://discord.com/x", 1.5,
        )  # fmt: skip
    finally:
        logging.getLogger().removeHandler(handler)
    assert value(metrics, 'mrp_errors_total{kind="KeyError"}') == 1
    assert value(metrics, 'mrp_errors_total{kind="bot_room"}') == 1
    assert value(metrics, 'mrp_platform_429_total{platform="discord"}') == 1
    assert value(metrics, 'mrp_platform_wait_seconds_total{platform="discord"}') == 1.5
    text = metrics.text().decode()
    assert "小明" not in text
    assert "AAHdq" not in text


async def test_health_and_figures_are_served():
    well = {"redis": True}

    async def ready():
        return well

    runner = await serve(Metrics(Busy()), "127.0.0.1:0", ready=ready)
    try:
        host, port = runner.addresses[0][:2]
        async with aiohttp.ClientSession(f"http://{host}:{port}") as client:
            async with client.get("/healthz") as answer:
                assert answer.status == 200
                assert await answer.json() == {"ready": True, "redis": True}
            async with client.get("/metrics") as answer:
                assert answer.content_type == "text/plain"
                assert "mrp_queue" in await answer.text()
            well["redis"] = False
            async with client.get("/healthz") as answer:
                assert answer.status == 503
                assert await answer.json() == {"ready": False, "redis": False}
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:99999", "127.0.0.1:http"])
async def test_no_address_is_said(address):
    async def ready() -> dict[str, bool]:
        return {}

    with pytest.raises(MetricsProblem, match="no HOST:PORT"):
        await serve(Metrics(), address, ready=ready)


async def test_a_taken_address_is_said():
    async def ready():
        return {}

    runner = await serve(Metrics(), "127.0.0.1:0", ready=ready)
    try:
        port = runner.addresses[0][1]
        with pytest.raises(MetricsProblem, match="cannot be listened on"):
            await serve(Metrics(), f"127.0.0.1:{port}", ready=ready)
    finally:
        await runner.cleanup()
