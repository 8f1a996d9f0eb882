"""The files of an adapter, which are loaded only where they are as they were written."""

from pathlib import Path
from typing import Any

from idempotence.errors import UserError
from idempotence.io import AGAIN, read_sealed, sha256_of

WEIGHTS, CONFIG, TRAINING = "adapter_model.safetensors", "adapter_config.json", "training.json"
HASHES = "files"  # key of training.json: name -> SHA-256


def hashes_of(folder: Path) -> dict[str, str]:
    """Name -> SHA-256 of an adapter's weights and config, for training.json."""
    return {name: sha256_of(folder / name) for name in (WEIGHTS, CONFIG)}


def checked(folder: Path) -> dict[str, Any]:
    """An adapter's training.json, after its weights and config were compared with it.

    Raises `UserError` naming a file that is absent, cut short or changed.
    """
    try:
        training = read_sealed(folder / TRAINING)
        for name, written in training[HASHES].items():
            if sha256_of(folder / name) != written:
                text = f"SHA-256 is not that of {folder / TRAINING}"
                raise UserError(f"{folder / name} is not as it was written: its {text}; {AGAIN}")
    except FileNotFoundError as error:
        raise UserError(f"{error.filename} is missing; start again: its job writes it") from None
    return training
