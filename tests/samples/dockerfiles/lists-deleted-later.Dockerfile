FROM python:3.11.9-slim@sha256:abababababababababababababababababababababababababababababababab
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1
RUN rm -rf /var/lib/apt/lists/*
USER 1000
