"""Fetches models: the files that are safe, going on after a break, each one checked.

    pull("qwen3-8b", Path("models/qwen3-8b"), HuggingFace())
    pull("owner/name", folder, ModelScope(), patterns=["*Q4_K_M.gguf"])

Only weights, tokenizer and settings come down; code in a repository stays there, and pickled
weights are refused. Every file is compared with the size and checksum that the hub states, and with
the catalogue's where it has one; a file for which nobody states a checksum is refused. What was
broken off goes on where it stopped. What came from where is written into source.json.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath

from hub.catalogue import Entry, catalogue
from hub.error import HubError
from hub.sources import HuggingFace, Listed, Source

# What may come down: weights that cannot run code, tokenizers, settings, licences.
_SAFE = (".safetensors", ".gguf", ".onnx", ".json", ".jinja", ".model", ".txt", ".md")
_WEIGHTS = (".safetensors", ".gguf", ".onnx")
# Beside speech models: plain arrays and dictionaries, which nothing unpickles.
_SPEECH_FILES, _SPEECH_FOLDERS = ("voices.bin",), ("espeak-ng-data", "dict")
_ANYTHING = ("*.safetensors", "*.json", "*.jinja", "tokenizer.model", "merges.txt", "LICENSE*")
RECORD = "source.json"


@dataclass(frozen=True, slots=True)
class Pulled:
    """What lies in the folder now; `fetched` are the files that were not there before."""

    name: str
    folder: str
    source: str
    repository: str
    revision: str
    licence: str
    files: tuple[Listed, ...]
    fetched: tuple[str, ...]
    seconds: float


def pull(
    name: str,
    folder: Path,
    source: Source,
    *,
    revision: str | None = None,
    patterns: Sequence[str] = (),
    known: Mapping[str, Entry] | None = None,
    unverified: bool = False,
) -> Pulled:
    """Fetch a model of the catalogue, or a repository `owner/name`, into `folder`.

    `unverified` lets files come down for which neither the hub nor the catalogue has a checksum.

    Raises HubError: an unknown name, nothing safe to fetch, no space on the disk, a hub that cannot
    be reached, a file without a checksum, or one whose size or checksum is not what was stated (it
    is then removed).
    """
    begun = time.monotonic()
    known = catalogue() if known is None else known
    entry = known.get(name)
    if entry is None and "/" not in name:
        raise HubError(f"{name} is not in the catalogue; known are {', '.join(known)}")
    repository = entry.repositories.get(source.name, "") if entry else name
    if not repository:
        raise HubError(f"{name} is not known on {source.name}")
    if entry and source.name == HuggingFace.name:
        revision = revision or entry.revision or None
    revision, listed = source.listing(repository, revision)
    wanted = _choose(repository, listed, patterns or (entry.files if entry else _ANYTHING))
    wanted = [_pinned(repository, file, entry.sha256 if entry else {}) for file in wanted]
    unsure = [file.path for file in wanted if not (file.sha256 or file.blob)]
    if unsure and not unverified:
        raise HubError(
            f"neither {source.name} nor the catalogue has a checksum of {unsure[0]}, so nobody can "
            "tell what comes down; take another source, or --unverified at your own risk"
        )
    missing = _still_to_come(folder, wanted)
    for file in missing:
        (folder / file.path).unlink(missing_ok=True)  # what is wrong; what is begun lies elsewhere
        source.fetch(repository, revision, file, folder)
        _check(folder, file)
    pulled = Pulled(
        name=name,
        folder=str(folder),
        source=source.name,
        repository=repository,
        revision=revision,
        licence=entry.licence if entry else "as the repository says",
        files=tuple(wanted),
        fetched=tuple(file.path for file in missing),
        seconds=round(time.monotonic() - begun, 2),
    )
    _write_record(folder, pulled)
    return pulled


def _still_to_come(folder: Path, wanted: Sequence[Listed]) -> list[Listed]:
    """Make the folder; the files that are not there, whole and right. Raises HubError for a folder
    that cannot be, or without the space."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as problem:
        why = getattr(problem, "strerror", "") or "it is no name of a folder"
        raise HubError(f"{str(folder)[:80]} cannot be made: {why}") from problem
    missing = [file for file in wanted if not _is_there(folder, file)]
    needed, free = sum(file.bytes for file in missing), shutil.disk_usage(folder).free
    if needed > free:
        raise HubError(
            f"{folder} has {free / 1e9:.1f} GB free, but {needed / 1e9:.1f} GB are still to come"
        )
    return missing


def _write_record(folder: Path, pulled: Pulled) -> None:
    record = {key: value for key, value in asdict(pulled).items() if key not in _PASSING}
    partial = folder / f".{RECORD}.{os.getpid()}.part"
    try:
        partial.write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")
        os.replace(partial, folder / RECORD)
    except OSError as problem:
        partial.unlink(missing_ok=True)
        raise HubError(f"{folder / RECORD} cannot be written: {problem.strerror}") from problem


def _pinned(repository: str, file: Listed, pins: Mapping[str, str]) -> Listed:
    """The file with the catalogue's checksum, which counts at every hub and mirror."""
    own = pins.get(file.path)
    if not own:
        return file
    if file.sha256 and own != file.sha256:
        raise HubError(
            f"{repository}/{file.path} is not the file of the catalogue (its checksum is "
            f"{file.sha256[:12]}…, known is {own[:12]}…); it was changed, or the hub is not "
            "what it seems"
        )
    return replace(file, sha256=own, blob="")


_PASSING = ("folder", "fetched", "seconds")


def _choose(repository: str, listed: Sequence[Listed], patterns: Sequence[str]) -> list[Listed]:
    """The files that match and are safe. Raises HubError when there are no weights among them."""
    matching = [
        file
        for file in listed
        if any(fnmatch.fnmatchcase(file.path, pattern) for pattern in patterns)
    ]
    chosen = []
    for file in matching:
        path = PurePosixPath(file.path)
        if path.is_absolute() or ".." in path.parts or "\\" in file.path or file.path == RECORD:
            raise HubError(f"{repository} lists a file outside its folder: {file.path!r}")
        data = file.path in _SPEECH_FILES or path.parts[0] in _SPEECH_FOLDERS
        licence = path.name.upper().startswith(("LICENSE", "NOTICE"))
        if path.suffix.lower() in _SAFE or licence or data:
            chosen.append(file)
    if not any(file.path.endswith(_WEIGHTS) for file in chosen):
        pickled = [f.path for f in listed if f.path.endswith((".bin", ".pt", ".pth", ".ckpt"))]
        if pickled:
            raise HubError(
                f"{repository} has only pickled weights ({pickled[0]}), which can run code when "
                "they are read; look for a repository with safetensors"
            )
        raise HubError(f"{repository} has no safetensors or GGUF called {' or '.join(patterns)}")
    return sorted(chosen, key=lambda file: (file.path.endswith(_WEIGHTS), file.path))


def _is_there(folder: Path, file: Listed) -> bool:
    """Whether the file lies there, whole and right."""
    path = folder / file.path
    if not path.is_file() or path.stat().st_size != file.bytes:
        return False
    return bool(file.sha256 or file.blob) and _sum(path, file) == (file.sha256 or file.blob)


def _check(folder: Path, file: Listed) -> None:
    path = folder / file.path
    size = path.stat().st_size if path.is_file() else 0
    wrong = ""
    if size != file.bytes:
        wrong = f"has {size:,} bytes, but {file.bytes:,} were announced"
    elif (file.sha256 or file.blob) and _sum(path, file) != (file.sha256 or file.blob):
        wrong = "has another checksum than was announced"
    if wrong:
        path.unlink(missing_ok=True)
        raise HubError(f"{file.path} {wrong}; it was removed, try again or take another source")


def _sum(path: Path, file: Listed) -> str:
    """SHA-256, or for small files git's blob id, or nothing where the hub states neither."""
    with path.open("rb") as data:
        if file.sha256:
            return hashlib.file_digest(data, "sha256").hexdigest()
        if file.blob:
            whole = data.read()
            return hashlib.sha1(
                b"blob %d\0" % len(whole) + whole, usedforsecurity=False
            ).hexdigest()
    return ""
