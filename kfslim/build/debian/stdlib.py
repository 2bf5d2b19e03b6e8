"""Which modules of the standard library get bytecode, so that Python starts fast in few bytes.

All bytecode of CPython 3.11 costs 4.2 MB compressed, half of it for what steps never import (a
turtle, five mail protocols, Windows).  Listed here is what KFP's executor, numpy, pandas,
scikit-learn, requests and their like import when they start: 2.2 MB.  A wide set of imports takes
1.2 s at every start without bytecode and 0.2 s with this (docs/bases.md).

A list and not a trace, so that the same packages give the same base on any machine.  Names that a
Python version does not have are no harm.  Modules that are frozen into the interpreter (``os``,
``io``, ``site``, ``importlib._bootstrap``…) are not listed: their bytecode is never read.
"""

from __future__ import annotations


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Modules, and packages with all that is in them.
WHOLE = _names(
    """
    __future__ _compat_pickle _compression _strptime _sysconfigdata _threading_local _weakrefset
    argparse ast asyncio base64 bisect bz2 calendar collections concurrent contextlib
    contextvars copy copyreg csv ctypes dataclasses datetime decimal difflib dis email enum
    fnmatch fractions functools gettext glob gzip hashlib heapq hmac html http inspect ipaddress
    json keyword linecache locale logging lzma mimetypes multiprocessing nturl2path numbers
    opcode _opcode_metadata operator pathlib pickle pkgutil platform pprint queue quopri random
    re reprlib secrets selectors shutil signal socket socketserver sqlite3 sre_compile
    sre_constants sre_parse ssl string stringprep struct subprocess sysconfig tarfile tempfile
    textwrap threading timeit token tokenize traceback types typing unittest urllib uuid
    warnings weakref zipfile zoneinfo _bootlocale _colorize _py_warnings _pydatetime
    """
)
# Of packages that are otherwise left out.
PARTS = _names(
    """
    encodings encodings.aliases encodings.ascii encodings.cp1252 encodings.idna
    encodings.latin_1 encodings.utf_16 encodings.utf_8 encodings.utf_8_sig importlib
    importlib._abc importlib.abc importlib.metadata importlib.metadata._adapters
    importlib.metadata._collections importlib.metadata._functools importlib.metadata._itertools
    importlib.metadata._meta importlib.metadata._text importlib.resources
    importlib.resources._adapters importlib.resources._common importlib.resources._functional
    importlib.resources._itertools importlib.resources._legacy importlib.resources.abc
    importlib.resources.readers importlib.readers importlib._common importlib._adapters xml
    xml.etree xml.etree.ElementTree xml.etree.ElementPath
    """
)
# Parts of whole packages that run on other systems, or serve what a step does not do.
NOT = _names(
    """
    asyncio.proactor_events asyncio.windows_events asyncio.windows_utils asyncio.__main__
    multiprocessing.managers multiprocessing.sharedctypes multiprocessing.dummy ctypes.wintypes
    ctypes.macholib http.server multiprocessing.popen_spawn_win32 unittest.__main__
    unittest.async_case html.parser html.entities urllib.robotparser http.cookies json.tool
    zipfile.__main__ sqlite3.__main__ sqlite3.dump email.contentmanager email.headerregistry
    email._header_value_parser email.generator email.iterators email.policy socketserver
    """
)


def gets_bytecode(path: str, version: str) -> bool:
    """True for a module (``usr/lib/python3.11/json/decoder.py``) that is worth its bytecode."""
    folder = f"usr/lib/python{version}/"
    if not path.startswith(folder) or not path.endswith(".py"):
        return False
    name = path[len(folder) :].removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    if name in PARTS:
        return True
    return name.partition(".")[0] in WHOLE and not any(
        name == left_out or name.startswith(f"{left_out}.") for left_out in NOT
    )
