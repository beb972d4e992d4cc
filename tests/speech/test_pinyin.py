"""Pinyin with tones, as espeak-ng is given it."""

from __future__ import annotations

import re

import pytest

from speech.pinyin import syllables


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("老孙来也！", "lao3 sun1 lai2 ye3!"),
        ("一只金箍棒，一个", "yi4 zhi1 jin1 gu1 bang4, yi2 ge4"),
        ("不是，不要，不好", "bu2 shi4, bu2 yao4, bu4 hao3"),
        ("你好", "ni2 hao3"),
        ("长老", "zhang2 lao3"),
        ("孙行者", "sun1 xing2 zhe3"),
        ("大王饶命", "dai4 wang2 rao2 ming4"),
        ("睡不着觉", "shui4 bu4 zhao2 jue2"),
        ("还我扇子", "huan2 wo3 shan4 zi5"),
        ("女儿国", "nv3 er2 guo2"),
        ("嗯", "en2"),
    ],
)
def test_readings(written: str, said: str):
    assert syllables(written).split()[: len(said.split())] == said.split()


def test_whatever_comes_in_only_syllables_and_marks_come_out():
    text = (
        "".join(map(chr, range(0x20, 0x3100, 7)))
        + "龘好𠀀"
        + "".join(map(chr, range(0x4E00, 0x9FFF, 37)))
    )
    said = syllables(text)
    assert re.fullmatch(r"(?: ?[a-z]+[1-5]|[,.!?;: ])*", said), said[:200]
