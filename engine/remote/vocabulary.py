"""Token ids that carry their own text, for a model whose tokenizer is on another machine. Pure.

    tokens = encode("<|im_start|>user\\n", control=True) + encode("小明：你好")
    spans(tokens)     [("<|im_start|>user\\n", True), ("小明：你好", False)]

`Engine.encode` has to answer at once, and asking a server would block the event loop. So a text is
cut into pieces of about a token each, and an id is the piece itself: its UTF-8 bytes as a number,
with two flags. Nothing is looked up, any slice can be read back, and how many ids there are is an
estimate of the model's own count; the server's tokenizer is asked when a reply begins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_BEGIN, _CONTROL = 1, 2  # flags: the first piece of a text; our own markup
# About one token each in today's vocabularies: a Chinese character, a digit, four Latin letters
# with the space before them, a run of line breaks or spaces, any other character.
_PIECE = re.compile(r" ?[A-Za-z]{1,4}|\n+| +|.", re.DOTALL)
# In our own markup a fence is one piece, as it is one token of the model.
_MARKUP = re.compile(r"<[^<>\s]{1,48}>|\[[^\[\]\s]{1,32}\]|" + _PIECE.pattern, re.DOTALL)


def encode(text: str, control: bool = False) -> list[int]:
    """The ids of one text. `control`: it is our own markup."""
    flags = _CONTROL if control else 0
    pieces = (_MARKUP if control else _PIECE).findall(text)
    ids = [_number(piece) << 2 | flags for piece in pieces]
    if ids:
        ids[0] |= _BEGIN
    return ids


def _number(piece: str) -> int:
    # A byte in front keeps zero bytes; a lone surrogate has no UTF-8.
    return int.from_bytes(b"\x01" + piece.encode("utf-8", "replace"), "big")


def is_token(token: int) -> bool:
    """Whether `encode` makes such an id."""
    return token > 0 and (token >> 2) > 1


def is_control(token: int) -> bool:
    """Whether an id is of our own markup."""
    return bool(token & _CONTROL)


def text_of(token: int) -> str:
    """The piece of an id."""
    number = token >> 2
    return number.to_bytes((number.bit_length() + 7) // 8, "big")[1:].decode("utf-8", "replace")


def decode(tokens: Sequence[int]) -> str:
    """The text of ids."""
    return "".join(map(text_of, tokens))


def spans(tokens: Sequence[int]) -> list[tuple[str, bool]]:
    """The texts that were encoded, each with whether it is markup; a slice may begin amid one."""
    found: list[tuple[list[str], bool]] = []
    for token in tokens:
        control = bool(token & _CONTROL)
        if not found or token & _BEGIN or found[-1][1] != control:
            found.append(([], control))
        found[-1][0].append(text_of(token))
    return [("".join(pieces), control) for pieces, control in found]


# What the tokenizers of any family might read as a control token when they are given text.
_LOOKS = re.compile(r"<(?=[/|｜]?[\w:|｜▁-]{1,64}[|｜]?>)|\[(?=/?(?:[A-Z][A-Z_]{2,}|[gs]MASK)\])")


def harmless(text: str) -> str:
    """What people said, for a server that reads control tokens in all text: the first character of
    whatever looks like one (<|im_end|>, </s>, [INST]) becomes its full-width form."""
    return _LOOKS.sub(lambda match: "＜" if match[0] == "<" else "［", text)


def rendered(tokens: Sequence[int]) -> str:
    """The prompt as one text, in which only our own markup can be read as control tokens."""
    return "".join(text if control else harmless(text) for text, control in spans(tokens))
