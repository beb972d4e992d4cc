"""One request at work: a reply being generated, or a fixed text whose probability is scored."""

from __future__ import annotations

from array import array
from collections.abc import Sequence as Ids
from dataclasses import dataclass, field
from typing import Any

from engine.mailbox import Mailbox
from engine.sequence import BadRequest, PromptTooLong, Sampling, Usage
from engine.text import Text


@dataclass(slots=True, eq=False)
class Request:
    """A sequence and its state in the loop.

    `tokens` are the prompt and what follows; the first `done` of them lie in the slot. `scored` is
    None for a reply, else the position from which on log-probabilities are summed up. `stable` is
    the number of tokens at the front that the next prompt of the room will have too.
    """

    tokens: array[int]
    prompt: int
    sampling: Sampling
    mailbox: Mailbox
    room: str
    person: str
    waiting: bool
    stable: int | None
    arrived: float
    usage: Usage = field(default_factory=Usage)
    logprobs: list[float] = field(default_factory=list)
    scored: int | None = None
    slot: int = -1
    done: int = 0
    shown: int = 0  # tokens of the reply whose text was shown completely
    position: int = 0
    sampler: Any = None
    text: Text = field(default_factory=Text)
    ended: bool = False
    # Positions where a copy of the state is kept, for memory that cannot be truncated.
    checkpoints: list[int] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)  # length of the reply's text after each token
    written_at: float = 0.0

    @property
    def left(self) -> int:
        """Tokens still to be evaluated."""
        # Nothing comes after the last token of a text that is scored: it is not read.
        return len(self.tokens) - self.done - (self.scored is not None)

    @property
    def writing(self) -> bool:
        """Whether its prompt has been read and its reply is being generated."""
        return self.scored is None and self.done >= self.prompt

    @property
    def writes(self) -> bool:
        """Whether a reply will follow."""
        return self.scored is None

    @property
    def limit(self) -> int:
        """Tokens up to the next checkpoint."""
        end = next((at for at in self.checkpoints if at > self.done), len(self.tokens))
        return end - self.done

    @property
    def reusable(self) -> int:
        """How many tokens at the front may come out of the cache: not the last one, whose logits
        are needed, and nothing that is scored."""
        return (self.prompt if self.scored is None else self.scored) - 1

    @property
    def reserve(self) -> int:
        """Cells that its reply may need."""
        return self.sampling.max_tokens if self.scored is None else 0

    def outputs(self, n: int, room: int) -> tuple[int, int]:
        """How many of the next `n` tokens can be evaluated with `room` logit rows left in the
        batch, and how many rows they need; (0, 0) where they do not fit."""
        first = self.scored - 1 if self.scored is not None else len(self.tokens) - 1
        begin, end = max(self.done, first), self.done + n
        if self.scored is not None:
            end = min(end, begin + room)
        wanted = max(0, end - begin)
        if end <= self.done or wanted > room:
            return 0, 0
        return end - self.done, wanted


def check(request: Request, *, vocabulary: int, context: int) -> None:
    """Refuse a prompt that the model cannot read.

    Raises:
        BadRequest: it is empty, or has token ids that the model does not have.
        PromptTooLong: it does not fit the context with its reply.
    """
    tokens: Ids[int] = request.tokens
    if not tokens or request.scored == 0:
        raise BadRequest("the prompt is empty")
    if min(tokens) < 0 or max(tokens) >= vocabulary:
        raise BadRequest("the prompt has tokens that the model does not have")
    if len(tokens) + request.reserve > context:
        raise PromptTooLong(
            f"a prompt of {len(tokens)} tokens and a reply of up to "
            f"{request.reserve} do not fit into a context of {context}"
        )
