"""Replies as JSON or as server-sent events; a caller that goes away ends its reply."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from aiohttp import web

from bot.endpoint.requests import BadBody
from engine.sequence import BadRequest, EngineError, PromptTooLong

T = TypeVar("T")

# Seconds without a token after which a comment is sent: proxies close what is silent for a minute.
KEEP_ALIVE_S = 15.0


class Refusal(Exception):
    """An answer in words with a status; `wait` is a Retry-After in seconds."""

    def __init__(self, status: int, message: str, kind: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.status, self.kind, self.wait = status, kind, wait


def refusal(problem: Exception, context: int = 0) -> web.Response:
    """A problem as OpenAI's error object, under the status that says whether to ask again."""
    status, kind, headers = 500, "server_error", {}
    if isinstance(problem, Refusal):
        status, kind = problem.status, problem.kind
        if problem.wait is not None:
            headers["Retry-After"] = f"{max(1, round(problem.wait))}"
    elif isinstance(problem, PromptTooLong):
        status, kind = 400, "exceed_context_size_error"
    elif isinstance(problem, BadRequest | BadBody):
        status, kind = 400, "invalid_request_error"
    body = error_of(problem, status, kind)
    if kind == "exceed_context_size_error":
        body["error"]["n_ctx"] = context
    return web.json_response(body, status=status, headers=headers)


def error_of(problem: Exception, code: int = 500, kind: str = "server_error") -> dict[str, Any]:
    """The error object of a problem that carries a sentence."""
    return {"error": {"message": str(problem), "type": kind, "code": code, "param": None}}


async def stream(
    request: web.Request, events: AsyncGenerator[Mapping[str, Any], None], *, done: bool = True
) -> web.StreamResponse:
    """Server-sent events. Nothing is sent before the first one is there or `KEEP_ALIVE_S` have
    passed, so that what is refused gets its status. `done`: OpenAI's [DONE] at the end.

    Raises:
        EngineError, BadBody, Refusal: before anything was sent.
    """
    answer = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
    )
    begun = False
    try:
        async for event in _with_pauses(events):
            if not begun:
                await answer.prepare(request)
                begun = True
            await answer.write(b": keep-alive\n\n" if event is None else _data(event))
        if done:
            await answer.write(b"data: [DONE]\n\n")
    except (EngineError, BadBody, Refusal) as problem:
        if not begun:
            raise
        await answer.write(_data(error_of(problem)))
    finally:
        await events.aclose()
    return answer


async def _with_pauses(events: AsyncIterator[T]) -> AsyncIterator[T | None]:
    """The events, and None whenever none has come for `KEEP_ALIVE_S`."""
    coming: asyncio.Future[T] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(events))
            await asyncio.wait({coming}, timeout=KEEP_ALIVE_S)
            if not coming.done():
                yield None
                continue
            try:
                event = coming.result()
            except StopAsyncIteration:
                coming = None
                return
            coming = None
            yield event
    finally:
        if coming is not None:
            coming.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration, EngineError):
                await coming


def _data(event: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n"
