"""Addresses of servers as people write them."""

import pytest

from engine.remote.address import address, addresses
from engine.sequence import EngineError


@pytest.mark.parametrize(
    ("text", "base", "api"),
    [
        ("http://gpu:8080", "http://gpu:8080", "http://gpu:8080/v1"),
        ("http://gpu:8080/", "http://gpu:8080", "http://gpu:8080/v1"),
        ("http://gpu:8080/v1/", "http://gpu:8080", "http://gpu:8080/v1"),
        ("https://host/api/v1", "https://host/api", "https://host/api/v1"),
        ("https://host/paas/v4", "https://host/paas/v4", "https://host/paas/v4"),
        ("http://[::1]:80/v1", "http://[::1]:80", "http://[::1]:80/v1"),
    ],
)
def test_forms(text, base, api):
    assert (address(text).base, address(text).api) == (base, api)


@pytest.mark.parametrize(
    "text", ["gpu:8080", "ftp://x", "http://", "http://x:port", "", "http://x:99999"]
)
def test_no_address(text):
    with pytest.raises(EngineError, match="--engine"):
        address(text)


@pytest.mark.parametrize("text", ["http://me:s3cret@gpu/v1", "https://gpu/v1?key=s3cret"])
def test_a_secret_does_not_belong_there_and_is_not_repeated(text):
    with pytest.raises(EngineError, match="MRP_ENGINE_KEY") as raised:
        address(text)
    assert "s3cret" not in str(raised.value)


def test_several():
    found = addresses(["http://a, http://b/v1", "http://b"])
    assert [each.name for each in found] == ["a", "b"]
    assert [address(t).plain for t in ("http://a", "https://a", "http://127.0.0.1:1")] == [
        *(True, False, False),
    ]
