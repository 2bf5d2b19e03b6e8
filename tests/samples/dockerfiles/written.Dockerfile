# What kfslim dockerfile writes: see docs/dockerfiles.md
FROM scratch AS base
ADD base-bookworm-1.tar.gz base-bookworm-2.tar.gz /
ENV LANG="C.UTF-8" \
    PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CMD ["python3"]

FROM base AS builder
WORKDIR /build
COPY environment/ /opt/kfslim/
RUN mkdir -p /opt/kfslim/bin \
 && ln -s /usr/bin/python3 /opt/kfslim/bin/python
COPY pip.pyz requirements.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip,target=/etc/pip.conf \
    /opt/kfslim/bin/python3 pip.pyz install --no-deps --require-hashes -r requirements.txt
COPY finish.py left-out.txt ./
RUN /usr/bin/python3 finish.py --leave-out left-out.txt --compile all /opt/kfslim

FROM base
COPY --from=builder /opt/kfslim /opt/kfslim
ENV VIRTUAL_ENV="/opt/kfslim"
USER 65532
