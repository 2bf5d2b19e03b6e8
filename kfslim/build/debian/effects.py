"""What maintainer scripts would have done, done by us, each effect by name.

Every effect looks at what the packages brought and acts only where its reason is there, so the same
list serves a whole base and a layer of added packages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from kfslim.build.debian.ldcache import CACHE, library_cache
from kfslim.build.debian.rootfs import Rootfs, below
from kfslim.build.debian.scripts import Alternative

NONROOT = 65532  # as in distroless images
BUNDLE = "etc/ssl/certs/ca-certificates.crt"
# Debian's usual accounts that programs ask for, and one for people who do not want to be root.
_ACCOUNTS = (
    ("root", 0, "/root", "/bin/sh"),
    ("daemon", 1, "/usr/sbin", "/usr/sbin/nologin"),
    ("www-data", 33, "/var/www", "/usr/sbin/nologin"),
    ("nonroot", NONROOT, "/home/nonroot", "/bin/sh"),
    ("nobody", 65534, "/nonexistent", "/usr/sbin/nologin"),
)
_GROUPS = (("tty", 5), ("disk", 6), ("mail", 8), ("staff", 50), ("users", 100), ("utmp", 43))
_FOLDERS = (
    "dev", "etc", "home", "media", "mnt", "opt", "proc", "run", "srv", "sys", "usr/bin",
    "usr/lib", "usr/sbin", "usr/local/bin", "usr/local/lib", "usr/local/sbin", "usr/local/share",
    "var/cache", "var/lib", "var/log", "var/mail", "var/opt", "var/spool",
)  # fmt: skip


def usr_merge(rootfs: Rootfs, architecture: str) -> None:
    """``/bin``, ``/sbin``, ``/lib`` (``/lib64`` where the loader wants it) lead into ``/usr``.

    Goes first: packages that ship files there find the links in place.
    """
    for name in ("bin", "sbin", "lib", *(("lib64",) if architecture == "amd64" else ())):
        rootfs.folder(f"usr/{name}")
        rootfs.link(name, f"usr/{name}")


def folders(rootfs: Rootfs) -> None:
    """base-files' postinst: the folders of a system, and the links out of /var into /run."""
    for path in _FOLDERS:
        if path not in rootfs:
            rootfs.folder(path)
    for path in ("tmp", "var/tmp", "run/lock", "home/nonroot"):
        rootfs.folder(path, 0o1777)
    for path, target in (("var/run", "/run"), ("var/lock", "/run/lock")):
        if not below(rootfs, path):
            rootfs.members.pop(path, None)
            rootfs.link(path, target)
    rootfs.link("etc/dpkg/origins/default", "debian")


def accounts(rootfs: Rootfs) -> None:
    """base-passwd: /etc/passwd and /etc/group.  No shadow file: nobody has a password."""
    users = [f"{name}:x:{uid}:{uid}:{name}:{home}:{shell}" for name, uid, home, shell in _ACCOUNTS]
    groups = sorted([(name, uid) for name, uid, _, _ in _ACCOUNTS] + list(_GROUPS), key=_second)
    groups = [(name if name != "nobody" else "nogroup", gid) for name, gid in groups]
    rootfs.put("etc/passwd", _lines(users))
    rootfs.put("etc/group", _lines(f"{name}:x:{gid}:" for name, gid in groups))


def _second(pair: tuple[str, int]) -> int:
    return pair[1]


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def defaults(rootfs: Rootfs) -> None:
    """Configuration files that postinsts copy from a package's own defaults."""
    for default, path in (
        ("usr/share/base-files/dot.profile", "root/.profile"),
        ("usr/share/base-files/dot.bashrc", "root/.bashrc"),
        ("usr/share/base-files/profile", "etc/profile"),
        ("usr/share/base-files/nsswitch.conf", "etc/nsswitch.conf"),  # before bookworm
        ("usr/share/libc-bin/nsswitch.conf", "etc/nsswitch.conf"),
        ("usr/share/readline/inputrc", "etc/inputrc"),
    ):
        if default in rootfs and path not in rootfs:
            rootfs.put(path, rootfs.read(default))


def shells(rootfs: Rootfs) -> None:
    """dash, bash, debianutils: /bin/sh and /etc/shells."""
    for shell in ("dash", "bash"):
        if f"usr/bin/{shell}" in rootfs:
            rootfs.link("usr/bin/sh", shell)
    there = [s for s in ("sh", "dash", "bash") if f"usr/bin/{s}" in rootfs]
    if there and "etc/shells" not in rootfs:
        rootfs.put("etc/shells", _lines(f"/bin/{name}" for name in there))
    if "usr/bin/which.debianutils" in rootfs:
        rootfs.link("usr/bin/which", "which.debianutils")


def certificates(rootfs: Rootfs) -> None:
    """ca-certificates: all of Mozilla's certificates in one bundle, where OpenSSL looks for it.

    OpenSSL's compiled-in default is /usr/lib/ssl/cert.pem; hashed links need a program to make
    them and are not needed beside a bundle.
    """
    names = [p for p in below(rootfs, "usr/share/ca-certificates") if p.endswith(".crt")]
    if names:
        rootfs.put(BUNDLE, b"".join(rootfs.read(name).rstrip(b"\n") + b"\n" for name in names))
        listed = (name.removeprefix("usr/share/ca-certificates/") for name in names)
        rootfs.put("etc/ca-certificates.conf", _lines(listed))
        rootfs.folder("usr/local/share/ca-certificates")
        rootfs.link("usr/lib/ssl/cert.pem", f"/{BUNDLE}")
        rootfs.link("usr/lib/ssl/certs", "/etc/ssl/certs")


def time_zone(rootfs: Rootfs) -> None:
    """tzdata: UTC, until somebody says otherwise."""
    if "usr/share/zoneinfo/Etc/UTC" in rootfs:
        rootfs.link("etc/localtime", "/usr/share/zoneinfo/Etc/UTC")
        if "etc/timezone" not in rootfs:
            rootfs.put("etc/timezone", b"Etc/UTC\n")


def python_links(rootfs: Rootfs, version: str) -> None:
    """python3-minimal and python-is-python3: names; an empty sitecustomize; a local site folder."""
    rootfs.link("usr/bin/python3", f"python{version}")
    rootfs.link("usr/bin/python", "python3")
    rootfs.folder(f"usr/local/lib/python{version}/dist-packages")
    site = f"etc/python{version}/sitecustomize.py"
    if f"usr/lib/python{version}/sitecustomize.py" in rootfs and site not in rootfs:
        rootfs.put(site, b"# Nothing by default.\n")


def alternatives(rootfs: Rootfs, wanted: Sequence[Alternative]) -> None:
    """update-alternatives(1): the highest priority wins; slaves only where they exist."""
    for choice in sorted(wanted, key=lambda a: (a.name, -a.priority, a.path)):
        if choice.path.strip("/") not in rootfs:
            continue
        for link, name, path in ((choice.link, choice.name, choice.path), *choice.slaves):
            if path.strip("/") in rootfs:
                rootfs.link(f"etc/alternatives/{name}", path)
                rootfs.link(link.strip("/"), f"/etc/alternatives/{name}")


def loader_cache(rootfs: Rootfs) -> None:
    """ldconfig: /etc/ld.so.cache.  Goes last."""
    rootfs.put(CACHE, library_cache(rootfs))


BASE_EFFECTS: tuple[Callable[[Rootfs], None], ...] = (
    folders,
    accounts,
    defaults,
    shells,
    certificates,
    time_zone,
)
LAYER_EFFECTS: tuple[Callable[[Rootfs], None], ...] = (defaults, shells, certificates, time_zone)
