"""States of a training that is under way, so that an interrupted job does not begin again."""

import hashlib
import shutil
import time
from pathlib import Path
from typing import Any

SECONDS_BETWEEN = 120.0  # shorter trainings never write one

LEAST_BETWEEN_SAVES = 20  # times what a save takes

States = dict[str, dict[str, Any]]  # cell, or "references" -> what was saved


class Checkpoints:
    """The last saved states of one job's cells.

    folder: below which they lie; None: nothing is saved. key: whatever decides the job's result; a
    job with another key never sees these states. seconds: of wall time between two savings.
    """

    def __init__(self, folder: Path | None, *key: str | bytes, seconds: float = SECONDS_BETWEEN):
        self.folder = folder / digest(*key)[:32] if folder else None
        self.seconds, self._saved = seconds, time.monotonic()

    def load(self) -> States:
        """The saved states, none where there are none or the file is damaged."""
        import torch

        if self.folder is None or not (self.folder / "cells.pt").is_file():
            return {}
        try:
            return dict(torch.load(self.folder / "cells.pt", weights_only=True, map_location="cpu"))
        except Exception as error:  # noqa: BLE001  # a damaged pickle can raise anything
            print(f"the states in {self.folder} cannot be read ({error}): training begins again")
            return {}

    @property
    def due(self) -> bool:
        """Whether it is time to save."""
        return self.folder is not None and time.monotonic() - self._saved >= self.seconds

    def save(self, states: States) -> None:
        """Take the place of what was saved before, at once or not at all."""
        import torch

        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished, begun = self.folder / "cells.unfinished", time.monotonic()
        try:
            torch.save(states, unfinished)
            unfinished.replace(self.folder / "cells.pt")
        except (OSError, RuntimeError) as error:  # a full disk, say: training goes on
            print(f"the state of this training cannot be saved in {self.folder}: {error}")
            unfinished.unlink(missing_ok=True)
        self._saved = time.monotonic()
        self.seconds = max(self.seconds, LEAST_BETWEEN_SAVES * (self._saved - begun))

    def remove(self) -> None:
        """Once the job's results are written."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def digest(*parts: str | bytes) -> str:
    """SHA-256 of several parts, in order."""
    hashed = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        hashed.update(len(content).to_bytes(8, "big") + content)
    return hashed.hexdigest()
