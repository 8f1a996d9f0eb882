"""Seed rows of one objective: how many there are, and how many a search for a dose may try."""

from pydantic import Field

from idempotence.config.types import Count, Section


class OwnCalibration(Section):
    """The search for doses where one objective's differs from `calibration`."""

    n_seed_max: Count | None = Field(None, description="Instead of calibration.n_seed_max.")
    step: Count | None = Field(None, description="Instead of calibration.step.")


class SeedRows(Section):
    """What the seed rows of an objective may have of their own."""

    seed_rows: Count | None = Field(None, description="Seed rows, instead of the study's.")
