"""An engine without a model: it says what it is told to, or repeats what it was given.

    engine = EchoEngine(["孙悟空来也！"])           the lines of a script, one a reply
    engine = EchoEngine(lambda prompt: prompt[-9:])  or a function of the prompt's text
    engine = EchoEngine()                            or the prompt's last line

Tokens are UTF-8 bytes; control texts have tokens of their own, from 256 on. Everything else is as
the real engine has it: whole characters, stop texts, max_tokens, walking away, usage.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import re
import time
from collections.abc import Callable, Sequence

from engine.sampling import check
from engine.sequence import EngineError, Finish, PromptTooLong, Sampling, Usage
from engine.text import Text

_CONTROL = re.compile(r"<\|[a-z_]+\|>|</?s>")


class EchoEngine:
    """The fake of `engine.llama.LlamaEngine`.

    `delay` are seconds before each token. An exception in the script is raised to the caller of
    that reply.
    """

    def __init__(
        self,
        script: Sequence[str | Exception] | Callable[[str], str] | None = None,
        *,
        delay: float = 0.0,
        context: int = 4096,
        metadata: dict[str, str] | None = None,
    ) -> None:
        self.context = context
        self.begin = self.end = ""
        self.failure: EngineError | None = None
        self.metadata = metadata or {"general.architecture": "echo", "general.name": "echo"}
        self._script = script if callable(script) or script is None else itertools.cycle(script)
        self._delay = delay
        self._controls: list[str] = []
        self._closed = False
        self._heard: tuple[int, ...] = ()  # the last prompt and reply: what a cache would hold

    def encode(self, text: str, control: bool = False) -> list[int]:
        """Bytes; with `control`, texts like <|im_end|> become single tokens."""
        if not control:
            return list(text.encode("utf-8", "replace"))
        tokens: list[int] = []
        at = 0
        for match in _CONTROL.finditer(text):
            if match[0] not in self._controls:
                self._controls.append(match[0])
            tokens += text[at : match.start()].encode("utf-8", "replace")
            tokens.append(256 + self._controls.index(match[0]))
            at = match.end()
        return tokens + list(text[at:].encode("utf-8", "replace"))

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens, control texts included."""
        data = b"".join(bytes([t]) if t < 256 else self._controls[t - 256].encode() for t in tokens)
        return data.decode("utf-8", "replace")

    def stream(
        self,
        tokens: Sequence[int],
        sampling: Sampling,
        *,
        room: str = "",
        person: str = "",
        waiting: bool = True,
        stable: int | None = None,
    ) -> EchoReply:
        """Begin a reply; see `Engine.stream`."""
        return EchoReply(self, tuple(tokens), sampling)

    async def score(
        self,
        tokens: Sequence[int],
        continuations: Sequence[Sequence[int]],
        *,
        room: str = "",
        person: str = "",
        waiting: bool = True,
    ) -> list[float]:
        """What was spoken of is likelier: a token of the prompt counts -1, another -8."""
        if self._closed:
            raise EngineError("the engine is closed")
        known = set(tokens)
        return [
            math.fsum(-1.0 if token in known else -8.0 for token in continuation)
            for continuation in continuations
        ]

    async def close(self) -> None:
        """End all replies."""
        self._closed = True

    def _answer(self, tokens: tuple[int, ...]) -> bytes:
        prompt = self.decode(tokens)
        if callable(self._script):
            said: str | Exception = self._script(prompt)
        elif self._script is not None:
            said = next(self._script)
        else:
            said = prompt.rstrip("\n").rpartition("\n")[2]
        if isinstance(said, Exception):
            raise said
        return said.encode("utf-8", "replace")


class EchoReply:
    """One reply of an `EchoEngine`; see `engine.sequence.Reply`."""

    position = 0

    def __init__(self, engine: EchoEngine, prompt: tuple[int, ...], sampling: Sampling) -> None:
        self.finish: Finish | None = None
        self.usage = Usage()
        self.tokens: list[int] = []
        self.logprobs: list[float] = []
        self._engine = engine
        self._prompt = prompt
        self._sampling = sampling
        self._began = time.monotonic()
        self._answer: bytes | None = None
        self._text = Text()

    def __aiter__(self) -> EchoReply:
        return self

    async def __anext__(self) -> str:
        if self._answer is None:
            self._begin()
        while self.finish is None:
            await asyncio.sleep(self._engine._delay)
            if self._engine._closed:
                raise EngineError("the engine was closed while the reply was being written")
            if piece := self._step():
                return piece
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Walk away."""
        self.finish = self.finish or "left"

    def _begin(self) -> None:
        check(self._sampling)
        if self._engine._closed:
            raise EngineError("the engine is closed")
        if len(self._prompt) + self._sampling.max_tokens > self._engine.context:
            raise PromptTooLong(
                f"a prompt of {len(self._prompt)} tokens and a reply of up to "
                f"{self._sampling.max_tokens} do not fit into a context of {self._engine.context}"
            )
        self._answer = self._engine._answer(self._prompt)
        self._text = Text(self._sampling.stop)
        pairs = zip(self._prompt, self._engine._heard, strict=False)
        self.usage.reused = sum(
            1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)
        )
        self.usage.evaluated = len(self._prompt) - self.usage.reused

    def _step(self) -> str:
        """Write one token; returns the text that it completes."""
        assert self._answer is not None
        if not self.usage.generated:
            self.usage.first_token_s = time.monotonic() - self._began
        if self.usage.generated == len(self._answer):
            return self._end("end", self._text.rest())
        byte = self._answer[self.usage.generated : self.usage.generated + 1]
        self.usage.generated += 1
        self.tokens += byte
        if self._sampling.logprobs:
            self.logprobs.append(0.0)
        piece = self._text.push(byte)
        if self._text.stopped:
            return self._end("stop", piece)
        if self.usage.generated == self._sampling.max_tokens:
            return self._end("length", piece + self._text.rest())
        return piece

    def _end(self, finish: Finish, piece: str) -> str:
        self.finish = finish
        shown = len(self.tokens) - self._text.hidden
        self.tokens, self.logprobs = self.tokens[:shown], self.logprobs[:shown]
        self._engine._heard = (*self._prompt, *self.tokens)
        return piece
