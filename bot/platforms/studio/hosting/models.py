"""Models to choose from on the set-up page: what each takes here, and whether it is here."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from characters.card import Words
from engine.header import read_header, size_of
from engine.resources import needs, plan
from engine.sequence import EngineError
from hub import found
from hub.catalogue import Entry, catalogue
from hub.choice import SHIPPED, pulled
from hub.machine import ASSUMED, OWN_MEMORY, best_first, machine_memory

CONTEXT, REPLIES = 4096, 2  # what is reckoned with, as `mrp model list` does
SHIPPED_NAME = "shipped"  # as `mrp model use` calls it
NOTHING = Words("", "")
WHERE = {
    OWN_MEMORY: Words("这台机器的内存", "the machine's memory"),
    ASSUMED: Words("问不出来，按 8 GiB 算", "not known, 8 GiB assumed"),
}


@dataclass(frozen=True, slots=True)
class Model:
    """A row of the page. `name` is what `mrp model use` takes; `needs` is bytes of memory when it
    serves, `bytes` of its file; `what` is one line of the catalogue, empty for a file that was
    found."""

    name: str
    what: Words
    bytes: int
    needs: int
    fits: bool
    here: bool
    languages: str = ""
    licence: str = ""
    login: bool = False


@dataclass(frozen=True, slots=True)
class Shelf:
    """All that can be chosen: `best` fit this machine, `more` do not or are smaller ones, `found`
    are files on this machine. `memory` bytes are `where`."""

    memory: int
    where: Words
    shipped: Model
    best: tuple[Model, ...]
    more: tuple[Model, ...]
    found: tuple[Model, ...]

    @property
    def all(self) -> Iterable[Model]:
        return (self.shipped, *self.best, *self.more, *self.found)


def shelf(workshop: Path, most: int = 6) -> Shelf:
    """What can be chosen now. Asks the card and the disk, so it takes a moment."""
    memory, where = machine_memory()
    known = catalogue()
    voices = [one for one in known.values() if one.use == "voice"]
    talk = best_first([one for one in known.values() if one.use == "talk"], memory)
    rows = [_of_the_catalogue(one, known[one.of], memory) for one in voices]
    rows += [_of_the_catalogue(one, one, memory) for one in talk]
    # What is here already comes first; then the largest that fit.
    rows.sort(key=lambda one: (not one.here, not one.fits))
    files = [(one.name, one.path, one.bytes) for one in found.files()]
    files += [(str(path), path, size_of(path)) for path in made(workshop)]
    return Shelf(
        memory,
        WHERE.get(where) or Words(where, where),  # a card's name is the same in both
        Model(SHIPPED_NAME, NOTHING, SHIPPED.stat().st_size, *_exact(SHIPPED, memory), here=True),
        tuple(rows[:most]),
        tuple(rows[most:]),
        tuple(
            Model(name, NOTHING, size, *_exact(path, memory), here=True)
            for name, path, size in files
        ),
    )


def made(workshop: Path) -> list[Path]:
    """The models that the workshop made."""
    return sorted((workshop / "models").glob("*.gguf"))


def _of_the_catalogue(entry: Entry, sized: Entry, memory: int) -> Model:
    path = pulled(sized)
    exact, fits = _exact(path, memory) if path else (0, False)
    need = exact or sized.memory()
    return Model(
        entry.name,
        Words(entry.zh or entry.what, entry.what),
        sized.bytes,
        need,
        fits or need <= memory,
        path is not None,
        entry.languages,
        entry.licence,
        entry.token,
    )


def _exact(path: Path, memory: int) -> tuple[int, bool]:
    """What a file takes by its header, as `mrp fit` reckons, and whether that fits; 0 where its
    header does not tell."""
    try:
        header, size = read_header(path), size_of(path)
    except (EngineError, OSError):
        return 0, False
    metadata = {key: str(value) for key, value in header.values.items()}
    layout = plan(metadata, size, context=CONTEXT, replies=REPLIES)
    total = needs(metadata, size, layout, REPLIES).total
    return total, total <= memory


def fetched(name: str) -> tuple[int, int]:
    """Bytes of a model that came down so far, and of how many, roughly; (0, 0): nobody knows."""
    known = catalogue()
    entry = known.get(name)
    if entry is None:
        return 0, 0
    if entry.use == "voice":
        entry = known[entry.of]
    folder = found.models_folder(os.environ) / entry.name
    come = 0
    for file in folder.rglob("*"):
        try:
            come += file.stat().st_size if file.is_file() else 0
        except OSError:  # it was moved to its place just now
            continue
    return min(come, entry.bytes), entry.bytes
