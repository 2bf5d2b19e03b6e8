"""A stand-in for ``python:3.11-slim``, made here after its recipe, since none can be pulled.

Debian's minimal system (debootstrap) without manuals and translations, then CPython from its own
sources, compiled with profile-guided optimisation and without link-time optimisation, below
``/usr/local``, with pip, setuptools and wheel in the versions of the real one.  It has no compiled
standard library, as the real one has none.  On top is what this machine needs to reach its package
index: CA bundle and index settings.  Made once (some ten minutes), then loaded from a file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import ssl
import subprocess
from pathlib import Path

from parts.need import program

from bench.engine import Docker
from bench.show import note
from kfslim.build.debian.sources import DebianSettings, find_sources

NAME = "python:3.11-slim"
SUITE = "bookworm"
_DEBIAN = f"debian:{SUITE}-slim"
_CA = "/etc/ssl/certs/local-ca.crt"
_SETTINGS = (
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT",
    "UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL",
)  # fmt: skip
# What Debian's slim images leave out.
_LEFT_OUT = (
    "usr/share/doc", "usr/share/info", "usr/share/man", "usr/share/locale", "usr/share/lintian",
    "usr/share/groff", "usr/share/linda", "var/cache/apt", "var/lib/apt/lists", "var/log",
)  # fmt: skip
_CPYTHON = f"""\
FROM {_DEBIAN} AS builder
RUN sed -n 's/^deb /deb-src /p' /etc/apt/sources.list > /etc/apt/sources.list.d/sources.list \\
    && apt-get update && apt-get install -y --no-install-recommends \\
    dpkg-dev gcc libc6-dev libbz2-dev libffi-dev liblzma-dev libreadline-dev libsqlite3-dev \\
    libssl-dev make pkg-config uuid-dev xz-utils zlib1g-dev
WORKDIR /build
RUN apt-get source --download-only python3.11 && tar xf *.orig.tar.* --strip-components=1
RUN ./configure --enable-loadable-sqlite-extensions --enable-optimizations --enable-shared \\
    --enable-option-checking=fatal --with-ensurepip \\
    && make -s -j2 LDFLAGS=-Wl,--strip-all && make -s install DESTDIR=/made \\
    && find /made -depth \\( -type d \\( -name test -o -name tests -o -name idle_test \\) \\
    -o -type f \\( -name '*.pyc' -o -name 'libpython*.a' \\) \\) -exec rm -rf '{{}}' +

FROM scratch
COPY --from=builder /made /
"""
_BASE = f"""\
FROM {_DEBIAN}
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
COPY no-cache.conf /etc/apt/apt.conf.d/no-cache
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates netbase tzdata \\
    libffi8 libreadline8 libsqlite3-0 libssl3 libuuid1 && rm -rf /var/lib/apt/lists/*
ADD cpython.tar /
COPY ca.crt {_CA}
RUN ldconfig && ln -s python3 /usr/local/bin/python && ln -sf pip3 /usr/local/bin/pip \\
    && python -m pip install --cert {_CA} --no-cache-dir --no-compile --root-user-action=ignore \\
    pip==24.0 setuptools==79.0.1 wheel==0.45.1 \\
    && find /usr/local -name '*.pyc' -delete
ENV PIP_CERT={_CA} SSL_CERT_FILE={_CA} PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
"""
# Debian's images keep neither apt's caches nor the packages that it fetched.
_NO_CACHE = """\
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };
"""


def make_slim_base(docker: Docker, folder: Path) -> str:
    """Put the stand-in into the engine, made before if need be; return its name."""
    settings = "".join(f'ENV {n}="{os.environ[n]}"\n' for n in _SETTINGS if n in os.environ)
    home = folder / "slim-base"
    home.mkdir(parents=True, exist_ok=True)
    archive = home / f"base-{_key(_CPYTHON, _BASE, settings)}.tar"
    if archive.exists():
        docker("load", "-i", archive)
        return NAME
    docker("import", _debian(home), _DEBIAN)
    context = home / "context"
    shutil.rmtree(context, ignore_errors=True)
    context.mkdir()
    shutil.copyfile(_cpython(docker, home), context / "cpython.tar")
    shutil.copyfile(_ca_bundle(), context / "ca.crt")
    (context / "no-cache.conf").write_text(_NO_CACHE)
    _build(docker, context, _BASE + settings, "-t", NAME)
    docker("save", "-o", archive, NAME)
    return NAME


def _cpython(docker: Docker, home: Path) -> Path:
    """Return an archive of CPython below ``/usr/local``: compiled once, which takes its time."""
    archive = home / f"cpython-{_key(_CPYTHON)}.tar"
    if not archive.exists():
        note("the stand-in for python:3.11-slim: CPython from its sources")
        folder = home / "cpython"
        folder.mkdir(exist_ok=True)
        unfinished = archive.with_suffix(".part")
        _build(docker, folder, _CPYTHON, "--output", f"type=tar,dest={unfinished}")
        unfinished.rename(archive)
    return archive


def _build(docker: Docker, context: Path, dockerfile: str, *words: str) -> None:
    (context / "Dockerfile").write_text(dockerfile)
    docker("build", "--network", "host", *words, context, buildkit=True)


def _key(*texts: str) -> str:
    return hashlib.sha256("".join(texts).encode()).hexdigest()[:16]


def _debian(home: Path) -> Path:
    """Return an archive of Debian's minimal system, without what slim images leave out."""
    archive, root = home / f"{SUITE}.tar", home / "root"
    if not archive.exists():
        mirror = find_sources(SUITE, DebianSettings())[0].uri
        shutil.rmtree(root, ignore_errors=True)
        debootstrap = program("debootstrap")
        _run(debootstrap, "--variant=minbase", SUITE, root, mirror)
        _run(
            "tar", "-C", root, "-cf", archive, *(f"--exclude=./{path}/*" for path in _LEFT_OUT), "."
        )
        shutil.rmtree(root)
    return archive


def _ca_bundle() -> Path:
    """Return the CA bundle that this machine trusts."""
    found = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    return Path(found or "/etc/ssl/certs/ca-certificates.crt")


def _run(*words: str | Path) -> None:
    subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL)
