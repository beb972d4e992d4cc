"""A scene with three lorebooks on a real model: is lore used by who knows it, and by nobody else?

    python -m benchmarks.lorebooks --model FILE.gguf [--seed 1] [--replies 80]

悟空, 八戒 and 沙僧 are on stage in a town that no novel tells of. What is known there stands in
three books: one for everybody (a world file), one that only 悟空 may know (a character filter), and
one that is 八戒's own. Six secrets are first asked of somebody who may not know them, then ten
questions of somebody who may. An entry counts as used when a reply holds the word that only the
entry has, and as leaked when the first to say that word is one who may not know it. The transcript
is printed with the entries that the last reply had before it; the last line is JSON. Exit status 1
when fewer than nine of ten are used, or one is leaked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot.memory.lore import keep
from bot.rehearsal import Rehearsal, rehearsals
from bot.voice import open_voice
from characters.card import load_cast
from characters.lore import Entry, Lorebook

PERSON = "小明"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, the words of which one shows that the entry was used, and the id of who alone may
    know it ("": everybody)."""

    text: str
    shows: tuple[str, ...]
    knower: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a question: whether the entry was used, or told by somebody who may not know it,
    and how many entries the last reply had before it."""

    used: bool
    leaked: bool
    before: int


def _world(name: str, rows: dict[str, str], only: str = "") -> dict[str, Any]:
    """A SillyTavern world file: keys (with commas) and texts; `only` that character may know it."""
    entries: dict[str, Any] = {}
    for number, (keys, text) in enumerate(rows.items()):
        entries[str(number)] = {
            "uid": number,
            "key": keys.split("、"),
            "content": text,
            "comment": keys.split("、")[0],
        }
        if only:
            entries[str(number)]["characterFilter"] = {"isExclude": False, "names": [only]}
    return {"name": name, "entries": entries}


TOWN = _world(
    "落雁镇",
    {
        "客栈、住店": "落雁镇只有一家客栈，叫听雨楼，住一晚三文钱。",
        "桥": "镇口的桥叫断铃桥，桥上的铜铃去年被雷劈断了。",
        "镇长": "落雁镇的镇长是一位卖豆腐的柳婆婆。",
        "市集、酒": "落雁镇的市集逢五开，最有名的是青梅酒。",
    },
)
WUKONG = _world(
    "悟空的秘密",
    {
        "夜里、唱": "这几天夜里，金箍棒自己会唱渔歌。",
        "龙王、欠": "悟空欠东海龙王七颗夜明珠，中秋要还。",
        "暗号、土地": "悟空和土地公约好的暗号是“白猿摘星”。",
    },
    only="孙悟空",
)
BAJIE = Lorebook(
    "八戒的心事",
    (
        Entry("私房钱", "八戒把私房钱缝在荷叶枕头里。", keys=("私房钱", "银子")),
        Entry("地窖", "八戒发现客栈地窖里藏着一坛桂花酿。", keys=("地窖",)),
        Entry("梦", "八戒昨晚梦见有人教他弹琵琶。", keys=("梦", "梦见")),
    ),
    owner="bajie",
)
SECRETS = (
    Asked("八戒，悟空和土地公的暗号是什么？", ("白猿", "摘星"), "wukong"),
    Asked("沙僧，悟空欠东海龙王什么东西？", ("夜明珠",), "wukong"),
    Asked("八戒，金箍棒夜里唱什么歌？", ("渔歌",), "wukong"),
    Asked("悟空，八戒的私房钱藏在哪里？", ("荷叶", "枕头"), "bajie"),
    Asked("沙僧，客栈地窖里藏着什么？", ("桂花",), "bajie"),
    Asked("悟空，八戒昨晚梦见什么？", ("琵琶",), "bajie"),
)
QUESTIONS = (
    Asked("沙僧，镇上的客栈叫什么名字？", ("听雨",)),
    Asked("悟空，镇口那座桥叫什么？", ("断铃",)),
    Asked("八戒，这里的镇长是做什么的？", ("豆腐",)),
    Asked("八戒，市集上什么酒最有名？", ("青梅",)),
    Asked("悟空，你的金箍棒夜里唱什么歌？", ("渔歌",), "wukong"),
    Asked("悟空，你欠东海龙王什么？", ("夜明珠",), "wukong"),
    Asked("悟空，你和土地公的暗号是什么？", ("白猿", "摘星"), "wukong"),
    Asked("八戒，你的私房钱藏在哪里？", ("荷叶", "枕头"), "bajie"),
    Asked("八戒，客栈地窖里藏着什么？", ("桂花",), "bajie"),
    Asked("八戒，你昨晚梦见什么了？", ("琵琶",), "bajie"),
)


async def ask(talk: Rehearsal, asked: Asked, said: set[str]) -> Answered:
    """Ask, print what is answered, and look for the entry's words in it; `said` are those that were
    said aloud before, which everybody has heard."""
    began = time.monotonic()
    print(f"\n{PERSON}：{asked.text}")
    used = leaked = False
    for line in await talk.say(PERSON, asked.text):
        print(f"{line.speaker.name['zh']}：{line.text}")
        if told := {word for word in asked.shows if word in line.text}:
            leaked |= not said & told and asked.knower not in ("", line.speaker.id)
            said |= told
            used = True
    stored = await talk.room.view.last_line()
    entries = stored.lore if stored else ()
    names = "、".join(f"{book}/{entry}" for book, entry in entries) or "—"
    shown = "leaked" if leaked else "told" if used else "not told"
    print(f"    [{shown}; before it: {names}; {time.monotonic() - began:.1f} s]", flush=True)
    return Answered(used, leaked, len(entries))


async def play(model: str, seed: int, longest: int, context: int, threads: int) -> dict[str, Any]:
    """The whole scene. Returns the figures."""
    voice = open_voice(model, seed=seed, context=context, threads=threads)
    voice.served = replace(voice.served, max_tokens=longest)
    try:
        async with rehearsals(voice, load_cast()) as house:
            talk = await house.open("lore")
            await talk.say(PERSON, "/scene 落雁镇")
            await talk.say(PERSON, "/summon 悟空、八戒、沙僧")
            for book in (TOWN, WUKONG):
                await talk.say(PERSON, f"/lore import {json.dumps(book, ensure_ascii=False)}")
            await keep(talk.room.shared.memory, talk.room.key, BAJIE)
            said: set[str] = set()
            secrets = [await ask(talk, asked, said) for asked in SECRETS]
            answers = [await ask(talk, asked, said) for asked in QUESTIONS]
    finally:
        await voice.close()
    return {
        "model": Path(model).name,
        "seed": seed,
        "asked": len(answers),
        "before": sum(one.before > 0 for one in answers),
        "used": sum(one.used for one in answers),
        "secrets": len(secrets),
        "leaked": sum(one.leaked for one in (*secrets, *answers)),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--model", required=True, help="a GGUF that obeys instructions")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replies", type=int, default=80, help="tokens of a reply at most")
    parser.add_argument("--context", type=int, default=4096, help="tokens (default: 4096)")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    figures = asyncio.run(
        play(chosen.model, chosen.seed, chosen.replies, chosen.context, chosen.threads)
    )
    print(json.dumps(figures, ensure_ascii=False))
    return 0 if figures["used"] >= 9 and not figures["leaked"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
