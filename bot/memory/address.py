"""Where Redis is: REDIS_URL as a value, for a single server, a cluster, and Sentinel.

    redis://[USER:PASSWORD@]HOST:6379/0               one server; or a cluster, which it says itself
    redis+cluster://[USER:PASSWORD@]A:7000,B:7000     a cluster, and several of its nodes to ask
    redis+sentinel://[USER:PASSWORD@]A:26379,B:26379/NAME[/0]   the primary that Sentinel calls NAME
    unix:///run/redis.sock

`rediss` in place of `redis` means TLS. After a `?` may stand, joined by `&`, the options of TLS:
ssl_ca_certs=FILE (the CA that signed the server's certificate, where it is an own one),
ssl_certfile=FILE and ssl_keyfile=FILE (the client's certificate and its key) and
ssl_check_hostname=false; sentinel_username and sentinel_password, where Sentinel has others than
its servers; and what else redis-py reads there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

import redis.asyncio

FORM = (
    "REDIS_URL is not a Redis address; it looks like redis://HOST:6379/0, "
    "redis+cluster://HOST:7000,HOST:7001 or redis+sentinel://HOST:26379,HOST:26379/NAME"
)

Kind = Literal["server", "cluster", "sentinel"]

_PORTS: dict[Kind, int] = {"server": 6379, "cluster": 6379, "sentinel": 26379}
_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_SCHEME = re.compile(r"(rediss?)(?:\+(cluster|sentinel))?://", re.IGNORECASE)


class AddressProblem(ValueError):
    """REDIS_URL cannot be meant; the message is one sentence that holds no password."""


@dataclass(frozen=True, slots=True)
class Address:
    """One REDIS_URL. `kind` "server" may turn out to be a node of a cluster (see `server`).

    `hosts` are (host, port) to ask first, none where `path` names a socket; `service` is Sentinel's
    name of the primary; `options` are redis-py's keyword arguments: user, password, database, TLS.
    """

    kind: Kind
    hosts: tuple[tuple[str, int], ...] = ()
    path: str = ""
    service: str = ""
    tls: bool = False
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    sentinel_options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def where(self) -> str:
        """For people to read; holds no password."""
        if self.path:
            return self.path
        hosts = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
                         for host, port in self.hosts)  # fmt: skip
        return f"{self.service} by Sentinel at {hosts}" if self.service else hosts


def parse(url: str) -> Address:
    """Read a REDIS_URL.

    Raises:
        AddressProblem: it is none, or names a file that is not there.
    """
    if url.lower().startswith("unix://"):
        options = dict(_redis_py(url))
        options.pop("connection_class", None)
        return Address("server", path=str(options.pop("path", "")), options=options)
    scheme = _SCHEME.match(url)
    if scheme is None:
        raise AddressProblem(FORM)
    rest, _, query = url[scheme.end() :].partition("?")
    where, _, path = rest.partition("/")
    user, at, places = where.rpartition("@")
    named = scheme[2].lower() if scheme[2] else "cluster" if "," in places else "server"
    kind: Kind = (
        "cluster" if named == "cluster" else "sentinel" if named == "sentinel" else "server"
    )
    hosts = tuple(_host(place, _PORTS[kind]) for place in (places or "localhost").split(","))
    service, _, db = path.partition("/") if kind == "sentinel" else ("", "", path)
    if kind == "sentinel" and not service:
        raise AddressProblem(
            "REDIS_URL names no primary: write redis+sentinel://HOST:26379/NAME, with the NAME "
            "that sentinel.conf gives it after `sentinel monitor`"
        )
    # The rest is what redis-py reads itself, of one host.
    options = dict(_redis_py(f"redis://{user}{at}localhost/{db.strip('/')}?{query}"))
    options.pop("host", None)
    options.pop("connection_class", None)
    if db.strip("/") and not db.strip("/").isdecimal():
        raise AddressProblem(f"REDIS_URL names database {unquote(db)!r}, which is not a number")
    if kind == "cluster" and options.pop("db", 0):
        raise AddressProblem(
            "a Redis Cluster has database 0 only: take the number out of REDIS_URL"
        )
    tls = scheme[1].lower() == "rediss"
    for name in _FILES:
        if name in options and not Path(str(options[name])).is_file():
            raise AddressProblem(f"{name} in REDIS_URL names no file: {options[name]}")
        if name in options and not tls:
            raise AddressProblem(f"{name} in REDIS_URL is for TLS: begin it with rediss")
    if kind != "sentinel":
        return Address(kind, hosts, tls=tls, options=options)
    sentinel: dict[str, Any] = {}
    for key in ("username", "password"):
        value = options.pop(f"sentinel_{key}", options.get(key))
        if value is not None:
            sentinel[key] = value
    sentinel |= {key: value for key, value in options.items() if key.startswith("ssl_")}
    return Address(kind, hosts, "", unquote(service), tls, options, sentinel)


def _redis_py(url: str) -> Mapping[str, Any]:
    try:
        return redis.asyncio.connection.parse_url(url)
    except ValueError as problem:
        raise AddressProblem(FORM) from problem


def _host(place: str, usual: int) -> tuple[str, int]:
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.%]+)\]|([^:\s\[\]]*))(?::(\d{1,5}))?", place)
    if found is None or int(found[3] or 0) > 65535:
        raise AddressProblem(f"{place!r} in REDIS_URL is not HOST:PORT")
    return unquote(found[1] or found[2] or "localhost"), int(found[3] or usual)
