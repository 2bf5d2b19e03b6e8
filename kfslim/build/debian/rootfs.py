"""The files of a layer before they are written: paths to members, symlinked folders respected.

``/bin`` and its like are links into ``/usr`` (usr-merge, Debian release notes 12).  They stand in
the tree first, and whatever a package ships below them lands where they lead, as on a disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from io import BufferedReader
from posixpath import dirname, join, normpath

from kfslim.build.debian.deb import Deb, Member
from kfslim.build.debian.exclude import rule_for
from kfslim.build.debian.relations import parse_relations
from kfslim.errors import BadImage
from kfslim.oci.tarwrite import TarWriter

_MAX_LINKS = 40  # as Linux, path_resolution(7)
_SPECIAL = 0o6000  # setuid and setgid


@dataclass(frozen=True)
class Beneath:
    """What lies under a layer already: all real paths, symlinks with their targets, small files."""

    paths: frozenset[str] = frozenset()
    links: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


class Rootfs:
    """Members by path, on top of what lies ``beneath``.  Iterating gives the members' paths."""

    def __init__(self, beneath: Beneath | None = None) -> None:
        self.members: dict[str, Member] = {}
        self.beneath = beneath or Beneath()
        self._owners: dict[str, str] = {}

    def __contains__(self, path: str) -> bool:
        real = self.resolve(path)
        return real in self.members or real in self.beneath.paths

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.members))

    def get(self, path: str) -> Member | None:
        """Return the member at ``path``, symlinked folders followed."""
        return self.members.get(self.resolve(path))

    def read(self, path: str) -> bytes:
        """Return a regular file's bytes, also of a small one beneath; empty where there is none."""
        member = self.get(path)
        if member is None:
            return self.beneath.files.get(self.resolve(path), b"")
        return member.read() if member.kind == "file" else b""

    def resolve(self, path: str) -> str:
        """Return the path that ``path`` really has: its parents' symlinks followed.

        Raises:
            BadImage: the links run in a circle or out of the root.
        """
        todo, done = path.split("/"), ""
        for _ in range(_MAX_LINKS):
            while todo:
                done = join(done, todo.pop(0))
                if todo and (target := self._target(done)) is not None:
                    todo, done = [*absolute(done, target).split("/"), *todo], ""
                    break
            else:
                return done
        raise BadImage(f"{path}: too many symbolic links")

    def _target(self, path: str) -> str | None:
        member = self.members.get(path)
        if member:
            return member.target if member.kind == "symlink" else None
        return self.beneath.links.get(path)

    def follow(self, path: str) -> str:
        """Return where ``path`` leads when it is a symlink itself, too.

        Raises:
            BadImage: the links run in a circle.
        """
        for _ in range(_MAX_LINKS):
            path = self.resolve(path)
            member = self.members.get(path)
            if member is None or member.kind != "symlink":
                return path
            path = absolute(path, member.target)
        raise BadImage(f"{path}: too many symbolic links")

    def unpack(self, deb: Deb) -> list[str]:
        """Add a package's members that no rule leaves out; return their paths, as shipped.

        Raises:
            BadImage: another package has the same file, and this one does not replace it.
        """
        replaces = {r.name for g in parse_relations(deb.fields.get("Replaces", "")) for r in g}
        kept = []
        for member in deb.members:
            left_out = rule_for(deb.name, member.path)
            if not left_out and self._place(member, deb.name, replaces):
                kept.append(member.path)
        return kept

    def _place(self, member: Member, package: str, replaces: set[str]) -> bool:
        path = self.resolve(member.path)
        there = self.members.get(path)
        if there is None and path in self.beneath.links and member.kind == "folder":
            return True  # as below, for a link beneath
        if member.kind == "symlink" and self.resolve(absolute(path, member.target)) == path:
            return False  # coreutils' /usr/bin/touch -> /bin/touch, once both are one folder
        if there is not None and (member.kind == "folder" or there.kind == "folder"):
            return self._merge_folder(path, there, member, package)
        owner = self._owners.get(path, package)
        if owner != package and owner not in replaces:
            raise BadImage(f"the Debian packages {owner} and {package} both ship /{path}")
        self._owners[path] = package
        self.members[path] = replace(member, path=path, mode=member.mode & ~_SPECIAL)
        return True

    def _merge_folder(self, path: str, there: Member, member: Member, package: str) -> bool:
        if there.kind == "symlink":
            return True  # dpkg keeps a link to a folder where a package ships the folder
        if member.kind != "folder":
            raise BadImage(f"the Debian package {package} ships /{path}, which is a folder")
        if there.mode == 0o755:
            self.members[path] = replace(there, mode=member.mode & ~_SPECIAL)
        return True

    def put(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """Write a file, whatever was there."""
        path = self.resolve(path)
        self.members[path] = Member(path, "file", mode, data)

    def link(self, path: str, target: str) -> None:
        """Make a symlink, unless something is there."""
        if path not in self:
            path = self.resolve(path)
            self.members[path] = Member(path, "symlink", 0o777, target=target)

    def folder(self, path: str, mode: int = 0o755) -> None:
        """Make a folder with this mode, unless one lies beneath or a link is there."""
        path = self.resolve(path)
        there = self.members.get(path)
        if path not in self.beneath.paths and (there is None or there.kind == "folder"):
            self.members[path] = Member(path, "folder", mode)

    def write(self, tar: TarWriter) -> None:
        """Write everything, sorted by path, parents first."""
        for path in sorted(self.members, key=lambda path: path.split("/")):
            member = self.members[path]
            if member.kind == "folder":
                tar.add_dir(path, member.mode)
            elif member.kind == "symlink":
                tar.add_symlink(path, member.target)
            elif isinstance(member.content, bytes):
                tar.add_file(path, member.content, member.size, member.mode)
            else:
                with BufferedReader(member.content.open()) as stream:
                    tar.add_file(path, stream, member.size, member.mode)


def absolute(path: str, target: str) -> str:
    """Return where a symlink at ``path`` leads, as a path from the root without its slash.

    A target that climbs over the root stays at the root, as in a real one.
    """
    return normpath(join("/", dirname(path), target)).lstrip("/")


def below(paths: Iterable[str], folder: str) -> list[str]:
    """Return the paths below ``folder``, sorted."""
    return sorted(path for path in paths if path.startswith(folder + "/"))
