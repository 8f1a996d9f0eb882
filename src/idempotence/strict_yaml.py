"""YAML files whose keys and limits are those of a model, and no others."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from idempotence.errors import UserError


class Strict(BaseModel):
    """A section: an unknown key is a mistake, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Content = TypeVar("Content", bound=Strict)


def read_strictly(path: Path, kind: type[Content], key: str) -> Content:
    """The content of a file; raises `UserError` naming file and key.

    key: what the file is called where it is chosen, for the message that there is none.
    """
    try:
        return kind.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise UserError(f"{key}: there is no file {path}") from None
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise UserError(f"{path}: " + "; ".join(lines)) from None
