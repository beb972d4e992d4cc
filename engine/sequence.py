"""What is asked of the engine and what comes back: values and the stream of one reply."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Finish = Literal["end", "stop", "length", "left"]


class EngineError(RuntimeError):
    """The engine cannot do what was asked; the message says why and what to do."""

    for_user = True


class ModelError(EngineError):
    """A model file that is missing, broken, or of a kind that cannot be served."""


class PromptTooLong(EngineError):
    """The prompt and its reply do not fit into the model's context."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen, and when a reply ends.

    temperature 0 is greedy. top_k 0, top_p 1, min_p 0, repeat_penalty 1 are off. `repeat_last`
    tokens of the reply and prompt count for the penalty. seed None draws one. `stop` texts end the
    reply and are never shown, not even in part. max_tokens bounds the reply.
    """

    temperature: float = 0.8
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    repeat_last: int = 64
    max_tokens: int = 256
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(slots=True)
class Usage:
    """Tokens of one reply: read anew, taken from the cache, written; seconds to the first one."""

    evaluated: int = 0
    reused: int = 0
    generated: int = 0
    first_token_s: float = 0.0


class Reply(AsyncIterator[str], Protocol):
    """One reply being written: pieces of text, whole characters only.

    `finish` is None while it is being written; then "end" (the model ended it), "stop" (a stop
    text), "length" (max_tokens), "left" (the caller walked away). `aclose()` walks away and frees
    what the reply held. An engine error is raised from `__anext__`.
    """

    finish: Finish | None
    usage: Usage

    async def aclose(self) -> None: ...


class Engine(Protocol):
    """What the rest of the house sees of an engine: `engine.llama.LlamaEngine` or `EchoEngine`.

    `context` is the longest prompt plus reply, in tokens. `metadata` is the model file's.
    """

    context: int
    metadata: dict[str, str]

    def encode(self, text: str, control: bool = False) -> list[int]:
        """Token ids of a text. Control tokens are recognised only where `control` is true."""
        ...

    def stream(self, tokens: Sequence[int], sampling: Sampling) -> Reply:
        """Begin a reply that continues `tokens`. Call from a running event loop."""
        ...

    async def score(
        self, tokens: Sequence[int], continuations: Sequence[Sequence[int]]
    ) -> list[float]:
        """Natural-log probability of each continuation after `tokens`."""
        ...

    async def close(self) -> None:
        """End all replies and free the model."""
        ...
