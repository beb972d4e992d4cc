"""Where the pages listen, and where people find them."""

import pytest

from bot.platforms.protocol import PlatformProblem
from bot.platforms.studio.addresses import addresses, host_of


@pytest.mark.parametrize(
    ("listen", "url", "found"),
    [
        ("127.0.0.1:8642", "", ("http://127.0.0.1:8642", "")),
        (":9", "", ("http://127.0.0.1:9", "")),
        ("0.0.0.0:80", "", ("http://127.0.0.1:80", "")),
        ("[::1]:80", "", ("http://[::1]:80", "")),
        ("127.0.0.1:1", "https://example.org", ("https://example.org", "")),
        ("127.0.0.1:1", "https://example.org/mrp/", ("https://example.org/mrp", "/mrp")),
        ("127.0.0.1:1", "https://example.org:8443/a/b", ("https://example.org:8443/a/b", "/a/b")),
    ],
)
def test_addresses(listen, url, found):
    made = addresses(listen, url)
    assert (made.url, made.base) == found
    assert made.secure == made.url.startswith("https")
    assert "127.0.0.1" in made.hosts


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("x", ""),
        ("127.0.0.1:99999", ""),
        ("127.0.0.1:port", ""),
        ("127.0.0.1:1", "example.org"),
        ("127.0.0.1:1", "ftp://example.org"),
        ("127.0.0.1:1", "https://"),
        ("127.0.0.1:1", "https://example.org/?a=b"),
        ("127.0.0.1:1", "https://example.org/{x}"),
        ("127.0.0.1:1", "https://example.org:port/"),
        ("127.0.0.1:1", "https://[::1/"),
    ],
)
def test_what_is_no_address_is_said_in_a_sentence(listen, url):
    with pytest.raises(PlatformProblem, match="MRP_STUDIO") as problem:
        addresses(listen, url)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize(
    ("header", "host"),
    [("a.b:1", "a.b"), ("A.b", "a.b"), ("[::1]:80", "::1"), ("", ""), ("[", "")],
)
def test_the_name_in_a_host_header(header, host):
    assert host_of(header) == host
