"""The HTTP server of `mrp engine serve`: routes, the bearer token, bounds, health."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.endpoint.answers import Refusal, refusal
from bot.endpoint.characters import Characters
from bot.endpoint.completions import Completions
from bot.endpoint.requests import BadBody, text_of
from bot.house import House
from bot.voice import Voice
from engine.sequence import EngineError

log = logging.getLogger(__name__)

LOCAL = ("127.0.0.1", "::1", "localhost")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class EndpointProblem(RuntimeError):
    """The server cannot begin; the message says why and what to do."""

    for_user = True


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is taken: bytes of a body, and requests that are answered or wait at once."""

    body: int = 4 << 20
    requests: int = 256


class Endpoint:
    """One model, and with a `house` its cast, over HTTP. `key` is the bearer token: "" is none."""

    def __init__(
        self,
        voice: Voice,
        *,
        house: House | None = None,
        key: str = "",
        bounds: Bounds | None = None,
    ) -> None:
        self._voice = voice
        self._model = Completions(voice, voice.name)
        self._cast = Characters(house) if house else None
        self._key = key
        self._bounds = bounds or Bounds()
        self._busy = 0
        self._since = int(time.time())

    def app(self) -> web.Application:
        """The routes."""
        app = web.Application(middlewares=[self._guarded], client_max_size=self._bounds.body)
        model = self._model
        app.add_routes(
            [
                web.get("/health", self._health),
                web.get("/props", self._props),
                web.get("/v1/models", self._models),
                web.get("/v1/models/{model:.+}", self._one_model),
                web.post("/tokenize", self._plain(model.tokenize)),
                web.post("/score", self._plain(model.score)),
                web.post("/completion", self._streaming(model.native)),
                web.post("/v1/completions", self._streaming(model.completions)),
                web.post("/v1/chat/completions", self._streaming(self._chat)),
            ]
        )
        return app

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The token first, and every problem as one sentence under the right status."""
        try:
            if request.path != "/health":
                self._check_key(request)
            return await handler(request)
        except (Refusal, BadBody, EngineError) as problem:
            return refusal(problem, self._voice.engine.context)
        except web.HTTPRequestEntityTooLarge:
            limit = self._bounds.body
            return refusal(
                Refusal(413, f"a body has at most {limit} bytes", "invalid_request_error")
            )
        except web.HTTPNotFound:
            return refusal(Refusal(404, f"there is no {request.path}", "not_found_error"))
        except web.HTTPMethodNotAllowed:
            words = f"{request.path} does not take {request.method}"
            return refusal(Refusal(405, words, "invalid_request_error"))

    def _check_key(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        if self._key and not hmac.compare_digest(given.encode(), self._key.encode()):
            raise Refusal(401, "the bearer token is missing or wrong", "authentication_error")

    def _plain(self, answer: Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            return web.json_response(await answer(await _body(request)))

        return handle

    def _streaming(
        self, answer: Callable[[web.Request, Mapping[str, Any]], Awaitable[web.StreamResponse]]
    ) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            body = await _body(request)
            if self._busy >= self._bounds.requests:
                words = f"{self._busy} requests are being answered; ask again in a while"
                raise Refusal(429, words, "rate_limit_exceeded", 2.0)
            self._busy += 1
            try:
                return await answer(request, body)
            finally:
                self._busy -= 1

        return handle

    async def _chat(self, request: web.Request, body: Mapping[str, Any]) -> web.StreamResponse:
        wanted = text_of(body, "model")
        if wanted in ("", self._model.model):
            return await self._model.chat(request, body)
        user = text_of(body, "user", longest=128)
        character = await self._cast.find(wanted, user) if self._cast else None
        if self._cast is None or character is None:
            raise self._unknown(wanted, await self._rows(user))
        return await self._cast.chat(request, body, character)

    def _unknown(self, wanted: str, rows: list[dict[str, Any]]) -> Refusal:
        names = ", ".join(row["id"] for row in rows)
        return Refusal(404, f"there is no model {wanted!r}; there are: {names}", "not_found_error")

    async def _rows(self, user: str) -> list[dict[str, Any]]:
        base = {"object": "model", "created": self._since, "owned_by": "mrp"}
        context = {"max_model_len": self._voice.engine.context}
        rows = [{"id": self._model.model, **base, **context}]
        cast = await self._cast.rows(user) if self._cast else []
        return rows + [{**base, **row} for row in cast]

    async def _models(self, request: web.Request) -> web.Response:
        rows = await self._rows(_user(request))
        return web.json_response({"object": "list", "data": rows})

    async def _one_model(self, request: web.Request) -> web.Response:
        wanted = request.match_info["model"]
        rows = await self._rows(_user(request))
        for row in rows:
            if row["id"] == wanted:
                return web.json_response(row)
        raise self._unknown(wanted, rows)

    async def _props(self, request: web.Request) -> web.Response:
        return web.json_response(self._model.props())

    async def _health(self, request: web.Request) -> web.Response:
        failure = self._voice.engine.failure
        if failure is None:
            return web.json_response({"status": "ok"})
        return web.json_response({"status": "error", "error": str(failure)}, status=503)


def _user(request: web.Request) -> str:
    """Whose models are asked for (`?user=NAME`); "" for those of everybody."""
    return text_of(request.query, "user", longest=128)


async def _body(request: web.Request) -> Mapping[str, Any]:
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError):
        raise BadBody("the body is no JSON") from None
    if not isinstance(body, dict):
        raise BadBody("the body must be a JSON object")
    return body


async def listen(endpoint: Endpoint, address: str, *, key: str) -> web.AppRunner:
    """Answer at HOST:PORT until `runner.cleanup()`.

    Raises:
        EndpointProblem: the address is none, is taken, or is open to others without a key.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not port.isdecimal() or int(port) > 65535:
        raise EndpointProblem(f"{address!r} is no HOST:PORT to listen on, such as 127.0.0.1:8080")
    if host not in LOCAL and not key:
        raise EndpointProblem(
            f"{address} can be reached by others: put a key into MRP_ENGINE_KEY (or name a file "
            "that holds one in MRP_ENGINE_KEY_FILE), or listen on 127.0.0.1"
        )
    # A caller that goes away ends what is written for it.
    runner = web.AppRunner(
        endpoint.app(), access_log=None, handler_cancellation=True, shutdown_timeout=5.0
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, int(port)).start()
    except OSError as problem:
        await runner.cleanup()
        why = problem.strerror or str(problem)
        raise EndpointProblem(f"{address} cannot be listened on: {why}") from problem
    return runner


async def until_it_fails(voice: Voice) -> None:
    """Wait until the engine has failed for good.

    Raises:
        EndpointProblem: always; until then it waits.
    """
    while voice.engine.failure is None:
        await asyncio.sleep(0.5)
    raise EndpointProblem(f"the engine has stopped for good: {voice.engine.failure}; start it anew")
