"""A transcript as Markdown: a heading, the setting, a paragraph for each line."""

from __future__ import annotations

import re

from bot.transcripts import Transcript

# Whatever means something in CommonMark or in GitHub's dialect of it; entities and HTML too.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~&$:@=^])")


def write(told: Transcript) -> bytes:
    """The file, UTF-8."""
    colon = "：" if told.language == "zh" else ": "
    setting = "；".join(filter(None, (told.place, told.mood)))
    rows = [f"# {escaped(told.title)}", ""]
    if setting and setting != told.title:
        rows += [f"*{escaped(setting)}*", ""]
    for entry in told.entries:
        text = "  \n".join(escaped(line.strip()) for line in entry.text.strip().split("\n"))
        if entry.side == "narration":
            rows += [f"> {text.replace(chr(10), chr(10) + '> ')}", ""]
        else:
            rows += [f"**{escaped(entry.name)}**{colon}{text}", ""]
    return "\n".join(rows).encode()


def escaped(text: str) -> str:
    """A text in which nothing is markup."""
    return _SPECIAL.sub(r"\\\1", text)
