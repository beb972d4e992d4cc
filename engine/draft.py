"""Draft tokens from the prompt: a character who begins to quote is likely to go on quoting.

The passages of the book and the transcript lie in the prompt; where the last tokens written stand
in it already, what follows them there is proposed, and the model verifies it in one batch
(prompt-lookup decoding). Whether it pays: docs/engine.md.
"""

from __future__ import annotations

from array import array

_MATCH = 3  # tokens that must agree


def propose(tokens: array[int], most: int) -> array[int]:
    """Up to `most` tokens that followed the last place where the last tokens occurred before."""
    width, data = tokens.itemsize, tokens.tobytes()
    end = data[-_MATCH * width :]
    at = data.rfind(end, 0, len(data) - width) if len(tokens) > _MATCH else -1
    while at % width and at > 0:  # bytes that agree across two tokens are no match
        at = data.rfind(end, 0, at + len(end) - 1)
    if at < 0:
        return array("i")
    begin = at // width + _MATCH
    return tokens[begin : begin + most]
