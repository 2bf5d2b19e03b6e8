FROM python:3.11.9-slim@sha256:abababababababababababababababababababababababababababababababab
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen
USER 1000
