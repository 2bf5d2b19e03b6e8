# syntax=docker/dockerfile:1
FROM python:3.11.9-slim@sha256:abababababababababababababababababababababababababababababababab AS builder
WORKDIR /build
COPY requirements.txt .
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --prefix=/install -r requirements.txt

FROM python:3.11.9-slim@sha256:abababababababababababababababababababababababababababababababab
COPY --from=builder /install /usr/local
WORKDIR /app
COPY src/ src/
USER 1000
ENTRYPOINT ["python", "-m", "train"]
