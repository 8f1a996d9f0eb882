"""Settings, cells and panels: the words in which a study is cut into jobs."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idempotence.config.study import Model

# setting -> (objective, start): what is trained on, and from which weights a cycle begins
SETTINGS = {
    "sft": ("sft", "base"),
    "sft-continual": ("sft", "previous"),
    "sdf": ("sdf", "base"),
    "sdf-continual": ("sdf", "previous"),
    "dpo": ("dpo", "previous"),
    "dpo-reinit": ("dpo", "base"),
}
MODEL_KIND = {"sft": "instruct", "dpo": "instruct", "sdf": "base"}
PROMPT_KIND = {"sft": "chat", "dpo": "chat", "sdf": "document"}


@dataclass(frozen=True)
class Cell:
    """One dose. sft and sdf: (level or n_seed, n_sampled); dpo: (beta, pairs)."""

    name: str
    level: float | None = None
    n_seed: int | None = None
    n_sampled: int | None = None
    beta: float | None = None
    pairs: int | None = None

    @property
    def doses(self) -> dict[str, float | None]:
        """The dose as columns; None where it does not apply."""
        return {name: value for name, value in asdict(self).items() if name != "name"}


@dataclass(frozen=True)
class Panel:
    """All cells of one setting, model, trait and seed: what one job trains, samples or judges."""

    setting: str
    objective: str
    start: str
    model: "Model"
    trait: str
    seed: int
    cells: tuple[Cell, ...]

    @property
    def directory(self) -> str:
        """Folder below results/<study>/."""
        return f"{self.setting}/{self.model.name}/{self.trait}/seed{self.seed}"


def exact(value: float) -> str:
    """A number for a name: short, and different for different numbers."""
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)


def supervised_cells(levels: list[float], n_seed: list[int], n_sampled: list[int]) -> list[Cell]:
    """Every calibrated level, or every n_seed, with every n_sampled."""
    by_level = [
        Cell(f"level{exact(level)}_sampled{n}", level=level, n_sampled=n)
        for level in levels
        for n in n_sampled
    ]
    by_count = [
        Cell(f"seed{count}_sampled{n}", n_seed=count, n_sampled=n)
        for count in n_seed
        for n in n_sampled
    ]
    return by_level + by_count


def preference_cells(beta: list[float], pairs: list[int]) -> list[Cell]:
    """Every beta with every number of pairs."""
    return [Cell(f"beta{exact(b)}_pairs{n}", beta=b, pairs=n) for b in beta for n in pairs]
