"""Settings that differ from the rest of a study."""

from pydantic import Field

from idempotence.config.arms import Arms
from idempotence.config.grid import Cell
from idempotence.config.values import Count, Counts, Levels, Names, Section, Strengths


class OneSetting(Arms):
    """What one setting has of its own. A key that is not given: as everywhere else.

    Traits and doses are chosen from the study's, so that a setting and its twin stay paired and
    share their calibration.
    """

    models: Names = Field([], description="Only these of `models`, by name; []: all of its kind.")
    traits: Names = Field([], description="Only these of `traits`; []: all.")
    seeds: Count | None = Field(None, description="Replications, instead of `seeds`.")
    cycles: Count | None = Field(None, description="The last cycle, instead of `cycles`.")
    levels: Levels = Field([], description="Only these levels; []: all.")
    n_seed: Counts = Field([], description="Only these n_seed; []: all.")
    n_sampled: Counts = Field([], description="Only these n_sampled; []: all.")
    beta: Strengths = Field([], description="Only these beta; []: all.")
    pairs: Counts = Field([], description="Only these pairs; []: all.")

    def keeps(self, cell: Cell) -> bool:
        """Whether a cell is among the doses listed."""
        listed = {
            "level": self.levels, "n_seed": self.n_seed, "n_sampled": self.n_sampled,
            "beta": self.beta, "pairs": self.pairs,
        }  # fmt: skip
        return all(not listed[name] or cell.doses[name] in listed[name] for name in listed)


class PerSetting(Section):
    """Settings that are smaller, or run longer, than the rest of the study."""

    sft: OneSetting = Field(OneSetting(), description="sft's own.")
    sft_continual: OneSetting = Field(
        OneSetting(), alias="sft-continual", description="sft-continual's own."
    )
    sdf: OneSetting = Field(OneSetting(), description="sdf's own.")
    sdf_continual: OneSetting = Field(
        OneSetting(), alias="sdf-continual", description="sdf-continual's own."
    )
    dpo: OneSetting = Field(OneSetting(), description="dpo's own.")
    dpo_reinit: OneSetting = Field(
        OneSetting(), alias="dpo-reinit", description="dpo-reinit's own."
    )
