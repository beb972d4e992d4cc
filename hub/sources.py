"""Hubs that models come from: what a repository holds at a revision, and one file of it.

    source = HuggingFace()                       # or a mirror: HuggingFace("https://…")
    revision, files = source.listing("Qwen/Qwen3-8B-GGUF", None)
    source.fetch("Qwen/Qwen3-8B-GGUF", revision, files[0], folder)

The door to huggingface_hub; ModelScope is asked through its HTTP interface (the addresses are those
of the modelscope package's hub/file_download.py). What a hub answers is not believed: sizes are
whole numbers, names are names of files, and a listing is bounded.
"""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils.tqdm import disable_progress_bars, tqdm

from hub.error import HubError

_TRIES = 5
_BLOCK = 1 << 20
_LONGEST_LISTING = 32 << 20  # bytes; the largest repository of a model lists some hundred files


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as the hub lists it: bytes, and its SHA-256 or (small files) git's blob id."""

    path: str
    bytes: int
    sha256: str = ""
    blob: str = ""

    def __post_init__(self) -> None:
        parts = self.path.split("/")
        if not self.path.isprintable() or any(len(part.encode()) > 200 for part in parts):
            raise HubError(f"a file is listed under a name that is none: {self.path[:60]!r}")
        if self.bytes < 0:
            raise HubError(f"{self.path} is listed with {self.bytes} bytes")


class Source(Protocol):
    """A hub: what a repository holds at a revision, and one file of it."""

    name: str

    def listing(self, repository: str, revision: str | None) -> tuple[str, list[Listed]]:
        """The exact revision, and its files. Raises HubError."""

    def fetch(self, repository: str, revision: str, file: Listed, folder: Path) -> None:
        """Put a file into the folder, going on where an earlier try stopped. Raises HubError."""


_LOCKED = (401, 403)


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
            raise self._locked(repository, revision) from problem
        except HFValidationError as problem:
            raise HubError(f"{repository!r} is no name of a repository (owner/name)") from problem
        except (RecursionError, ValueError, TypeError, KeyError, OverflowError) as problem:
            raise self._unknown(repository) from problem
        except Exception as problem:
            raise self._unreachable(repository, problem) from problem
        try:
            files = [
                Listed(
                    path=str(one.rfilename),
                    bytes=int(one.size or 0),
                    sha256=str(one.lfs.sha256) if one.lfs else "",
                    blob=str(one.blob_id or "") if not one.lfs else "",
                )
                for one in info.siblings or []
            ]
        except (ValueError, TypeError, OverflowError) as problem:
            raise self._unknown(repository) from problem
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
            answer = getattr(problem, "response", None)
            if isinstance(problem, HfHubHTTPError) and getattr(answer, "status_code", 0) in _LOCKED:
                raise self._locked(repository, revision) from problem
            raise self._unreachable(f"{repository}/{file.path}", problem) from problem

    def _locked(self, repository: str, revision: str | None) -> HubError:
        """The hub does not say which of the two it is."""
        page = f"{self.endpoint or 'https://huggingface.co'}/{repository}"
        return HubError(
            f"{repository} at {revision or 'its newest revision'} is not there, or asks for a "
            f"login: accept its licence on {page}, make a token in your account's settings there, "
            "and set HF_TOKEN"
        )

    def _unknown(self, repository: str) -> HubError:
        where = self.endpoint or "huggingface.co"
        return HubError(f"{where} lists {repository} in an unknown way; name another hub")

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
                body = answer.read(_LONGEST_LISTING + 1)
            if len(body) > _LONGEST_LISTING:
                raise ValueError("too long")
            told = json.loads(body)
            rows = told["Data"]["Files"]
            files = [
                Listed(str(row["Path"]), int(row["Size"]), str(row.get("Sha256") or ""))
                for row in rows
                if row.get("Type") != "tree"
            ]
        except (OSError, HTTPException) as problem:
            raise self._unreachable(repository, problem) from problem
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as problem:
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
                bar: Any = tqdm(  # type: ignore[no-untyped-call]
                    desc=file.path, total=file.bytes, initial=size, unit="B", unit_scale=True
                )
                with bar:
                    while block := answer.read(_BLOCK):
                        size += len(block)
                        if size > file.bytes:
                            raise HubError(
                                f"{file.path} is longer than the {file.bytes} bytes listed"
                            )
                        out.write(block)
                        bar.update(len(block))
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


def without_progress() -> None:
    """Show no progress bars: nobody looks at them where the output is no terminal."""
    disable_progress_bars()
