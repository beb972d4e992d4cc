#!/usr/bin/env bash
# Builds llama-server from the source package of llama-cpp-python that pyproject.toml names, so that
# both are of one llama.cpp. Takes minutes on all cores; needs pip, cmake, make and a C++ compiler.
#
#   benchmarks/llama_server.sh [FOLDER]       default: build/llama-server
#
# The last line is the program's path:
#   MRP_TEST_LLAMA_SERVER=$(benchmarks/llama_server.sh | tail -1) pytest tests/engine/test_interface.py
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$(mkdir -p "${1:-$root/build/llama-server}" && cd "${1:-$root/build/llama-server}" && pwd)
python=${PYTHON:-$root/.venv/bin/python}
[ -x "$python" ] || python=python3
version=$("$python" - "$root/pyproject.toml" <<'P'
import pathlib
import sys
import tomllib

project = tomllib.loads(pathlib.Path(sys.argv[1]).read_text())["project"]
print(next(d.split("==")[1] for d in project["dependencies"] if d.startswith("llama-cpp-python==")))
P
)

program=$folder/bin/llama-server
if [ ! -x "$program" ] || [ "$(cat "$folder/version" 2>/dev/null)" != "$version" ]; then
    archive=$folder/llama_cpp_python-$version.tar.gz
    # pip reads the package's metadata with its build tools, which it fetches itself (as wheels: hence
    # not `--no-binary :all:`) into a place of its own, so that a bare environment is enough.
    [ -f "$archive" ] || "$python" -m pip download --quiet --no-deps \
        --no-binary llama-cpp-python --dest "$folder" "llama-cpp-python==$version" >&2
    tar -xzf "$archive" -C "$folder"
    cmake -S "$folder/llama_cpp_python-$version/vendor/llama.cpp" -B "$folder/make" \
        -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DGGML_CCACHE=OFF \
        -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_APP=OFF \
        -DLLAMA_BUILD_TOOLS=ON -DLLAMA_BUILD_SERVER=ON \
        -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF -DLLAMA_OPENSSL=OFF >&2
    cmake --build "$folder/make" --target llama-server --parallel "${JOBS:-$(nproc)}" >&2
    mkdir -p "$folder/bin"
    install "$folder/make/bin/llama-server" "$program"
    echo "$version" >"$folder/version"
fi
"$program" --version >&2
echo "$program"
