FROM python:3.11.9-slim@sha256:abababababababababababababababababababababababababababababababab
ENV PIP_NO_CACHE_DIR=1
COPY requirements.txt ./
RUN apt-get update && apt-get install -y --no-install-recommends gcc \
    && pip install -r requirements.txt \
    && apt-get purge -y --auto-remove gcc && rm -rf /var/lib/apt/lists/*
USER 1000:1000
