"""Bodies of requests as values; every mistake in them is one sentence. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from characters.markup import Markup, Role
from characters.prompt import Span
from characters.style import Serving
from engine.sequence import Engine, PromptTooLong, Sampling

# A grammar of any JSON object, for response_format.
JSON_OBJECT = r"""
root ::= object
object ::= "{" ws (pair ("," ws pair)*)? "}" ws
pair ::= string ":" ws value
array ::= "[" ws (value ("," ws value)*)? "]" ws
value ::= object | array | string | number | ("true" | "false" | "null") ws
string ::= "\"" ([^"\\\x00-\x1f] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4}))* "\"" ws
number ::= "-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,3})? ws
ws ::= [ \t\n]{0,8}
"""


class BadBody(ValueError):
    """A request that cannot be answered; the message names the field."""


# Characters a token of the context: what is longer cannot fit, and is not even tokenized.
_DENSEST = 64


def encoded(text: str, engine: Engine, control: bool = False) -> list[int]:
    """The tokens of a text.

    Raises:
        PromptTooLong: it is so long that it cannot fit whatever is in it.
    """
    if len(text) > _DENSEST * engine.context:
        raise PromptTooLong(f"a text of {len(text)} characters is longer than any context")
    return engine.encode(text, control)


@dataclass(frozen=True, slots=True)
class Said:
    """One chat message."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Where:
    """For whom it is; see `engine.sequence.Engine.stream`."""

    room: str = ""
    person: str = ""
    waiting: bool = True
    stable: int | None = None


def where(body: Mapping[str, Any]) -> Where:
    """`room`, `person` (or OpenAI's `user`), `waiting` and `stable` of a body."""
    person = text_of(body, "person") or text_of(body, "user")
    stable = body.get("stable")
    if stable is not None and (not isinstance(stable, int) or isinstance(stable, bool)):
        raise BadBody("stable must be a number of tokens")
    return Where(text_of(body, "room") or person, person, body.get("waiting") is not False, stable)


def text_of(body: Mapping[str, Any], key: str, default: str = "", *, longest: int = 256) -> str:
    """A short text of a body."""
    value = body.get(key)
    if value is None:
        return default
    if not isinstance(value, str) or len(value) > longest:
        raise BadBody(f"{key} must be a text of at most {longest} characters")
    return value


def tokens_of(prompt: object, engine: Engine, *, begin: bool = False) -> list[int]:
    """A prompt as token ids: a text (in which control tokens are read), ids, or both in a list.
    `begin`: the BOS is put before a text that has none."""
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], list):
        prompt = prompt[0]  # OpenAI's list of prompts, with one in it
    parts = prompt if isinstance(prompt, list) else [prompt] if isinstance(prompt, str) else [None]
    found: list[int] = []
    for part in parts:
        if isinstance(part, str):
            found += encoded(part, engine, True)
        elif isinstance(part, int) and not isinstance(part, bool):
            found.append(part)
        else:
            raise BadBody("prompt must be one text, or a list of token ids")
    texts = sum(isinstance(part, str) for part in parts)
    if texts > 1:
        raise BadBody("prompt must be one text: ask for several in requests of their own")
    opening = engine.encode(engine.begin, True) if begin and texts and engine.begin else []
    return found if found[: len(opening)] == opening else opening + found


def native_sampling(body: Mapping[str, Any], served: Serving) -> Sampling:
    """The sampling of llama-server's /completion."""
    most = _number(body, "n_predict", served.max_tokens, whole=True)
    return Sampling(
        temperature=_number(body, "temperature", 0.8),
        top_k=int(_number(body, "top_k", 40, whole=True)),
        top_p=_number(body, "top_p", 0.95),
        min_p=_number(body, "min_p", 0.05),
        repeat_penalty=_number(body, "repeat_penalty", 1.0),
        repeat_last=int(_number(body, "repeat_last_n", 64, whole=True)),
        max_tokens=int(most if most > 0 else served.max_tokens),
        seed=_seed(body),
        stop=_stop(body),
        presence_penalty=_number(body, "presence_penalty", 0.0),
        frequency_penalty=_number(body, "frequency_penalty", 0.0),
        dry=_number(body, "dry_multiplier", 0.0),
        dry_base=_number(body, "dry_base", 1.75),
        dry_length=int(_number(body, "dry_allowed_length", 2, whole=True)),
        grammar=text_of(body, "grammar", longest=100_000),
        logprobs=_number(body, "n_probs", 0, whole=True) > 0,
    )


def openai_sampling(body: Mapping[str, Any], served: Serving) -> Sampling:
    """The sampling of the OpenAI-compatible routes; what is left out is as the model wants it."""
    if body.get("n") not in (None, 1):
        raise BadBody("n must be 1: ask for several replies in requests of their own")
    most = body.get("max_completion_tokens", body.get("max_tokens"))
    given = {"max_tokens": most} if most is not None else {}
    usual = 0.8 if served.temperature is None else served.temperature
    return Sampling(
        temperature=_number(body, "temperature", usual),
        top_k=int(_number(body, "top_k", served.top_k, whole=True)),
        top_p=_number(body, "top_p", served.top_p),
        min_p=_number(body, "min_p", served.min_p),
        repeat_penalty=_number(body, "repetition_penalty", served.repeat_penalty),
        dry=served.dry,
        dry_length=served.dry_length,
        max_tokens=int(_number(given, "max_tokens", served.max_tokens, whole=True)),
        seed=_seed(body),
        stop=_stop(body),
        presence_penalty=_number(body, "presence_penalty", 0.0),
        frequency_penalty=_number(body, "frequency_penalty", 0.0),
        grammar=_grammar(body),
        logprobs=body.get("logprobs") not in (None, False),
    )


def messages_of(body: Mapping[str, Any]) -> list[Said]:
    """The messages of a chat; parts of text are joined, other parts are refused."""
    rows = body.get("messages")
    if not isinstance(rows, list) or not rows:
        raise BadBody("messages must be a list of at least one {role, content}")
    found: list[Said] = []
    roles: dict[object, Role] = {
        "system": "system", "developer": "system", "user": "user", "assistant": "assistant",
    }  # fmt: skip
    for number, row in enumerate(rows):
        role = roles.get(row.get("role")) if isinstance(row, dict) else None
        if role is None:
            raise BadBody(f"messages[{number}].role must be system, user or assistant")
        found.append(Said(role, _content(row.get("content"), number)))
    return found


def _content(content: object, number: int) -> str:
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    texts: list[str] = []
    for part in content if isinstance(content, list) else [None]:
        if not isinstance(part, dict) or not isinstance(part.get("text"), str):
            raise BadBody(f"messages[{number}].content must be text: nothing else is read here")
        texts.append(part["text"])
    return "\n".join(texts)


def chat_spans(said: Sequence[Said], markup: Markup) -> list[Span]:
    """A chat in the model's markup, up to where the assistant begins to speak. What is said is
    plain text: nobody can type a control token."""
    spans = [Span(markup.begin, control=True)] if markup.begin else []
    for message in said:
        spans += [Span(markup.open(message.role), control=True), Span(message.text)]
        spans += [Span(closing, control=True) for closing in markup.shut(message.role)]
    spans.append(Span(markup.open("assistant") + markup.thought, control=True))
    return [span for span in spans if span.text]


def _number(body: Mapping[str, Any], key: str, default: float, *, whole: bool = False) -> float:
    value = body.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise BadBody(f"{key} must be a {'whole ' if whole else ''}number, not {value!r:.40}")
    if not math.isfinite(value) or abs(value) > 1e9:
        raise BadBody(f"{key} is out of range")
    return float(value)


def _seed(body: Mapping[str, Any]) -> int | None:
    value = body.get("seed")
    if value is None or value == -1:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadBody("seed must be a whole number")
    return value & 0x7FFFFFFF


def _stop(body: Mapping[str, Any]) -> tuple[str, ...]:
    stop = body.get("stop") or []
    texts = (stop,) if isinstance(stop, str) else tuple(stop) if isinstance(stop, list) else None
    if texts is None or len(texts) > 256 or not all(isinstance(t, str) and t for t in texts):
        raise BadBody("stop must be a text or a list of at most 256 texts that are not empty")
    return texts


def _grammar(body: Mapping[str, Any]) -> str:
    told = body.get("structured_outputs")
    if isinstance(told, dict) and isinstance(told.get("grammar"), str):
        return str(told["grammar"])
    wanted = body.get("response_format")
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind in (None, "text"):
        return text_of(body, "grammar", longest=100_000)
    if kind == "json_object":
        return JSON_OBJECT
    raise BadBody("response_format must be text or json_object; send a GBNF as grammar for more")
