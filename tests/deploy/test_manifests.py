"""The Kubernetes manifests, whole and broken."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from deploy.manifests import manifest_faults

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "k8s"


def test_they_are_well():
    assert list(manifest_faults(FOLDER)) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("bot.yaml", "replicas: 3", "replica: 3", "there is no such field"),
        ("bot.yaml", "replicas: 3", 'replicas: "3"', "not of the kind int"),
        ("bot.yaml", "kind: StatefulSet", "kind: Statefulset", "there is no Statefulset"),
        ("bot.yaml", "containerPort: 9464", "port: 9464", "no such field"),
        ("bot.yaml", "          image: mrp:cpu\n", "          image: mrp\n", "no fixed tag"),
        ("bot.yaml", "runAsNonRoot: true", "runAsNonRoot: false", "runs as root"),
        ("bot.yaml", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "written"),
        ("bot.yaml", "limits: {memory: 2Gi}", "limits: {}", "limit of memory"),
        ("bot.yaml", "name: DISCORD_TOKEN_FILE", "name: DISCORD_TOKEN", "by file"),
        ("bot.yaml", "      labels: {app: mrp}\n      annotations", "      annotations",
         "does not choose its own pods"),
        ("redis.yaml", "  selector:\n    matchLabels: {app: redis}\n  template", "  template",
         "has no selector"),
        ("redis.yaml", "drop: [ALL]", "drop: []", "keeps capabilities"),
        ("redis.yaml", "accessModes: [ReadWriteOnce]", "accessModes: ReadWriteOnce", "no list"),
        ("engine.yaml", "{name: tmp, mountPath: /tmp}", "{name: tmq, mountPath: /tmp}", "tmq"),
        ("engine.yaml", "- --parallel\n            - \"8\"", "- --parallel\n            - 8",
         "not of the kind str"),
        ("engine.yaml", "kind: Service", "kind: [", "cannot be read"),
    ],
)  # fmt: skip
def test_a_broken_manifest_is_named(tmp_path: Path, file: str, old: str, new: str, says: str):
    folder = tmp_path / "k8s"
    shutil.copytree(FOLDER, folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    faults = list(manifest_faults(folder))
    assert any(says in fault for fault in faults), faults
    assert all(fault.startswith(file) for fault in faults)


def test_an_empty_folder_is_a_fault(tmp_path: Path):
    assert len(list(manifest_faults(tmp_path))) == 1
