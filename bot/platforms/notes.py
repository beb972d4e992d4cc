"""Voice notes on a platform: what people are told of theirs, and which message is a line's."""

from __future__ import annotations

from characters.card import Language, Words

NOT_SAID = Words("不是我说的", "Not what I said")
TAKEN_BACK = Words("（听错了，已经收回。）", "(Misheard, and taken back.)")
NOT_YOURS = Words("只有说话的人能收回。", "Only who said it can take it back.")
NO_HEARING = Words(
    "我听不了语音，请打字。（管理者：--hearing，见 docs/voice.md）",
    "I cannot hear voice notes here, please type. (Whoever runs me: --hearing, docs/voice.md)",
)
NOT_FETCHED = Words(
    "这条语音没有取到，请再发一次。", "that note could not be fetched; please send it again."
)
_SHOWN = 1000  # characters of what was heard


def as_heard(name: str, text: str, language: Language) -> str:
    """What was heard of somebody's note, as everybody is shown it: 🎤 小明：悟空，你好"""
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return f"🎤 {name}{'：' if language == 'zh' else ': '}{shown}"


class Notes:
    """By line id; what is older than the newest 64 is not known any more, nor after a restart."""

    def __init__(self, most: int = 64) -> None:
        self._most = most
        self._messages: dict[str, int] = {}

    def add(self, line_id: str, message: int) -> None:
        self._messages[line_id] = message
        while len(self._messages) > self._most:
            del self._messages[next(iter(self._messages))]

    def pop(self, line_id: str) -> int:
        """The message, which is forgotten; 0 for none."""
        return self._messages.pop(line_id, 0)
