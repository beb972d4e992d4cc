"""Finds GGUF files that are on this machine already: ours, and those of other programs.

for found in files():
    print(found.name, found.path)       # ollama:qwen3:8b  ~/.ollama/models/blobs/sha256-…

Nothing is copied or changed. Where each program keeps its files: Ollama's manifests and blobs
(docs/faq of ollama/ollama), LM Studio's publisher/repository folders, llama.cpp's cache of `-hf`
downloads, and the cache of huggingface_hub.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_SPLIT = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")
_OLLAMA_WEIGHTS = "application/vnd.ollama.image.model"
_OLLAMA_HOME = "registry.ollama.ai"
_LONGEST_MANIFEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """A model file. `name` is what `--model` takes for it; `bytes` counts all parts of a split."""

    name: str
    path: Path
    program: str
    bytes: int


def models_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where models by name are kept: MRP_MODELS, or `models` in the user's data folder."""
    if given := environment.get("MRP_MODELS"):
        return Path(given).expanduser()
    home = environment.get("XDG_DATA_HOME")
    return (Path(home) if home else _home(environment) / ".local" / "share") / "mrp" / "models"


def files(environment: Mapping[str, str] = os.environ) -> Iterator[Found]:
    """All that is found, program by program; a file that cannot be read is left out."""
    for program in (ollama, lm_studio, llama_cpp, hugging_face):
        yield from program(environment)


def ollama(environment: Mapping[str, str] = os.environ) -> Iterator[Found]:
    """Models of Ollama: its manifests name the blob that holds the weights."""
    given = environment.get("OLLAMA_MODELS")
    # The service of the Linux package keeps its models under its own user.
    places = [Path(given)] if given else [_home(environment) / ".ollama" / "models"]
    if not given and sys.platform.startswith("linux"):
        places.append(Path("/usr/share/ollama/.ollama/models"))
    for place in places:
        manifests = place / "manifests"
        for manifest in _walk(manifests):
            digest = _weights(manifest)
            blob = place / "blobs" / digest.replace(":", "-")
            if digest and (size := _size(blob)):
                host, *parts, tag = manifest.relative_to(manifests).parts
                if host == _OLLAMA_HOME:
                    parts = parts[1:] if parts[:1] == ["library"] else parts
                else:
                    parts = [host, *parts]
                yield Found(f"ollama:{'/'.join(parts)}:{tag}", blob, "Ollama", size)


def _weights(manifest: Path) -> str:
    """The digest of the layer that holds the weights; "" where there is none."""
    try:
        with manifest.open("rb") as opened:
            told = json.loads(opened.read(_LONGEST_MANIFEST))
        layers = [layer for layer in told["layers"] if layer["mediaType"] == _OLLAMA_WEIGHTS]
        digest = str(layers[0]["digest"]) if layers else ""
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
    return digest if re.fullmatch(r"sha256:[0-9a-f]{64}", digest) else ""


def lm_studio(environment: Mapping[str, str] = os.environ) -> Iterator[Found]:
    """Models of LM Studio: publisher/repository/file.gguf."""
    home = _home(environment)
    places = [home / ".lmstudio" / "models", home / ".cache" / "lm-studio" / "models"]
    try:
        pointer = (home / ".lmstudio-home-pointer").read_text(encoding="utf-8").strip()
        places.insert(0, Path(pointer) / "models")
    except (OSError, UnicodeDecodeError):
        pass
    for place in dict.fromkeys(places):
        yield from _ggufs(place, "lmstudio", "LM Studio")


def llama_cpp(environment: Mapping[str, str] = os.environ) -> Iterator[Found]:
    """What llama.cpp's own programs downloaded with -hf."""
    home = _home(environment)
    if given := environment.get("LLAMA_CACHE"):
        place = Path(given)
    elif sys.platform == "darwin":
        place = home / "Library" / "Caches" / "llama.cpp"
    else:
        caches = environment.get("LOCALAPPDATA") or environment.get("XDG_CACHE_HOME")
        place = (Path(caches) if caches else home / ".cache") / "llama.cpp"
    yield from _ggufs(place, "llama.cpp", "llama.cpp")


def hugging_face(environment: Mapping[str, str] = os.environ) -> Iterator[Found]:
    """GGUF files in the cache of huggingface_hub: models--owner--repository/snapshots/commit/…"""
    home = environment.get("HF_HOME")
    default = (Path(home) if home else _home(environment) / ".cache" / "huggingface") / "hub"
    place = Path(environment.get("HF_HUB_CACHE") or default)
    for repository in sorted(place.glob("models--*--*")):
        _, owner, name = repository.name.split("--", 2)
        seen: set[str] = set()
        snapshots = sorted((repository / "snapshots").glob("*"), key=_changed, reverse=True)
        for snapshot in snapshots:  # the newest of a file
            for found in _ggufs(snapshot, "hf", "Hugging Face"):
                inner = found.name.removeprefix("hf:")
                if inner not in seen:
                    seen.add(inner)
                    yield Found(
                        f"hf:{owner}/{name}/{inner}", found.path, found.program, found.bytes
                    )


def split_parts(path: Path) -> list[Path]:
    """All files of a model: itself, or the parts of a split whose first part it is."""
    match = _SPLIT.search(path.name)
    if not match:
        return [path]
    stem, count = path.name[: match.start()], int(match[2])
    return [path.with_name(f"{stem}-{n:05}-of-{match[2]}.gguf") for n in range(1, count + 1)]


def _ggufs(place: Path, scheme: str, program: str) -> Iterator[Found]:
    for path in _walk(place):
        split = _SPLIT.search(path.name)
        # Projectors see pictures and cannot talk; later parts come with the first.
        if path.suffix != ".gguf" or "mmproj" in path.name or (split and int(split[1]) != 1):
            continue
        sizes = [_size(part) for part in split_parts(path)]
        if all(sizes):
            inner = path.relative_to(place).as_posix()
            yield Found(f"{scheme}:{inner}", path, program, sum(sizes))


def _walk(place: Path) -> Iterator[Path]:
    try:
        found = sorted(path for path in place.rglob("*") if path.is_file())
    except OSError:
        return
    yield from found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _home(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("HOME") or environment.get("USERPROFILE") or Path.home())
