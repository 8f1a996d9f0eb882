"""Long values on a command line: Linux takes no argument of more than 128 KiB."""

import base64
import zlib

MARK = "packed:"
LONG = 30_000  # bytes; the whole command is one argument of a shell
LONGEST = 100_000


def pack(text: str) -> str:
    """A text as it is or, when long, compressed to letters and digits.

    Raises ValueError for a text that stays too long.
    """
    content = text.encode("utf-8")
    if len(content) <= LONG and not text.startswith(MARK):
        return text
    packed = MARK + base64.urlsafe_b64encode(zlib.compress(content, 9)).decode("ascii")
    if len(packed) > LONGEST:
        raise ValueError(f"a value of {len(content):,} bytes is too long for a command line")
    return packed


def unpack(text: str) -> str:
    """What `pack` was given."""
    if not text.startswith(MARK):
        return text
    return zlib.decompress(base64.urlsafe_b64decode(text.removeprefix(MARK))).decode("utf-8")
