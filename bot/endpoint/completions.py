"""The model itself over HTTP: llama-server's native routes and OpenAI's completions and chats."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from bot.endpoint import answers
from bot.endpoint.requests import (
    BadBody,
    Where,
    chat_spans,
    encoded,
    messages_of,
    native_sampling,
    openai_sampling,
    tokens_of,
    where,
)
from bot.voice import Voice
from engine.sequence import Reply, Sampling

STOPPED = {"end": "stop", "stop": "stop", "left": "stop", "length": "length"}
_MOST_SCORED = 64  # continuations
_SLOTS = (
    64  # sent at once by one client: the engine has its own queue, which is fair to all of them
)


class Completions:
    """The routes of one model."""

    def __init__(self, voice: Voice, model: str) -> None:
        self._voice = voice
        self._engine = voice.engine
        self.model = model

    def props(self) -> dict[str, Any]:
        """What a client asks once: llama-server's fields, and the file's metadata."""
        return {
            "default_generation_settings": {"n_ctx": self._engine.context},
            "total_slots": _SLOTS,
            "model_alias": self.model,
            "chat_template": self._engine.metadata.get("tokenizer.chat_template", ""),
            "bos_token": self._engine.begin,
            "eos_token": getattr(self._engine, "end", ""),
            "mrp": {"metadata": _metadata(self._engine.metadata)},
        }

    async def tokenize(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Token ids of a text; control tokens only with parse_special."""
        content = body.get("content")
        if not isinstance(content, str):
            raise BadBody("content must be a text")
        special = body.get("parse_special", True) is True
        ids = encoded(content, self._engine, special)
        if body.get("add_special") is True and self._engine.begin:
            ids = [*self._engine.encode(self._engine.begin, True), *ids]
        return {"tokens": ids}

    async def score(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Natural-log probabilities of continuations after a prompt."""
        texts = body.get("continuations")
        if not isinstance(texts, list) or not 0 < len(texts) <= _MOST_SCORED:
            raise BadBody(f"continuations must be a list of 1 to {_MOST_SCORED} prompts")
        asked = where(body)
        scores = await self._engine.score(
            tokens_of(body.get("prompt"), self._engine),
            [tokens_of(text, self._engine) for text in texts],
            room=asked.room,
            person=asked.person,
            waiting=asked.waiting,
        )
        return {"scores": scores}

    # -- llama-server's /completion --------------------------------------------------------------

    async def native(self, request: web.Request, body: Mapping[str, Any]) -> web.StreamResponse:
        """/completion with token ids or text."""
        prompt = tokens_of(body.get("prompt"), self._engine, begin=True)
        events = self._native(prompt, native_sampling(body, self._voice.served), where(body))
        if body.get("stream") is True:
            return await answers.stream(request, events, done=False)
        parts = [event async for event in events]
        joined = {
            "content": "".join(part["content"] for part in parts),
            "tokens": [token for part in parts for token in part["tokens"]],
        }
        return web.json_response({**parts[-1], **joined})

    async def _native(
        self, prompt: list[int], sampling: Sampling, asked: Where
    ) -> AsyncGenerator[dict[str, Any], None]:
        reply, told = self._begin(prompt, sampling, asked), 0
        try:
            async for piece in reply:
                event = {"content": piece, "stop": False, **_since(reply, told, sampling)}
                told = len(reply.tokens)
                yield event
            usage, finish = reply.usage, reply.finish
            yield {
                "content": "",
                "tokens": [],
                "stop": True,
                "stop_type": {"stop": "word", "length": "limit"}.get(finish or "", "eos"),
                "model": self.model,
                "tokens_predicted": usage.generated,
                "tokens_evaluated": len(prompt),
                "timings": {"cache_n": usage.reused, "prompt_n": usage.evaluated},
            }
        finally:
            await reply.aclose()

    # -- OpenAI's routes -------------------------------------------------------------------------

    async def completions(
        self, request: web.Request, body: Mapping[str, Any]
    ) -> web.StreamResponse:
        """/v1/completions: control tokens in a text are read, as the caller rendered it."""
        prompt = tokens_of(body.get("prompt"), self._engine, begin=True)
        return await self._openai(request, body, prompt, chat=False)

    async def chat(self, request: web.Request, body: Mapping[str, Any]) -> web.StreamResponse:
        """/v1/chat/completions with the model: messages in its own markup."""
        spans = chat_spans(messages_of(body), self._voice.served.style.markup)
        prompt = [
            token for span in spans for token in encoded(span.text, self._engine, span.control)
        ]
        return await self._openai(request, body, prompt, chat=True)

    async def _openai(
        self, request: web.Request, body: Mapping[str, Any], prompt: list[int], *, chat: bool
    ) -> web.StreamResponse:
        sampling = openai_sampling(body, self._voice.served)
        longest = max(1, self._engine.context - len(prompt))
        if body.get("max_tokens", body.get("max_completion_tokens")) is None:
            sampling = replace(sampling, max_tokens=min(sampling.max_tokens, longest))
        events = self._chunks(prompt, sampling, where(body), chat=chat)
        if body.get("stream") is True:
            return await answers.stream(request, only_wanted(events, body))
        return web.json_response(await whole(events, chat=chat))

    async def _chunks(
        self, prompt: list[int], sampling: Sampling, asked: Where, *, chat: bool
    ) -> AsyncGenerator[dict[str, Any], None]:
        reply, told = self._begin(prompt, sampling, asked), 0
        make = Chunks(self.model, chat=chat)
        try:
            async for piece in reply:
                logprobs = _logprobs(reply, told, chat) if sampling.logprobs else None
                told = len(reply.tokens)
                yield make.piece(piece, logprobs)
            stopped = reply.finish == "stop"
            yield make.end(STOPPED[reply.finish or "end"], "a stop text" if stopped else None)
            usage = reply.usage
            yield make.usage(len(prompt), usage.generated, usage.reused)
        finally:
            await reply.aclose()

    def _begin(self, prompt: list[int], sampling: Sampling, asked: Where) -> Reply:
        return self._engine.stream(
            prompt,
            sampling,
            room=asked.room,
            person=asked.person,
            waiting=asked.waiting,
            stable=asked.stable,
        )


class Chunks:
    """Makes the chunks of one reply in OpenAI's form."""

    def __init__(self, model: str, *, chat: bool) -> None:
        self._chat = chat
        self._base = {
            "id": f"{'chatcmpl' if chat else 'cmpl'}-{uuid.uuid4().hex}",
            "object": "chat.completion.chunk" if chat else "text_completion",
            "created": int(time.time()),
            "model": model,
        }

    def piece(self, text: str, logprobs: Any = None) -> dict[str, Any]:
        """Text that was written."""
        return self._choice(text, None, logprobs)

    def end(self, reason: str, stopped_by: str | None = None) -> dict[str, Any]:
        """How it ended. `stopped_by` tells a stop text from the model's own end, as in vLLM."""
        chunk = self._choice("", reason, None)
        chunk["choices"][0]["stop_reason"] = stopped_by
        return chunk

    def usage(self, prompt: int, written: int, reused: int = 0) -> dict[str, Any]:
        """Counts of tokens."""
        counts = {
            "prompt_tokens": prompt,
            "completion_tokens": written,
            "total_tokens": prompt + written,
            "prompt_tokens_details": {"cached_tokens": reused},
        }
        return {**self._base, "choices": [], "usage": counts}

    def _choice(self, text: str, reason: str | None, logprobs: Any) -> dict[str, Any]:
        said = {"delta": {"role": "assistant", "content": text}} if self._chat else {"text": text}
        choice = {"index": 0, **said, "logprobs": logprobs, "finish_reason": reason}
        return {**self._base, "choices": [choice]}


async def only_wanted(
    events: AsyncGenerator[dict[str, Any], None], body: Mapping[str, Any]
) -> AsyncGenerator[dict[str, Any], None]:
    """Without the chunk of usage unless stream_options ask for it, as OpenAI has it."""
    options = body.get("stream_options")
    wanted = isinstance(options, dict) and options.get("include_usage") is True
    try:
        async for event in events:
            if event["choices"] or wanted:
                yield event
    finally:
        await events.aclose()


async def whole(events: AsyncGenerator[dict[str, Any], None], *, chat: bool) -> dict[str, Any]:
    """All chunks of a reply as one answer."""
    text, logprobs = "", []
    answer: dict[str, Any] = {}
    choice: dict[str, Any] = {}
    async for event in events:
        answer = {**answer, **event}
        for choice in event["choices"]:
            text += choice["delta"]["content"] if chat else choice["text"]
            logprobs += [choice["logprobs"]] if choice["logprobs"] else []
    told = _joined(logprobs, chat)
    last = {k: v for k, v in choice.items() if k != "delta"} | {"logprobs": told}
    said = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
    kind = "chat.completion" if chat else "text_completion"
    return {**answer, "object": kind, "choices": [{**last, **said}]}


def _joined(logprobs: list[dict[str, Any]], chat: bool) -> dict[str, Any] | None:
    if not logprobs:
        return None
    return {key: [row for each in logprobs for row in each[key]] for key in logprobs[0]}


def _logprobs(reply: Reply, told: int, chat: bool) -> dict[str, Any]:
    """The logprobs of tokens since `told`; ids in place of their texts, which may be half ones."""
    ids, values = reply.tokens[told:], reply.logprobs[told:]
    names = [f"token_id:{token}" for token in ids]
    if chat:
        rows = zip(names, values, strict=False)
        return {"content": [{"token": t, "logprob": p, "top_logprobs": []} for t, p in rows]}
    return {"tokens": names, "token_logprobs": list(values)}


def _since(reply: Reply, told: int, sampling: Sampling) -> dict[str, Any]:
    ids = reply.tokens[told:]
    if not sampling.logprobs:
        return {"tokens": ids}
    rows = zip(ids, reply.logprobs[told:], strict=False)
    return {
        "tokens": ids,
        "completion_probabilities": [{"id": token, "logprob": p} for token, p in rows],
    }


def _metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """What a client needs of a file's metadata; its arrays and sizes are nobody's business."""
    wanted = ("general.", "mrp.", "tokenizer.chat_template", "tokenizer.ggml.add_bos_token")
    return {key: value for key, value in metadata.items() if key.startswith(wanted)}
