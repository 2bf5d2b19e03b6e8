FROM python:3.11.9-slim@sha256:abababababababababababababababababababababababababababababababab
RUN ["pip", "install", "scipy"]
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN set -eux; pip install "pandas>=1" ; true
USER 1000
