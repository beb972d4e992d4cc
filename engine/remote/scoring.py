"""How likely texts are to come next, from a server that only tells of single next tokens. Pure but
for asking.

Of each text as much counts as tells it from the others: once it is alone, what follows its name
follows almost surely. So four names cost one question, or two where they begin alike.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from engine.remote.dialects import Table

_DEPTH = 4  # questions after each other at most
_UNLIKELY = 2.0  # nats below the least likely token that the server tells of
_FLOOR = -30.0

Peek = Callable[[str], Awaitable[Table]]


async def likelihoods(texts: Sequence[str], peek: Peek) -> list[float]:
    """The natural-log probability of each text, as far as it differs from the others. `peek` says
    what may come after a text that follows the prompt."""
    scores = dict.fromkeys(range(len(texts)), 0.0)
    await _branch(dict(enumerate(text.encode() for text in texts)), b"", scores, peek, _DEPTH)
    return [scores[number] for number in range(len(texts))]


async def _branch(
    group: Mapping[int, bytes], read: bytes, scores: dict[int, float], peek: Peek, depth: int
) -> None:
    if depth == 0 or len(set(group.values())) < 2:
        return
    try:
        after = read.decode()
    except UnicodeDecodeError:  # half a character: nothing can be asked after it
        return
    table = await peek(after)
    least = min(table.values(), default=_FLOOR)
    branches: dict[bytes, dict[int, bytes]] = {}
    for number, left in group.items():
        fitting = {t: p for t, p in table.items() if left.startswith(t) or t.startswith(left)}
        if not fitting:
            scores[number] += least - _UNLIKELY
            continue
        token = max(fitting, key=fitting.__getitem__)
        scores[number] += fitting[token]
        if len(token) < len(left):
            branches.setdefault(token, {})[number] = left[len(token) :]
    for token, rest in branches.items():
        await _branch(rest, read + token, scores, peek, depth - 1)
