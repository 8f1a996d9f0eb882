"""Which kind a file of replies is, known by its first bytes, and its rows."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

import pyarrow as pa

from idempotence.audit.lines import Found, json_rows
from idempotence.audit.tabular import csv_rows, parquet_rows

HEAD, PIECE = 1_000_000, 8192  # bytes that are looked at, and that are read at once
_PARQUET = b"PAR1"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def _open_plain(path: Path) -> IO[bytes]:
    return open(path, "rb")


def _open_zstd(path: Path) -> IO[bytes]:
    return pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")


def _open_gzip(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path))


_PACKED: dict[bytes, Callable[[Path], IO[bytes]]] = {
    b"\x1f\x8b": _open_gzip,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"\x28\xb5\x2f\xfd": _open_zstd,
}
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
# What is named and not read.
_OTHERS = {
    b"PK\x03\x04": "a zip archive (as xlsx and numpy's npz are)",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"\x04\x22\x4d\x18": "packed by lz4",
    b"ARROW1": "an Arrow (Feather) file",
    b"SQLite format 3\x00": "an SQLite database",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a numpy array",
    b"%PDF": "a PDF",
    **{bytes([0x80, version]): "a Python pickle" for version in range(2, 6)},
}
_TAR = (257, b"ustar")
FORMS = "JSON lines, a JSON array, CSV or Parquet"


def read_rows(path: Path) -> Iterator[Found]:
    """(number from 1, object, "") or (number, None, why it is bad) of each row of a file.

    The number is the line, or, in an array or a Parquet file, the item. Files may be `FORMS`, all
    but Parquet packed by gzip, bzip2, xz or zstd. CSV is known by its name, everything else by its
    first bytes. A file that breaks in the middle gives a last bad row: nothing after it could be
    read. One of another kind gives one bad row, which names the kind.
    """
    number = 0
    try:
        for number, row, why in _rows(path):
            yield number, row, why
    except (EOFError, OSError, ValueError, zlib.error, lzma.LZMAError) as error:
        if number == 0 and isinstance(error, OSError) and error.strerror:
            yield 1, None, f"the file cannot be read ({error.strerror})"
        else:
            yield number + 1, None, f"the file breaks off or is damaged from here on ({error})"


def _rows(path: Path) -> Iterator[Found]:
    with open(path, "rb") as file:
        start = file.read(300)
    if start.startswith(_PARQUET):
        yield from parquet_rows(str(path))
        return
    opened = next((way for mark, way in _PACKED.items() if start.startswith(mark)), _open_plain)
    with opened(path) as file:
        head = _head(file)
    if kind := _other_kind(head):
        yield 1, None, f"nothing of the file was read: it is {kind}, not {FORMS}"
        return
    suffixes = [suffix.lower() for suffix in path.suffixes]
    delimiter = next((_DELIMITERS[suffix] for suffix in suffixes if suffix in _DELIMITERS), None)
    with opened(path) as file:
        if delimiter and not head.lstrip().startswith((b"{", b"[")):
            yield from csv_rows(file, delimiter)
        else:
            yield from json_rows(file, head)


def _head(file: IO[bytes]) -> bytes:
    """How a file begins, as far as it is whole."""
    head = b""
    try:
        while len(head) < HEAD and (piece := file.read(PIECE)):
            head += piece
    except (EOFError, OSError, zlib.error, lzma.LZMAError):
        pass  # reading the rows comes to the same place, and says so
    return head


def _other_kind(head: bytes) -> str | None:
    """The kind of a file that is not read, or None."""
    for mark, kind in _OTHERS.items():
        if head.startswith(mark):
            return kind
    if head.startswith(_UTF16_MARKS):
        return "UTF-16 (save it as UTF-8)"
    if head.startswith(_PARQUET):
        return "a Parquet file that is packed once more"
    if head[_TAR[0] :].startswith(_TAR[1]):
        return "a tar archive"
    if not head.lstrip().startswith((b"{", b"[")) and b"\x00" in head[:4096]:
        return "binary, of an unknown kind"
    return None
