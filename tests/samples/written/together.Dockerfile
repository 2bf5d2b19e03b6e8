# A sample: what is needed, and nothing else.
#
# kfslim wrote this from a plan.  Change what the plan is made from, and write it again.
#
#   DOCKER_BUILDKIT=1 docker build --target step-1st -t step-1st:slim .
#
# For another index than pip's own add --secret id=pip,src=pip.conf; for certificates of your own
# --secret id=ca,src=ca.crt, and cert = /run/secrets/ca to pip.conf.  Nothing of either is in the
# image or its history.

# The base that kfslim assembled from Debian packages: it can be pulled from nowhere.
FROM scratch AS kfslim.base.1
ADD base-1.tar.gz base-2.tar.gz /
ENV COST="5\$" \
    PATH="/usr/local/bin:/usr/bin:/bin"
CMD ["python3"]

FROM kfslim.base.1 AS kfslim.builder.1
WORKDIR /build
# The environment as `python -m venv` makes it; not every base has that module.
COPY environment/ /opt/kfslim/
RUN mkdir -p /opt/kfslim/bin \
 && ln -s /usr/bin/python3 /opt/kfslim/bin/python \
 && ln -s /usr/bin/python3 /opt/kfslim/bin/python3 \
 && ln -s /usr/bin/python3 /opt/kfslim/bin/python3.11
# pip comes along: the same on every base, and gone with this stage.
COPY pip.pyz finish.py ./

FROM kfslim.builder.1 AS step-1st.builder
# Every file by its hash; the list is whole, so nothing else is asked for.
COPY step-1st/requirements.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=ca \
    /opt/kfslim/bin/python3 pip.pyz install --no-deps --no-compile \
    --disable-pip-version-check --root-user-action=ignore \
    --require-hashes -r requirements.txt
# What no step opens goes, each line of the list with its reason; then bytecode.
COPY step-1st/left-out.txt ./
RUN /usr/bin/python3 finish.py --leave-out left-out.txt --compile all \
    /opt/kfslim

FROM kfslim.base.1 AS step-1st
COPY --from=step-1st.builder /opt/kfslim /opt/kfslim
ENV PATH="/opt/kfslim/bin:/usr/local/bin:/usr/bin:/bin" \
    VIRTUAL_ENV="/opt/kfslim"
LABEL io.kfslim.builder="engine" \
    io.kfslim.lock="sha256:bcf4cfaafc1e92bd4039cd50544ff1cc1f5426e3f41e7e82e8bb32f07347ad2c" \
    io.kfslim.step-digest="sha256:97088164827129c45bbe6accfc66d8cc143cbdf08d522983d5cdb8a4155ed816" \
    org.opencontainers.image.base.digest="sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    org.opencontainers.image.base.name="deb:bookworm"

FROM kfslim.builder.1 AS second.builder
# Every file by its hash; the list is whole, so nothing else is asked for.
COPY second/requirements.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=ca \
    /opt/kfslim/bin/python3 pip.pyz install --no-deps --no-compile \
    --disable-pip-version-check --root-user-action=ignore \
    --require-hashes -r requirements.txt
# What no step opens goes, each line of the list with its reason; then bytecode.
COPY second/left-out.txt second/compiled.txt ./
RUN /usr/bin/python3 finish.py --leave-out left-out.txt --compile compiled.txt \
    /opt/kfslim

FROM kfslim.base.1 AS second
COPY --from=second.builder /opt/kfslim /opt/kfslim
ENV PATH="/opt/kfslim/bin:/usr/local/bin:/usr/bin:/bin" \
    VIRTUAL_ENV="/opt/kfslim"
LABEL io.kfslim.builder="engine" \
    io.kfslim.lock="sha256:bcf4cfaafc1e92bd4039cd50544ff1cc1f5426e3f41e7e82e8bb32f07347ad2c" \
    io.kfslim.step-digest="sha256:6246972bc804eb9f0c20e29ca5a61a3f79a0ed48783662b523bc9e99bc7d957b" \
    org.opencontainers.image.base.digest="sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    org.opencontainers.image.base.name="deb:bookworm"

FROM registry.example/python@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb AS kfslim.base.2

FROM kfslim.base.2 AS kfslim.builder.2
WORKDIR /build
# The environment as `python -m venv` makes it; not every base has that module.
COPY base.2/environment/ /opt/kfslim/
RUN mkdir -p /opt/kfslim/bin \
 && ln -s /usr/bin/python3 /opt/kfslim/bin/python \
 && ln -s /usr/bin/python3 /opt/kfslim/bin/python3 \
 && ln -s /usr/bin/python3 /opt/kfslim/bin/python3.11
# pip comes along: the same on every base, and gone with this stage.
COPY base.2/pip.pyz base.2/finish.py ./

FROM kfslim.builder.2 AS base.builder
# Every file by its hash; the list is whole, so nothing else is asked for.
COPY base/requirements.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=ca \
    /opt/kfslim/bin/python3 pip.pyz install --no-deps --no-compile \
    --disable-pip-version-check --root-user-action=ignore \
    --require-hashes -r requirements.txt
# What no step opens goes, each line of the list with its reason; then bytecode.
COPY base/left-out.txt ./
RUN /usr/bin/python3 finish.py --leave-out left-out.txt --compile all \
    /opt/kfslim

FROM kfslim.base.2 AS base
COPY --from=base.builder /opt/kfslim /opt/kfslim
ENV PATH="/opt/kfslim/bin:/usr/local/bin:/usr/bin:/bin" \
    VIRTUAL_ENV="/opt/kfslim"
LABEL io.kfslim.builder="engine" \
    io.kfslim.lock="sha256:bcf4cfaafc1e92bd4039cd50544ff1cc1f5426e3f41e7e82e8bb32f07347ad2c" \
    io.kfslim.step-digest="sha256:97088164827129c45bbe6accfc66d8cc143cbdf08d522983d5cdb8a4155ed816" \
    org.opencontainers.image.base.digest="sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    org.opencontainers.image.base.name="deb:bookworm"
