"""A teacher on our own engine, a GGUF or a server: self-alignment, with a grammar for the shape."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from characters.afar import knows_itself, serving_afar
from characters.prompt import Span, encode
from characters.style import Serving, serving
from engine.llama import LlamaEngine
from engine.remote.fleet import Wish
from engine.remote.opening import open_served
from engine.sequence import BadRequest, Engine, EngineError, PromptTooLong, Sampling
from trainer.synth.shape import grammar
from trainer.synth.teacher import Ask, Completion, Unanswerable

_LONGEST_CONTEXT = 4096
_LEAST_ANSWER = 48  # tokens; with less left the prompt is too long


class LocalTeacher:
    """See `trainer.synth.teacher.Teacher`. The prompt is fenced in the model's own markup."""

    def __init__(self, engine: Engine, serving: Serving, name: str, context: int) -> None:
        self.name = name
        # A third of the context is for what is told about, the rest for rules and the answer.
        self.room = context // 3
        self._engine = engine
        self._serving = serving
        self._context = context

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        replies: int,
        threads: int | None = None,
        adapter: Path | None = None,
        markup: str = "",
    ) -> LocalTeacher:
        """Load a model, with a LoRA `adapter` on it, of the family `markup` where its file does not
        tell. Raises ModelError, StyleError."""
        engine = LlamaEngine.open(
            path, context=_LONGEST_CONTEXT, replies=replies, threads=threads, adapter=adapter
        )
        told = serving(engine.metadata, engine, markup=markup)
        context = min(told.context or _LONGEST_CONTEXT, engine.context)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(engine, told, f"{path.name}@{digest[:12]}", context)

    @classmethod
    async def afar(
        cls, urls: Sequence[str], wish: Wish, *, key: str = "", markup: str = ""
    ) -> LocalTeacher:
        """The same on a model server (`--engine`), which has to take grammars. Raises EngineError,
        StyleError."""
        engine, told = await open_served(
            urls,
            wish,
            key=key,
            knows=knows_itself,
            serving=lambda engine: serving_afar(
                engine.offer.kind, engine.metadata, engine, markup=markup
            ),
            fences=lambda told: told.style.markup.fences,
        )
        if not engine.offer.grammar:
            await engine.close()
            raise EngineError(
                f"{engine.name} takes no grammar, so its answers have no sure shape; ask it as an "
                "endpoint: --model NAME --url URL"
            )
        context = min(told.context or _LONGEST_CONTEXT, engine.context)
        return cls(engine, told, engine.name, context)

    async def ask(self, ask: Ask) -> Completion:
        """The reply under the shape's grammar. Raises Unanswerable; EngineError from the engine."""
        markup = self._serving.style.markup
        spans = [Span(markup.begin, control=True)] if markup.begin else []
        for message in ask.messages:
            spans += [
                Span(markup.open(message.role), control=True),
                Span(markup.said(message.text, message.role)),
                Span("".join(markup.shut(message.role)), control=True),
            ]
        spans.append(Span(markup.open("assistant") + markup.thought, control=True))
        # A model that was taught by this project knows by the name before a line whose line it is.
        spans += [Span(markup.said(ask.voice, "assistant"))] if ask.voice else []
        tokens = encode(spans, self._engine.encode)
        left = self._context - len(tokens)
        if left < _LEAST_ANSWER:
            raise Unanswerable(f"a prompt of {len(tokens)} tokens leaves no room for an answer")
        sampling = Sampling(
            temperature=ask.temperature,
            **self._serving.dials(),
            max_tokens=min(ask.tokens, left),
            seed=ask.seed,
            grammar=grammar(ask.shape),
        )
        reply = self._engine.stream(tokens, sampling, waiting=False, stable=0)
        try:
            text = "".join([piece async for piece in reply])
        except (PromptTooLong, BadRequest) as problem:
            raise Unanswerable(str(problem)) from problem
        return Completion(text, len(tokens), reply.usage.generated)

    async def close(self) -> None:
        """Free the model."""
        await self._engine.close()
