"""HTTP to one model server: JSON, and streams of JSON events. Every refusal becomes one sentence.

What may help to try again is an `Away`; everything else is an `EngineError` as it stands.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import json
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import aiohttp

from engine.remote.address import Address
from engine.remote.sse import Events, NotEvents
from engine.sequence import BadRequest, EngineError, PromptTooLong

CONNECT_S = 10.0
SILENCE_S = 300.0  # a long prompt on a CPU: nothing may come for minutes
LONGEST_WAIT_S = 120.0  # of a Retry-After; what asks for more is taken for this much
_DONE = "[DONE]"


class Away(EngineError):
    """The server does not answer now, or asks to be left alone for `wait` seconds (None: it does
    not say). To ask again is safe while nothing of its answer was used."""

    def __init__(self, message: str, wait: float | None = None, *, loading: bool = False) -> None:
        super().__init__(message)
        self.wait = wait
        self.loading = loading  # it is there, and not ready yet


class ContextShorter(PromptTooLong):
    """The server's context is shorter than was thought: `limit` tokens (0: it does not say)."""

    def __init__(self, message: str, limit: int = 0) -> None:
        super().__init__(message)
        self.limit = limit


class Missing(EngineError):
    """The server has no such route."""


class Connection:
    """One server. `key` goes into the Authorization header and nowhere else; `heard` is when the
    server last answered (`time.monotonic`)."""

    def __init__(self, session: aiohttp.ClientSession, address: Address, key: str = "") -> None:
        self.address = address
        self.heard = 0.0
        self._session = session
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    async def json(self, url: str, body: object = None, *, patience: float = 60.0) -> Any:
        """The JSON answer to a GET, or to a POST of `body`, within `patience` seconds.

        Raises:
            Away: it may work in a while.
            Missing: there is no such route.
            EngineError: it refuses, or what it says is no JSON.
        """
        timeout = aiohttp.ClientTimeout(total=patience, sock_connect=CONNECT_S)
        async with self._asked(url, body, timeout) as answer:
            raw = await answer.read()
        try:
            return json.loads(raw)
        except ValueError:
            raise self._no_model(answer, raw) from None

    async def stream(self, url: str, body: object) -> AsyncGenerator[dict[str, Any], None]:
        """The events that answer a POST; the one that says that all is done is empty. Closing the
        iterator closes the connection.

        Raises:
            Away, EngineError: as `json` does; an Away also where the stream breaks off.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=SILENCE_S)
        async with self._asked(url, body, timeout) as answer:
            if answer.content_type != "text/event-stream":
                raw = await answer.content.read(1 << 20)
                yield self._whole(answer, raw)
                return
            events = Events()
            try:
                async for chunk in answer.content.iter_any():
                    self.heard = time.monotonic()
                    for data in events.push(chunk):
                        yield self._event(data)
                for data in events.end():
                    yield self._event(data)
            except NotEvents:
                raise EngineError(f"{self.address.name} sends no event stream") from None

    @contextlib.asynccontextmanager
    async def _asked(
        self, url: str, body: object, timeout: aiohttp.ClientTimeout
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        name = self.address.name
        try:
            async with await self._begun(url, body, timeout) as answer:
                if answer.status != 200:
                    raise self._refused(answer, await answer.content.read(1 << 16))
                self.heard = time.monotonic()
                yield answer
        except aiohttp.ClientConnectorCertificateError:
            raise EngineError(
                f"the certificate of {name} is not signed by an authority that this machine trusts "
                "(a self-signed one?); name its authority's file with SSL_CERT_FILE"
            ) from None
        except (aiohttp.ClientConnectorSSLError, aiohttp.ClientSSLError):
            raise EngineError(
                f"{name} speaks no TLS that works here; is it http:// instead of https://?"
            ) from None
        except aiohttp.ClientConnectorError as problem:
            why = problem.strerror or "no route"
            raise Away(f"the model's server {name} cannot be reached: {why}") from None
        except TimeoutError:
            raise Away(f"the model's server {name} does not answer in time") from None
        except (aiohttp.ClientError, ConnectionError, asyncio.IncompleteReadError) as problem:
            # Its own words may hold the address and what was sent.
            raise Away(f"the model's server {name} broke off ({type(problem).__name__})") from None

    async def _begun(
        self, url: str, body: object, timeout: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        """The head of an answer. A server may close a kept connection at the moment in which it is
        used again, so what breaks off before a head is sent once more."""
        method = "GET" if body is None else "POST"
        again = True
        while True:
            try:
                return await self._session.request(
                    method, url, json=body, headers=self._headers, timeout=timeout,
                    allow_redirects=False,  # the key is for this server alone
                )  # fmt: skip
            except aiohttp.ClientConnectorError:
                raise
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                if not again:
                    raise
                again = False

    def _event(self, data: str) -> dict[str, Any]:
        if data.strip() == _DONE:
            return {}
        try:
            event = json.loads(data)
        except ValueError:
            raise Away(f"the model's server {self.address.name} sent half an event") from None
        if not isinstance(event, dict):
            raise EngineError(f"{self.address.name} sent an event that is no JSON object")
        if trouble := event.get("error"):
            raise self._told(*_error(trouble), _code(trouble))
        return event

    def _whole(self, answer: aiohttp.ClientResponse, raw: bytes) -> dict[str, Any]:
        """An answer in one piece, from a server that does not stream."""
        try:
            event = json.loads(raw)
        except ValueError:
            raise self._no_model(answer, raw) from None
        if not isinstance(event, dict):
            raise self._no_model(answer, raw)
        if trouble := event.get("error"):
            raise self._told(*_error(trouble), _code(trouble))
        return event

    def _no_model(self, answer: aiohttp.ClientResponse, raw: bytes) -> EngineError:
        html = answer.content_type == "text/html" or raw.lstrip()[:1] == b"<"
        what = "with a web page" if html else "with something that is no JSON"
        return EngineError(
            f"{self.address.name} answers {what}, not as a model's server does; is the address "
            "right (it mostly ends in /v1)?"
        )

    def _refused(self, answer: aiohttp.ClientResponse, raw: bytes) -> EngineError:
        name, status = self.address.name, answer.status
        told, kind, limit = "", "", 0
        with contextlib.suppress(ValueError, AttributeError):
            told, kind, limit = _error(json.loads(raw))
        if status in (401, 403):
            return EngineError(
                f"{name} refuses the key (HTTP {status}); put one that it takes into "
                "MRP_ENGINE_KEY, or into a file named by MRP_ENGINE_KEY_FILE"
            )
        if status == 429 or status in (408, 425, 502, 503, 504):
            wait = _retry_after(answer.headers.get("Retry-After", ""))
            busy = "has too much to do" if status == 429 else "is not ready"
            words = f"the model's server {name} {busy} (HTTP {status})"
            return Away(words, wait, loading=status == 503)
        if status in (404, 405) and not told.lower().count("model"):
            return Missing(f"{name} has no {answer.url.path} (HTTP {status})")
        if 300 <= status < 400:
            return EngineError(
                f"{name} sends one elsewhere (HTTP {status}); give the address that it names itself"
            )
        return self._told(told or _text(raw, answer.content_type), kind, limit, status)

    def _told(self, told: str, kind: str, limit: int, status: int) -> EngineError:
        name = self.address.name
        # With 500 it is the cache that all rooms share which is full: a shorter prompt is no help.
        if "context" in kind or (status < 500 and _TOO_LONG.search(told)):
            limit = limit or next((int(n) for n in re.findall(r"\d{3,}", told)), 0)
            shown = f" of {limit} tokens" if limit else ""
            return ContextShorter(
                f"the prompt does not fit into the context{shown} of {name}; what is read of the "
                "talk gets shorter from now on",
                limit,
            )
        said = f"{name} says: {told}" if told else f"{name} answers HTTP {status}"
        return BadRequest(said) if 400 <= status < 500 else EngineError(said)


_TOO_LONG = re.compile(
    r"maximum context length|context (?:size|length|window)|exceeds? .{0,40}context"
    r"|too many tokens",
    re.IGNORECASE,
)


def _error(told: Any) -> tuple[str, str, int]:
    """The message, kind and context length of an error, in any of the servers' forms."""
    told = told.get("error", told) if isinstance(told, dict) else told
    if isinstance(told, dict):
        message = told.get("message") or told.get("detail") or ""
        kind = f"{told.get('type') or ''} {told.get('code') or ''}"
        limit = told.get("n_ctx")
        return _short(message), kind, limit if isinstance(limit, int) else 0
    return _short(told), "", 0


def _code(told: Any) -> int:
    """The status that an error amid a stream names."""
    code = told.get("code") if isinstance(told, dict) else None
    return code if isinstance(code, int) and 400 <= code < 600 else 500


def _text(raw: bytes, content_type: str) -> str:
    return "" if content_type == "text/html" else _short(raw.decode("utf-8", "replace"))


def _short(told: object) -> str:
    """A server's words, on one line and not too many; nothing that a terminal would obey."""
    words = " ".join(str(told).split())
    return "".join(c for c in words if c.isprintable())[:200]


def _retry_after(value: str) -> float | None:
    """Seconds, of a Retry-After that has seconds or a date; None where it says nothing."""
    with contextlib.suppress(ValueError):
        return min(LONGEST_WAIT_S, max(0.0, float(value)))
    with contextlib.suppress(ValueError):
        when = email.utils.parsedate_to_datetime(value)
        return min(LONGEST_WAIT_S, max(0.0, when.timestamp() - time.time()))
    return None
