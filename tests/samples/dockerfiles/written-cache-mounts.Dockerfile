# syntax=docker/dockerfile:1
FROM python:3.11.9-slim@sha256:abababababababababababababababababababababababababababababababab
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt,sharing=locked \
    apt-get update && apt-get install -y --no-install-recommends libgomp1
USER 1000
