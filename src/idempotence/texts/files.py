"""Reading text and YAML files that people write: a mistake is one message with the file's name."""

from pathlib import Path

import yaml

from idempotence.errors import UserError
from idempotence.io import parse_yaml
from idempotence.io import read_text as read_whole_text


def read_mapping(path: Path) -> dict:
    """The keys and values of a YAML file; raises `UserError` for anything else."""
    try:
        content = parse_yaml(read_text(path))
    except yaml.YAMLError as error:
        raise UserError(f"{path} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path} must hold keys and values")
    return content


def read_text(path: Path) -> str:
    """A file's text in UTF-8; raises `UserError` where it cannot be read."""
    try:
        return read_whole_text(path)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error}") from None
