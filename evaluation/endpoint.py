"""Any OpenAI-compatible endpoint, as somebody who is examined or who judges: this package's only
door to openai.

    chat = Chat("http://127.0.0.1:8080/v1", model="qwen")
    text = await chat.ask([{"role": "user", "content": "…"}], temperature=0, max_tokens=256)
    subject = EndpointSubject(chat)

The key comes from the environment (MRP_EVALUATE_KEY, else OPENAI_API_KEY) and is never written
anywhere. Busy and failing servers are asked again by the library, with its growing pauses.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any

import openai

from characters.card import Character
from characters.prompt import Style, card, name_of
from characters.turn import Scene
from evaluation.error import EvaluationError
from evaluation.subject import Answer, Ask, Done, Kind, bare, nothing

Message = dict[str, str]

_TRIES, _PATIENCE = 4, 120.0  # times, seconds


class Chat:
    """One model of one endpoint. `at_once` requests are in flight at most."""

    def __init__(self, url: str, *, model: str, at_once: int = 8, key: str | None = None) -> None:
        key = key or os.environ.get("MRP_EVALUATE_KEY") or os.environ.get("OPENAI_API_KEY")
        self.model = model
        self._url = url
        self._client = openai.AsyncOpenAI(
            # A server at home wants no key, but the library wants one to send.
            base_url=url,
            api_key=key or "none",
            max_retries=_TRIES,
            timeout=_PATIENCE,
        )
        self._room = asyncio.Semaphore(at_once)

    async def ask(
        self,
        messages: Sequence[Message],
        *,
        temperature: float,
        max_tokens: int,
        seed: int | None = None,
        stop: Sequence[str] = (),
    ) -> tuple[str, str, int]:
        """Text, why it ended ("end", "length"), and tokens written.

        Raises:
            EvaluationError: the endpoint cannot be reached or refuses.
        """
        wanted: dict[str, Any] = {"temperature": temperature, "max_tokens": max_tokens}
        if seed is not None:
            wanted["seed"] = seed
        if stop:
            wanted["stop"] = list(stop)[:4]  # the protocol takes four
        async with self._room:
            try:
                said = await self._client.chat.completions.create(
                    model=self.model,
                    messages=messages,  # type: ignore[arg-type]
                    **wanted,
                )
            except openai.APIConnectionError as problem:
                raise EvaluationError(
                    f"{self._url} does not answer ({problem}); is the server running?"
                ) from None
            except openai.APIStatusError as problem:
                raise EvaluationError(
                    f"{self._url} refused {self.model!r} with {problem.status_code}: "
                    f"{problem.message}; check the model's name and MRP_EVALUATE_KEY"
                ) from None
            except openai.OpenAIError as problem:
                raise EvaluationError(f"{self._url}: {problem}") from None
        if not said.choices:
            raise EvaluationError(f"{self._url} answered without a choice")
        choice = said.choices[0]
        finish = "length" if choice.finish_reason == "length" else "end"
        tokens = said.usage.completion_tokens if said.usage else 0
        return choice.message.content or "", finish, tokens

    async def close(self) -> None:
        await self._client.close()


class EndpointSubject:
    """A model behind an endpoint, examined with the same cards and turns as chat messages."""

    kind: Kind = "endpoint"

    def __init__(self, chat: Chat, *, temperature: float | None = None, max_tokens: int = 256):
        self.name = chat.model
        self._chat = chat
        self._temperature = temperature
        self._max_tokens = max_tokens

    async def answer(self, asks: Sequence[Ask], done: Done = nothing) -> dict[str, Answer]:
        async def one(ask: Ask) -> tuple[str, Answer]:
            heat = self._temperature
            text, finish, tokens = await self._chat.ask(
                messages(ask),
                temperature=ask.speaker.temperature if heat is None else heat,
                max_tokens=self._max_tokens,
                seed=ask.seed,
            )
            answer = Answer(bare(text, ask.speaker), finish, tokens)
            done(ask, answer)
            return ask.id, answer

        return dict(await asyncio.gather(*(one(ask) for ask in asks)))

    async def prefer(self, ask: Ask, replies: Sequence[str]) -> list[float] | None:
        return None

    async def opinion(self, ask: Ask, among: Sequence[Character]) -> list[float] | None:
        return None

    async def close(self) -> None:
        await self._chat.close()


_TELL = {
    "zh": "这是一场多人对话。你扮演{name}，只说{name}的下一句话，不替别人说话，不加名字。\n{cards}",
    "en": "This is a conversation of several people. You are {name}: write only {name}'s next "
    "line, speak for nobody else, and put no name before it.\n{cards}",
}
_UNHEARD = {"zh": "{name}没听过{words}。", "en": "{name} has never heard of {words}."}
_BOOK = {"zh": "书中：\n{}", "en": "From the book:\n{}"}


def messages(ask: Ask) -> list[Message]:
    """An ask as chat messages: the cards, then who said what; others' lines are joined."""
    scene, language = ask.scene, ask.scene.language
    cards = "\n".join(card(member, language, Style()) for member in scene.cast)
    system = _TELL[language].format(name=ask.speaker.name[language], cards=cards)
    if ask.passages:
        system += "\n" + _BOOK[language].format("\n".join(ask.passages))
    if ask.unheard:
        words = ("、" if language == "zh" else ", ").join(f"“{word}”" for word in ask.unheard)
        system += "\n" + _UNHEARD[language].format(name=ask.speaker.name[language], words=words)
    told: list[Message] = [{"role": "system", "content": system}]
    for role, line in _lines(scene, ask):
        if told[-1]["role"] == role:
            told[-1]["content"] += "\n" + line
        else:
            told.append({"role": role, "content": line})
    return told


def _lines(scene: Scene, ask: Ask) -> list[tuple[str, str]]:
    colon = "：" if scene.language == "zh" else ": "
    return [
        ("assistant", turn.text)
        if turn.side == "character" and turn.speaker == ask.speaker.id
        else ("user", f"{name_of(turn, scene)}{colon}{turn.text}")
        for turn in scene.turns
    ]
