"""Compiled pipelines and plans as a task's parameter.

A compiled pipeline is full of placeholders (``{{$}}``), and whoever fills in a task's parameters
looks for them in the values too: kfp.local again and again, the backend's driver in constants.  And
the executor gets all parameters as one argument, of which Linux passes 128 KiB.  Packed, a text
holds no placeholder and is a quarter as long.
"""

from __future__ import annotations

import base64
import binascii
import zlib

from kfslim.errors import InputError

MARK = "zlib+base64:"
MAX_BYTES = 16 << 20  # unpacked; nothing of more is plausible


def pack(text: str) -> str:
    """Return ``text`` in letters, digits and a few signs that mean nothing to anybody."""
    return MARK + base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def unpack(text: str) -> str:
    """Return the text that was packed; what is not packed is returned as it is.

    Raises:
        InputError: it was packed, and is damaged.
    """
    if not text.startswith(MARK):
        return text
    try:
        stream = zlib.decompressobj()
        data = stream.decompress(base64.b64decode(text[len(MARK) :], validate=True), MAX_BYTES)
        if not stream.eof:
            raise InputError("a packed text is cut off, or longer than 16 MiB")
        return data.decode()
    except (binascii.Error, zlib.error, UnicodeDecodeError) as error:
        raise InputError("a packed text is damaged") from error
