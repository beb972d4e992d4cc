"""A model server's URL, taken apart: where its native routes and where its /v1 routes are. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from engine.sequence import EngineError


@dataclass(frozen=True, slots=True)
class Address:
    """`base` has the native routes (/props, /tokenize), `api` the OpenAI-compatible ones; `name` is
    what messages call the server: host and port, never a secret."""

    base: str
    api: str
    name: str

    @property
    def plain(self) -> bool:
        """Whether what is sent can be read on the way: HTTP to another machine."""
        return self.base.startswith("http://") and (urlsplit(self.base).hostname or "") not in (
            *("127.0.0.1", "::1", "localhost"),
        )


def addresses(given: Iterable[str]) -> list[Address]:
    """Each URL once; a text may hold several, with commas between them.

    Raises:
        EngineError: one is no URL of a server.
    """
    texts = [part.strip() for text in given for part in text.split(",") if part.strip()]
    return list(dict.fromkeys(address(text) for text in texts))


def address(text: str) -> Address:
    """`http://gpu:8080`, `http://gpu:8080/v1/` and `https://host/some/path/v4` are all fine.

    Raises:
        EngineError: it is no http or https URL, or it holds a password or a query.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.scheme not in ("http", "https") or not host:
        raise EngineError(
            f"--engine {text.rpartition('@')[2]!r} is no address of a server; write it like "
            "http://127.0.0.1:8080 or https://host/v1"
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise EngineError(
            f"--engine: the address of {host} holds more than host and path; a key belongs into "
            "MRP_ENGINE_KEY (or a file named by MRP_ENGINE_KEY_FILE)"
        )
    where = f"[{host}]" if ":" in host else host
    name = f"{where}:{port}" if port else where
    path = parts.path.rstrip("/")
    base = f"{parts.scheme}://{name}{path.removesuffix('/v1')}"
    api = f"{parts.scheme}://{name}{path}" if path else f"{base}/v1"
    return Address(base, api, name)
