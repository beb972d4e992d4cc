"""What an answer must look like: one value that becomes a JSON schema and a GBNF grammar.

Object({"label": Choice(("known", "unknown")), "questions": Items(Text(40), 1, 10)})

The endpoint gets the schema, our own engine the grammar, and `parse` holds either to it again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class BadAnswer(ValueError):
    """An answer that is not of the shape asked for."""


@dataclass(frozen=True, slots=True)
class Text:
    """One line of at most `longest` characters, not empty.

    `without` are characters that a grammar leaves out, as in a bracket: "A-Za-z" where only Chinese
    makes sense.
    """

    longest: int
    without: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several texts."""

    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list of `least` to `most` things of one shape."""

    of: Shape
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Object:
    """An object with these keys, in this order."""

    fields: Mapping[str, Shape]


Shape = Text | Choice | Items | Object


def schema(shape: Shape) -> dict[str, Any]:
    """The JSON schema, within what strict structured output allows (no length of texts)."""
    match shape:
        case Text():
            return {"type": "string"}
        case Choice(options):
            return {"type": "string", "enum": list(options)}
        case Items(of, least, most):
            return {"type": "array", "items": schema(of), "minItems": least, "maxItems": most}
        case Object(fields):
            return {
                "type": "object",
                "properties": {key: schema(field) for key, field in fields.items()},
                "required": list(fields),
                "additionalProperties": False,
            }


def grammar(shape: Shape) -> str:
    """The GBNF grammar: compact JSON, texts of one line without escapes."""
    rules: dict[str, str] = {}
    root = _rule(shape, rules)
    lines = [f"{name} ::= {rule}" for rule, name in rules.items()]
    return "\n".join([f"root ::= {root}", *lines]) + "\n"


_NEVER = r'"\\\x00-\x1F\x7F'
# A text does not begin with what ends or goes on with another: small models like to.
_NEVER_FIRST = _NEVER + r" \u3000：:，,。.、；;！!？?’”」』）)"


def _rule(shape: Shape, rules: dict[str, str]) -> str:
    """The name of a shape's rule, which is added to `rules` (rule → name).

    Every shape has a rule of its own: llama.cpp multiplies what stands inside a repetition, and
    refuses a list of long texts that are written out in place.
    """
    match shape:
        case Text(most, without):
            head = _named(f"[^{_NEVER_FIRST}{without}]", rules)
            char = _named(f"[^{_NEVER}{without}]", rules)
            rule = rf'"\"" {head} {char}{{0,{most - 1}}} "\""'
        case Choice(options):
            rule = " | ".join(_literal(json.dumps(one, ensure_ascii=False)) for one in options)
        case Items(_, _, 0):
            rule = '"[]"'
        case Items(of, least, most):
            one = _rule(of, rules)
            more = f'("," {one}){{{max(0, least - 1)},{most - 1}}}' if most > 1 else ""
            some = f'"[" {one} {more} "]"'
            rule = some if least else f'"[]" | {some}'
        case Object(fields):
            parts: list[str] = []
            for number, (key, field) in enumerate(fields.items()):
                start = "{" if number == 0 else ","
                parts += [_literal(f"{start}{json.dumps(key)}:"), _rule(field, rules)]
            rule = " ".join([*parts, '"}"'])
    return _named(rule, rules)


def _named(rule: str, rules: dict[str, str]) -> str:
    return rules.setdefault(rule, f"r{len(rules)}")


def _literal(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parse(shape: Shape, text: str) -> Any:
    """The value of an answer.

    What stands around the JSON (a code fence, a word before it) is left out.

    Raises:
        BadAnswer: no JSON in it, or of another shape; the message says where.
    """
    begin = min((at for at in (text.find("{"), text.find("[")) if at >= 0), default=-1)
    end = max(text.rfind("}"), text.rfind("]")) + 1
    if begin < 0 or end <= begin:
        raise BadAnswer("no JSON in the answer")
    try:
        value = json.loads(text[begin:end])
    except ValueError as problem:
        raise BadAnswer(f"not JSON: {problem}") from problem
    return _checked(shape, value, "answer")


def _checked(shape: Shape, value: Any, where: str) -> Any:
    match shape:
        case Text(longest):
            if not isinstance(value, str) or not value.strip():
                raise BadAnswer(f"{where}: must be a text")
            # Endpoints are not told lengths; twice the wish is still an answer.
            text = value.strip()
            if len(text) > 2 * longest:
                raise BadAnswer(f"{where}: {len(text)} characters, at most {longest} asked for")
            return text
        case Choice(options):
            if value not in options:
                raise BadAnswer(f"{where}: {str(value)[:40]!r} is none of the choices")
            return value
        case Items(of, least, most):
            if not isinstance(value, list) or not least <= len(value):
                raise BadAnswer(f"{where}: must be a list of {least} to {most}")
            return [_checked(of, one, f"{where}[{n}]") for n, one in enumerate(value[:most])]
        case Object(fields):
            if not isinstance(value, dict):
                raise BadAnswer(f"{where}: must be an object")
            for key in fields:
                if key not in value:
                    raise BadAnswer(f"{where}.{key}: is missing")
            return {key: _checked(f, value[key], f"{where}.{key}") for key, f in fields.items()}


def longest(shape: Shape) -> int:
    """The most characters that an answer of this shape has."""
    match shape:
        case Text(most):
            return most + 2
        case Choice(options):
            return max(map(len, options)) + 2
        case Items(of, _, most):
            return 2 + most * (longest(of) + 1)
        case Object(fields):
            return 1 + sum(len(key) + 4 + longest(field) for key, field in fields.items())


def filled(shape: Shape, number: int) -> Any:
    """A value of the shape at its fullest, for a rehearsal; texts differ with `number`, and are
    taken for questions where questions are wanted."""
    match shape:
        case Text(most):
            return f"〔{number}〕" + "…" * max(0, most // 2 - 5) + "？"
        case Choice(options):
            return options[number % len(options)]
        case Items(of, _, most):
            return [filled(of, number * 31 + n) for n in range(most)]
        case Object(fields):
            return {
                key: filled(field, number * 7 + n) for n, (key, field) in enumerate(fields.items())
            }
