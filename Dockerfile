# One image for every node of a cluster, head and workers, with and without GPU:
#   docker build -t thce:0.1.0 .
# Every Python package has the version in constraints.txt, which is the lock. torch comes with CUDA,
# as the package index has it; a mirror is given by --build-arg PIP_INDEX_URL=...
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE}

# g++ and ninja: DeepSpeed compiles a small op. wget: KubeRay's probes. ssh, rsync: `ray up`.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ ninja-build openssh-client rsync wget \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 thce

ARG PIP_INDEX_URL
WORKDIR /app
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY thce thce
RUN pip install --no-cache-dir --constraint constraints.txt .
COPY jobs jobs
COPY configs configs

USER thce
ENV RAY_AUTH_MODE=token \
    RAY_USAGE_STATS_ENABLED=0
RUN thce version
CMD ["thce", "--help"]
