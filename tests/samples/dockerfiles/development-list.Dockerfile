FROM python:3.11.9-slim@sha256:abababababababababababababababababababababababababababababababab
COPY requirements-dev.txt ./
RUN pip install --no-cache-dir -r requirements-dev.txt
USER 1000
