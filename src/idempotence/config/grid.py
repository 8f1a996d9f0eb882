"""Settings and panels: how a study is cut into jobs, and which settings share what."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from idempotence.doses import Cell
from idempotence.objectives import OBJECTIVES, Kind, Objective, ObjectiveName, Start

if TYPE_CHECKING:
    from idempotence.config.recipes import Selection
    from idempotence.config.sections import DpoSection, ModelSection, SupervisedSection

# What a recipe may change beside its objective's section, and the values of the plain loop.
UNCHANGED: dict[str, Any] = {
    "restart_at": [], "rejected_from": "initial", "seed_share": 0.0, "initial_share": 0.0,
    "accumulate": False, "min_coherence": None, "selection": None,
}  # fmt: skip
# These act from cycle 1 on: settings that differ in nothing else share cycle 0.
LATER = {"objective", "start", "prompts", *UNCHANGED}
# What decides the scores of a search for doses, which trains on seed rows alone.
SEARCHED = {"section", "training", "n_seed_max", "step", "seed_rows", "seed_source"}


@dataclass(frozen=True)
class Setting:
    """A named loop: its recipe laid over its objective's section.

    models, traits: names. selection: how its objective chooses among samples, where it does.
    seed_rows: how many there are per trait and seed. n_seed_max, step: the numbers of seed rows
    that a search for doses tries. rows_reserved: prompts that the pool keeps for each later cycle.
    changed: (dotted key, value) of what makes it another loop than its objective's plain one;
    doses do not.
    """

    name: str
    objective: ObjectiveName
    start: Start
    section: "SupervisedSection | DpoSection"
    models: tuple[str, ...]
    traits: tuple[str, ...]
    seeds: int
    cycles: int
    restart_at: tuple[int, ...]
    rejected_from: str
    seed_share: float
    initial_share: float
    accumulate: bool
    min_coherence: float | None
    selection: "Selection | None"
    seed_rows: int
    n_seed_max: int
    step: int
    rows_reserved: int
    changed: tuple[tuple[str, str], ...]

    @property
    def method(self) -> Objective:
        """What its objective trains on."""
        return OBJECTIVES[self.objective]

    @property
    def kind(self) -> Kind:
        """Of its texts."""
        return self.method.kind

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Its doses."""
        return self.section.enumerate_cells()

    @property
    def calibrated(self) -> bool:
        """Whether its doses are levels, so that numbers of seed rows have to be searched for."""
        return any(cell.level is not None for cell in self.cells)

    @property
    def reads_seed_rows(self) -> bool:
        """Whether cycles after the first train on seed rows too."""
        return self.accumulate or self.seed_share > 0

    @property
    def own_samples_alone(self) -> bool:
        """Whether later cycles train on all of the last samples and on nothing else."""
        others = self.reads_seed_rows or self.initial_share or self.selection
        return not others and self.min_coherence is None

    @property
    def changes(self) -> str:
        """What makes it another loop than its objective's plain one, in words; "" if nothing."""
        return "; ".join(f"{key} {value}" for key, value in self.changed)

    def goes_on(self, cycle: int) -> bool:
        """Whether a cycle's training begins from the last cycle's weights."""
        return cycle > 0 and self.start == "previous" and cycle not in self.restart_at

    def compared(self) -> dict[str, Any]:
        """What two settings may differ in, by name: all but panels, doses and last cycle."""
        section = self.section.model_dump(exclude={"calibration"})
        cells = section.pop("cells")
        names = (
            "objective",
            "start",
            "seed_rows",
            "n_seed_max",
            "step",
            "rows_reserved",
            *UNCHANGED,
        )
        own = {name: getattr(self, name) for name in names} | {"section": self.method.section}
        return {**section, **own, "n_seed": cells["n_seed"] if self.method.pairs else None}


@dataclass(frozen=True)
class StudyPanel:
    """All cells of one setting, model, trait and seed: what one job trains, samples or judges."""

    setting: Setting
    model: "ModelSection"
    trait: str
    seed: int

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Its doses."""
        return self.setting.cells

    @property
    def directory(self) -> str:
        """Folder below results/<study>/."""
        return f"{self.setting.name}/{self.model.name}/{self.trait}/seed{self.seed}"


def differences(first: Setting, second: Setting) -> set[str]:
    """Names of what two settings differ in, panels, doses and cycles apart."""
    mine, other = first.compared(), second.compared()
    return {name for name in {*mine, *other} if mine.get(name) != other.get(name)}


def twins(settings: tuple[Setting, ...]) -> tuple[tuple[str, str], ...]:
    """(continual, re-initialised) of settings that differ in nothing but the start.

    Each continual setting has at most one twin: the first with a chain in common.
    """
    return tuple(
        (continual.name, reinit.name)
        for continual in settings
        if continual.start == "previous"
        for reinit in _twins_of(continual, settings)
    )


def _twins_of(continual: Setting, settings: tuple[Setting, ...]) -> Iterator[Setting]:
    for reinit in settings:
        if differences(continual, reinit) == {"start"} and _share_a_chain(continual, reinit):
            yield reinit
            return


def _share_a_chain(first: Setting, second: Setting) -> bool:
    shared = ({cell.name for cell in s.cells} for s in (first, second))
    return (
        bool(set.intersection(*shared))
        and not {*first.models}.isdisjoint(second.models)
        and not {*first.traits}.isdisjoint(second.traits)
    )


def first_cycles(settings: tuple[Setting, ...]) -> dict[str, str]:
    """Setting -> an earlier one whose cycle 0 it copies: the same rows and doses in all panels."""
    copied: dict[str, str] = {}
    for i, setting in enumerate(settings):
        for earlier in settings[:i]:
            if (
                earlier.name not in copied
                and differences(setting, earlier) <= LATER
                and setting.cells == earlier.cells
                and {*setting.models} <= {*earlier.models}
                and {*setting.traits} <= {*earlier.traits}
                and setting.seeds <= earlier.seeds
            ):
                copied[setting.name] = earlier.name
                break
    return copied


def calibrations(settings: tuple[Setting, ...]) -> dict[str, str]:
    """Calibrated setting -> the first one with the same search for doses, which names its file."""
    owners: dict[str, str] = {}
    searched = [setting for setting in settings if setting.calibrated]
    for setting in searched:
        for earlier in searched:
            if differences(setting, earlier).isdisjoint(SEARCHED):
                owners[setting.name] = earlier.name
                break
    return owners
