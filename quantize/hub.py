"""`mrp model`: fetch the models of the catalogue, or any repository that holds safetensors or GGUF.

    mrp model list
    mrp model pull qwen3-4b                                   into models/qwen3-4b
    mrp model pull owner/name --file '*Q4_K_M.gguf'           one file of any repository
    mrp model pull internlm2-chat-7b --source modelscope
    HF_ENDPOINT=https://mirror.example mrp model pull …       or --endpoint

Only weights, tokenizer and settings come down; code in a repository stays there, and pickled
weights are refused. Every file is compared with the size and checksum that the hub states, and with
the catalogue's where it has one. What was broken off goes on where it stopped. What came from where
is written into source.json. This file is the door to huggingface_hub; ModelScope is asked through
its HTTP interface (the addresses are those of the modelscope package's hub/file_download.py).
"""

from __future__ import annotations

import argparse
import fnmatch
import hashlib
import json
import os
import shutil
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils.tqdm import disable_progress_bars
from rich.console import Console
from rich.table import Table

from quantize.aside import aside
from quantize.error import HubError
from text.toml import read_toml

CATALOGUE = Path(__file__).with_name("catalogue.toml")
# What may come down: weights that cannot run code, tokenizers, settings, licences.
_SAFE = (".safetensors", ".gguf", ".json", ".jinja", ".model", ".txt", ".md")
_WEIGHTS = (".safetensors", ".gguf")
_ANYTHING = ("*.safetensors", "*.json", "*.jinja", "tokenizer.model", "merges.txt", "LICENSE*")
_RECORD = "source.json"
_TRIES = 5
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """A model of the catalogue. `repositories` by source; `files` are patterns; `sha256` by file
    where known; `bytes` roughly."""

    name: str
    what: str
    repositories: Mapping[str, str]
    licence: str
    files: tuple[str, ...]
    bytes: int
    recipe: str = ""
    sha256: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as the hub lists it: bytes, and its SHA-256 or (small files) git's blob id."""

    path: str
    bytes: int
    sha256: str = ""
    blob: str = ""


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


class Source(Protocol):
    """A hub: what a repository holds at a revision, and one file of it."""

    name: str

    def listing(self, repository: str, revision: str | None) -> tuple[str, list[Listed]]:
        """The exact revision, and its files. Raises HubError."""

    def fetch(self, repository: str, revision: str, file: Listed, folder: Path) -> None:
        """Put a file into the folder, going on where an earlier try stopped. Raises HubError."""


def catalogue(path: Path = CATALOGUE) -> dict[str, Entry]:
    """The known models by name. Raises HubError for a broken file."""
    try:
        rows = read_toml(path)["model"]
        return {
            row["name"]: Entry(
                name=row["name"],
                what=row["what"],
                repositories={s: row[s] for s in ("huggingface", "modelscope") if s in row},
                licence=row["licence"],
                files=tuple(row["files"]),
                bytes=int(row["bytes"]),
                recipe=row.get("recipe", ""),
                sha256=row.get("sha256", {}),
            )
            for row in rows
        }
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise HubError(f"{path} is no catalogue: {problem!r}") from problem


class HuggingFace:
    """huggingface.co or a mirror of it; a token is taken from HF_TOKEN by its own library."""

    name = "huggingface"

    def __init__(self, endpoint: str | None = None) -> None:
        self.endpoint = endpoint or os.environ.get("HF_ENDPOINT") or None

    def listing(self, repository: str, revision: str | None) -> tuple[str, list[Listed]]:
        try:
            info = HfApi(endpoint=self.endpoint).model_info(
                repository, revision=revision, files_metadata=True, timeout=30
            )
        except (GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError) as problem:
            raise HubError(
                f"{repository} at {revision or 'its newest revision'} is not there, or asks for a "
                "login: accept its licence on the hub and set HF_TOKEN"
            ) from problem
        except HFValidationError as problem:
            raise HubError(f"{repository!r} is no name of a repository (owner/name)") from problem
        except Exception as problem:
            raise self._unreachable(repository, problem) from problem
        files = [
            Listed(
                path=one.rfilename,
                bytes=int(one.size or 0),
                sha256=str(one.lfs.sha256) if one.lfs else "",
                blob=str(one.blob_id or "") if not one.lfs else "",
            )
            for one in info.siblings or []
        ]
        return str(info.sha or revision or "main"), files

    def fetch(self, repository: str, revision: str, file: Listed, folder: Path) -> None:
        try:
            hf_hub_download(
                repository,
                file.path,
                revision=revision,
                local_dir=folder,
                endpoint=self.endpoint,
            )
        except Exception as problem:
            raise self._unreachable(f"{repository}/{file.path}", problem) from problem

    def _unreachable(self, what: str, problem: Exception) -> HubError:
        """The library raises its own, httpx's and the system's errors; all mean this."""
        if isinstance(problem, HfHubHTTPError) and problem.response is not None:
            why = f"the hub answers {problem.response.status_code}"
        else:
            why = str(problem).split("\n")[0][:200] or type(problem).__name__
        return HubError(
            f"{what} could not be fetched from {self.endpoint or 'huggingface.co'}: {why}; run the "
            "same command again to go on, or name a mirror (--endpoint, HF_ENDPOINT) or "
            "--source modelscope"
        )


class ModelScope:
    """modelscope.cn, through its HTTP interface."""

    name = "modelscope"

    def __init__(self, endpoint: str | None = None) -> None:
        given = endpoint or os.environ.get("MODELSCOPE_ENDPOINT") or "https://modelscope.cn"
        self.endpoint = given.rstrip("/")

    def listing(self, repository: str, revision: str | None) -> tuple[str, list[Listed]]:
        revision = revision or "master"
        query = urllib.parse.urlencode({"Revision": revision, "Recursive": "true"})
        try:
            with self._open(f"/{repository}/repo/files?{query}") as answer:
                told = json.load(answer)
            rows = told["Data"]["Files"]
            files = [
                Listed(str(row["Path"]), int(row["Size"]), str(row.get("Sha256") or ""))
                for row in rows
                if row.get("Type") != "tree"
            ]
        except (OSError, HTTPException) as problem:
            raise self._unreachable(repository, problem) from problem
        except (ValueError, KeyError, TypeError) as problem:
            raise HubError(f"{self.endpoint} lists {repository} in an unknown way") from problem
        return revision, files

    def fetch(self, repository: str, revision: str, file: Listed, folder: Path) -> None:
        query = urllib.parse.urlencode({"Revision": revision, "FilePath": file.path})
        partial = folder / f"{file.path}.part"
        partial.parent.mkdir(parents=True, exist_ok=True)
        tries = 0
        while True:
            there = partial.stat().st_size if partial.exists() else 0
            if there == file.bytes and partial.exists():
                break
            try:
                self._append(f"/{repository}/repo?{query}", partial, there, file)
            except (OSError, HTTPException) as problem:
                tries += 1
                if tries >= _TRIES:
                    raise self._unreachable(f"{repository}/{file.path}", problem) from problem
                time.sleep(min(8.0, 0.1 * 2**tries))
        os.replace(partial, folder / file.path)

    def _append(self, address: str, partial: Path, there: int, file: Listed) -> None:
        """Fetch what is missing. Raises OSError or HTTPException when it breaks off, HubError for
        more bytes than were announced."""
        headers = {"Range": f"bytes={there}-"} if there else {}
        with self._open(address, headers) as answer:
            goes_on = there and answer.status == 206
            with partial.open("ab" if goes_on else "wb") as out:
                size = there if goes_on else 0
                while block := answer.read(_BLOCK):
                    size += len(block)
                    if size > file.bytes:
                        raise HubError(f"{file.path} is longer than the {file.bytes} bytes listed")
                    out.write(block)
        if size < file.bytes:
            raise ConnectionError(f"broke off after {size} of {file.bytes} bytes")

    def _open(self, address: str, headers: Mapping[str, str] | None = None) -> Any:
        request = urllib.request.Request(
            f"{self.endpoint}/api/v1/models{address}", headers=dict(headers or {})
        )
        return urllib.request.urlopen(request, timeout=30)

    def _unreachable(self, what: str, problem: Exception) -> HubError:
        return HubError(
            f"{what} could not be fetched from {self.endpoint}: {str(problem)[:200]}; run the same "
            "command again to go on, or try --source huggingface"
        )


SOURCES: dict[str, type[HuggingFace] | type[ModelScope]] = {
    "huggingface": HuggingFace,
    "modelscope": ModelScope,
}


def pull(
    name: str,
    folder: Path,
    source: Source,
    *,
    revision: str | None = None,
    patterns: Sequence[str] = (),
    known: Mapping[str, Entry] | None = None,
) -> Pulled:
    """Fetch a model of the catalogue, or a repository `owner/name`, into `folder`.

    Raises HubError: an unknown name, nothing safe to fetch, no room, a hub that cannot be reached,
    or a file whose size or checksum is not what was stated (it is then removed).
    """
    begun = time.monotonic()
    known = catalogue() if known is None else known
    entry = known.get(name)
    if entry is None and "/" not in name:
        raise HubError(f"{name} is not in the catalogue; known are {', '.join(known)}")
    repository = entry.repositories.get(source.name, "") if entry else name
    if not repository:
        raise HubError(f"{name} is not known on {source.name}")
    revision, listed = source.listing(repository, revision)
    wanted = _choose(repository, listed, patterns or (entry.files if entry else _ANYTHING))
    for file in wanted:
        own = entry.sha256.get(file.path) if entry else None
        if own and file.sha256 and own != file.sha256:
            raise HubError(
                f"{repository}/{file.path} is not the file of the catalogue (its checksum is "
                f"{file.sha256[:12]}…, known is {own[:12]}…); it was changed, or the hub is not "
                "what it seems"
            )
    folder.mkdir(parents=True, exist_ok=True)
    missing = [file for file in wanted if not _is_there(folder, file)]
    needed, free = sum(file.bytes for file in missing), shutil.disk_usage(folder).free
    if needed > free:
        raise HubError(
            f"{folder} has {free / 1e9:.1f} GB free, but {needed / 1e9:.1f} GB are still to come"
        )
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
    record = {key: value for key, value in asdict(pulled).items() if key not in _PASSING}
    with aside(folder / _RECORD, 1 << 20, HubError) as partial:
        partial.write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")
    return pulled


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
        if path.is_absolute() or ".." in path.parts or "\\" in file.path or file.path == _RECORD:
            raise HubError(f"{repository} lists a file outside its folder: {file.path!r}")
        if path.suffix.lower() in _SAFE or path.name.upper().startswith(("LICENSE", "NOTICE")):
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
    return _sum(path, file) == (file.sha256 or file.blob)


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


def _show(known: Mapping[str, Entry], folder: Path) -> Table:
    table = Table(box=None)
    for heading in ("name", "GB", "what", "licence", "recipe", "here"):
        table.add_column(heading, justify="right" if heading == "GB" else "left")
    for entry in known.values():
        here = "yes" if (folder / entry.name / _RECORD).is_file() else ""
        size = f"{entry.bytes / 1e9:.1f}"
        table.add_row(entry.name, size, entry.what, entry.licence, entry.recipe, here)
    return table


def main(argv: list[str]) -> int:
    """The verb. Returns 0; what is wrong is raised as HubError."""
    parser = argparse.ArgumentParser(prog="mrp model", description=(__doc__ or "").split("\n")[0])
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="what is known")
    pulling = actions.add_parser("pull", help="fetch one")
    pulling.add_argument("name", metavar="NAME", help="of the catalogue, or owner/name")
    pulling.add_argument("--source", choices=SOURCES, default="huggingface")
    pulling.add_argument("--endpoint", metavar="URL", help="a mirror (default: HF_ENDPOINT)")
    pulling.add_argument("--revision", metavar="COMMIT", help="default: the newest")
    pulling.add_argument(
        "--file", action="append", default=[], metavar="PATTERN", help="only these files"
    )
    for action in (listing, pulling):
        action.add_argument("--to", type=Path, default=Path("models"), metavar="FOLDER")
        action.add_argument("--json", action="store_true", help="one JSON object as the last line")
    chosen = parser.parse_args(argv)
    known = catalogue()
    if chosen.action == "list":
        Console(width=None if os.isatty(1) else 200).print(_show(known, chosen.to))
        if chosen.json:
            print(json.dumps({"models": [asdict(entry) for entry in known.values()]}))
        return 0
    if not sys.stderr.isatty():
        disable_progress_bars()
    if chosen.name in known:
        print(f"{chosen.name}: {known[chosen.name].licence}", file=sys.stderr)
    done = pull(
        chosen.name,
        chosen.to / chosen.name.rsplit("/", 1)[-1],
        SOURCES[chosen.source](chosen.endpoint),
        revision=chosen.revision,
        patterns=chosen.file,
        known=known,
    )
    if chosen.json:
        print(json.dumps(asdict(done), ensure_ascii=False))
    else:
        total = sum(file.bytes for file in done.files)
        print(
            f"{done.folder}: {len(done.files)} files, {total / 1e9:.2f} GB, "
            f"{len(done.fetched)} fetched, revision {done.revision[:12]}"
        )
    return 0
