# On the processor:
#   docker build -t understudy .
# With an NVIDIA GPU (needs the NVIDIA container toolkit on the host):
#   docker build -t understudy --build-arg BASE=nvidia/cuda:13.0.1-base-ubuntu24.04 --build-arg TORCH=cuda .
# To run, with a login, since a container listens on every address:
#   docker run -p 7860:7860 -v understudy:/data -e UNDERSTUDY_AUTH=me:a-long-password understudy
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE}
ARG TORCH=cpu
ARG EXTRAS=

ENV UNDERSTUDY_TORCH=${TORCH} \
    UNDERSTUDY_VENV=/opt/understudy \
    UNDERSTUDY_DATA_DIR=/data \
    HF_HOME=/data/huggingface \
    UNDERSTUDY_HOST=0.0.0.0 \
    UNDERSTUDY_PORT=7860 \
    PIP_NO_CACHE_DIR=1 \
    HOME=/home/studio

RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && { command -v python3 || apt-get install -y --no-install-recommends python3 python3-venv; } \
    && { getent passwd 1000 || useradd --uid 1000 --no-create-home studio; } \
    && mkdir -p /data "$HOME" && chown 1000:1000 /data "$HOME" \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY setup.sh pyproject.toml constraints.txt packages.txt ./
COPY engines/own_files.py engines/
RUN bash -euo pipefail -c 'source ./setup.sh && UNDERSTUDY_EXTRAS="${EXTRAS}" set_up ""' && rm -rf /var/lib/apt/lists/*
COPY . .

USER 1000
VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["/opt/understudy/bin/python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:7860/health', timeout=4)"]
CMD ["./run.sh"]
