"""Clear-signed OpenPGP messages (RFC 9580, section 7), as Debian's InRelease files are.

The work is done by Sequoia-PGP (``pysequoia``), or by Debian's ``gpgv`` where that library cannot
be loaded.  Only what was signed is returned, never the bytes around it.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from kfslim.errors import DigestMismatch, InputError, Unsupported

_GPGV_SECONDS = 30


def verify_clearsigned(
    message: bytes, keyrings: Sequence[Path], keys: Sequence[bytes] = (), where: str = ""
) -> bytes:
    """Return the text that a certificate of ``keyrings`` (files) or ``keys`` has signed.

    Binary and ASCII-armored certificates are taken, many in one file; one good signature is
    enough, as for apt.  ``where`` names the message in errors.

    Raises:
        InputError: a keyring cannot be read, or holds no certificate.
        DigestMismatch: no certificate has signed this.
        Unsupported: neither pysequoia nor gpgv is there.
    """
    rings = [_read(path) for path in keyrings] + list(keys)
    try:
        import pysequoia
    except ImportError:
        return _gpgv(message, rings, where)
    return _sequoia(pysequoia, message, rings, where)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"the keyring {path} cannot be read: {error.strerror}") from error


def _sequoia(library: Any, message: bytes, rings: Iterable[bytes], where: str) -> bytes:
    certificates: list[Any] = []
    for ring in rings:
        try:
            certificates += library.Cert.split_bytes(ring)
        except Exception as error:  # the library raises bare RuntimeErrors with a stack in them
            raise InputError("a keyring holds no OpenPGP certificate") from error
    try:
        result = library.verify(bytes=message, store=lambda _ids: certificates)
    except Exception as error:
        raise _unsigned(where) from error
    if not result.valid_sigs:
        raise _unsigned(where)
    return bytes(result.bytes)


def _gpgv(message: bytes, rings: Sequence[bytes], where: str) -> bytes:
    program = shutil.which("gpgv")
    if not program:
        raise Unsupported(
            "Debian's signatures cannot be checked: neither pysequoia nor gpgv is installed"
        )
    with tempfile.TemporaryDirectory(prefix="kfslim-") as folder:
        command = [program, "--status-fd", "2", "--output", "-"]
        for number, ring in enumerate(rings):
            path = Path(folder, f"{number}{'.asc' if ring.startswith(b'-----') else '.gpg'}")
            path.write_bytes(_dearmor(ring))
            command += ["--keyring", str(path)]
        done = subprocess.run(
            [*command, "-"], input=message, capture_output=True, timeout=_GPGV_SECONDS, check=False
        )
    if done.returncode or b"[GNUPG:] VALIDSIG" not in done.stderr:
        raise _unsigned(where)
    return done.stdout


def _dearmor(ring: bytes) -> bytes:
    """Gpgv before 2.4 reads binary keyrings only."""
    if not ring.startswith(b"-----"):
        return ring
    import base64

    body = ring.decode("ascii", "replace").partition("\n\n")[2].partition("-----END")[0]
    lines = [line for line in body.split() if not line.startswith("=")]
    return base64.b64decode("".join(lines))


def _unsigned(where: str) -> DigestMismatch:
    return DigestMismatch(
        f"{where or 'the message'} is not signed by a key of the keyring",
        hint="Give the archive's keyring as keyring in [tool.kfslim], or update it.",
    )
