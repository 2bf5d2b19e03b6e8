FROM python:3.11.9-slim@sha256:abababababababababababababababababababababababababababababababab
RUN apt-get update
RUN apt-get install -y --no-install-recommends libgomp1
USER 1000
