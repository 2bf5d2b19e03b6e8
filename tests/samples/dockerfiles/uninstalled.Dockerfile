FROM python:3.11.9-slim@sha256:abababababababababababababababababababababababababababababababab
RUN apt-get update && apt-get install -y --no-install-recommends gcc \
    && rm -rf /var/lib/apt/lists/*
RUN apt-get purge -y gcc
USER 1000
