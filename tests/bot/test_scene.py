"""A long scene with the shipped model: three people, four characters, 200 messages, one pipe."""

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.casting import CAP
from characters.card import load_cast

ROOT = Path(__file__).parents[2]
CAST = load_cast()
MESSAGES = int(os.environ.get("MRP_MESSAGES", "200"))
FOUR = [CAST[one] for one in ("wukong", "bajie", "shaseng", "tangseng")]
PEOPLE = ("小明", "小红", "小刚")
# What is said to each, by whichever name; and to nobody in particular.
NAMED = ("{}，你来说说。", "我问{}一句话，去不去？", "依你看呢，{}？", "{}！", "{}和{}，都说说。")
OPEN = ("今晚在哪里歇？", "前面是甚么山？", "然后呢？", "好大的雪。", "你们都说说。", "妖怪来了！")
NAMES = {
    "wukong": ("悟空", "孙悟空", "齐天大圣", "Monkey King"),
    "bajie": ("八戒", "猪八戒", "天蓬元帅", "Pigsy"),
    "shaseng": ("沙僧", "沙和尚", "卷帘大将"),
    "tangseng": ("唐僧", "唐三藏", "玄奘"),
}


def written(seed: int) -> list[tuple[str, list[str], set[str]]]:
    """Lines of the script: what is typed, whom it names in order, and who is present then."""
    chance = random.Random(seed)
    present = [one.id for one in FOUR]
    script: list[tuple[str, list[str], set[str]]] = []
    for number in range(MESSAGES):
        if number % 40 == 20:
            leaving = chance.choice(present)
            present.remove(leaving)
            script.append((f"/退场 {CAST[leaving].name.zh}", [], set(present)))
            continue
        if number % 40 == 30:
            coming = next(one.id for one in FOUR if one.id not in present)
            present.append(coming)
            script.append((f"/召唤 {CAST[coming].name.zh}", [], set(present)))
            continue
        who = chance.choice(PEOPLE)
        if chance.random() < 0.5:
            frame = chance.choice(NAMED)
            called = chance.sample(present, frame.count("{}"))
            text = frame.format(*(chance.choice(NAMES[one]) for one in called))
        else:
            called, text = [], chance.choice(OPEN)
        script.append((f"{who}> {text}", called, set(present)))
    return script


@pytest.mark.timeout(900)
def test_three_people_and_four_characters_play_two_hundred_messages(data):
    script = written(seed=7)
    # After each message /who marks the end of its round.
    lines = ["/召唤 悟空 八戒 沙僧 唐僧", "/who"]
    for text, _, _ in script:
        lines += [text, "/who"]
    done = subprocess.run(
        [sys.executable, "-m", "mrp", "terminal", "--room", "long scene", "--seed", "7"],
        input="\n".join([*lines, "/quit", ""]),
        capture_output=True,
        text=True,
        env={k: v for k, v in os.environ.items() if k not in ("REDIS_URL", "MRP_MODEL")}
        | {"XDG_DATA_HOME": str(data)},
        timeout=900,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    names = {one.name.zh: one.id for one in CAST}
    rounds: list[list[str]] = [[]]
    for line in done.stdout.splitlines():
        speaker, colon, said = line.partition("：")
        if speaker == "在场":
            rounds.append([])
        elif colon and speaker in names:
            assert said.strip()
            assert not re.search("(孙悟空|猪八戒|沙僧|唐僧|小明|小红|小刚)[：:]", said), line
            rounds[-1].append(names[speaker])
    assert rounds[0] == ["wukong", "bajie", "shaseng", "tangseng"]  # their greetings
    played = rounds[1:-1]
    assert len(played) == len(script) == MESSAGES
    silent = 0
    for (text, called, present), answered in zip(script, played, strict=True):
        assert set(answered) <= present, text
        assert len(answered) <= CAP, text
        assert answered[: len(called)] == called, text
        silent += text[0] != "/" and not answered
    assert (
        silent <= MESSAGES // 10
    )  # people may talk with each other, but this is not what they did
