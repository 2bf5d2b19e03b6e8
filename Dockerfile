# kfslim's own image, by Docker Engine: what its components run on in a cluster.
# `kfslim self-image` assembles the same without an engine.
#
#   docker build -t registry.example.com/ml/kfslim:0.1.0 .
#
# BASE needs Python 3.10 or newer with pip; to pin it for good, give it by digest:
#   --build-arg BASE=python:3.11.14-slim-bookworm@sha256:...
# Behind a proxy that inspects TLS, put its certificates as ca.crt beside this file; they stay in
# the first stage.
ARG BASE=python:3.11.14-slim-bookworm

FROM ${BASE} AS build
WORKDIR /build
COPY requirements/image.txt ca.crt* ./
# The environment gets no pip of its own, so none has to be removed from it.
RUN if [ -f ca.crt ]; then export PIP_CERT=/build/ca.crt; fi \
 && python3 -m venv --without-pip /opt/kfslim \
 && python3 -m pip --python /opt/kfslim/bin/python3 install \
    --no-cache-dir --disable-pip-version-check --require-hashes -r image.txt
COPY pyproject.toml README.md LICENSE ./source/
COPY kfslim ./source/kfslim
COPY components ./source/components
COPY pipelines ./source/pipelines
RUN if [ -f ca.crt ]; then export PIP_CERT=/build/ca.crt; fi \
 && python3 -m pip --python /opt/kfslim/bin/python3 install \
    --no-cache-dir --disable-pip-version-check --no-deps ./source

FROM ${BASE}
COPY --from=build /opt/kfslim /opt/kfslim
# The home and the cache are writable for any user; a pod's settings put the cache on a volume.
ENV PATH=/opt/kfslim/bin:${PATH} \
    VIRTUAL_ENV=/opt/kfslim \
    HOME=/tmp \
    KFSLIM_CACHE_DIR=/tmp/kfslim \
    PYTHONUNBUFFERED=1
USER 65532:65532
# kfp.local, unlike a cluster, would put an entry point before a component's command.
ENTRYPOINT []
CMD ["kfslim", "--help"]
