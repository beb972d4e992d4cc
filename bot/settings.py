"""Settings that the web pages keep: each is a file that an environment variable would name.

keep("MRP_LIMITS", text)            limits.toml in the settings folder of the data folder
kept("MRP_LIMITS")                  its path, or None
with_tokens(os.environ)             the environment, with DISCORD_TOKEN_FILE where a token is kept

An option or an environment variable always counts before what is kept here. Tokens are files of
their own that only their owner may read; nothing here gives a token back.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from bot.memory.embedded import data_folder
from bot.platforms import registry

# Variable -> the file that is kept for it.
RULES: Mapping[str, str] = {
    "MRP_LIMITS": "limits.toml",
    "MRP_FILTER": "filter.toml",
    "MRP_RIGHTS": "rights.toml",
}
REFUSED = "model-refused"  # which chosen model could not be opened, and why
SEEN = "set-up"  # an empty file: whoever hosts has been through the first steps


class SettingsProblem(RuntimeError):
    """A setting that cannot be written; the message names the file."""

    for_user = True


def folder() -> Path:
    """Where settings are kept; it need not exist."""
    return data_folder() / "settings"


def kept(variable: str) -> Path | None:
    """The file that is kept in place of an environment variable; None without one."""
    file = _file(variable)
    return file if file.is_file() else None


def keep(variable: str, text: str) -> Path:
    """Keep a text under the name of a variable; "" takes it away. Whole or not at all.

    Raises:
        SettingsProblem: it cannot be written.
    """
    file = _file(variable)
    try:
        if not text:
            file.unlink(missing_ok=True)
            return file
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = file.with_name(f".{file.name}.{os.getpid()}.part")
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as out:
            out.write(text)
        os.replace(partial, file)
    except OSError as problem:
        raise SettingsProblem(
            f"{file} cannot be written: {problem.strerror or problem}; name another data folder "
            "with XDG_DATA_HOME"
        ) from problem
    return file


def with_tokens(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment, and the kept token of each platform that it gives none for."""
    found = dict(environment)
    for row in registry.with_tokens():
        file = kept(row.variable)
        if file is not None and not row.wanted(environment):
            found[f"{row.variable}_FILE"] = str(file)
    return found


def _file(variable: str) -> Path:
    return folder() / RULES.get(variable, variable.lower())
