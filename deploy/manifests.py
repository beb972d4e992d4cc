"""Checks the Kubernetes manifests of deploy/k8s, for `make check`; needs no cluster.

    python deploy/check.py                   with the compose file and the Dockerfile
    python deploy/check.py --manifests FOLDER

Every object is compared with the models of the official Python client, which are made from the
API's own OpenAPI description: an unknown field, a missing one and a value of another kind are
faults. Then come rules of the house, as for the compose file: nobody as root, a read-only root,
no capabilities, limits of memory, images with a fixed tag, probes, secrets by file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client

_PLAIN: dict[str, tuple[type, ...]] = {
    "str": (str,), "int": (int,), "float": (int, float), "bool": (bool,),
    "object": (object,), "datetime": (str,), "bytes": (str,),
}  # fmt: skip
_SECRET = re.compile(r"TOKEN|PASSWORD|SECRET|API_?KEY")


def manifest_faults(folder: Path) -> Iterator[str]:
    """What is wrong with the manifests of a folder, one sentence each."""
    files = sorted(folder.glob("*.yaml"))
    if not files:
        yield f"{folder}: no manifests"
    for file in files:
        try:
            objects = [each for each in yaml.safe_load_all(file.read_text("utf-8")) if each]
        except (OSError, yaml.YAMLError) as problem:
            yield f"{file.name}: cannot be read: {str(problem).splitlines()[0]}"
            continue
        for each in objects:
            what = f"{file.name}: {each.get('kind')} {(each.get('metadata') or {}).get('name')}"
            yield from (f"{what}: {fault}" for fault in object_faults(each))


def object_faults(found: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with one object."""
    model = _model_of(str(found.get("apiVersion")), str(found.get("kind")))
    if model is None:
        yield f"there is no {found.get('kind')} of {found.get('apiVersion')}"
        return
    faults = list(_value_faults(found, model, ""))
    yield from faults
    pod = ((found.get("spec") or {}).get("template") or {}).get("spec")
    if not faults and isinstance(pod, Mapping):
        yield from _pod_faults(pod, job=found["kind"] == "Job")
        wanted = ((found["spec"].get("selector") or {}).get("matchLabels") or {}).items()
        if not wanted <= (found["spec"]["template"]["metadata"].get("labels") or {}).items():
            yield "its selector does not choose its own pods"


def _model_of(version: str, kind: str) -> str | None:
    group, _, number = version.rpartition("/")
    name = f"{number[:1].upper()}{number[1:]}{kind}"
    known = {"": "core", "apps": "apps", "batch": "batch", "policy": "policy"}
    return name if group in known and hasattr(client, name) else None


def _value_faults(value: Any, kind: str, where: str) -> Iterator[str]:
    """Compare a value with a type as the client writes it: V1Pod, List[str], Dict[str, str]."""
    place = where or "it"
    if many := re.fullmatch(r"List\[(.+)\]", kind):
        if not isinstance(value, list):
            yield f"{place} is no list"
            return
        for number, each in enumerate(value):
            yield from _value_faults(each, many[1], f"{where}[{number}]")
    elif pairs := re.fullmatch(r"Dict\[str, (.+)\]", kind):
        if not isinstance(value, Mapping):
            yield f"{place} is no mapping"
            return
        for key, each in value.items():
            yield from _value_faults(each, pairs[1], f"{where}.{key}")
    elif kind in _PLAIN:
        wrong = isinstance(value, bool) and kind not in ("bool", "object")
        if wrong or not isinstance(value, _PLAIN[kind]):
            yield f"{place} is {value!r}, not of the kind {kind}"
    else:
        yield from _model_faults(value, getattr(client, kind), where)


def _model_faults(value: Any, model: Any, where: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{where or 'it'} is no mapping"
        return
    fields = {name: attribute for attribute, name in model.attribute_map.items()}
    for key, each in value.items():
        place = f"{where}.{key}".lstrip(".")
        if key not in fields:
            yield f"{place}: there is no such field"
        else:
            yield from _value_faults(each, model.openapi_types[fields[key]], place)
    try:  # the constructor knows which fields must be there
        model(**{fields[key]: each for key, each in value.items() if key in fields})
    except ValueError as problem:
        for name in re.findall(r"^(\w+)\n\s+Field required", str(problem), re.MULTILINE):
            yield f"{where or 'it'}: has no {name}"


def _pod_faults(pod: Mapping[str, Any], *, job: bool) -> Iterator[str]:
    context = pod.get("securityContext") or {}
    if context.get("runAsNonRoot") is not True or not context.get("runAsUser"):
        yield "runs as root; give it runAsNonRoot and a runAsUser"
    if pod.get("automountServiceAccountToken") is not False:
        yield "holds a token of the cluster; say automountServiceAccountToken: false"
    volumes = {volume["name"] for volume in pod.get("volumes") or ()}
    for each in pod["containers"]:
        locked = each.get("securityContext") or {}
        if locked.get("readOnlyRootFilesystem") is not True:
            yield f"{each['name']}: its root file system can be written"
        if locked.get("allowPrivilegeEscalation") is not False:
            yield f"{each['name']}: may gain privileges"
        if (locked.get("capabilities") or {}).get("drop") != ["ALL"]:
            yield f"{each['name']}: keeps capabilities"
        if "memory" not in ((each.get("resources") or {}).get("limits") or {}):
            yield f"{each['name']}: has no limit of memory"
        image = str(each.get("image", ""))
        if ":" not in image or image.endswith(":latest"):
            yield f"{each['name']}: image {image!r} has no fixed tag"
        if not job and "readinessProbe" not in each:
            yield f"{each['name']}: has no readiness probe"
        for variable in each.get("env") or ():
            name = variable["name"]
            if _SECRET.search(name) and not name.endswith("_FILE"):
                yield f"{each['name']}: {name} stands in the environment; give it by file"
        for mount in each.get("volumeMounts") or ():
            claimed = mount["name"] == "data"  # of a StatefulSet's volumeClaimTemplates
            if mount["name"] not in volumes and not claimed:
                yield f"{each['name']}: there is no volume {mount['name']}"
