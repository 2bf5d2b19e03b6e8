# One stage builds
FROM python:3.11-slim AS builder

WORKDIR /install
COPY requirements.txt .
RUN pip install --prefix=/install --no-cache-dir -r requirements.txt

# The other one runs
FROM python:3.11-slim

WORKDIR /app

COPY --from=builder /install /usr/local

COPY pyproject.toml .
COPY src/ ./src/

RUN pip install --no-cache-dir .
