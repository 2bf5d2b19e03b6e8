FROM python:3.11.9-slim@sha256:abababababababababababababababababababababababababababababababab
RUN apt-get update && apt-get install -y --no-install-recommends build-essential libpq-dev libpq5 \
    && rm -rf /var/lib/apt/lists/*
USER 1000
