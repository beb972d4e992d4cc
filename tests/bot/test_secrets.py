"""Secrets come from the environment or a file, and stay out of what is shown."""

import pytest

from bot.secrets import HIDDEN, SecretProblem, known, redact, redis_url, secret, without_empty

DISCORD = "MTA1234567890123456789012.GabcdE." + "x" * 38
TELEGRAM = "123456789:" + "A" * 35


def test_a_value_goes_before_a_file(tmp_path):
    file = tmp_path / "token"
    file.write_text(" from-file \n", encoding="utf-8")
    assert secret({"A_TOKEN_FILE": str(file)}, "A_TOKEN") == "from-file"
    assert secret({"A_TOKEN_FILE": str(file), "A_TOKEN": "given"}, "A_TOKEN") == "given"
    assert secret({}, "A_TOKEN") is None


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"])
def test_a_file_that_holds_no_secret_is_named(tmp_path, content):
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SecretProblem, match="A_TOKEN_FILE") as told:
        secret({"A_TOKEN_FILE": str(file)}, "A_TOKEN")
    assert str(file) in str(told.value)


def test_an_empty_token_file_means_a_platform_is_not_wanted(tmp_path):
    empty, full = tmp_path / "a", tmp_path / "b"
    empty.write_text("")
    full.write_text("x")
    left = without_empty({"A_TOKEN_FILE": str(empty), "B_TOKEN_FILE": str(full), "C": "1"})
    assert left == {"B_TOKEN_FILE": str(full), "C": "1"}


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("redis://host:6379/0", "redis://:p%40ss@host:6379/0"),
        ("redis://me@host", "redis://me:p%40ss@host"),
        ("redis://me:own@host", "redis://me:own@host"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
    ],
)
def test_redis_gets_its_password(url, whole):
    assert redis_url({"REDIS_URL": url, "REDIS_PASSWORD": "p@ss"}) == whole


@pytest.mark.parametrize(
    "text",
    [
        f"login with {DISCORD} failed",
        f"GET /bot{TELEGRAM}/getUpdates",
        "https://discord.com/api/webhooks/123456789012345678/" + "w" * 68,
        "redis://me:hunter2@host",
        "redis+cluster://:hunter2@a:7000,b:7000",
        "redis+sentinel://a/mrp?sentinel_password=hunter2&db=1",
    ],
)
def test_what_looks_like_a_token_is_never_shown(text):
    shown = redact(text)
    assert HIDDEN in shown
    for part in (DISCORD, TELEGRAM, "w" * 68, "hunter2"):
        assert part not in shown


def test_known_secrets_are_hidden_quoted_too():
    secrets = known({"MY_SECRET": "s3cr3t/with", "REDIS_PASSWORD": "short", "HOME": "/home/me"})
    assert redact("a s3cr3t/with b s3cr3t%2Fwith", secrets) == f"a {HIDDEN} b {HIDDEN}"
