"""REDIS_URL as a value."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.memory.address import AddressProblem, parse


def test_one_server():
    found = parse("redis://me:p%40ss@host:6380/3")
    assert (found.kind, found.hosts, found.tls) == ("server", (("host", 6380),), False)
    assert dict(found.options) == {"username": "me", "password": "p@ss", "db": 3}
    assert parse("redis://127.0.0.1").where == "127.0.0.1:6379"
    assert parse("redis://").hosts == (("localhost", 6379),)
    assert parse("redis://[::1]:7000").where == "[::1]:7000"


def test_a_cluster_by_its_name_or_by_several_hosts():
    for url in ("redis+cluster://:s@a:7000,b", "redis://:s@a:7000,b"):
        found = parse(url)
        assert found.kind == "cluster"
        assert found.hosts == (("a", 7000), ("b", 6379))
        assert found.where == "a:7000,b:6379"
        assert dict(found.options) == {"password": "s"}
    assert parse("redis+cluster://a/0").hosts == (("a", 6379),)


def test_sentinel():
    found = parse("redis+sentinel://me:s@a,b:7/mrp/2?sentinel_password=t")
    assert (found.kind, found.service) == ("sentinel", "mrp")
    assert found.hosts == (("a", 26379), ("b", 7))
    assert dict(found.options) == {"username": "me", "password": "s", "db": 2}
    assert dict(found.sentinel_options) == {"username": "me", "password": "t"}
    assert found.where == "mrp by Sentinel at a:26379,b:7"


@pytest.mark.parametrize(
    "scheme", ["rediss://host", "rediss+cluster://host", "REDISS+sentinel://host/mrp"]
)
def test_tls_with_its_files(scheme: str, tmp_path: Path):
    ca = tmp_path / "ca.pem"
    ca.write_text("")
    found = parse(f"{scheme}?ssl_ca_certs={ca}&ssl_check_hostname=false")
    assert found.tls
    assert found.options["ssl_ca_certs"] == str(ca)
    assert found.options["ssl_check_hostname"] is False
    if found.kind == "sentinel":
        assert found.sentinel_options["ssl_ca_certs"] == str(ca)
    with pytest.raises(AddressProblem, match=r"ssl_certfile .* names no file"):
        parse(f"{scheme}?ssl_certfile={tmp_path / 'none.pem'}")
    with pytest.raises(AddressProblem, match="rediss"):
        parse(f"{scheme.lower().replace('rediss', 'redis')}?ssl_ca_certs={ca}")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "redis://HOST:6379/0"),
        ("localhost", "redis://HOST:6379/0"),
        ("http://secret@x", "redis://HOST:6379/0"),
        ("redis//x", "redis://HOST:6379/0"),
        ("redis+other://x", "redis://HOST:6379/0"),
        ("redis://secret@host:port", "HOST:PORT"),
        ("redis://host:99999", "HOST:PORT"),
        ("redis+cluster://a:1,b c", "HOST:PORT"),
        ("redis+cluster://a/4", "database 0 only"),
        ("redis://a,b/4", "database 0 only"),
        ("redis://a/four", "not a number"),
        ("redis+sentinel://a", "names no primary"),
        ("redis://a?socket_timeout=soon", "redis://HOST:6379/0"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(url: str, says: str):
    with pytest.raises(AddressProblem, match=says) as caught:
        parse(url)
    assert "secret" not in str(caught.value)


def test_no_password_is_shown():
    url = "redis+sentinel://u:pw1@a/mrp?sentinel_password=pw2"
    assert "pw" not in repr(parse(url)) + parse(url).where
