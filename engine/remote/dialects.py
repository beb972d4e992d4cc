"""What each kind of server is sent, and what its events mean. Pure: dicts in, dicts and values out.

| dialect | route | prompt | used for |
|---|---|---|---|
| `Native` | /completion | the model's own token ids | llama-server, `mrp engine serve` |
| `Completions` | /v1/completions | exact text | vLLM and others whose markup is known |
| `Chat` | /v1/chat/completions | messages | Ollama, hosted APIs |
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.remote import vocabulary
from engine.remote.address import Address
from engine.sequence import EngineError, Finish, Sampling

Prompt = list[int] | str | list[dict[str, str]]
# Token texts, as bytes, that may come next, with their natural-log probabilities.
Table = dict[bytes, float]

_STOPS = 4  # as many as OpenAI's API takes; all of them are enforced here anyway


@dataclass(slots=True)
class Delta:
    """What one event says: text, and where it says so how the reply ended, its tokens' natural-log
    probabilities, and counts of tokens (None: it does not say)."""

    text: str = ""
    finish: Finish | None = None
    model: str = ""
    written: int = 0
    logprobs: list[float] = field(default_factory=list)
    prompt: int | None = None
    reused: int | None = None
    generated: int | None = None


class Dialect(Protocol):
    """How one kind of server is asked. `top` is how many next tokens it tells of at most."""

    top: int

    def route(self, address: Address) -> str: ...
    def body(self, prompt: Prompt, sampling: Sampling, model: str) -> dict[str, Any]: ...
    def delta(self, event: Mapping[str, Any]) -> Delta: ...
    def peek(self, prompt: Prompt, model: str) -> dict[str, Any]: ...
    def table(self, answer: Mapping[str, Any]) -> Table: ...


class Native:
    """llama-server's own route: token ids as they are, all of the sampling, reuse counts."""

    top = 256

    def route(self, address: Address) -> str:
        return f"{address.base}/completion"

    def body(self, prompt: Prompt, sampling: Sampling, model: str) -> dict[str, Any]:
        # The order of the in-process chain (engine/sampling.py). The slot is left to the server:
        # it takes the one with the longest common prefix, which a fixed id_slot would forbid.
        body: dict[str, Any] = {
            "prompt": prompt,
            "stream": True,
            "cache_prompt": True,
            "n_predict": sampling.max_tokens,
            "samplers": ["penalties", "dry", "top_k", "top_p", "min_p", "temperature"],
            "temperature": sampling.temperature,
            "top_k": sampling.top_k,
            "top_p": sampling.top_p,
            "min_p": sampling.min_p,
            "repeat_penalty": sampling.repeat_penalty,
            "repeat_last_n": sampling.repeat_last,
            "presence_penalty": sampling.presence_penalty,
            "frequency_penalty": sampling.frequency_penalty,
            "dry_multiplier": sampling.dry,
            "dry_base": sampling.dry_base,
            "dry_allowed_length": sampling.dry_length,
            "dry_penalty_last_n": 1024,
            "stop": list(sampling.stop),
        }
        if sampling.seed is not None:
            body["seed"] = sampling.seed & 0x7FFFFFFF
        if sampling.grammar:
            body["grammar"] = sampling.grammar
        if sampling.logprobs:
            body["n_probs"] = 1
        return body

    def delta(self, event: Mapping[str, Any]) -> Delta:
        found = Delta(_text(event.get("content")), model=_text(event.get("model")))
        probabilities = event.get("completion_probabilities")
        found.logprobs = _logprobs(probabilities)
        ids = event.get("tokens")
        found.written = len(ids) if isinstance(ids, list) else 0
        if event.get("stop") is True:
            kinds: dict[str, Finish] = {"eos": "end", "word": "stop", "limit": "length"}
            found.finish = kinds.get(_text(event.get("stop_type")), "end")
            found.prompt = _count(event.get("tokens_evaluated"))
            found.generated = _count(event.get("tokens_predicted"))
            timings = event.get("timings")
            found.reused = _count(timings.get("cache_n")) if isinstance(timings, dict) else None
        return found

    def peek(self, prompt: Prompt, model: str) -> dict[str, Any]:
        return {
            "prompt": prompt,
            "n_predict": 1,
            "n_probs": self.top,
            "temperature": 0,
            "cache_prompt": True,
            "stream": False,
        }

    def table(self, answer: Mapping[str, Any]) -> Table:
        first = _first(answer.get("completion_probabilities"))
        return _table(first.get("top_logprobs"))


class Completions:
    """/v1/completions with the exact text of the prompt. `vllm`: it takes vLLM's parameters too."""

    top = 20

    def __init__(self, *, vllm: bool = False) -> None:
        self._vllm = vllm

    def route(self, address: Address) -> str:
        return f"{address.api}/completions"

    def body(self, prompt: Prompt, sampling: Sampling, model: str) -> dict[str, Any]:
        body = _openai(sampling, model) | {"prompt": prompt}
        if self._vllm:
            body |= {
                "top_k": sampling.top_k or -1,
                "min_p": sampling.min_p,
                "repetition_penalty": sampling.repeat_penalty,
                "stop": list(sampling.stop),
            }
            if sampling.grammar:
                body["structured_outputs"] = {"grammar": sampling.grammar}
        elif sampling.grammar:
            raise EngineError("this server takes no grammar, so that cannot be asked of it")
        if sampling.logprobs:
            body["logprobs"] = 1
        return body

    def delta(self, event: Mapping[str, Any]) -> Delta:
        choice = _first(event.get("choices"))
        found = _openai_delta(event, choice, _text(choice.get("text")))
        logprobs = choice.get("logprobs")
        if isinstance(logprobs, dict):
            values = logprobs.get("token_logprobs")
            found.logprobs = [
                v for v in (values if isinstance(values, list) else []) if isinstance(v, float)
            ]
        return found

    def peek(self, prompt: Prompt, model: str) -> dict[str, Any]:
        return {
            "model": model,
            "prompt": prompt,
            "max_tokens": 1,
            "temperature": 0,
            "logprobs": self.top if self._vllm else 5,
        }

    def table(self, answer: Mapping[str, Any]) -> Table:
        logprobs = _first(answer.get("choices")).get("logprobs")
        if not isinstance(logprobs, dict):
            return {}
        if "content" in logprobs:  # llama-server answers here as in chats
            return _table(_first(logprobs["content"]).get("top_logprobs"))
        told = logprobs.get("top_logprobs")
        first = told[0] if isinstance(told, list) and told else None
        if not isinstance(first, dict):
            return {}
        return {str(t).encode(): float(p) for t, p in first.items() if t and p is not None}


class Chat:
    """/v1/chat/completions with the turns as messages. `ollama`: thinking has to be turned off."""

    top = 20

    def __init__(self, *, ollama: bool = False) -> None:
        self._ollama = ollama

    def route(self, address: Address) -> str:
        return f"{address.api}/chat/completions"

    def body(self, prompt: Prompt, sampling: Sampling, model: str) -> dict[str, Any]:
        body = _openai(sampling, model) | {"messages": prompt}
        if self._ollama:
            body["reasoning_effort"] = "none"
        if sampling.grammar:
            # All of our grammars are of JSON objects; the shape is in the prompt as well.
            body["response_format"] = {"type": "json_object"}
        if sampling.logprobs:
            body["logprobs"] = True
        return body

    def delta(self, event: Mapping[str, Any]) -> Delta:
        choice = _first(event.get("choices"))
        said = choice.get("delta") or choice.get("message")
        text = _text(said.get("content")) if isinstance(said, dict) else ""
        found = _openai_delta(event, choice, text)
        logprobs = choice.get("logprobs")
        if isinstance(logprobs, dict):
            found.logprobs = _logprobs(logprobs.get("content"))
        return found

    def peek(self, prompt: Prompt, model: str) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": model,
            "messages": prompt,
            "max_tokens": 1,
            "temperature": 0,
            "logprobs": True,
            "top_logprobs": self.top,
        }
        return body | ({"reasoning_effort": "none"} if self._ollama else {})

    def table(self, answer: Mapping[str, Any]) -> Table:
        logprobs = _first(answer.get("choices")).get("logprobs")
        content = logprobs.get("content") if isinstance(logprobs, dict) else None
        return _table(_first(content).get("top_logprobs"))


ROLES = {f"<|im_start|>{role}\n": role for role in ("system", "user", "assistant")}


def messages(tokens: Sequence[int]) -> tuple[list[dict[str, str]], str]:
    """A prompt in ChatML as chat messages, and the text with which the reply was to begin.

    Where two blocks of one role follow each other they become one message: many templates allow no
    others. Only our own markup opens a block, so nobody can type one.
    """
    found: list[dict[str, str]] = []
    opened = False
    for text, control in vocabulary.spans(tokens):
        if control and (role := ROLES.get(text)):
            opened = True
            if found and found[-1]["role"] == role:
                found[-1]["content"] += "\n"
            else:
                found.append({"role": role, "content": ""})
        elif control:
            opened = False
        elif found and opened:
            found[-1]["content"] += vocabulary.harmless(text)
    begun = ""
    if opened and found and found[-1]["role"] == "assistant":
        begun = found[-1]["content"].rpartition("\n")[2]
        kept = found[-1]["content"][: len(found[-1]["content"]) - len(begun)].rstrip("\n")
        found[-1]["content"] = kept
        if not kept:
            found.pop()
    return found, begun


def _openai(sampling: Sampling, model: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": model,
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
    }
    if sampling.stop:
        body["stop"] = list(sampling.stop)[:_STOPS]
    if sampling.seed is not None:
        body["seed"] = sampling.seed & 0x7FFFFFFF
    return body


def _openai_delta(event: Mapping[str, Any], choice: Mapping[str, Any], text: str) -> Delta:
    found = Delta(text, model=_text(event.get("model")), written=1 if text else 0)
    reason = choice.get("finish_reason")
    if reason == "length":
        found.finish = "length"
    elif isinstance(reason, str):
        # vLLM and mrp say which stop text it was; others do not tell it from the model's own end.
        found.finish = "stop" if isinstance(choice.get("stop_reason"), str) else "end"
    usage = event.get("usage")
    if isinstance(usage, dict):
        found.prompt = _count(usage.get("prompt_tokens"))
        found.generated = _count(usage.get("completion_tokens"))
        details = usage.get("prompt_tokens_details")
        found.reused = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
    return found


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def _first(value: object) -> Mapping[str, Any]:
    found = value[0] if isinstance(value, list) and value else None
    return found if isinstance(found, dict) else {}


def _logprobs(value: object) -> list[float]:
    rows = value if isinstance(value, list) else []
    found = [row.get("logprob") for row in rows if isinstance(row, dict)]
    return [float(v) for v in found if isinstance(v, int | float)]


def _table(rows: object) -> Table:
    """A list of {token, bytes, logprob} as a table; tokens without text are left out."""
    found: Table = {}
    for row in rows if isinstance(rows, list) else []:
        if not isinstance(row, dict) or not isinstance(row.get("logprob"), int | float):
            continue
        told = row.get("bytes")
        data = bytes(told) if isinstance(told, list) and told else _text(row.get("token")).encode()
        if data and math.isfinite(row["logprob"]):
            found[data] = float(row["logprob"])
    return found
