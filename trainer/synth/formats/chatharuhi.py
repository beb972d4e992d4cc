"""ChatHaruhi's stories: a folder of scripts, and the rows of its data sets.

    DIR/system_prompt.txt, DIR/texts/*.txt      name:「words」; narrators (旁白, scene) without 「」
    {"dialogue": [{"role": "…", "text": "…"}], "source": "story"}
    {"text": "…"} or {"enc_text": base64, …embedding}, {"system_prompt": "…"}       a role of 2.0
    {"user_role", "user_question", "agent_role", "agent_response", "more_dialogues", …}      54K

In stories nobody is marked as the one whose voice is taught, so the reader is told the role.
Embeddings are kept where a row has them and not made where it has none.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from trainer.synth.error import FormatError
from trainer.synth.formats.dialogue import Dialogue, Utterance
from trainer.synth.formats.rows import (
    list_of,
    objects_of,
    read_rows,
    rest,
    text_of,
    write_lines,
    write_text,
)

NARRATORS = frozenset({"旁白", "scene", "narrator", "Scene", "Narrator"})
_STORY_LINE = re.compile(
    r"^[ \t]*(?P<name>[^\s:：「]{1,30})[ \t]*[:：][ \t]*"
    r"(?:「(?P<said>(?s:.*?))」[ \t]*$|(?P<told>.*)$)",
    re.MULTILINE,
)


def read_folder(path: Path, role: str) -> Iterator[Dialogue]:
    """Every story of a folder; `extra` holds the file's name. Raises FormatError."""
    _told(role, path)
    files = sorted((path / "texts").glob("*.txt"))
    if not files:
        raise FormatError(f"{path}: no texts/*.txt in it; is this a ChatHaruhi character's folder?")
    prompt = path / "system_prompt.txt"
    system = _text(prompt).strip() if prompt.exists() else ""
    for file in files:
        yield Dialogue(tuple(story(_text(file), role)), role, system, {"file": file.name})


def write_folder(path: Path, dialogues: Iterable[Dialogue]) -> int:
    """Write one text file a dialogue; the first system text becomes system_prompt.txt."""
    count = 0
    system = ""
    for count, one in enumerate(dialogues, start=1):
        system = system or one.system
        name = Path(str(one.extra.get("file", f"story-{count:05}.txt"))).name
        write_text(path / "texts" / name, [_script(one)])
    if system:
        write_text(path / "system_prompt.txt", [system])
    return count


def read_jsonl(path: Path, role: str) -> Iterator[Dialogue]:
    """Every dialogue of a file in any of the three row formats. Raises FormatError."""
    system = ""
    for where, row in read_rows(path):
        if "agent_response" in row:
            yield _agent(row, where)
        elif "dialogue" in row:
            _told(role, path)
            lines = [
                Utterance(name, _unquoted(text_of(one, "text", where)), own=name == role)
                for one in objects_of(row, "dialogue", where)
                for name in (text_of(one, "role", where),)
            ]
            yield Dialogue(tuple(lines), role, "", rest(row, "dialogue"))
        elif "text" in row or "enc_text" in row:
            _told(role, path)
            lines = list(story(_decoded(row, where), role))
            yield Dialogue(tuple(lines), role, system, rest(row, "text", "enc_text"))
        elif "system_prompt" in row:
            system = text_of(row, "system_prompt", where)
        elif "config" not in row:
            raise FormatError(f"{where}: none of ChatHaruhi's rows has the keys {sorted(row)[:6]}")


def write_dialogues(path: Path, dialogues: Iterable[Dialogue]) -> int:
    """Write {"dialogue", "source"} rows. Returns how many."""
    return write_lines(
        path,
        (
            {
                "dialogue": [
                    {"role": _name(one, line), "text": _quoted(_name(one, line), line.text)}
                    for line in one.lines
                ],
                "source": "synthesized",
                **one.extra,
            }
            for one in dialogues
        ),
    )


def write_role(path: Path, dialogues: Iterable[Dialogue]) -> int:
    """Write a role of ChatHaruhi 2.0: its system prompt, then its stories without embeddings."""
    found = list(dialogues)
    system = next((one.system for one in found if one.system), "")
    rows: list[dict[str, Any]] = [{"system_prompt": system}] if system else []
    rows += [{"text": _script(one), **one.extra} for one in found]
    write_lines(path, rows)
    return len(found)


def write_agents(path: Path, dialogues: Iterable[Dialogue]) -> int:
    """Write rows as the 54K data set has them. Returns how many; those without an answer are not.

    Raises:
        FormatError: a dialogue in which nobody speaks before the role.
    """
    return write_lines(path, (_agent_row(one) for one in dialogues))


def story(text: str, role: str) -> Iterator[Utterance]:
    """The lines of a script. What stands on no line of its own goes on with the line before."""
    for match in _STORY_LINE.finditer(text):
        said = match["said"] if match["said"] is not None else match["told"]
        if said.strip():
            yield Utterance(match["name"], _unquoted(said.strip()), own=match["name"] == role)


def _agent(row: dict[str, Any], where: str) -> Dialogue:
    role = text_of(row, "agent_role", where)
    asker = text_of(row, "user_role", where)
    lines = [
        Utterance(asker, _unquoted(text_of(row, "user_question", where)), own=asker == role),
        Utterance(role, _unquoted(text_of(row, "agent_response", where)), own=True),
    ]
    for more in list_of(row, "more_dialogues", where) if row.get("more_dialogues") else []:
        if isinstance(more, dict):
            name = text_of(more, "role", where)
            lines.append(Utterance(name, _unquoted(text_of(more, "text", where)), own=name == role))
        elif isinstance(more, str):
            lines += story(more, role)
        else:
            raise FormatError(f"{where}: more_dialogues: must hold texts or objects")
    known = ("user_role", "user_question", "agent_role", "agent_response", "more_dialogues")
    return Dialogue(tuple(lines), role, "", rest(row, *known))


def _agent_row(one: Dialogue) -> dict[str, Any]:
    at = next((n for n, line in enumerate(one.lines) if line.own and n), 0)
    if not at:
        raise FormatError("a dialogue in which nobody speaks before the role has no place in 54K")
    asked, answer = one.lines[at - 1], one.lines[at]
    return {
        "user_role": _name(one, asked),
        "user_question": asked.text,
        "agent_role": _name(one, answer),
        "agent_response": answer.text,
        "question_source": "synthesized",
        "more_dialogues": [_line(one, line) for line in one.lines[at + 1 :]],
        **one.extra,
    }


def _script(one: Dialogue) -> str:
    return "".join(_line(one, line) + "\n" for line in one.lines)


def _line(one: Dialogue, line: Utterance) -> str:
    name = _name(one, line)
    return f"{name}:{_quoted(name, line.text)}"


def _name(one: Dialogue, line: Utterance) -> str:
    return line.name or (one.role if line.own else "某人")


def _quoted(name: str, text: str) -> str:
    return text if name in NARRATORS else f"「{text}」"


def _unquoted(text: str) -> str:
    return text[1:-1] if text.startswith("「") and text.endswith("」") else text


def _decoded(row: dict[str, Any], where: str) -> str:
    if "text" in row:
        return text_of(row, "text", where)
    try:
        return base64.b64decode(text_of(row, "enc_text", where), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as problem:
        raise FormatError(f"{where}: enc_text: not base64 of UTF-8: {problem}") from problem


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise FormatError(f"{file}: cannot be read: {problem}") from problem


def _told(role: str, path: Path) -> None:
    if not role:
        raise FormatError(
            f"{path}: stories do not say whose voice is taught; name the role as the file "
            "spells it with --role"
        )
