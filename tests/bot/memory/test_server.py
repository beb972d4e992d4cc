"""A Redis that somebody else runs."""

import pytest

from bot.memory import MemoryProblem, Server


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("redis://:secret@redis:6380/0", "redis:6380"),
        ("redis://127.0.0.1", "127.0.0.1:6379"),
        ("unix:///run/redis.sock", "/run/redis.sock"),
        ("rediss://user:secret@host/1", "host:6379"),
    ],
)
def test_it_is_named_without_its_password(url, where):
    server = Server(url)
    assert server.where == where
    assert not server.embedded
    assert server.start()  # clients are made once
    assert not server.start()
    server.stop()


@pytest.mark.parametrize("url", ["", "localhost", "http://x", "redis//x"])
def test_what_is_no_address_is_one_sentence(url):
    with pytest.raises(MemoryProblem, match="redis://HOST:6379/0"):
        Server(url)
