"""Where the pages are: the address they listen on, and the one that people type. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.platforms.protocol import PlatformProblem

LISTEN = "127.0.0.1:8642"


@dataclass(frozen=True, slots=True)
class Addresses:
    """`url` is what people type, without a slash at its end; `base` its path, "" for none; `hosts`
    are the names that a request may be sent to."""

    host: str
    port: int
    url: str
    base: str
    hosts: frozenset[str]

    @property
    def secure(self) -> bool:
        """Whether people come by https, so that cookies may ask for it."""
        return self.url.startswith("https://")


def addresses(listen: str, url: str = "") -> Addresses:
    """Read HOST:PORT and the address that people type, which a proxy may give another path.

    Raises:
        PlatformProblem: one of them is none; the message says how it should look.
    """
    host, _, port = listen.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not port.isdecimal() or int(port) > 65535:
        raise PlatformProblem(
            f"{listen!r} is no HOST:PORT for the studio to listen on, such as {LISTEN} "
            "(--studio, or MRP_STUDIO)"
        )
    shown = f"[{host}]" if ":" in host else host
    if not url:
        at = "127.0.0.1" if host in ("0.0.0.0", "::") else shown
        url = f"http://{at}:{port}"
    try:
        parts = urlsplit(url)
        named = parts.hostname or ""
        _ = parts.port
    except ValueError:
        parts, named = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not named or parts.query or parts.fragment:
        raise PlatformProblem(
            f"{url!r} is no address of the studio, such as https://example.org/mrp "
            "(--studio-url, or MRP_STUDIO_URL)"
        )
    base = parts.path.rstrip("/")
    if any(mark in base for mark in "{}%\\") or "//" in base:
        raise PlatformProblem(
            f"{url!r}: the path of MRP_STUDIO_URL may hold letters, digits, - and / only"
        )
    hosts = {named, "127.0.0.1", "localhost", "::1"}
    hosts |= {host} if host not in ("0.0.0.0", "::") else set()
    return Addresses(
        host, int(port), f"{parts.scheme}://{parts.netloc}{base}", base, frozenset(hosts)
    )


def host_of(header: str) -> str:
    """The name in a Host header, without its port."""
    if header.startswith("["):
        return header[1:].partition("]")[0].casefold()
    return header.partition(":")[0].casefold()
