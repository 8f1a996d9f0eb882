"""The texts of a panel, from the micro world's grammar or from written files.

Both give the same things: evaluation questions, seed rows, prompts of each cycle.
"""

from typing import Protocol

from idempotence.jobs.parts import Panel, PromptPool
from idempotence.texts.micro import MicroTexts
from idempotence.texts.written import WrittenPanelTexts


class PanelTexts(Protocol):
    """The texts of one panel; no prompt comes twice, unless cycles redraw theirs."""

    def evaluation(self) -> list[str]:
        """The evaluation questions, the same for every seed."""

    def seed_rows(self) -> list[dict[str, str]]:
        """Rows `{"prompt", "response"}` plainly in the trait."""

    def for_cycle(self, cycle: int) -> list[str]:
        """The prompts of the data that cycle `cycle` (from 1 on) trains on."""


def panel_texts(panel: Panel, prompts: PromptPool) -> PanelTexts:
    """The texts of a panel, whose pool of prompts is divided as `prompts` says."""
    if panel.texts is None:
        return MicroTexts(panel, prompts)
    return WrittenPanelTexts(panel, prompts, panel.texts)
