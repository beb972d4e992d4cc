#!/usr/bin/env bash
# `make try GPU=vulkan` without a graphics card: Mesa's software device on Debian 12 or 13, in a fresh
# clone. Says what the doctor sees, plays a scene, and compares greedy text with this checkout's CPU
# build. Takes some minutes of compiling and of a slow device; needs root for apt, and a quiet machine.
#
#   benchmarks/vulkan.sh [MODEL]        default: the model that ships
set -euo pipefail
unset PYTHONPATH # the clone runs its own code
here=$(cd "$(dirname "$0")/.." && pwd)
model=$(realpath "${1:-$here/models/xiyou-mini.gguf}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

apt-get install -y --no-install-recommends \
  glslc mesa-vulkan-drivers spirv-headers libvulkan1 libvulkan-dev vulkan-tools git

# llama.cpp does not compile with the headers of Debian 12 (1.3.239); those of 13 are unpacked aside,
# from the mirror that this machine uses.
. /etc/os-release
if [ "${VERSION_ID:-}" = 12 ]; then
  mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
  for list in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
    [ -f "$list" ] || continue
    mkdir -p "$work/apt/sources.list.d"
    sed 's/bookworm/trixie/g' "$list" > "$work/apt/sources.list.d/$(basename "$list")"
  done
  options=(-o "Dir::State::lists=$work/apt/lists" -o "Dir::Cache=$work/apt/cache"
    -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/apt/sources.list.d")
  apt-get "${options[@]}" update
  (cd "$work" && apt-get "${options[@]}" download libvulkan-dev)
  dpkg-deb -x "$work"/libvulkan-dev_*.deb "$work/headers"
  export VULKAN_SDK=$work/headers/usr
  export CMAKE_ARGS="-DLLAVA_BUILD=OFF -DVulkan_INCLUDE_DIR=$work/headers/usr/include"
fi

export GGML_VK_VISIBLE_DEVICES=0 # admits the software device
git clone -q "$here" "$work/clone"
cd "$work/clone"
make .venv/room GPU=vulkan
.venv/bin/mrp doctor --model "$model" || true
printf '/召唤 悟空\n悟空，你怕不怕紧箍咒？\n' | .venv/bin/mrp terminal --model "$model" --room vulkan --seed 1

# Greedy text, against the CPU's build of the checkout that this was started from.
(cd "$here" && .venv/bin/python -m benchmarks.greedy "$model" -o "$work/cpu.json")
.venv/bin/python -m benchmarks.greedy "$model" --against "$work/cpu.json"
