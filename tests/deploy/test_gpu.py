"""`make try GPU=…` on machines of fake programs: what is built for, and what is said."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy import gpu
from engine import cards

ROOT = Path(gpu.__file__).resolve().parent.parent
SMI = "8192, 7680, NVIDIA GeForce RTX 3070"
ROCM = """Agent 1
  Name:                    AMD Ryzen 7
  Marketing Name:          AMD Ryzen 7
Agent 2
  Name:                    gfx1030
  Marketing Name:          AMD Radeon RX 6800
"""
VULKAN = """GPU0:
	deviceType         = PHYSICAL_DEVICE_TYPE_{kind}
	deviceName         = {name}
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A machine with these programs (name: what it prints) and nothing else of a card."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    for variable in ("CUDACXX", "CUDA_HOME", "CUDA_PATH", "VULKAN_SDK", "GGML_VK_VISIBLE_DEVICES"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("CUDA_HOME", str(tmp_path / "cuda"))
    monkeypatch.setattr(cards, "DRM", tmp_path / "drm")
    monkeypatch.setattr(gpu, "DRI", tmp_path / "dri")
    monkeypatch.setattr(gpu, "INCLUDE", (str(tmp_path / "include"),))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)

    def make(*, loader: bool = False, headers: str = "", **says: str | int) -> None:
        for name, text in says.items():
            file = programs / name.replace("_", "-")
            body = f"exit {text}" if isinstance(text, int) else f"cat <<'E'\n{text}\nE"
            file.write_text(f"#!/bin/sh\n{body}\n")
            file.chmod(0o755)
        (programs / "cat").exists() or (programs / "cat").symlink_to(
            str(shutil.which("cat", path="/bin:/usr/bin"))
        )
        if loader:
            monkeypatch.setattr("ctypes.util.find_library", lambda name: f"lib{name}.so.1")
        if headers:
            minor, patch = headers.split(".")
            (tmp_path / "include" / "vulkan").mkdir(parents=True)
            (tmp_path / "include" / "spirv" / "unified1").mkdir(parents=True)
            (tmp_path / "include" / "spirv" / "unified1" / "spirv.hpp").touch()
            (tmp_path / "include" / "vulkan" / "vulkan_core.h").write_text(
                f"#define VK_HEADER_VERSION {patch}\n#define VK_HEADER_VERSION_COMPLETE "
                f"VK_MAKE_API_VERSION(0, 1, {minor}, VK_HEADER_VERSION)\n"
            )

    return make


def card(tmp_path: Path, vendor: str, total: int = 0, used: int = 0) -> None:
    device = tmp_path / "drm" / "card0" / "device"
    device.mkdir(parents=True)
    (device / "vendor").write_text(vendor + "\n")
    if total:
        (device / "mem_info_vram_total").write_text(f"{total}\n")
        (device / "mem_info_vram_used").write_text(f"{used}\n")


WHOLE: dict[str, dict[str, Any]] = {
    "cuda": {"nvidia_smi": SMI, "nvcc": ""},
    "rocm": {"rocminfo": ROCM, "hipconfig": "/opt/rocm/llvm/bin"},
    "vulkan": {
        "vulkaninfo": VULKAN.format(kind="DISCRETE_GPU", name="Arc A770"),
        "glslc": "",
        "loader": True,
        "headers": "3.275",
    },
}
OPTIONS = {"cuda": "-DGGML_CUDA=ON", "rocm": "-DGGML_HIP=ON", "vulkan": "-DGGML_VULKAN=ON"}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("wish", ["auto", "by name"])
def test_what_is_here_is_built_for(machine: Any, name: str, wish: str) -> None:
    machine(**WHOLE[name])
    backend, options, says = gpu.choose("auto" if wish == "auto" else name)
    assert backend == name
    assert OPTIONS[name] in options
    assert any(card in says for card in ("RTX 3070", "RX 6800", "Arc A770"))


@pytest.mark.parametrize("name", WHOLE)
def test_without_one_of_its_parts_it_is_the_cpu_and_the_part_is_named(
    machine: Any, tmp_path: Path, name: str
) -> None:
    for part in WHOLE[name]:
        for left in (tmp_path / "bin").iterdir():
            left.unlink()
        shutil.rmtree(tmp_path / "include", ignore_errors=True)
        machine(**{key: value for key, value in WHOLE[name].items() if key != part})
        if part in ("loader", "vulkaninfo", "nvidia_smi"):
            continue  # see below
        backend, options, says = gpu.choose(name)
        assert (backend, options) == ("cpu", ""), part
        assert len(says.splitlines()) == 1
        assert "the CPU it is" in says
        lacking = {"nvcc": "nvcc", "hipconfig": "hipconfig", "glslc": "glslc", "headers": "headers"}
        assert lacking.get(part, "no card") in says


@pytest.mark.parametrize("name", [*WHOLE, "metal"])
def test_without_any_driver_it_is_the_cpu_in_one_line(machine: Any, name: str) -> None:
    machine()
    backend, options, says = gpu.choose(name)
    assert (backend, options) == ("cpu", "")
    assert len(says.splitlines()) == 1
    assert f"GPU={name}" in says
    assert "docs/gpu.md" in says


def test_nothing_is_here(machine: Any) -> None:
    machine()
    assert gpu.choose("auto") == (
        "cpu",
        "",
        "No graphics card was found: llama.cpp is built for the CPU.",
    )


def test_a_card_that_will_lie_idle_is_told_with_what_would_help(
    machine: Any, tmp_path: Path
) -> None:
    machine(nvidia_smi=SMI)
    backend, _, says = gpu.choose("auto")
    assert backend == "cpu"
    assert "RTX 3070 is here and will lie idle" in says
    assert "nvcc" in says
    assert "GPU=cuda" in says


@pytest.mark.parametrize(("vendor", "maker"), [("0x10de", "NVIDIA"), ("0x1002", "AMD")])
def test_a_card_without_its_driver_is_told(
    machine: Any, tmp_path: Path, vendor: str, maker: str
) -> None:
    machine()
    card(tmp_path, vendor, total=8 << 30)
    _, _, says = gpu.choose("auto")
    assert f"{maker} card is here and will lie idle" in says


@pytest.mark.parametrize("answer", ["", "No devices were found", "[N/A], [N/A], Some card", 9])
def test_a_driver_that_tells_nothing_is_no_card(machine: Any, answer: str | int) -> None:
    machine(nvidia_smi=answer, nvcc="")
    assert gpu.choose("cuda")[0] == "cpu"
    assert cards.cards() == ()


def test_memory_is_read_of_every_card(machine: Any, tmp_path: Path) -> None:
    machine(nvidia_smi=f"{SMI}\n24576, 100, NVIDIA RTX A5000")
    card(tmp_path, "0x1002", total=16 << 30, used=1 << 30)
    first, second, amd = cards.cards()
    assert (first.name, first.total, first.free) == (SMI[12:], 8192 << 20, 7680 << 20)
    assert (second.total, second.free) == (24576 << 20, 100 << 20)
    assert (amd.maker, amd.total, amd.free) == ("AMD", 16 << 30, 15 << 30)


def test_the_software_device_counts_only_where_it_is_asked_for(
    machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(**WHOLE["vulkan"] | {"vulkaninfo": VULKAN.format(kind="CPU", name="llvmpipe")})
    assert gpu.choose("vulkan")[0] == "cpu"
    monkeypatch.setenv("GGML_VK_VISIBLE_DEVICES", "0")
    assert gpu.choose("vulkan")[0] == "vulkan"
    assert gpu.choose("auto")[0] == "vulkan"


@pytest.mark.parametrize(("headers", "new"), [("3.239", False), ("3.240", True), ("4.309", True)])
def test_vulkan_headers_are_old_or_new(machine: Any, headers: str, new: bool) -> None:
    machine(**WHOLE["vulkan"] | {"headers": headers})
    backend, _, says = gpu.choose("vulkan")
    assert (backend == "vulkan") is new
    assert new or "newer Vulkan headers than 1.3.239" in says


def test_an_unknown_backend_is_named_with_those_that_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert gpu.main(["cuba"]) == 2
    assert "GPU=cuba is no backend; there are auto, cpu, cuda" in capsys.readouterr().err


# -- the Makefile ----------------------------------------------------------------------------------


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A checkout whose pip is a fake that writes down what it is called with."""
    folder = tmp_path / "clone"
    (folder / "deploy").mkdir(parents=True)
    (folder / "engine").mkdir()
    for name in (
        "Makefile",
        "pyproject.toml",
        "deploy/gpu.py",
        "engine/__init__.py",
        "engine/cards.py",
    ):
        shutil.copy(ROOT / name, folder / name)
    binaries = folder / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "pip").write_text(
        f'#!/bin/sh\necho "$CMAKE_ARGS | $*" >> {folder}/pip.log\n'
        'case "$CMAKE_ARGS$BROKEN" in *GGML_CUDA*broken) exit 1;; esac\n'
    )
    (binaries / "mrp").write_text(f'#!/bin/sh\necho "$*" >> {folder}/mrp.log\n')
    (binaries / "python").write_text("#!/bin/sh\n")
    for file in binaries.iterdir():
        file.chmod(0o755)
    return folder


def make(clone: Path, *words: str, programs: dict[str, str] | None = None, **more: str) -> str:
    fakes = clone / "fakes"
    fakes.mkdir(exist_ok=True)
    for name, text in (programs or {}).items():
        (fakes / name).write_text(f"#!/bin/sh\ncat <<'E'\n{text}\nE\n")
        (fakes / name).chmod(0o755)
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("CMAKE", "MAKE", "GPU"))
    }
    environment |= {"PATH": f"{fakes}:/usr/bin:/bin", **more}
    done = subprocess.run(
        ["make", "--no-print-directory", f"PYTHON={sys.executable}", *words],
        cwd=clone, env=environment, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout + done.stderr


def calls(clone: Path) -> list[str]:
    log = clone / "pip.log"
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return lines


CUDA = {"nvidia-smi": SMI, "nvcc": ""}


def test_a_card_is_built_for_once_and_the_cpu_again_when_asked(clone: Path) -> None:
    said = make(clone, "try", "GPU=cuda", "MODEL=xiyou-1.5b", programs=CUDA)
    assert "llama.cpp is built for cuda: NVIDIA GeForce RTX 3070." in said
    first, second = calls(clone)
    assert "-DGGML_CUDA=ON" in first
    assert "--no-cache-dir llama-cpp-python==" in first
    assert "install -e ." in second
    assert (clone / "mrp.log").read_text() == "terminal --model xiyou-1.5b\n"
    make(clone, "try", "GPU=cuda")
    make(clone, "try")
    assert calls(clone) == [], "nothing is built anew"
    assert "as asked" in make(clone, "try", "GPU=cpu")
    first, _ = calls(clone)
    assert "GGML_CUDA" not in first
    assert "--force-reinstall" in first


def test_where_it_cannot_be_compiled_it_is_the_cpu(clone: Path) -> None:
    said = make(clone, "try", "GPU=cuda", programs=CUDA, BROKEN="broken")
    assert "the CPU it is" in said
    assert (clone / ".venv" / "gpu.built").read_text().strip() == ""
    assert (clone / "mrp.log").read_text() == "terminal \n".replace(" \n", "\n")


def test_without_a_card_nothing_is_different(clone: Path) -> None:
    said = make(clone, "try", GGML_VK_VISIBLE_DEVICES="")
    assert "built for the CPU" in said
    (only,) = calls(clone)
    assert only.endswith("install -e .")
