"""What is asked of the engine and what comes back: values and the stream of one reply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Finish = Literal["end", "stop", "length", "left"]


class EngineError(RuntimeError):
    """The engine cannot do what was asked; the message says why and what to do."""

    for_user = True


class ModelError(EngineError):
    """A model file that is missing, broken, or of a kind that cannot be served."""


class OutOfMemory(ModelError):
    """A model, or its cache, that did not fit where it was to go; less of it might."""


class PromptTooLong(EngineError):
    """The prompt and its reply do not fit into the model's context."""


class BadRequest(EngineError):
    """Sampling that means nothing: a stop that is no text, a grammar that does not parse."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen, and when a reply ends.

    temperature 0 is greedy. top_k 0, top_p 1, min_p 0, repeat_penalty 1 are off. `repeat_last`
    tokens of the reply and prompt count for the penalty. seed None draws one. `stop` texts end the
    reply and are never shown, not even in part. max_tokens bounds the reply.

    presence_penalty and frequency_penalty are added to repeat_penalty over the same tokens. `dry`
    is the multiplier of the DRY penalty against repeating long passages (0 off): a run of
    `dry_length` tokens seen before costs dry × dry_base^(extra tokens). `bias` adds to the logits
    of single tokens, (id, nats). `grammar` is a GBNF text that the reply must match. `logprobs`
    fills `Reply.logprobs`.
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
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    dry: float = 0.0
    dry_base: float = 1.75
    dry_length: int = 2
    bias: tuple[tuple[int, float], ...] = ()
    grammar: str = ""
    logprobs: bool = False


@dataclass(slots=True)
class Usage:
    """Tokens of one reply: read anew, taken from the cache, written; seconds to the first one.

    `queued_s` are the seconds before its prompt began to be read.
    """

    evaluated: int = 0
    reused: int = 0
    generated: int = 0
    first_token_s: float = 0.0
    queued_s: float = 0.0


class Reply(Protocol):
    """One reply being written: pieces of text, whole characters only.

    `finish` is None while it is being written; then "end" (the model ended it), "stop" (a stop
    text), "length" (max_tokens), "left" (the caller walked away). `aclose()` walks away and frees
    what the reply held. An engine error is raised from `__anext__`.

    `tokens` are the tokens of what was shown, as the model wrote them: a next prompt that continues
    with them (rather than with their text encoded anew) is already read. `logprobs` are their
    natural-log probabilities under the model, where the sampling asked for them. `position` is the
    place in the queue: 1 is next, 0 is being worked on.
    """

    @property
    def finish(self) -> Finish | None: ...
    @property
    def usage(self) -> Usage: ...
    @property
    def tokens(self) -> list[int]: ...
    @property
    def logprobs(self) -> list[float]: ...
    @property
    def position(self) -> int: ...

    def __aiter__(self) -> Reply: ...
    async def __anext__(self) -> str: ...
    async def aclose(self) -> None: ...


class Engine(Protocol):
    """What the rest of the house sees of an engine: `engine.llama.LlamaEngine` or `EchoEngine`.

    `context` is the longest prompt plus reply, in tokens. `metadata` is the model file's. `begin`
    is the text of the BOS token that the file wants before everything, `end` that of its EOS token
    ("": none). `failure` is why the engine has stopped for good; None while it works.
    """

    metadata: dict[str, str]

    @property
    def context(self) -> int: ...
    @property
    def begin(self) -> str: ...
    @property
    def end(self) -> str: ...
    @property
    def failure(self) -> EngineError | None: ...

    def encode(self, text: str, control: bool = False) -> list[int]:
        """Token ids of a text. Control tokens are recognised only where `control` is true.

        Raises:
            EngineError: the engine is closed, or has failed for good.
        """
        ...

    def stream(
        self,
        tokens: Sequence[int],
        sampling: Sampling,
        *,
        room: str = "",
        person: str = "",
        waiting: bool = True,
        stable: int | None = None,
    ) -> Reply:
        """Begin a reply that continues `tokens`. Call from a running event loop.

        Rooms and persons share the engine fairly; `waiting` says that a human waits, who comes
        before characters that chat among themselves. `stable` is the number of tokens at the front
        that the room's next prompt will have too; what follows them (a tail) is forgotten with the
        reply. None keeps everything, the reply included, for a next prompt that contains it.
        """
        ...

    async def score(
        self,
        tokens: Sequence[int],
        continuations: Sequence[Sequence[int]],
        *,
        room: str = "",
        person: str = "",
        waiting: bool = True,
    ) -> list[float]:
        """Natural-log probability of each continuation after `tokens`, read in one batch."""
        ...

    async def close(self) -> None:
        """End all replies and free the model."""
        ...
