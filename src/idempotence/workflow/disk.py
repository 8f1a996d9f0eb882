"""Whether a study's files can be written, before any job and after a job that failed."""

import os
import tempfile
from pathlib import Path

from idempotence.errors import UserError

ROOM = 1 << 16  # bytes that a look needs; a log takes no more


def check_room(folder: str) -> None:
    """Raise `UserError` where no file can be written in a folder, or where it is to be made."""
    path = Path(folder).absolute()
    there = next(each for each in (path, *path.parents) if each.exists())
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(bytes(ROOM))
            file.flush()
    except OSError as error:
        raise UserError(
            f"{there} cannot be written: {os.strerror(error.errno or 0)}. Once it can, the same "
            "command goes on where it was"
        ) from None
