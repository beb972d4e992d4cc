"""`--model NAME` becomes a file: a path, a name of the catalogue, or another program's model.

choose("qwen3-8b")                    of the catalogue; fetched after one question when not here
choose("hf:owner/repo/file.gguf")     of any repository, from the cache or fetched
choose("ollama:qwen3:8b")             what Ollama keeps; also lmstudio:… and llama.cpp:…
choose("models/my.gguf")              a path
choose(None)                          MRP_MODEL, what `mrp model use` chose, or the shipped model
"""

from __future__ import annotations

import argparse
import difflib
import fnmatch
import os
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hub import found
from hub.catalogue import Entry, catalogue
from hub.error import HubError
from hub.found import models_folder
from hub.machine import too_large
from hub.pull import RECORD, pull
from hub.sources import HuggingFace, ModelScope, Source

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "models" / "xiyou-mini.gguf"  # the model that comes with the project
ECHO = "echo"  # in place of a model: the engine's fake

Ask = Callable[[str], bool]

_SCHEMES = {
    "ollama": found.ollama,
    "lmstudio": found.lm_studio,
    "llama.cpp": found.llama_cpp,
    "hf": found.hugging_face,
}
# Asked in this order, for a moment, which of the hubs answers from here.
_HUBS = (("https://huggingface.co", HuggingFace), ("https://modelscope.cn", ModelScope))
_REACHED = 4.0  # seconds


@dataclass(frozen=True, slots=True)
class Choice:
    """A model to serve: its file, and the adapter that goes onto it, if any; under `name`.
    `markup` is the family that it is spoken to in, "" where its chat template tells."""

    name: str
    path: Path
    adapter: Path | None = None
    markup: str = ""


def choose(
    name: str | None,
    *,
    ask: Ask | None = None,
    environment: Mapping[str, str] = os.environ,
    known: Mapping[str, Entry] | None = None,
) -> Choice:
    """The file that a name means. `ask` is told what would be fetched and says whether to; without
    it nothing is fetched.

    Raises:
        HubError: nothing is called so (the nearest names are given), it is not here and may not be
            fetched, or fetching failed.
    """
    name = name or environment.get("MRP_MODEL") or default_model(environment) or str(SHIPPED)
    known = catalogue() if known is None else known
    if name == ECHO:
        return Choice(name, Path(name))
    scheme, _, rest = name.partition(":")
    if scheme in _SCHEMES and rest:
        return _of_a_program(name, scheme, rest, ask, environment)
    # Where a base to train has the name, the one to talk with is NAME-chat.
    talking = known.get(f"{name}-chat")
    if entry := talking or known.get(name):
        return _of_the_catalogue(entry, ask, environment, known)
    if Path(name).expanduser().exists() or name.endswith(".gguf") or "/" in name or os.sep in name:
        return Choice(name, Path(name).expanduser())
    raise HubError(_unknown(name, environment, known))


def _unknown(name: str, environment: Mapping[str, str], known: Mapping[str, Entry]) -> str:
    names = [entry.name for entry in known.values() if entry.use in ("talk", "voice")]
    names += [one.name for one in found.files(environment)]
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.3) or names[:3]
    return (
        f"there is no model called {name!r}; near to it: {', '.join(near)} "
        "(all: mrp model list; or give the path of a GGUF file)"
    )


def _of_a_program(
    name: str, scheme: str, rest: str, ask: Ask | None, environment: Mapping[str, str]
) -> Choice:
    wanted = name if scheme != "ollama" or ":" in rest else f"{name}:latest"
    here = {one.name: one.path for one in _SCHEMES[scheme](environment)}
    matching = [key for key in here if fnmatch.fnmatchcase(key, wanted)]
    if wanted in here or matching:
        return Choice(name, here[wanted if wanted in here else matching[0]])
    if scheme != "hf":
        near = difflib.get_close_matches(wanted, here, n=3, cutoff=0.2)
        said = f"near to it: {', '.join(near)}" if near else "nothing of that program is here"
        raise HubError(f"{name} is not on this machine; {said} (mrp model list)")
    parts = rest.split("/")
    if len(parts) < 3 or not rest.endswith(".gguf"):
        raise HubError(f"{name}: write hf:OWNER/REPOSITORY/FILE.gguf")
    repository, file = "/".join(parts[:2]), "/".join(parts[2:])
    folder = models_folder(environment) / "--".join(parts[:2])
    if not (folder / file).is_file():
        _may(ask, f"{file} of {repository} is not here", name)
        pull(repository, folder, hub_for(environment), patterns=[file])
    (path,) = [folder / file] if (folder / file).is_file() else sorted(folder.glob(file))[:1]
    return Choice(name, path)


def _of_the_catalogue(
    entry: Entry, ask: Ask | None, environment: Mapping[str, str], known: Mapping[str, Entry]
) -> Choice:
    if entry.use == "voice":
        base = _of_the_catalogue(known[entry.of], ask, environment, known)
        return replace(base, name=entry.name, adapter=ROOT / entry.adapter)
    if entry.use != "talk":
        raise HubError(
            f"{entry.name} is not a model to talk with ({entry.what}); see mrp model list"
        )
    if path := pulled(entry, environment):
        return Choice(entry.name, path)
    if sentence := too_large(entry.name, entry.memory(), known.values()):
        raise HubError(sentence)
    _may(
        ask,
        f"{entry.name} is not here: {entry.bytes / 1e9:.1f} GB to fetch, licence {entry.licence}"
        + ("; accept it on the hub and set HF_TOKEN first" if entry.token else ""),
        entry.name,
    )
    folder = models_folder(environment) / entry.name
    pull(entry.name, folder, hub_for(environment, entry), known=known)
    path = pulled(entry, environment)
    if path is None:
        raise HubError(f"{entry.name} came down without a GGUF file; see {folder}")
    return Choice(entry.name, path)


def pulled(entry: Entry, environment: Mapping[str, str] = os.environ) -> Path | None:
    """The GGUF of an entry where `mrp model pull` put it, whole; None when it is not here."""
    for folder in (models_folder(environment), Path("models"), ROOT / "models"):
        here = folder / entry.name
        if not (here / RECORD).is_file():
            continue
        for pattern in entry.files:
            files = sorted(here.glob(pattern)) if pattern.endswith(".gguf") else []
            if files:
                return files[0]
    return None


def _may(ask: Ask | None, what: str, name: str) -> None:
    if ask is None or not ask(what):
        raise HubError(f"{what}; fetch it with: mrp model pull {name}  (or add --yes)")


def add_options(parser: argparse.ArgumentParser) -> None:
    """`--model NAME`, `--voice FILE`, `--markup NAME` and `--yes`; `chosen` reads them."""
    parser.add_argument(
        "--model",
        metavar="NAME",
        help="a name of `mrp model list`, hf:owner/repo/file.gguf, ollama:name:tag, the path of a "
        "chat GGUF, or 'echo' for none (default: MRP_MODEL, what `mrp model use` chose, or the "
        "model that ships)",
    )
    parser.add_argument(
        "--voice", type=Path, metavar="FILE", help="a LoRA adapter (GGUF) that goes onto the model"
    )
    add_markup(parser)
    parser.add_argument(
        "--yes", action="store_true", help="fetch a model that is not here without a question"
    )


def add_markup(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """`--markup NAME`."""
    parser.add_argument(
        "--markup",
        metavar="NAME",
        default=os.environ.get("MRP_MARKUP", ""),
        help="the family of a model whose chat template does not tell it, such as chatml or "
        "alpaca; docs/models.md has all (default: MRP_MARKUP, or what the file says)",
    )


def chosen(options: argparse.Namespace) -> Choice:
    """The model that the options of `add_options` name. Raises HubError."""
    choice = choose(options.model, ask=ask_in_terminal(options.yes))
    return replace(
        choice,
        adapter=options.voice or choice.adapter,
        markup=options.markup,
    )


def model_file(name: str) -> Path:
    """The file of a name, as the type of an argument; "" is the default. Raises HubError."""
    return choose(name, ask=ask_in_terminal()).path


def ask_in_terminal(yes: bool = False) -> Ask | None:
    """Asks at the terminal; answers itself with `yes`; None where nobody can be asked."""
    if yes:
        return lambda what: print(f"{what}; fetching", file=sys.stderr) is None
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    def ask(what: str) -> bool:
        print(f"{what}. Fetch it now? [Y/n] ", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip().casefold() in ("", "y", "yes", "是", "好")

    return ask


def hub_for(environment: Mapping[str, str] = os.environ, entry: Entry | None = None) -> Source:
    """The hub to fetch from: MRP_HUB (huggingface, modelscope, or a mirror's address), else the
    first that has the model and answers from here.

    Raises:
        HubError: none answers.
    """
    given = environment.get("MRP_HUB", "")
    if given == "modelscope":
        return ModelScope()
    if given == "huggingface" or environment.get("HF_ENDPOINT"):
        return HuggingFace()
    if given:
        if not given.startswith(("http://", "https://")):
            raise HubError(f"MRP_HUB is {given!r}: huggingface, modelscope, or an address")
        return HuggingFace(given)
    for address, hub in _HUBS:
        if entry is not None and hub.name not in entry.repositories:
            continue
        if _answers(address):
            return hub()
    raise HubError(
        "neither huggingface.co nor modelscope.cn answers from here; name a mirror with MRP_HUB, "
        "or give the path of a GGUF file"
    )


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(
            urllib.request.Request(address, method="HEAD"), timeout=_REACHED
        ):
            return True
    except urllib.error.HTTPError:
        return True  # it answers, if only that it does not like the question
    except (OSError, ValueError):
        return False


# -- the default -------------------------------------------------------------------------------


def _default_file(environment: Mapping[str, str]) -> Path:
    return models_folder(environment).parent / "model"


def default_model(environment: Mapping[str, str] = os.environ) -> str:
    """What `mrp model use` chose; "" for nothing."""
    try:
        return _default_file(environment).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def use(name: str, environment: Mapping[str, str] = os.environ) -> None:
    """Make a model the default of all verbs; "" goes back to the shipped one.

    Raises:
        HubError: it cannot be written down.
    """
    file = _default_file(environment)
    try:
        if not name:
            file.unlink(missing_ok=True)
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f".model.{os.getpid()}.part")
        partial.write_text(name + "\n", encoding="utf-8")
        shutil.move(partial, file)
    except OSError as problem:
        raise HubError(f"{file} cannot be written: {problem.strerror}") from problem
