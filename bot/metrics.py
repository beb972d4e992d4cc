"""Prometheus metrics and a health endpoint of a running bot.

    metrics = Metrics(engine=voice.engine, events=house.stats)
    runner = await serve(metrics, "127.0.0.1:9464", ready=house_is_well)
    metrics.limited("telegram", seconds=34)             a platform said 429

    GET /healthz    {"ready": true, "redis": true, …}, status 200, or 503 where something is not
    GET /metrics    Prometheus' text

    mrp_queue{state}                     replies waiting, being read, being written
    mrp_first_token_seconds              from a request to its first token, a histogram
    mrp_token_gap_seconds                between two tokens of a reply, a histogram
    mrp_tokens_total{kind}               evaluated, reused, generated; rate(generated) is tokens/s
    mrp_replies_total, mrp_engine_failures_total, mrp_cache_cells{state}, mrp_shelf_bytes
    mrp_room_events_total{event}         what rooms counted: retries, cuts, …
    mrp_errors_total{kind}               errors that were logged, by the exception's class
    mrp_platform_429_total{platform}     refusals for being too fast
    mrp_platform_wait_seconds_total{platform}     and the seconds they asked us to wait

No label ever holds a name, a text, a room or a token.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from bot.platforms import registry
from engine.stats import Histogram, Stats

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# Bounds in seconds: a CPU's first token may take a minute, a GPU's gap a few milliseconds.
_FIRST = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_GAP = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

# Of libraries that wait by themselves and only log it.
_LIMITED = re.compile(r"rate.?limit", re.IGNORECASE)
_SECONDS = re.compile(r"(\d+(?:\.\d+)?) ?s(?:econds)?\b")


class Counted(Protocol):
    """An engine that keeps statistics."""

    def stats(self) -> Stats: ...


class MetricsProblem(RuntimeError):
    """The address cannot be listened on; the message says which and why."""

    for_user = True


class Metrics:
    """The metrics of one process. `engine` may be the fake, which counts nothing."""

    def __init__(self, engine: object = None, events: Mapping[str, int] | None = None) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Live(engine, events or {}))
        self._errors = Counter(
            "mrp_errors", "Errors that were logged, by kind", ["kind"], registry=self._registry
        )
        self._limited = Counter(
            "mrp_platform_429",
            "Refusals of a platform for being too fast",
            ["platform"],
            registry=self._registry,
        )
        self._waits = Counter(
            "mrp_platform_wait_seconds",
            "Seconds that platforms asked us to wait",
            ["platform"],
            registry=self._registry,
        )
        for row in registry.served():
            self._limited.labels(row.name)
            self._waits.labels(row.name)

    def failed(self, kind: str) -> None:
        """Count an error; `kind` is a word of the code, such as an exception's class."""
        self._errors.labels(re.sub(r"\W", "_", kind)[:64]).inc()

    def limited(self, platform: str, seconds: float = 0.0) -> None:
        """Count a 429 of a platform, and the seconds that it asks for."""
        self._limited.labels(platform).inc()
        self._waits.labels(platform).inc(max(0.0, seconds))

    def text(self) -> bytes:
        """All figures as Prometheus reads them."""
        return generate_latest(self._registry)

    def listen_to_logs(self) -> logging.Handler:
        """Count what is logged from now on: errors by kind, and limits that libraries wait for."""
        handler = _Counting(self)
        logging.getLogger().addHandler(handler)
        return handler


class _Counting(logging.Handler):
    def __init__(self, metrics: Metrics) -> None:
        super().__init__(logging.WARNING)
        self._metrics = metrics

    def emit(self, record: logging.LogRecord) -> None:
        library = record.name.partition(".")[0]
        row = next((r for r in registry.PLATFORMS if r.limits_logged_by == library), None)
        if row and _LIMITED.search(str(record.msg)):
            said = _SECONDS.search(record.getMessage())
            self._metrics.limited(row.name, float(said[1]) if said else 0.0)
        elif record.levelno >= logging.ERROR:
            kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
            self._metrics.failed(kind or record.name)


class _Live(Collector):
    """Reads the engine's statistics when it is asked."""

    def __init__(self, engine: object, events: Mapping[str, int]) -> None:
        self._engine = engine
        self._events = events

    def collect(self) -> Iterable[Metric]:
        events = CounterMetricFamily("mrp_room_events", "What rooms counted", labels=["event"])
        for event, count in sorted(self._events.items()):
            events.add_metric([re.sub(r"\W", "_", str(event))[:64]], count)
        yield events
        stats = getattr(self._engine, "stats", None)
        if callable(stats):
            yield from _of_engine(stats())


def _of_engine(stats: Stats) -> Iterable[Metric]:
    queue = GaugeMetricFamily("mrp_queue", "Replies by state", labels=["state"])
    for state in ("queued", "reading", "writing"):
        queue.add_metric([state], getattr(stats, state))
    yield queue
    tokens = CounterMetricFamily("mrp_tokens", "Tokens by kind", labels=["kind"])
    for kind in ("evaluated", "reused", "restored", "generated"):
        tokens.add_metric([kind], getattr(stats, kind))
    yield tokens
    cells = GaugeMetricFamily("mrp_cache_cells", "Tokens of the cache", labels=["state"])
    cells.add_metric(["all"], stats.cells)
    cells.add_metric(["used"], stats.cells_used)
    yield cells
    yield CounterMetricFamily("mrp_replies", "Replies ended", value=stats.replies)
    yield CounterMetricFamily("mrp_engine_failures", "Replies that failed", value=stats.failed)
    yield CounterMetricFamily("mrp_engine_restarts", "Restarts", value=stats.restarts)
    yield CounterMetricFamily("mrp_engine_busy_seconds", "Time in steps", value=stats.busy_s)
    yield GaugeMetricFamily("mrp_shelf_bytes", "Cache in host memory", value=stats.offloaded_bytes)
    yield _histogram(
        "mrp_first_token_seconds", "From a request to its first token", stats.first_token, _FIRST
    )
    yield _histogram("mrp_token_gap_seconds", "Between two tokens", stats.gap, _GAP)


def _histogram(name: str, what: str, found: Histogram, bounds: Iterable[float]) -> Metric:
    """Our fine buckets (see `engine.stats`) gathered under Prometheus' coarse ones."""
    buckets = [
        (str(bound), sum(n for b, n in found.counts.items() if 1.1**b <= bound)) for bound in bounds
    ]
    family = HistogramMetricFamily(name, what)
    family.add_metric([], [*buckets, ("+Inf", found.count)], sum_value=found.total)
    return family


async def serve(
    metrics: Metrics, address: str, *, ready: Callable[[], Awaitable[Mapping[str, bool]]]
) -> web.AppRunner:
    """Answer /healthz and /metrics on HOST:PORT until `runner.cleanup()`.

    Raises:
        MetricsProblem: the address is not one, or is taken.
    """

    async def health(_: web.Request) -> web.Response:
        parts = dict(await ready())
        well = all(parts.values())
        return web.json_response({"ready": well, **parts}, status=200 if well else 503)

    async def figures(_: web.Request) -> web.Response:
        return web.Response(body=metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    host, _, port = address.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise MetricsProblem(f"{address!r} is no HOST:PORT to listen on, such as 127.0.0.1:9464")
    app = web.Application()
    app.add_routes([web.get("/healthz", health), web.get("/metrics", figures)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host.strip("[]") or "127.0.0.1", int(port)).start()
    except OSError as problem:
        await runner.cleanup()
        raise MetricsProblem(f"{address} cannot be listened on: {problem.strerror}") from problem
    return runner
