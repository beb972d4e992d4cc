"""What the loop asks of a model with its KV cache. `engine.llama.model` runs a real one; the tests
have one without a model that checks every rule of the cache."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Any, Protocol

from engine.sampling import Link
from engine.slots import Move


@dataclass(slots=True)
class Chunk:
    """One sequence's part of a batch: `tokens` at `position` on; logits for the last `outputs`."""

    slot: int
    tokens: array[int]
    position: int
    outputs: int


class ModelRunner(Protocol):
    """A model with its KV cache. All calls come from the loop's thread."""

    context: int  # longest sequence, tokens
    cells: int  # tokens in the cache, all sequences together
    slots: int  # sequences
    batch: int  # tokens in a batch
    outputs: int  # tokens in a batch whose logits are asked for
    can_truncate: bool  # whether a sequence can forget its end
    seconds: float  # spent inside the model so far

    @property
    def vocabulary(self) -> int:
        """Token ids are below it."""
        ...

    def evaluate(self, chunks: list[Chunk]) -> None:
        """Evaluate a batch; outputs are numbered through the chunks in order.

        Raises:
            EngineError: with the reason; the slots are then unusable.
        """
        ...

    def move(self, move: Move) -> None:
        """Copy or truncate a sequence."""
        ...

    def clear(self) -> None:
        """Empty the cache."""
        ...

    def save(self, slot: int, start: int) -> bytes:
        """The state of a slot from position `start` on."""
        ...

    def load(self, slot: int, data: bytes, start: int, end: int) -> bool:
        """Put positions `start` to `end` of a saved state behind what the slot holds."""
        ...

    def sampler(self, links: tuple[Link, ...], history: array[int]) -> Any:
        """A sampler chain. Raises BadRequest."""
        ...

    def sample(self, sampler: Any, output: int) -> int:
        """The next token. Raises EngineError where the logits are not numbers."""
        ...

    def logprob(self, output: int, token: int) -> float:
        """Natural-log probability of a token after an output."""
        ...

    def discard(self, sampler: Any) -> None:
        """Free a sampler chain."""
        ...

    def piece(self, token: int) -> bytes:
        """A token's bytes."""
        ...

    def ends(self, token: int) -> bool:
        """Whether a token ends a reply."""
        ...

    def close(self) -> None:
        """Free the model."""
        ...
