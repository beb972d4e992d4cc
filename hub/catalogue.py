"""The catalogue: models that are known to work here, with what people choose by.

catalogue()["qwen3-8b"]     where it lies, how large it is, its licence, its checksums
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from hub.error import HubError
from text.toml import read_toml

CATALOGUE = Path(__file__).with_name("catalogue.toml")
GiB = 1 << 30

Use = Literal["talk", "base", "search", "voice", "speech", "hearing"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A model of the catalogue. `what` says in one line what it is good for, `zh` the same in
    Chinese for the page that offers it.

    `repositories` by source; `files` are patterns; `sha256` by file where known; `bytes` roughly
    what comes down; `revision` the commit on Hugging Face ("": the newest). `use`: to talk with, a
    base to train, to search with, an adapter, to speak lines aloud, or to hear voice notes. `kv` is
    what a token of context takes in memory, in KiB; `layers` how many can be put on a GPU.
    `adapter` is a file of this project that is loaded onto `of`, another entry's model.
    """

    name: str
    what: str
    repositories: Mapping[str, str]
    licence: str
    files: tuple[str, ...]
    bytes: int
    recipe: str = ""
    sha256: Mapping[str, str] = field(default_factory=dict)
    use: Use = "base"
    languages: str = ""
    kv: int = 0
    token: bool = False
    of: str = ""
    adapter: str = ""
    revision: str = ""
    zh: str = ""

    def memory(self, context: int = 4096, replies: int = 2) -> int:
        """Bytes that serving takes, roughly: weights, `replies` contexts, half a GiB beside."""
        return int(self.bytes * 1.03) + self.kv * 1024 * context * replies + GiB // 2


def catalogue(path: Path = CATALOGUE) -> dict[str, Entry]:
    """The known models by name, in the order of the file.

    Raises:
        HubError: the file is broken.
    """
    try:
        rows = [_entry(row) for row in read_toml(path)["model"]]
        known = {entry.name: entry for entry in rows}
        if len(known) < len(rows):
            raise ValueError("two models of one name")
        return known
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise HubError(f"{path} is no catalogue: {problem!r}") from problem


def _entry(row: Mapping[str, object]) -> Entry:
    told = dict(row)
    repositories = {s: str(told.pop(s)) for s in ("huggingface", "modelscope") if s in told}
    files = told.pop("files", ())
    if not isinstance(files, list | tuple):
        raise TypeError("files must be a list")
    return Entry(repositories=repositories, files=tuple(map(str, files)), **told)  # type: ignore[arg-type]
