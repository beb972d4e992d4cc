# syntax=docker/dockerfile:1
# One image a purpose, from shared layers:
#
#   docker build --target bot .          the bot on a CPU (the default)
#   docker build --target bot-gpu .      the bot with llama.cpp built for CUDA
#   docker build --target quantize .     mrp convert, shrink, imatrix, measure, fit
#   docker build --target trainer .      all of the journey, torch with CUDA
#
# What compiles lives in build stages; what is shipped has no compiler and runs as user 10001 with a
# read-only root. To make images that never change, pin the two bases by digest.
ARG PYTHON=3.11-slim-bookworm
ARG CUDA=12.6.3

# --- what compiles -----------------------------------------------------------------------------
FROM python:${PYTHON} AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN apt-get update \
 && apt-get install -y --no-install-recommends build-essential cmake git \
 && rm -rf /var/lib/apt/lists/*
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# A portable llama.cpp: the machine that builds is not the one that runs.
ENV CMAKE_ARGS="-DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DLLAVA_BUILD=OFF"
RUN python -m venv /opt/mrp
ENV PATH=/opt/mrp/bin:$PATH
WORKDIR /src
# Libraries first, by the list alone, so that a change of ours does not compile llama.cpp again.
COPY pyproject.toml deploy/requirements.py ./
RUN python requirements.py pyproject.toml > /tmp/room.txt \
 && python requirements.py pyproject.toml speech >> /tmp/room.txt \
 && pip install -r /tmp/room.txt

FROM build AS build-bot
COPY README.md LICENSE mrp.py ./
COPY bot bot
COPY canon canon
COPY characters characters
COPY engine engine
COPY evaluation evaluation
COPY hub hub
COPY quantize quantize
COPY speech speech
COPY text text
COPY trainer trainer
COPY models/xiyou-mini.gguf models/xiyou-mini.json models/
COPY voices/xiyou-qwen2.5-coder-0.5b.gguf voices/xiyou-qwen2.5-coder-0.5b.json voices/
COPY voices/xiyou-qwen2.5-coder-1.5b.gguf voices/xiyou-qwen2.5-coder-1.5b.json voices/
COPY deploy/commit.py deploy/
# What `mrp --version` says: docker build --build-arg COMMIT=$(git rev-parse --short HEAD) …
ARG COMMIT=
RUN printf '%s\n' "$COMMIT" > bot/COMMIT \
 && pip install --no-deps .

FROM build AS build-quantize
RUN python requirements.py pyproject.toml quantize > /tmp/more.txt \
 && pip install -r /tmp/more.txt
COPY --from=build-bot /src /src
RUN pip install --no-deps .

FROM build AS build-trainer
# For a torch without CUDA an index that has one (docs/deploy.md).
ARG PIP_EXTRA_INDEX_URL=
RUN python requirements.py pyproject.toml quantize train evaluate > /tmp/more.txt \
 && pip install -r /tmp/more.txt
COPY --from=build-bot /src /src
RUN pip install --no-deps .

# llama.cpp for CUDA needs nvcc to build and only the runtime to run.
FROM nvidia/cuda:${CUDA}-devel-ubuntu24.04 AS build-gpu
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ENV DEBIAN_FRONTEND=noninteractive PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN apt-get update \
 && apt-get install -y --no-install-recommends build-essential cmake git ninja-build \
      python3 python3-dev python3-venv \
 && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/mrp
ENV PATH=/opt/mrp/bin:$PATH
# 7.5 to 9.0: from Turing (GTX 16, RTX 20) on; a shorter list builds faster.
ARG CUDA_ARCHITECTURES=75;80;86;89;90
# libcuda itself comes with the driver of the machine that runs it.
ENV CMAKE_ARGS="-DGGML_CUDA=ON -DGGML_NATIVE=OFF -DLLAVA_BUILD=OFF \
-DCMAKE_EXE_LINKER_FLAGS=-Wl,--allow-shlib-undefined"
WORKDIR /src
COPY pyproject.toml deploy/requirements.py ./
RUN python requirements.py pyproject.toml > /tmp/room.txt \
 && python requirements.py pyproject.toml speech >> /tmp/room.txt \
 && CMAKE_ARGS="$CMAKE_ARGS -DCMAKE_CUDA_ARCHITECTURES=$CUDA_ARCHITECTURES" \
    pip install -r /tmp/room.txt
COPY --from=build-bot /src /src
RUN pip install --no-deps .

# --- what is shipped ---------------------------------------------------------------------------
FROM python:${PYTHON} AS runtime
RUN apt-get update \
 && apt-get install -y --no-install-recommends libgomp1 tini espeak-ng \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --user-group --home-dir /data --shell /usr/sbin/nologin mrp \
 && install -d -o mrp -g mrp /data /srv
ENV PATH=/opt/mrp/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    HOME=/data XDG_DATA_HOME=/data
USER 10001:10001
WORKDIR /srv
ENTRYPOINT ["tini", "--", "mrp"]

FROM runtime AS quantize
COPY --from=build-quantize /opt/mrp /opt/mrp
CMD ["shrink", "--help"]

FROM runtime AS trainer
COPY --from=build-trainer /opt/mrp /opt/mrp
# bitsandbytes and triton look for them in the home folder.
ENV HF_HOME=/data/huggingface TRITON_CACHE_DIR=/tmp/triton
CMD ["train", "--help"]

FROM nvidia/cuda:${CUDA}-runtime-ubuntu24.04 AS bot-gpu
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get update \
 && apt-get install -y --no-install-recommends espeak-ng libgomp1 python3 tini \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --user-group --home-dir /data --shell /usr/sbin/nologin mrp \
 && install -d -o mrp -g mrp /data /srv
COPY --from=build-gpu /opt/mrp /opt/mrp
COPY models/xiyou-mini.gguf models/xiyou-mini.json /models/
ENV PATH=/opt/mrp/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    HOME=/data XDG_DATA_HOME=/data MRP_MODEL=/models/xiyou-mini.gguf MRP_METRICS=0.0.0.0:9464
USER 10001:10001
WORKDIR /srv
EXPOSE 9464
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s --retries=3 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:9464/healthz', timeout=4)"]
ENTRYPOINT ["tini", "--", "mrp"]
CMD ["serve"]

# Last, so that it is what `docker build .` makes.
FROM runtime AS bot
COPY --from=build-bot /opt/mrp /opt/mrp
COPY models/xiyou-mini.gguf models/xiyou-mini.json /models/
ENV MRP_MODEL=/models/xiyou-mini.gguf MRP_METRICS=0.0.0.0:9464
EXPOSE 9464
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:9464/healthz', timeout=4)"]
CMD ["serve"]
