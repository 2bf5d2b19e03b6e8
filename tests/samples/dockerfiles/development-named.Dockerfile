FROM python:3.11.9-slim@sha256:abababababababababababababababababababababababababababababababab
WORKDIR /app
COPY src pyproject.toml ./
RUN pip install --no-cache-dir -e .[dev] jupyterlab==4.2.0
USER 1000
