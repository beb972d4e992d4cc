"""Logging: one line an event, as text or JSON; never what people write, never a secret.

    set_up("info", form="json")
    log.info("a reply is done", extra={"room": "discord:1", "tokens": 41})

    {"at": "2026-11-21T12:00:00.123Z", "level": "info", "from": "bot.room", "says": "a reply is
     done", "room": "discord:1", "tokens": 41}

Our own loggers write no message text. Others might: what a library says below `warning` is
left out unless it is asked for, and of an exception only its kind and the places it went through
are written, not its words, which may quote somebody (`texts=True` writes them). Tokens and
passwords that the environment names, and all that looks like one, are replaced by <secret>.
"""

from __future__ import annotations

import argparse
import datetime
import json
import logging
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Literal, TextIO

from bot.secrets import known, redact

Form = Literal["text", "json"]
LEVELS = ("debug", "info", "warning", "error")

# Loggers of ours; all others are libraries.
_OURS = ("bot", "canon", "characters", "engine", "mrp")
_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class Formatter(logging.Formatter):
    """See the module. `secrets` are replaced wherever they stand."""

    def __init__(self, form: Form, *, texts: bool = False, secrets: Sequence[str] = ()) -> None:
        super().__init__()
        self._form, self._texts, self._secrets = form, texts, tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        row: dict[str, object] = {
            "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "from": record.name,
            "says": redact(record.getMessage(), self._secrets),
        }
        for key, value in vars(record).items():
            if key not in _PLAIN:
                plain = value if isinstance(value, int | float | None) else str(value)
                row[key] = redact(plain, self._secrets) if isinstance(plain, str) else plain
        if record.exc_info and record.exc_info[1] is not None:
            row["problem"] = redact(self._problem(record.exc_info[1]), self._secrets)
        elif record.exc_text:
            row["problem"] = redact(record.exc_text if self._texts else "(hidden)", self._secrets)
        if self._form == "json":
            return json.dumps(row, ensure_ascii=False)
        more = " ".join(f"{key}={row[key]}" for key in list(row)[4:] if key != "problem")
        line = f"{row['at']} {row['level']:<7} {row['from']}: {row['says']} {more}".rstrip()
        return f"{line}\n{row['problem']}" if "problem" in row else line

    def _problem(self, problem: BaseException) -> str:
        if self._texts:
            return "".join(traceback.format_exception(problem)).rstrip()
        chain: list[str] = []
        seen: set[int] = set()
        current: BaseException | None = problem
        while current is not None and id(current) not in seen:
            seen.add(id(current))
            places = " < ".join(
                f"{_short(frame.filename)}:{frame.lineno} {frame.name}"
                for frame in reversed(traceback.extract_tb(current.__traceback__))
            )
            # What is meant for the user is one sentence of ours.
            words = f" ({current})" if getattr(current, "for_user", False) else ""
            chain.append(f"{type(current).__name__}{words} at {places or 'nowhere'}")
            current = current.__cause__ or current.__context__
        return "; from ".join(chain)


class _Quiet(logging.Filter):
    """Lets a library speak from `level` on."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self._level = level

    def filter(self, record: logging.LogRecord) -> bool:
        ours = record.name.split(".")[0] in _OURS
        return ours or record.levelno >= self._level


def add_options(parser: argparse.ArgumentParser) -> None:
    """`--log` and `--logs`, which `set_up` takes."""
    parser.add_argument(
        "--log",
        choices=LEVELS,
        default=os.environ.get("MRP_LOG", "info"),
        help="how much is logged; never what people write (default: MRP_LOG, or info)",
    )
    parser.add_argument(
        "--logs",
        choices=("text", "json"),
        default=os.environ.get("MRP_LOGS", "text"),
        help="lines as text or as JSON (default: MRP_LOGS, or text)",
    )


def set_up(
    level: str = "info",
    *,
    form: Form = "text",
    texts: bool = False,
    libraries: str = "warning",
    environment: Mapping[str, str] = os.environ,
    stream: TextIO | None = None,
) -> logging.Handler:
    """Make the root logger write lines to `stream` (standard error) and return its handler."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(Formatter(form, texts=texts, secrets=known(environment)))
    handler.addFilter(_Quiet(getattr(logging, libraries.upper())))
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each.formatter, Formatter)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(getattr(logging, level.upper()))
    return handler


def _short(file: str) -> str:
    return "/".join(file.replace("\\", "/").split("/")[-2:])
