"""One row of the command table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from characters.card import Words

# What stands after a command's name: nothing, characters' names, one of them, any text, a number.
Argument = Literal["", "people", "person", "text", "number"]


@dataclass(frozen=True, slots=True)
class Command:
    """`names` are what it is called, the first one in help; `takes` shows its argument.

    An argument in brackets may be left out. `here_only`: it means something in a terminal alone.
    `informs`: it changes nothing, so that it need not wait for a reply that is being written;
    "bare": without an argument.
    """

    id: str
    names: tuple[str, ...]
    zh_names: tuple[str, ...]
    argument: Argument
    takes: Words | None
    does: Words
    here_only: bool = False
    informs: Literal["", "always", "bare"] = ""
