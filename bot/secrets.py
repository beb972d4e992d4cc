"""Secrets: read from the environment or a file named there, and kept out of what is shown.

secret(os.environ, "REDIS_PASSWORD")     REDIS_PASSWORD, or the file in REDIS_PASSWORD_FILE
redis_url(os.environ)                    REDIS_URL with that password in it, or None
redact("… 123456:AAH… …")                tokens and known secrets as <secret>
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from bot.platforms import registry

HIDDEN = "<secret>"

_PASSWORD_IN_URL = r"(?<=://)[^\s/@]*:[^\s/@]+(?=@)|(?<=sentinel_password=)[^\s&'\"]+"


class SecretProblem(RuntimeError):
    """A file that should hold a secret cannot be read; the message names the variable and file."""

    for_user = True


def secret(environment: Mapping[str, str], name: str) -> str | None:
    """The value of `name`, or what the file in `name`_FILE holds; None where neither is set.

    Raises:
        SecretProblem: the file cannot be read, or is empty.
    """
    if value := environment.get(name, "").strip():
        return value
    file = environment.get(f"{name}_FILE", "").strip()
    if not file:
        return None
    try:
        value = Path(file).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        why = getattr(problem, "strerror", None) or "it is no text"
        raise SecretProblem(f"{name}_FILE cannot be read: {why}: {file}") from None
    if not value:
        raise SecretProblem(f"{name}_FILE names an empty file: {file}")
    return value


def without_empty(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without …_TOKEN_FILE whose file is empty: a platform that is not wanted.

    docker-compose.yml names a file for every platform, as a secret must exist there.
    """

    def empty(key: str, value: str) -> bool:
        if not re.fullmatch(r"\w+_TOKEN(_\w+)?_FILE", key):
            return False
        try:
            return not Path(value).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return False  # whoever needs it says what is wrong

    return {key: value for key, value in environment.items() if not empty(key, value)}


def redis_url(environment: Mapping[str, str]) -> str | None:
    """REDIS_URL (or REDIS_URL_FILE), with the password of REDIS_PASSWORD(_FILE) where it has none.

    Raises:
        SecretProblem: a file cannot be read.
    """
    url = secret(environment, "REDIS_URL")
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme == "unix" or parts.password is not None or not parts.hostname:
        return url
    password = secret(environment, "REDIS_PASSWORD")
    if password is None:
        return url
    where = parts.netloc.rpartition("@")[2]
    user = parts.username or ""
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{where}"))


def known(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The secrets that the environment names, longest first, for `redact`."""
    found: set[str] = set()
    for key in environment:
        if not re.search(r"TOKEN|PASSWORD|SECRET|KEY", key):
            continue
        try:
            value = secret(environment, key.removesuffix("_FILE"))
        except SecretProblem:
            continue  # whoever needs it says so
        if value and len(value) >= 8:
            found |= {value, quote(value, safe="")}
    return tuple(sorted(found, key=len, reverse=True))


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without `secrets` and without anything that has the shape of a platform's token."""
    for each in secrets:
        text = text.replace(each, HIDDEN)
    shapes = tuple(row.token for row in registry.PLATFORMS if row.token)
    return _pattern(shapes).sub(HIDDEN, text)


@functools.cache
def _pattern(shapes: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join((*shapes, _PASSWORD_IN_URL)))
