"""Chinese sentences as pinyin with tone numbers, for an engine that reads pinyin only.

    syllables("老孙来也，一只金箍棒")  ->  "lao3 sun1 lai2 ye3, yi4 zhi1 jin1 gu1 bang4"

Tones are as spoken: two thirds in a row, 一 and 不 change with what follows. This file is the door
to `pypinyin`; what it reads otherwise than people do in this book stands in `_READINGS`.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from speech.error import SpeechError

# word -> its syllables, where the dictionary has another reading, or several.
_READINGS: dict[str, str] = {
    "大王": "dài wáng",
    "行者": "xíng zhě",
    "睡不着": "shuì bù zháo",
    "着实": "zhuó shí",
    "着急": "zháo jí",
    "着火": "zháo huǒ",
    "沙和尚": "shā hé shàng",
    "和尚": "hé shàng",
    "弼马温": "bì mǎ wēn",
    "呆子": "dāi zi",
    "猴子": "hóu zi",
    "嘻嘻": "xī xī",
    "阿弥陀佛": "ē mí tuó fó",
    "说与": "shuō yǔ",
    "还我": "huán wǒ",
    "还你": "huán nǐ",
    "俺老孙": "ǎn lǎo sūn",
    "好汉": "hǎo hàn",
    "了得": "liǎo dé",
    "了却": "liǎo què",
    "教我": "jiào wǒ",
}
# Syllables that no engine has a sound for -> the nearest that it has.
_SOUNDS = {"n": "en", "ng": "en", "m": "mu", "hm": "heng", "hng": "heng", "ê": "ei", "yo": "you"}
_MARKS = str.maketrans({"，": ",", "。": ".", "！": "!", "？": "?", "；": ";", "：": ":"})
_SYLLABLE = re.compile(r"([a-zêü]+)([1-5])")


def available() -> str:
    """ "" when pinyin can be had here, else what is missing."""
    try:
        import pypinyin  # noqa: F401  an extra, looked for only where sound is wanted
    except ImportError:
        return "the Python package pypinyin"
    return ""


def syllables(text: str) -> str:
    """Pinyin with tone numbers 1 to 5, ü as v; marks become ASCII, all else is left out.

    Raises:
        SpeechError: pypinyin is not installed.
    """
    reader, style = _reader()
    said = []
    for part in reader(
        text,
        style=style.TONE3,
        tone_sandhi=True,
        neutral_tone_with_five=True,
        errors=lambda other: [c.translate(_MARKS) for c in other],
    ):
        if found := _SYLLABLE.fullmatch(part.replace("ü", "v")):
            said.append(f" {_SOUNDS.get(found[1], found[1])}{found[2]}")
        elif part in ",.!?;:":
            said.append(part)
    return "".join(said).strip()


@functools.cache
def _reader() -> tuple[Any, Any]:
    try:
        import pypinyin  # an extra, looked for only where sound is wanted
    except ImportError as problem:
        raise SpeechError(
            "缺少 pypinyin：pip install 'mrp-llm[speech]'",
            "the Python package pypinyin is missing: pip install 'mrp-llm[speech]'",
        ) from problem
    pypinyin.load_phrases_dict(
        {word: [[one] for one in said.split()] for word, said in _READINGS.items()}
    )
    return pypinyin.lazy_pinyin, pypinyin.Style
