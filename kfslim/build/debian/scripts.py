"""What a package's maintainer scripts would do at a first installation.

They are never run.  What is left after their harmless parts is either an effect that kfslim has
itself (links by ``update-alternatives``, empty folders), or the package is refused by name.

Harmless are: what debhelper generates for services, menus and old configuration files (nothing of
that lives in a container); branches that only an upgrade or a removal takes; and caches of programs
that work without them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from kfslim.build.debian.deb import Deb
from kfslim.build.debian.shell import (
    Case,
    Chain,
    Command,
    Function,
    Group,
    If,
    Node,
    Opaque,
    Unreadable,
    read_script,
)
from kfslim.errors import Unsupported

# Packages whose scripts were read, and what of them is done elsewhere (see effects.py) or needless.
KNOWN: tuple[tuple[str, str], ...] = (
    (r"base-files", "folders, links and shell profiles: effects.py"),
    (r"ca-certificates", "the CA bundle: effects.py"),
    (r"coreutils", "links /usr/bin/touch, which usr-merge makes needless"),
    (r"dash", "/bin/sh: effects.py"),
    (r"bash", "/bin/sh where there is none: effects.py; an alternative for a manual page"),
    (r"debianutils", "/etc/shells and `which`: effects.py"),
    (r"libc-bin", "nsswitch.conf and ld.so.cache: effects.py"),
    (r"libc6", "checks and restarts services at upgrades"),
    (r"libpython3\.\d+-minimal", "an empty sitecustomize.py: effects.py"),
    (r"python3\.\d+(-minimal)?", "bytecode: base.py; empty folders in /usr/local"),
    (r"python3-(distutils|lib2to3)", "bytecode of what few import; upgrades from Python 3.10"),
    (r"readline-common", "/etc/inputrc: effects.py"),
    (r"tzdata(-legacy)?", "/etc/localtime and /etc/timezone: effects.py"),
    (r"netbase", "/etc/hosts, which container runtimes write"),
    (r"openssl", "/usr/lib/ssl, which the package ships"),
    (r"fontconfig", "a cache of fonts, made at first use"),
    (r"fontconfig-config", "debconf's choice of defaults; the package's own stay"),
    (r"libglib2\.0-0(t64)?", "caches of GIO modules and settings, which work without"),
    (r"libgdk-pixbuf-?2\.0-0", "a cache of loaders; common formats are built in"),
    (r"shared-mime-info", "a cache for desktops"),
    (r"lib.*t64", "upgrades from before the 64-bit time_t transition (trixie)"),
    (r"libgssapi-krb5-2", "moves a configuration file at upgrades"),
    (r"libssl1\.1", "restarts services at upgrades"),
    (r"openssh-client", "a group for ssh-agent's setgid bit, which is dropped"),
    (r"procps", "sysctl, which a container's host decides"),
    (r"x11-common", "folders of a display server"),
    (r"mysql-common|mariadb-common", "links between servers' configuration files"),
    (r"hicolor-icon-theme", "a cache for desktops"),
    (r"iputils-ping", "a capability that root does not need"),
    (r"postgresql-client-\d+", "alternatives for manual pages"),
    (r"gawk", "takes back an alternative of old"),
    (r"xz-utils", "alternatives for compatibility names of lzma"),
    (r"libpam-(modules|runtime)(-bin)?|libpam0g", "restarts services at upgrades; nobody logs in"),
)
_SECTION = re.compile(
    r"^# Automatically added by (?P<tool>[\w-]+)[^\n]*\n(?P<body>.*?)"
    r"^# End automatically added section$",
    re.MULTILINE | re.DOTALL,
)
# debhelper's fragments (debhelper/autoscripts) that have no meaning where no init system runs.
_NEEDLESS_TOOLS = frozenset(
    {
        "dh_installdeb", "dh_installinit", "dh_installmenu", "dh_installsystemd",
        "dh_installsystemduser", "dh_installtmpfiles", "dh_installudev", "dh_makeshlibs",
        "dh_python3", "dh_runit", "dh_systemd_enable", "dh_systemd_start", "dh_installmime",
        "dh_icons", "dh_installxmlcatalogs", "dh_ucf", "dh_installcatalogs",
        "dh_installsgmlcatalogs",
    }
)  # fmt: skip
_HARMLESS = frozenset(
    {
        ":", "[", "break", "command", "continue", "deb-systemd-helper", "deb-systemd-invoke",
        "dpkg", "dpkg-maintscript-helper", "dpkg-trigger", "echo", "exit", "export", "false",
        "fc-cache", "gtk-update-icon-cache", "install-info", "ldconfig", "local", "mkdir",
        "printf", "py3clean", "py3compile", "pycompile", "read", "return", "rm", "rmdir", "set",
        "shift", "test", "touch", "true", "umask", "unset", "update-alternatives", "update-binfmts",
        "update-desktop-database", "update-icon-caches", "update-menus", "update-mime", "which",
    }
)  # fmt: skip
# Commands that only look; a test may run them.
_LOOKING = frozenset(
    {
        "getent", "grep", "egrep", "fgrep", "readlink", "ls", "cmp", "id", "dpkg-query", "stat",
        "dpkg-statoverride", "dpkg-divert", "find", "cat", "expr", "mountpoint", "ischroot",
        "deb-systemd-helper", "dirname", "basename", "type",
    }
)  # fmt: skip
_NONE: frozenset[str] = frozenset()
_MAX_DEPTH = 8
Known = Mapping[str, str]
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


@dataclass(frozen=True, slots=True)
class Alternative:
    """``update-alternatives --install link name path priority``, slaves as (link, name, path)."""

    link: str
    name: str
    path: str
    priority: int
    slaves: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Wishes:
    """What maintainer scripts want that kfslim can do itself: links, folders, empty files."""

    alternatives: tuple[Alternative, ...] = ()
    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def wishes_of(deb: Deb) -> Wishes:
    """Read a package's ``preinst`` and ``postinst`` as a first installation would run them.

    Raises:
        Unsupported: they do more than kfslim knows to do; the message names the package and what.
    """
    if any(re.fullmatch(pattern, deb.name) for pattern, _ in KNOWN):
        return Wishes()
    found = _Findings()
    for script, arguments in (("preinst", ("install", "")), ("postinst", ("configure", ""))):
        try:
            found.script(deb.text(script), arguments)
        except Unreadable as error:
            raise Unsupported(
                f"the Debian package {deb.name} cannot be added: its {script} does more than "
                f"kfslim knows to do without running it ({error})",
                hint="Add it to a base image with apt, and use that image as the base.",
            ) from error
    return Wishes(tuple(found.alternatives), tuple(found.folders), tuple(found.files))


@dataclass
class _Findings:
    """Walks a script with ``$1`` and ``$2`` known, collecting what it would do."""

    alternatives: list[Alternative] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    functions: dict[str, tuple[Node, ...]] = field(default_factory=dict)
    depth: int = 0

    def script(self, text: str, arguments: Sequence[str]) -> None:
        if not text.strip():
            return
        shebang = text.partition("\n")[0]
        if not re.match(r"#!\s*(/usr)?/bin/(sh|bash|dash)\b", shebang):
            raise Unreadable(f"it is no shell script: {shebang[:40]}")
        bare = _without_comments(_without_needless(text))
        self.functions = {}
        self.block(read_script(bare), dict(zip(("$1", "$2"), arguments, strict=True)))

    def block(self, nodes: Iterable[Node], known: Known) -> bool:
        """Look at commands in order; True when the script certainly ends here."""
        return any(self.node(node, known) for node in nodes)

    def node(self, node: Node, known: Known) -> bool:
        if isinstance(node, Opaque):
            raise Unreadable(f"it runs {node.text!r}")
        if isinstance(node, Function):
            self.functions[node.name] = node.body
            return False
        if isinstance(node, Chain):
            return self.chain(node, known)
        if isinstance(node, Group):
            return self.block(node.body, known)
        return self.condition(node, known) if isinstance(node, If) else self.case(node, known)

    def condition(self, node: If, known: Known) -> bool:
        for test, body in node.branches:
            truth = True if test is None else self.test(test, known)
            if truth is not False:
                ends = self.block(body, known)
                if truth:
                    return ends
        return False

    def test(self, test: Node, known: Known) -> bool | None:
        """Evaluate a test, after looking at the commands that it would run."""
        if not isinstance(test, Chain):
            raise Unreadable("it tests in a way that is not read")
        truth = truth_of(test, known)
        if truth is None:
            for _, command in test.parts:
                self.command(command, known, _HARMLESS | _LOOKING)
        return truth

    def case(self, node: Case, known: Known) -> bool:
        word = known.get(node.word.replace("{", "").replace("}", ""))
        for patterns, body in node.branches:
            if word is None:
                self.block(body, known)
            elif any(fnmatchcase(word, pattern) for pattern in patterns):
                return self.block(body, known)
        return False

    def chain(self, node: Chain, known: Known) -> bool:
        """Look at each command that is not certainly skipped by the tests before it."""
        for at, (operator, command) in enumerate(node.parts):
            before = truth_of(Chain(node.parts[:at]), known) if at else None
            if at and before is (operator == "||"):
                continue
            self.command(
                command, known, _HARMLESS | (_LOOKING if at < len(node.parts) - 1 else _NONE)
            )
        first = node.parts[0][1]
        return len(node.parts) == 1 and isinstance(first, Command) and first.words[0] == "exit"

    def command(self, command: Command | Opaque, known: Known, allowed: frozenset[str]) -> None:
        if isinstance(command, Opaque):
            raise Unreadable(f"it runs {command.text!r}")
        words = _plain(command.words)
        name = words[0].rpartition("/")[2] if words else ":"
        if name in self.functions:
            self.call(name)
        elif name == "ucf" and {"-p", "--purge"} & set(words):
            return  # forgets a file that is not there yet
        elif name not in allowed:
            raise Unreadable(f"it runs {name}")
        elif name == "update-alternatives" and "--install" in words:
            self.alternatives.append(_alternative(words))
        elif name == "mkdir":
            self.folders += _paths(words[1:])
        elif name == "touch":
            self.files += _paths(words[1:])

    def call(self, name: str) -> None:
        """Look into a function; its own ``$1`` and ``$2`` are not followed."""
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise Unreadable(f"{name} calls itself")
        self.block(self.functions[name], {})
        self.depth -= 1


def _plain(words: Sequence[str]) -> list[str]:
    """Return the words without leading assignments and ``!``, DPKG_ROOT taken as empty."""
    cleaned = [re.sub(r"\$\{?DPKG_ROOT(:-)?\}?", "", word) for word in words]
    while cleaned and (cleaned[0] == "!" or _ASSIGNMENT.match(cleaned[0])):
        value = cleaned.pop(0)
        if "$(" in value or "`" in value:
            raise Unreadable(f"it computes {value.partition('=')[0]}")
    return cleaned


def _paths(words: Sequence[str]) -> list[str]:
    """Return the absolute paths among a command's words; ``-m`` takes a mode with it."""
    paths = []
    for before, word in zip(("", *words), words, strict=False):
        if word.startswith("-") or before == "-m":
            continue
        if not word.startswith("/") or re.search(r"[$`*?]", word):
            raise Unreadable(f"it makes {word}")
        paths.append(word.strip("/"))
    return paths


def _alternative(words: Sequence[str]) -> Alternative:
    if any(re.search(r"[$`]", word) for word in words):
        raise Unreadable("it computes an alternative")
    at = words.index("--install")
    try:
        link, name, path, priority = words[at + 1 : at + 5]
        slaves = tuple(
            (words[i + 1], words[i + 2], words[i + 3])
            for i, word in enumerate(words)
            if word == "--slave"
        )
        return Alternative(link, name, path, int(priority), slaves)
    except (ValueError, IndexError) as error:
        raise Unreadable("an alternative that is malformed") from error


def truth_of(chain: Chain, known: Known) -> bool | None:
    """Evaluate tests joined by && and ||, left to right; None where it depends."""
    value: bool | None = None
    for operator, command in chain.parts:
        here = _test(command.words, known) if isinstance(command, Command) else None
        if operator == "&&":
            value = False if False in (value, here) else (True if value and here else None)
        elif operator == "||":
            value = True if True in (value, here) else (False if {value, here} == {False} else None)
        else:
            value = here
    return value


def _test(words: Sequence[str], known: Known) -> bool | None:
    """Evaluate one ``[ … ]`` or ``test``; only what ``$1`` and ``$2`` decide is known."""
    words = list(words)
    if words[:1] == ["!"]:
        inner = _test(words[1:], known)
        return None if inner is None else not inner
    if words[:1] == ["dpkg"] and words[1:3] == ["--compare-versions", "$2"]:
        return _compared(words[3:4])
    if words[:1] not in (["["], ["test"]):
        return None
    return _expression([known.get(w.strip("{}"), w) for w in words[1:] if w != "]"], words, known)


def _compared(operator: list[str]) -> bool | None:
    """``$2`` is empty at a first installation: earlier than all, for ``-nl`` later (dpkg(1))."""
    name = operator[0] if operator else ""
    return {"lt": True, "le": True, "lt-nl": False, "le-nl": False, "eq": False}.get(name)


def _expression(values: list[str], words: list[str], known: Known) -> bool | None:
    if not any(word.strip("{}") in known for word in words):
        return None
    if len(values) == 3 and values[1] in ("=", "=="):
        return values[0] == values[2]
    if len(values) == 3 and values[1] == "!=":
        return values[0] != values[2]
    if len(values) == 2 and values[0] in ("-n", "-z"):
        return bool(values[1]) == (values[0] == "-n")
    return None


def _without_needless(text: str) -> str:
    def kept(match: re.Match[str]) -> str:
        return "" if match["tool"] in _NEEDLESS_TOOLS else match["body"]

    return _SECTION.sub(kept, text)


def _without_comments(text: str) -> str:
    return "\n".join(_uncommented(text.splitlines()))


def _uncommented(lines: Iterable[str]) -> Iterator[str]:
    """A comment line stays as an empty one: it may end a command that ``\\`` continues."""
    for line in lines:
        yield "" if line.lstrip().startswith("#") else re.sub(r"\s#\s[^'\"]*$", "", line)
