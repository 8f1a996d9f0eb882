"""Objectives: what each kind of finetuning trains on. One entry says it all; docs/extending.md."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

Start = Literal["initial", "previous"]  # the weights that a cycle's training begins from
Kind = Literal["chat", "document"]  # of texts


@dataclass(frozen=True)
class Objective:
    """What is trained, and on what.

    name: in configs, records and tables. label: in figures. meaning: for the reference page. kind:
    of its texts; instruct models read chats, base models documents. section: the section of the
    config that its settings are laid over, which also names their random numbers; objectives of one
    section share cycle 0. pairs: it prefers one reply to another; else it imitates texts. chooses:
    a prompt of a later cycle gets several samples, of which the judge's best is trained on (the
    recipe's `selection`). published: the start of the paper's loop; settings with it come first in
    figures.
    """

    name: str
    label: str
    meaning: str
    kind: Kind
    section: Literal["sft", "sdf", "dpo"]
    pairs: bool = False
    chooses: bool = False
    published: Start = "initial"

    @property
    def model_kind(self) -> str:
        """The kind of the models that it trains, as the config names it."""
        return "instruct" if self.kind == "chat" else "base"

    @property
    def doses(self) -> tuple[str, ...]:
        """The doses that its cells may have."""
        return ("beta", "pairs", "n_seed") if self.pairs else ("levels", "n_seed", "n_sampled")

    @property
    def rows(self) -> str:
        """The dose that says how many rows a later cycle trains on."""
        return "pairs" if self.pairs else "n_sampled"


# In the order of tables and figures.
_ALL = (
    Objective("sft", "SFT", "finetuning on chats", "chat", "sft"),
    Objective("best_of_n", "Best-of-n SFT", "sft on the judge's best of several samples a prompt",
              "chat", "sft", chooses=True),
    Objective("sdf", "Document finetuning", "finetuning on documents", "document", "sdf"),
    Objective("dpo", "DPO", "preference optimisation", "chat", "dpo", pairs=True,
              published="previous"),
)  # fmt: skip
OBJECTIVES = {objective.name: objective for objective in _ALL}

if TYPE_CHECKING:
    ObjectiveName: TypeAlias = str
else:
    ObjectiveName = Literal[tuple(OBJECTIVES)]


def kind_of(objective: ObjectiveName) -> Kind:
    """The kind of an objective's texts."""
    return OBJECTIVES[objective].kind
