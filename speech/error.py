"""The one exception of this package: something cannot be spoken or heard."""

from __future__ import annotations


class SpeechError(RuntimeError):
    """Something cannot be spoken or heard. `zh` and `en` are one sentence for the user each; the
    text of the exception is the English one."""

    for_user = True

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


class NothingToSay(SpeechError):
    """A text of which nothing is read aloud: empty, or a stage direction alone."""

    def __init__(self) -> None:
        super().__init__("这一句没有可以念出声的话。", "nothing in that line can be read aloud.")


class Busy(SpeechError):
    """Too much is waiting already."""

    def __init__(self) -> None:
        super().__init__("现在太忙，请稍后再试。", "too busy just now; please try again later.")
