"""Chooses what llama.cpp is built for: `make try GPU=cuda|vulkan|metal|rocm|cpu`, or what is found.

    python deploy/gpu.py            CMake's options on standard output, one sentence on the other
    python deploy/gpu.py vulkan     the same for this backend, or for the CPU where it cannot be
    python deploy/gpu.py auto --write .venv/gpu     into a file, touched only where it changes

A backend needs a card with its driver to run, and tools to be built with; docs/gpu.md lists both.
Where something is missing the CPU is built for, and the sentence says what would help. Python's own
library only: this runs before anything is installed.
"""

from __future__ import annotations

import argparse
import ctypes.util
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.cards import cards, output

NEWER_THAN = 239  # of Vulkan's 1.3 headers: llama.cpp does not compile with Debian 12's
DRI = Path("/dev/dri")
INCLUDE = ("/usr/include", "/usr/local/include", "/opt/homebrew/include")


@dataclass(frozen=True, slots=True)
class Backend:
    """What llama.cpp can be built for here: `options` for CMake, or what is `missing`, in words.
    `card` names what it would run on; "" where there is nothing to run on."""

    name: str
    card: str
    missing: str
    options: str

    @property
    def ready(self) -> bool:
        return bool(self.card) and not self.missing


def _tool(name: str, *places: str) -> str:
    """The path of a program, from PATH or one of these places; "" where it is in none."""
    found = [shutil.which(name), *(place for place in places if os.access(place, os.X_OK))]
    return next(filter(None, found), "")


def cuda() -> Backend:
    here = [card for card in cards() if card.maker == "NVIDIA"]
    name = next((card.name for card in here if card.driver), "")
    home = os.environ.get("CUDA_HOME") or os.environ.get("CUDA_PATH") or "/usr/local/cuda"
    nvcc = os.environ.get("CUDACXX") or _tool("nvcc", f"{home}/bin/nvcc")
    missing = ""
    if here and not name:
        missing = "NVIDIA's driver (nvidia-smi does not answer)"
    elif not nvcc:
        missing = "the CUDA toolkit (nvcc)"
    options = f"-DGGML_CUDA=ON -DCMAKE_CUDA_COMPILER={nvcc}" if nvcc else ""
    return Backend("cuda", name, missing, options)


def metal() -> Backend:
    here = [card for card in cards() if card.maker == "Apple"]
    missing = "" if _tool("xcrun") else "Xcode's command line tools (xcode-select --install)"
    return Backend("metal", here[0].name if here else "", missing, "-DGGML_METAL=ON")


def rocm() -> Backend:
    """ROCm names its cards itself: not all of AMD's are known to it."""
    targets = sorted(set(re.findall(r"^\s*Name:\s+(gfx\w+)", output("rocminfo"), re.MULTILINE)))
    names = re.findall(r"Marketing Name:\s+(.*?)\s*$", output("rocminfo"), re.MULTILINE)
    card = (names[-1] if names else targets[0]) if targets else ""
    compiler = output("hipconfig", "-l").strip()
    missing = "" if compiler else "ROCm's compiler (hipconfig)"
    if not targets and not compiler:
        missing = "ROCm (rocminfo and hipconfig)"
    options = (
        f"-DGGML_HIP=ON -DGPU_TARGETS={';'.join(targets)} -DCMAKE_HIP_COMPILER={compiler}/clang++"
    )
    return Backend("rocm", card, missing, options)


def vulkan() -> Backend:
    listed = output("vulkaninfo", "--summary")
    kinds = re.findall(r"deviceType\s*=\s*PHYSICAL_DEVICE_TYPE_(\w+)", listed)
    names = re.findall(r"deviceName\s*=\s*(.+?)\s*$", listed, re.MULTILINE)
    real = [n for n, kind in zip(names, kinds, strict=False) if kind != "CPU"]
    # Mesa's software device counts where it was asked for, as llama.cpp has it.
    asked = os.environ.get("GGML_VK_VISIBLE_DEVICES", "")
    found = [*real, *(names or [f"device {asked}"] if asked else [])]
    if not listed and any(DRI.glob("renderD*")):
        found = ["a card under /dev/dri"]
    return Backend(
        "vulkan", found[0] if found else "", "; ".join(_vulkan_lacks()), "-DGGML_VULKAN=ON"
    )


def _vulkan_lacks() -> Iterator[str]:
    if not ctypes.util.find_library("vulkan"):
        yield "Vulkan's loader (libvulkan1)"
    if not _tool("glslc"):
        yield "the shader compiler glslc"
    sdk = os.environ.get("VULKAN_SDK")
    places = [Path(place) for place in (*([f"{sdk}/include"] if sdk else ()), *INCLUDE)]
    version = next(filter(None, map(_headers, places)), 0)
    if not version:
        yield "Vulkan's headers (libvulkan-dev)"
    elif version <= NEWER_THAN:
        yield f"newer Vulkan headers than 1.3.{version}"
    if not any((place / "spirv" / "unified1" / "spirv.hpp").is_file() for place in places):
        yield "SPIR-V's headers (spirv-headers)"


def _headers(place: Path) -> int:
    """The patch version of the Vulkan headers there, counting all of 1.4 as newer; 0: none."""
    try:
        text = (place / "vulkan" / "vulkan_core.h").read_text("utf-8", "replace")
    except OSError:
        return 0
    patch = re.search(r"define VK_HEADER_VERSION (\d+)", text)
    minor = re.search(r"VK_HEADER_VERSION_COMPLETE VK_MAKE_API_VERSION\(0, 1, (\d+)", text)
    newer = 1000 if minor and int(minor[1]) > 3 else 0
    return newer + int(patch[1]) if patch else 0


BACKENDS = {"cuda": cuda, "metal": metal, "rocm": rocm, "vulkan": vulkan}


def choose(wish: str) -> tuple[str, str, str]:
    """Backend, CMake's options for it, and the sentence to say. `wish` is a backend's name, "cpu",
    or "auto": the first whose card and tools are both here."""
    if wish == "cpu":
        return "cpu", "", "llama.cpp is built for the CPU, as asked."
    if wish != "auto":
        one = BACKENDS[wish]()
        if one.ready:
            return wish, one.options, f"llama.cpp is built for {wish}: {one.card}."
        lacks = one.missing or f"no card that {wish} can use was found"
        if one.missing:
            lacks = f"missing is {one.missing}"
        return "cpu", "", f"GPU={wish} cannot be built here, {lacks}: the CPU it is (docs/gpu.md)."
    found = [make() for make in BACKENDS.values()]
    for one in found:
        if one.ready:
            return one.name, one.options, f"llama.cpp is built for {one.name}: {one.card}."
    for one in found:
        if one.card:
            return (
                "cpu",
                "",
                (
                    f"{one.card} is here and will lie idle, missing is {one.missing}: llama.cpp is "
                    f"built for the CPU. Install that, then: make try GPU={one.name} (docs/gpu.md)."
                ),
            )
    idle = next((card.name for card in cards() if card.maker != "Apple"), "")
    if idle:
        return (
            "cpu",
            "",
            (
                f"{idle} is here and will lie idle, its driver or the tools of cuda, rocm or "
                "vulkan are missing: llama.cpp is built for the CPU (docs/gpu.md)."
            ),
        )
    return "cpu", "", "No graphics card was found: llama.cpp is built for the CPU."


def main(argv: list[str]) -> int:
    """Print or write the options. Returns 0, or 2 for a backend that there is not."""
    parser = argparse.ArgumentParser(description="What llama.cpp is built for on this machine.")
    parser.add_argument("gpu", nargs="?", default="auto", help=f"auto, cpu, {', '.join(BACKENDS)}")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the options go there")
    chosen = parser.parse_args(argv)
    wish = chosen.gpu.strip().casefold() or "auto"
    if wish not in ("auto", "cpu", *BACKENDS):
        known = ", ".join(("auto", "cpu", *BACKENDS))
        print(f"GPU={chosen.gpu} is no backend; there are {known}", file=sys.stderr)
        return 2
    _, options, says = choose(wish)
    if chosen.write is None:
        print(says, file=sys.stderr)
        print(options)
        return 0
    if not chosen.write.exists() or chosen.write.read_text("utf-8").strip() != options:
        print(says, file=sys.stderr)
        chosen.write.write_text(options + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
