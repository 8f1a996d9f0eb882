"""The job of making a model from a file of a package."""

from dataclasses import dataclass

from idempotence.jobs.record import Record


@dataclass(frozen=True)
class PackageFile(Record):
    """A file of weights in a Python package.

    package, version: as pip knows them. file: its path in the package. sha256: of the file.
    """

    package: str
    version: str
    file: str
    sha256: str
