"""Every error kfslim raises on purpose, in one tree.

::

    KfslimError                     a sentence for the user; never a traceback
    ├── GateError           exit 1  a gate or a trial said no
    ├── InputError          exit 2  what the user gave is wrong
    │   ├── BadReference            an image reference that cannot be parsed
    │   ├── BadPipeline             not a compiled KFP v2 pipeline, or a broken one
    │   ├── BadConfig               [tool.kfslim] or kfslim.toml
    │   ├── BadRequirement          a requirement that is malformed, conflicting or unresolvable
    │   ├── BadPlan                 a plan or lock that cannot be used
    │   ├── BadImage                an image that is malformed or hostile
    │   └── Unsupported             a base, platform, Python or package kfslim cannot handle
    └── OutsideError        exit 3  something outside failed
        ├── NotFound                no such image, tag, blob or package
        ├── AuthError               credentials missing or refused
        ├── RateLimited             a server asked us to slow down, longer than we may wait
        ├── DigestMismatch          bytes that are not what their digest promises
        ├── StoreError              any other failure of a registry, layout, engine or archive
        ├── FetchError              a download that failed
        ├── ToolError               a program we run (uv, a base's interpreter) failed
        └── DiskError               no space, no permission, an unwritable place

Each edge (HTTP, Docker SDK, uv, file system, YAML, pydantic) translates foreign errors once, where
they arise; nothing above it sees a foreign exception.  A message says what is wrong, where, and
what to do; it never holds a credential.
"""

from __future__ import annotations


class KfslimError(Exception):
    """A failure with a sentence for the user.

    ``hint`` says what to do about it and is printed on a line of its own.
    """

    exit_code = 3

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class GateError(KfslimError):
    """A gate or a trial said no."""

    exit_code = 1


class InputError(KfslimError):
    """What the user gave is wrong."""

    exit_code = 2


class BadReference(InputError):
    """An image reference that cannot be parsed."""


class BadPipeline(InputError):
    """Not a compiled KFP v2 pipeline, or a broken one."""


class BadConfig(InputError):
    """A project configuration that cannot be used."""


class BadRequirement(InputError):
    """A requirement that is malformed, conflicting or unresolvable."""


class BadPlan(InputError):
    """A plan or lock that cannot be used."""


class BadImage(InputError):
    """An image that is malformed or hostile."""


class Unsupported(InputError):
    """A base, platform, Python or package that kfslim cannot handle."""


class OutsideError(KfslimError):
    """Something outside kfslim failed."""


class NotFound(OutsideError):
    """No such image, tag, blob or package."""


class AuthError(OutsideError):
    """Credentials are missing or were refused."""


class RateLimited(OutsideError):
    """A server asked us to slow down for longer than we may wait."""


class DigestMismatch(OutsideError):
    """Bytes that are not what their digest promises."""


class StoreError(OutsideError):
    """Any other failure of a registry, layout, engine or archive."""


class FetchError(OutsideError):
    """A download that failed."""


class ToolError(OutsideError):
    """A program that kfslim runs failed."""


class DiskError(OutsideError):
    """No space, no permission, or an unwritable place."""
