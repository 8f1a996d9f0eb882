"""Extra arms of a setting, all off by default (docs/arms.md)."""

from typing import Literal

from pydantic import Field

from idempotence.config.values import BelowOne, Counts, Level, Section


class Arms(Section):
    """Ways in which a setting's loop may differ from the paper's main ones."""

    restart_at: Counts = Field(
        [], description="Continual settings: these cycles start from the initial model again."
    )
    rejected_from: Literal["initial", "two_back"] = Field(
        "initial",
        description="dpo: who wrote the rejected replies, M_initial or the model before the chosen ones'.",
    )
    seed_share: BelowOne = Field(
        0, description="Share of a later cycle's rows that are seed rows, in place of own samples."
    )
    min_coherence: Level | None = Field(
        None,
        description="Own samples that the judge scores below are not trained on; null: all are.",
    )

    def arms(self) -> dict[str, object]:
        """The arms that are on."""
        return {
            name: value
            for name, field in Arms.model_fields.items()
            if (value := getattr(self, name)) != field.default
        }
