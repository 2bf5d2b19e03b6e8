# A sample: what is needed, and nothing else.
#
# kfslim wrote this from a plan.  Change what the plan is made from, and write it again.
#
#   DOCKER_BUILDKIT=0 docker build -t load_data:slim .
#
# For another index than pip's own add --build-arg PIP_INDEX_URL=...; for certificates of your own
# put them here as ca.crt, and add --build-arg PIP_CERT=ca.crt.  Only the builder stage knows them:
# they are in no layer and no history of the image.

FROM registry.example/python@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb AS base

FROM base AS builder
# Nothing but the environment leaves this stage, so it may work as root.
# hadolint ignore=DL3002
USER 0
WORKDIR /build
# The environment as `python -m venv` makes it; not every base has that module.
COPY environment/ /opt/kfslim/
RUN mkdir -p /opt/kfslim/bin \
 && ln -s /usr/bin/python3 /opt/kfslim/bin/python \
 && ln -s /usr/bin/python3 /opt/kfslim/bin/python3 \
 && ln -s /usr/bin/python3 /opt/kfslim/bin/python3.11
# pip comes along: the same on every base, and gone with this stage.
COPY pip.pyz finish.py ca.crt* ./
# Every file by its hash; the list is whole, so nothing else is asked for.
COPY requirements.txt build-requirements.txt ./
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
ARG PIP_CERT
RUN /opt/kfslim/bin/python3 pip.pyz install --no-deps --no-compile \
    --disable-pip-version-check --root-user-action=ignore \
    --no-cache-dir \
    --build-constraint build-requirements.txt \
    --require-hashes -r requirements.txt
# What no step opens goes, each line of the list with its reason; then bytecode.
COPY left-out.txt ./
RUN /usr/bin/python3 finish.py --leave-out left-out.txt --compile all \
    /opt/kfslim

FROM builder AS project
COPY project/ /project/opt/kfslim/
RUN /usr/bin/python3 finish.py --compile all --shown /opt/kfslim /project/opt/kfslim

FROM base
# Debian packages of the plan, as kfslim unpacked them: no apt, no lists, no caches.
ADD os-packages.tar.gz /
COPY --from=builder /opt/kfslim /opt/kfslim
# The project's own sources: a change of them is a change of this layer only.
COPY --from=project /project/ /
ENV PATH="/opt/kfslim/bin:/usr/local/bin:/usr/bin:/bin" \
    VIRTUAL_ENV="/opt/kfslim"
LABEL io.kfslim.builder="engine" \
    io.kfslim.lock="sha256:bcf4cfaafc1e92bd4039cd50544ff1cc1f5426e3f41e7e82e8bb32f07347ad2c" \
    io.kfslim.step-digest="sha256:3885d4a43d00a2c6eb468e2130c00003f67deb6ba4dfb4d06b1c79f4086568c7" \
    org.opencontainers.image.base.digest="sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    org.opencontainers.image.base.name="deb:bookworm"
