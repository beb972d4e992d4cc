"""Which of the two languages a line is mostly in. Pure.

mostly("The gold箍棒 is very heavy.")  ->  "en"
mostly("……！")                        ->  None
"""

from __future__ import annotations

import re
from typing import Literal

_CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_LATIN = re.compile(r"[A-Za-z]{2,}")


def mostly(text: str) -> Literal["zh", "en"] | None:
    """Chinese where there are at least as many Chinese characters as Latin words; None where there
    is neither. A name or a brand in the other script does not change the language of a line."""
    chinese, latin = len(_CHINESE.findall(text)), len(_LATIN.findall(text))
    if not chinese and not latin:
        return None
    return "zh" if chinese >= latin else "en"
