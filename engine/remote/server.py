"""One model server, once it is known what it is: tokens, streams of a reply, next-token tables."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from engine.remote import vocabulary
from engine.remote.connection import Away, Connection, ContextShorter
from engine.remote.dialects import (
    Chat,
    Completions,
    Delta,
    Dialect,
    Native,
    Prompt,
    Table,
    messages,
)
from engine.remote.gate import Gate
from engine.sequence import EngineError, Sampling

Kind = Literal["mrp", "llama-server", "completions", "chat"]

_KEPT = 16_384  # texts whose tokens are remembered
_AT_ONCE = 8  # texts that are tokenized at the same time
_LEAST_REPLY = 16  # tokens that must be left for a reply


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server said of itself: `context` in tokens (0: it does not say), `slots` is how many
    replies it writes at once. `exact`: it takes token ids, and typed control tokens are plain text
    to it. `scores`: how it tells what comes next. `notes` are what it cannot do, a sentence each.
    """

    kind: Kind
    model: str
    software: str = ""
    context: int = 0
    slots: int = 16
    metadata: dict[str, str] = field(default_factory=dict)
    begin: str = ""
    end: str = ""
    exact: bool = False
    scores: Literal["", "table", "whole"] = ""
    grammar: bool = True
    notes: tuple[str, ...] = ()

    @property
    def native(self) -> bool:
        return self.kind in ("mrp", "llama-server")

    def like(self, other: Offer) -> bool:
        """Whether a room can move from one to the other and notice nothing."""
        return (self.kind, self.model, self.metadata) == (other.kind, other.model, other.metadata)


@dataclass(frozen=True, slots=True)
class Where:
    """For whom something is asked, as `Engine.stream` has it; our own server is told."""

    room: str = ""
    person: str = ""
    waiting: bool = True
    stable: int | None = None


class Server:
    """One server. `tokens` in all calls are ids of `engine.remote.vocabulary`."""

    def __init__(self, connection: Connection, offer: Offer) -> None:
        self.connection = connection
        self.offer = offer
        self.gate = Gate(offer.slots)
        self._dialect = dialect(offer)
        self._known: OrderedDict[tuple[str, bool], list[int]] = OrderedDict()
        self._tokenizing = asyncio.Semaphore(_AT_ONCE)

    @property
    def name(self) -> str:
        return self.connection.address.name

    async def prompt(self, tokens: Sequence[int]) -> Prompt:
        """What this server is sent as a prompt.

        Raises:
            Away, EngineError: it cannot be asked for its tokens.
        """
        if self.offer.native:
            parts = vocabulary.spans(tokens)
            found = await asyncio.gather(*(self.tokenized(*part) for part in parts))
            return [token for ids in found for token in ids]
        if self.offer.kind == "completions":
            return vocabulary.rendered(tokens)
        return messages(tokens)[0]

    async def tokenized(self, text: str, control: bool) -> list[int]:
        """The model's own tokens of one text, asked once for each."""
        if not control and not self.offer.exact:
            text = vocabulary.harmless(text)
        key = (text, control)
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        body = {"content": text, "add_special": False, "parse_special": control}
        async with self._tokenizing:
            said = await self.connection.json(f"{self.connection.address.base}/tokenize", body)
        ids = said.get("tokens") if isinstance(said, dict) else None
        if not isinstance(ids, list) or not all(isinstance(token, int) for token in ids):
            raise EngineError(f"{self.name} does not say what the tokens of a text are")
        self._known[key] = ids
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return ids

    def renew(self, offer: Offer) -> None:
        """It was away and says again what it is; its tokenizer may be another now."""
        self.offer = offer
        self._known.clear()

    def inexact(self) -> None:
        """From now on what people typed is made harmless before it is tokenized."""
        self.offer = replace(self.offer, exact=False)
        self._known.clear()

    async def write(
        self, tokens: Sequence[int], sampling: Sampling, where: Where, context: int
    ) -> AsyncGenerator[Delta, None]:
        """One reply as it is written; the last delta has a finish.

        Raises:
            Away: it does not answer, or broke off.
            EngineError: it refuses.
        """
        prompt = await self.prompt(tokens)
        if isinstance(prompt, list) and self.offer.native:
            left = context - len(prompt)
            if left < min(_LEAST_REPLY, sampling.max_tokens):
                raise ContextShorter(
                    f"a prompt of {len(prompt)} tokens leaves no space for a reply in the context "
                    f"of {context} of {self.name}; what is read of the talk gets shorter"
                )
            sampling = replace(sampling, max_tokens=min(sampling.max_tokens, left))
        body = self._dialect.body(prompt, sampling, self.offer.model) | await self._told(
            tokens, where
        )
        finished = done = False
        events = self.connection.stream(self._dialect.route(self.connection.address), body)
        async with aclosing(events):
            async for event in events:
                if not event:
                    done = True
                    continue
                delta = self._dialect.delta(event)
                self._check_model(delta)
                finished = finished or delta.finish is not None
                yield delta
        if not finished:
            if not done:
                raise Away(f"the model's server {self.name} broke off in the middle of a reply")
            yield Delta(finish="end")

    def begun(self, tokens: Sequence[int]) -> str:
        """The text that a reply may repeat at its beginning, as no message can be begun for the
        model: the speaker's name, where there are only chats."""
        return messages(tokens)[1] if self.offer.kind == "chat" else ""

    async def peek(self, tokens: Sequence[int]) -> Table:
        """What may come next, and how likely it is."""
        prompt = await self.prompt(tokens)
        body = self._dialect.peek(prompt, self.offer.model)
        said = await self.connection.json(self._dialect.route(self.connection.address), body)
        return self._dialect.table(said) if isinstance(said, dict) else {}

    async def score(
        self, tokens: Sequence[int], continuations: Sequence[Sequence[int]], where: Where
    ) -> list[float]:
        """The natural-log probability of each continuation, from our own server."""
        body = {
            "prompt": await self.prompt(tokens),
            "continuations": [await self.prompt(each) for each in continuations],
            **await self._told(tokens, where),
        }
        said = await self.connection.json(
            f"{self.connection.address.base}/score", body, patience=300.0
        )
        found = said.get("scores") if isinstance(said, dict) else None
        if not isinstance(found, list) or len(found) != len(continuations):
            raise EngineError(f"{self.name} does not score texts")
        return [float(score) for score in found]

    async def _told(self, tokens: Sequence[int], where: Where) -> dict[str, Any]:
        """What our own server is told besides: for whom it is, and what will come again."""
        if self.offer.kind != "mrp":
            return {}
        told: dict[str, Any] = {"room": where.room, "person": where.person}
        told["waiting"] = where.waiting
        if where.stable is not None:
            stable = await self.prompt(tokens[: where.stable])
            told["stable"] = len(stable)
        return told

    def _check_model(self, delta: Delta) -> None:
        """It was started anew with another model: what we know of it holds no more. llama-server's
        native route names whatever it was asked for; it is probed again after an absence."""
        told, known = delta.model, self.offer.model
        if self.offer.kind != "llama-server" and told and known and not same_model(told, known):
            raise EngineError(
                f"{self.name} now serves {delta.model} instead of {self.offer.model}; "
                "start the bot anew, or the server with the old model"
            )


def same_model(one: str, other: str) -> bool:
    """Whether two names of a model mean the same: servers answer with a path, an alias or a dated
    version of what was asked for."""
    shorter, longer = sorted((n.rpartition("/")[2].casefold() for n in (one, other)), key=len)
    return longer.startswith(shorter) and longer[len(shorter) :][:1] in ("", "-", ":", "@", ".")


def dialect(offer: Offer) -> Dialect:
    """How a server with this offer is asked."""
    if offer.native:
        return Native()
    if offer.kind == "completions":
        return Completions(vllm=offer.software == "vllm")
    return Chat(ollama=offer.software == "ollama")
