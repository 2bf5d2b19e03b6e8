# A sample: what is needed, and nothing else.
#
# kfslim wrote this from a plan.  Change what the plan is made from, and write it again.
#
#   DOCKER_BUILDKIT=1 docker build -t train:slim .
#
# For another index than pip's own add --secret id=pip,src=pip.conf; for certificates of your own
# --secret id=ca,src=ca.crt, and cert = /run/secrets/ca to pip.conf.  Nothing of either is in the
# image or its history.

# The base that kfslim assembled from Debian packages: it can be pulled from nowhere.
FROM scratch AS base
ADD base-1.tar.gz base-2.tar.gz /
ENV COST="5\$" \
    PATH="/usr/local/bin:/usr/bin:/bin"
CMD ["python3"]

FROM base AS builder
WORKDIR /build
# The environment as `python -m venv` makes it; not every base has that module.
COPY environment/ /opt/kfslim/
RUN mkdir -p /opt/kfslim/bin \
 && ln -s /usr/bin/python3 /opt/kfslim/bin/python \
 && ln -s /usr/bin/python3 /opt/kfslim/bin/python3 \
 && ln -s /usr/bin/python3 /opt/kfslim/bin/python3.11
# pip comes along: the same on every base, and gone with this stage.
COPY pip.pyz finish.py ./
# Every file by its hash; the list is whole, so nothing else is asked for.
COPY requirements.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=ca \
    /opt/kfslim/bin/python3 pip.pyz install --no-deps --no-compile \
    --disable-pip-version-check --root-user-action=ignore \
    --require-hashes -r requirements.txt
# What no step opens goes, each line of the list with its reason; then bytecode.
COPY left-out.txt kept.txt ./
RUN /usr/bin/python3 finish.py --leave-out left-out.txt --keep-only kept.txt --compile all \
    /opt/kfslim

FROM base
COPY --from=builder /opt/kfslim /opt/kfslim
ENV PATH="/opt/kfslim/bin:/usr/local/bin:/usr/bin:/bin" \
    VIRTUAL_ENV="/opt/kfslim"
LABEL io.kfslim.builder="engine" \
    io.kfslim.lock="sha256:bcf4cfaafc1e92bd4039cd50544ff1cc1f5426e3f41e7e82e8bb32f07347ad2c" \
    io.kfslim.step-digest="sha256:5f5898bdb243d58fc6d8c62e01123248c8c037ff4f3e20c78c215c1cbd45733f" \
    org.opencontainers.image.base.digest="sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    org.opencontainers.image.base.name="deb:bookworm"
