"""The program that the base's own interpreter runs to compile modules.  Never imported by kfslim.

It is given to any Python from 3.8 on with ``-c``, so it uses nothing newer and imports no module of
ours.  Per job (one wheel) it forks a child, so that no job sees traces of an earlier one: marshal
marks an object as shared when its reference count is above one, which depends on what else the
process holds.  Within a job the order of files is the caller's.

Frames, numbers little-endian: in: one byte ``J``, the count of files (4 bytes), and per file path
and source, each after its length (4 bytes).  Out: per file a pyc after its length; 0 where the
source does not compile.
"""

import marshal
import os
import sys
from importlib.util import MAGIC_NUMBER, source_hash
from types import CodeType

UNCHECKED_HASH = (1).to_bytes(4, "little")  # PEP 552: never compared with the source again
# Before 3.11 marshal wrote frozensets in iteration order; these hash by address.
ADDRESS_HASHED = (type(None), type(Ellipsis))
SORTED_SETS = sys.version_info >= (3, 11)


def steady(constant: object) -> bool:
    """Return False if two processes could write ``constant`` differently."""
    if isinstance(constant, CodeType):
        return all(map(steady, constant.co_consts))
    if isinstance(constant, frozenset):
        return not any(map(hashed_by_address, constant))
    return not isinstance(constant, tuple) or all(map(steady, constant))


def hashed_by_address(value: object) -> bool:
    """Return True if the hash of ``value`` differs between processes."""
    if isinstance(value, (tuple, frozenset)):
        return any(map(hashed_by_address, value))
    return isinstance(value, ADDRESS_HASHED)


def pyc(path: str, source: bytes) -> bytes:
    """Return the bytes of a pyc, b"" if ``source`` does not compile."""
    try:
        code = compile(source, path, "exec", dont_inherit=True, optimize=0)
    except Exception:  # SyntaxError, ValueError (null bytes), RecursionError, MemoryError
        return b""
    if not (SORTED_SETS or steady(code)):
        return b""
    return MAGIC_NUMBER + UNCHECKED_HASH + source_hash(source) + marshal.dumps(code)


def job() -> None:
    """Compile one wheel's files."""
    with open(0, "rb", closefd=False) as asked, open(1, "wb", closefd=False) as answers:

        def number() -> int:
            return int.from_bytes(asked.read(4), "little")

        for _ in range(number()):
            path = asked.read(number()).decode("utf-8", "surrogateescape")
            data = pyc(path, asked.read(number()))
            answers.write(len(data).to_bytes(4, "little"))
            answers.write(data)


def main() -> None:
    """Fork a child per job until there are no more."""
    while os.read(0, 1):
        child = os.fork()
        if child == 0:
            job()
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            os._exit(1)


if __name__ == "__main__":
    main()
