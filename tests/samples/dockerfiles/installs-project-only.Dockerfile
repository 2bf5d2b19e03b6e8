FROM python:3.11.9-slim@sha256:abababababababababababababababababababababababababababababababab
WORKDIR /app
COPY . .
RUN pip install --no-cache-dir .
USER 1000
