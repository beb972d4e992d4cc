"""Checks docker-compose.yml, the Dockerfile and Kubernetes manifests, for `make check`.

It needs neither Docker nor a cluster.

    python deploy/check.py                   all, of this project
    python deploy/check.py --compose F --dockerfile F --context FOLDER

The compose file is read by `docker compose config` where that is there, with every profile; else
its variables are filled in here and it is compared with the schema of the compose specification.
Then come rules of the house: no service as root, a read-only root, limits of memory and processes,
nothing published to the network, secrets by file. The Dockerfile is read for what matters of what
linters of Dockerfiles say: fixed tags, packages without recommended ones and lists removed, no
compiler and no root in what is shipped, no secret in it, sources that exist and reach the builder.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jsonschema
import yaml

sys.path.insert(0, str(Path(__file__).parent))
from manifests import manifest_faults

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = ROOT / "tests" / "deploy" / "compose-spec" / "compose-spec.json"

_SECRET = re.compile(r"TOKEN|PASSWORD|SECRET|API_?KEY")
_COMPILERS = re.compile(r"build-essential|\bgcc\b|g\+\+|\bcmake\b|\bclang\b|\bgit\b|python3?-dev")


# -- compose -------------------------------------------------------------------------------------


def filled(text: str, environment: Mapping[str, str]) -> str:
    """The text with ${NAME}, ${NAME:-default}, ${NAME:+text} and ${NAME:?error} filled in, $$ as $.

    Raises:
        ValueError: a required variable is missing, or a $ that means nothing.
    """

    def value(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        name, sign, rest = match["name"] or match["bare"], match["sign"], match["rest"] or ""
        if name is None:
            raise ValueError(f"a $ that names no variable: {text[match.start() :][:40]!r}")
        given = environment.get(name, "")
        if sign == ":+":
            return rest if given else ""
        if sign == ":?" and not given:
            raise ValueError(f"{name} is required: {rest}")
        return given or (rest if sign == ":-" else "")

    pattern = (
        r"\$\$|\$\{(?P<name>\w+)(?:(?P<sign>:-|:\?|:\+)(?P<rest>[^}]*))?\}"
        r"|\$(?P<bare>[A-Za-z_]\w*)|\$"
    )
    return re.sub(pattern, value, text)


def _filled(node: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(node, str):
        return filled(node, environment)
    if isinstance(node, list):
        return [_filled(each, environment) for each in node]
    if isinstance(node, dict):
        return {key: _filled(each, environment) for key, each in node.items()}
    return node


def compose_faults(
    file: Path, environment: Mapping[str, str] = MappingProxyType({})
) -> Iterator[str]:
    """What is wrong with a compose file, one sentence each; `environment` is what .env holds."""
    try:
        raw = _filled(yaml.safe_load(file.read_text(encoding="utf-8")), environment)
    except (OSError, yaml.YAMLError, ValueError) as problem:
        yield f"cannot be read: {problem}"
        return
    checker = jsonschema.Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    wrong = False
    for error in checker.iter_errors(raw):
        wrong = True
        where = ".".join(str(part) for part in error.absolute_path) or "the file"
        yield f"{where}: {error.message[:200]}"
    if wrong:
        return
    for name, service in raw["services"].items():
        yield from (f"{name}: {fault}" for fault in _service_faults(name, service, raw))
    yield from _profile_faults(raw["services"])
    for kind in ("secrets", "configs"):
        for name, source in (raw.get(kind) or {}).items():
            if set(source) != {"file"}:
                yield f"{kind}.{name}: comes from a file and nothing else"
            elif kind == "configs" and not (file.parent / source["file"]).is_file():
                yield f"{kind}.{name}: there is no file {source['file']}"


def _service_faults(
    name: str, service: Mapping[str, Any], whole: Mapping[str, Any]
) -> Iterator[str]:
    if str(service.get("user", "0")).split(":")[0] in ("0", "root"):
        yield "runs as root; give it a user"
    if service.get("read_only") is not True:
        yield "its root file system can be written; say read_only: true"
    if "mem_limit" not in service:
        yield "has no mem_limit"
    if not 0 < int(service.get("pids_limit") or 0) <= 4096:
        yield "has no pids_limit: a fork bomb would take the machine"
    if service.get("privileged") or service.get("network_mode") == "host":
        yield "is privileged or on the host's network"
    if service.get("cap_drop") != ["ALL"]:
        yield "keeps capabilities; say cap_drop: [ALL]"
    if "no-new-privileges:true" not in service.get("security_opt", []):
        yield "may gain privileges; say security_opt: [no-new-privileges:true]"
    if service.get("restart") is None:
        yield "has no restart policy"
    if "healthcheck" not in service and service["restart"] != "no":
        yield "has no healthcheck"
    for port in service.get("ports", []):
        if name == "redis" or not str(port).startswith("127.0.0.1:"):
            yield f"publishes {port}"
    image = str(service.get("image", ""))
    if "build" not in service and (":" not in image or image.endswith(":latest")):
        yield f"image {image!r} has no fixed tag"
    for key, value in (service.get("environment") or {}).items():
        if _SECRET.search(key) and not key.endswith("_FILE") and value:
            yield f"{key} stands in the environment; give it by file"
    for kind, used in _uses(service):
        if used not in (whole.get(f"{kind}s") or {}):
            yield f"uses a {kind} that is not declared: {used}"


def _uses(service: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a service names of the file's own secrets, configs, networks and volumes."""
    for kind in ("secret", "config"):
        for used in service.get(f"{kind}s", []):
            yield kind, used if isinstance(used, str) else used["source"]
    for used in service.get("networks", []):
        yield "network", used
    for used in service.get("volumes", []):
        source = used.partition(":")[0] if isinstance(used, str) else used.get("source", "")
        if not source.startswith((".", "/", "~")):
            yield "volume", source


def _profile_faults(services: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Services that wait for one that their own profile does not start; compose refuses those."""
    profiles = {profile for service in services.values() for profile in service.get("profiles", [])}
    for profile in ("", *sorted(profiles)):
        there = {
            name
            for name, service in services.items()
            if not service.get("profiles") or profile in service["profiles"]
        }
        for name in sorted(there):
            for needed in sorted(set(services[name].get("depends_on") or ()) - there):
                with_ = f"with the profile {profile}" if profile else "without a profile"
                yield f"{name}: waits for {needed}, which {with_} is not there"


def docker_compose() -> list[str] | None:
    """The command that reads compose files on this machine, if it has one of today."""
    if shutil.which("docker"):
        done = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if done.returncode == 0:
            return ["docker", "compose"]
    return None


# -- Dockerfile ----------------------------------------------------------------------------------


@dataclass(slots=True)
class Stage:
    """One FROM and what follows it; `base` is another stage's name or an image."""

    name: str
    base: str
    line: int
    steps: list[tuple[int, str, str]] = field(default_factory=list)  # line, instruction, words


def stages(text: str) -> list[Stage]:
    """The stages of a Dockerfile, ARGs before the first FROM filled in."""
    found: list[Stage] = []
    arguments: dict[str, str] = {}
    logical, begins = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        begins = begins or number
        logical += line.rstrip()
        if logical.endswith("\\"):
            logical = logical[:-1] + " "
            continue
        instruction, _, words = logical.strip().partition(" ")
        instruction, words = instruction.upper(), words.strip()
        if instruction == "FROM":
            base, _, name = re.sub(r"--platform=\S+\s*", "", words).partition(" AS ")
            base = re.sub(r"\$\{?(\w+)\}?", lambda m: arguments.get(m[1], m[0]), base.strip())
            found.append(Stage(name.strip(), base, begins))
        elif instruction and found:
            found[-1].steps.append((begins, instruction, words))
        elif instruction == "ARG":
            key, _, value = words.partition("=")
            arguments[key] = value
        logical, begins = "", 0
    return found


def dockerfile_faults(text: str, context: Path) -> Iterator[str]:
    """What is wrong with a Dockerfile, as `LINE: sentence`."""
    all_ = stages(text)
    if not all_:
        yield "1: no FROM"
        return
    named = {stage.name: stage for stage in all_ if stage.name}
    used = {stage.base for stage in all_} | {
        match[1]
        for stage in all_
        for _, what, words in stage.steps
        if what == "COPY" and (match := re.match(r"--from=(\S+)", words))
    }
    ignored = _ignored(context)
    for stage in all_:
        shipped = stage.name not in used
        chain = [stage]
        while chain[-1].base in named:
            chain.append(named[chain[-1].base])
        image = chain[-1].base
        if image == stage.base and (":" not in image or image.endswith(":latest")):
            yield f"{stage.line}: {image} has no fixed tag"
        steps = [step for each in reversed(chain) for step in each.steps]
        if shipped:
            users = [words for _, what, words in steps if what == "USER"]
            if not users or users[-1].split(":")[0] in ("root", "0"):
                yield f"{stage.line}: {stage.name or 'the image'} runs as root"
            if "-devel" in image or any(
                what == "RUN" and "install" in words and _COMPILERS.search(words)
                for _, what, words in steps
            ):
                yield f"{stage.line}: {stage.name or 'the image'} ships a compiler"
        pipefail = any(what == "SHELL" and "pipefail" in words for _, what, words in steps)
        no_cache = any(what == "ENV" and "PIP_NO_CACHE_DIR" in words for _, what, words in steps)
        for line, what, words in stage.steps:
            faults = _step_faults(what, words, named, context, ignored)
            if what == "RUN" and re.search(r"(?<!\|)\|(?!\|)", words) and not pipefail:
                yield f"{line}: a pipe whose first part may fail unseen; SHELL with pipefail"
            if what == "RUN" and "pip install" in words and not no_cache:
                yield f"{line}: pip keeps its cache in the layer; set PIP_NO_CACHE_DIR=1"
            yield from (f"{line}: {fault}" for fault in faults)


def _step_faults(
    what: str, words: str, named: Mapping[str, Stage], context: Path, ignored: list[str]
) -> Iterator[str]:
    if what == "RUN" and "apt-get install" in words:
        if "--no-install-recommends" not in words or " -y" not in words:
            yield "apt-get install needs -y and --no-install-recommends"
        if "apt-get update" not in words:
            yield "apt-get install without update in the same step uses old lists"
        if "rm -rf /var/lib/apt/lists/*" not in words:
            yield "the lists of apt stay in the layer"
    if what == "RUN" and re.search(r"\bsudo\b|curl[^|]*\|\s*(?:ba)?sh", words):
        yield "sudo, or a script from the network into a shell"
    if what == "ADD":
        yield "ADD does more than it says; use COPY"
    if what in ("CMD", "ENTRYPOINT") and not words.startswith("["):
        yield f"{what} as a text runs under a shell that keeps signals; use the JSON form"
    if what in ("ENV", "ARG"):
        for key in re.findall(r"(\w+)=", words):
            if _SECRET.search(key) and not key.endswith("_FILE"):
                yield f"{key} would stay in the image"
    if what == "WORKDIR" and not words.startswith(("/", "$")):
        yield "WORKDIR is absolute"
    if what == "COPY":
        source = re.match(r"--from=(\S+)", words)
        if source:
            if source[1] not in named and ":" not in source[1]:
                yield f"there is no stage {source[1]}"
            return
        for path in words.split()[:-1]:
            if not list(context.glob(path)):
                yield f"there is no {path}"
            elif _left_out(path, ignored):
                yield f"{path} does not reach the builder: .dockerignore"


def _ignored(context: Path) -> list[str]:
    file = context / ".dockerignore"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _left_out(path: str, patterns: list[str]) -> bool:
    """Whether .dockerignore leaves a path out; the last pattern that matches decides."""
    out = False
    for pattern in patterns:
        keeps, bare = pattern.startswith("!"), pattern.lstrip("!").rstrip("/")
        parents = [path, *(str(parent) for parent in Path(path).parents)]
        if any(fnmatch.fnmatch(each, bare) for each in parents):
            out = not keeps
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks docker-compose.yml and the Dockerfile.")
    parser.add_argument("--compose", type=Path, default=ROOT / "docker-compose.yml")
    parser.add_argument("--dockerfile", type=Path, default=ROOT / "Dockerfile")
    parser.add_argument("--context", type=Path, default=ROOT)
    parser.add_argument("--manifests", type=Path, default=ROOT / "deploy" / "k8s")
    options = parser.parse_args()
    faults = [f"{options.compose.name}: {fault}" for fault in compose_faults(options.compose)]
    text = options.dockerfile.read_text(encoding="utf-8")
    faults += [
        f"{options.dockerfile.name}:{fault}" for fault in dockerfile_faults(text, options.context)
    ]
    faults += manifest_faults(options.manifests)
    docker = docker_compose()
    if docker:
        command = [*docker, "-f", str(options.compose), "--profile", "*", "config", "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
        if done.returncode:
            faults.append(f"{options.compose.name}: {done.stderr.strip()}")
    for fault in faults:
        print(fault, file=sys.stderr)
    read = "docker compose and the schema" if docker else "the schema of the compose specification"
    if not faults:
        print(f"{options.compose.name} by {read}, {options.dockerfile.name}, manifests: well")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
