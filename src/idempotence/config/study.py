"""The config of a study: the one source of its keys, limits, JSON schema and reference page."""

from collections.abc import Iterator
from functools import cached_property
from typing import Literal

from pydantic import Field

from idempotence.config import grid
from idempotence.config.audit import Audit
from idempotence.config.engines import EngineSection
from idempotence.config.grid import Setting, StudyPanel
from idempotence.config.layers import Content
from idempotence.config.packages import PackageModel
from idempotence.config.rates import Rates
from idempotence.config.recipes import Recipe, Selection, changed_keys, laid_over
from idempotence.config.sections import (
    AnalysisSection,
    CalibrationSection,
    DpoSection,
    EvaluationSection,
    JudgeSection,
    ModelSection,
    SupervisedSection,
    TuningSection,
)
from idempotence.config.seeding import Generator, OwnCalibration
from idempotence.config.values import (
    Count,
    FilePath,
    Flag,
    Section,
    Seed,
    SettingName,
    Slug,
    TraitNames,
)
from idempotence.objectives import OBJECTIVES


class Study(Section):
    """One study: everything below results/<study>/."""

    study: Slug = Field(description="Name; files go to results/<study>/.")
    study_seed: Seed = Field(description="Number that all randomness is derived from.")
    world: Literal["shipped", "build"] = Field(
        description="The micro world's models: those in data/micro_world, or built again."
    )
    world_recipe: FilePath = Field(
        "data/micro_world/recipe.yaml", description="How the micro world's models are built."
    )
    models: list[ModelSection] = Field(min_length=1, description="Models to start from.")
    packages: dict[Slug, PackageModel] = Field(
        {},
        json_schema_extra={"additionalProperties": False},
        description="Models that are made from files of Python packages: a name for each, which "
        "`path: package/<name>` means.",
    )
    recipes: dict[SettingName, Recipe] = Field(
        alias="settings",
        min_length=1,
        json_schema_extra={"additionalProperties": False},
        description="Training loops: a recipe for each name. "
        "The last file that has this section names the study's settings.",
    )
    texts: Literal["micro_world", "written"] = Field(
        "micro_world",
        description="Seed rows, questions, prompts and rubrics: the micro world's or written ones.",
    )
    traits_folder: FilePath = Field(
        "data/traits",
        description="Written texts of the traits: one folder per trait (docs/changing.md).",
    )
    prompts_folder: FilePath = Field(
        "data/prompts", description="Neutral prompts: chats.txt and documents.txt, one per line."
    )
    traits: TraitNames = Field(
        min_length=1,
        description="Traits to seed: files of data/micro_world/grammar/traits, "
        "or folders of traits_folder.",
    )
    seeds: Count = Field(description="Replications of every chain: seeds 0, 1, ...")
    cycles: Count = Field(description="The last cycle; cycle 0 is the seeded model.")
    seed_rows: Count = Field(
        description="Seed rows per trait and seed; objectives and settings may differ."
    )
    sft: SupervisedSection = Field(description="Supervised finetuning on chats.")
    sdf: SupervisedSection = Field(description="Finetuning on documents.")
    dpo: DpoSection = Field(description="Preference optimisation: own replies over M_initial's.")
    generator: Generator = Field(
        Generator(), description="Writes seed rows where they are generated."
    )
    calibration: CalibrationSection = Field(
        description="The search for the numbers of seed rows that reach levels."
    )
    tuning: TuningSection = Field(description="The rule for choosing learning rates.")
    evaluation: EvaluationSection = Field(description="Measuring a model.")
    judge: JudgeSection = Field(description="Scoring the answers.")
    second_judge: JudgeSection | None = Field(
        None, description="Another judge, which scores the same answers again to measure agreement."
    )
    engine: EngineSection = Field(
        EngineSection(), description="What samples texts and runs a local judge."
    )
    analysis: AnalysisSection = Field(description="Verdicts and intervals.")
    rates: Rates = Field(description="What `snakemake plan` computes with.")
    scores_from: FilePath | None = Field(
        None, description="Folder of a shipped study: only its tables and figures are written."
    )
    audit: Audit = Field(Audit(), description="Replies of a loop that ran elsewhere.")
    keep_adapters: Flag = Field(
        description="Keep the adapters of every cycle; false: delete them once no job needs them."
    )

    @property
    def trains(self) -> bool:
        """Whether the study has a loop of its own."""
        return not (self.scores_from or self.audit.files)

    @property
    def scored(self) -> bool:
        """Whether replies get a trait score; in an audit they need not."""
        own = self.audit.files and self.audit.columns.trait_score is not None
        return bool(own) or self.judge.backend != "none"

    def objective_section(self, objective: str) -> SupervisedSection | DpoSection:
        """The section that settings of an objective are laid over."""
        section: SupervisedSection | DpoSection = getattr(self, OBJECTIVES[objective].section)
        return section

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        """The settings, in the order of the config."""
        return tuple(self._setting(name, recipe) for name, recipe in self.recipes.items())

    @cached_property
    def twins(self) -> tuple[tuple[str, str], ...]:
        """(continual, re-initialised): names of settings that differ in nothing but the start."""
        return grid.twins(self.settings)

    @cached_property
    def first_cycles(self) -> dict[str, str]:
        """Setting -> an earlier one with the same cycle 0."""
        return grid.first_cycles(self.settings)

    @cached_property
    def calibrations(self) -> dict[str, str]:
        """Setting with calibrated levels -> the one that its file of doses is named by."""
        return grid.calibrations(self.settings)

    def setting(self, name: str) -> Setting:
        """A setting by its name; KeyError for one that the study lacks."""
        return {setting.name: setting for setting in self.settings}[name]

    def panels(self) -> list[StudyPanel]:
        """Every panel, in the order of the config's lists."""
        return [panel for setting in self.settings for panel in self._panels(setting)]

    def panel(self, setting: str, model: str, trait: str, seed: int) -> StudyPanel:
        """One panel by its names; KeyError for a setting or model that the study lacks."""
        return StudyPanel(self.setting(setting), self._model(model), trait, seed)

    def _panels(self, setting: Setting) -> Iterator[StudyPanel]:
        for model in setting.models:
            for trait in setting.traits:
                for seed in range(setting.seeds):
                    yield StudyPanel(setting, self._model(model), trait, seed)

    def _model(self, name: str) -> ModelSection:
        return {model.name: model for model in self.models}[name]

    def _setting(self, name: str, recipe: Recipe) -> Setting:
        """A recipe laid over its objective's section."""
        common, own = self.objective_section(recipe.objective), recipe.model_dump()
        raw = laid_over(common.model_dump(), own)
        section: SupervisedSection | DpoSection = (
            DpoSection.model_validate(raw)
            if isinstance(common, DpoSection)
            else SupervisedSection.model_validate(raw)
        )
        n_seed_max, step = self._search(section)
        method = OBJECTIVES[recipe.objective]
        models = [model.name for model in self.models if model.kind == method.model_kind]
        return Setting(
            name=name,
            objective=recipe.objective,
            start=recipe.start,
            section=section,
            models=tuple(m for m in models if m in (recipe.models or models)),
            traits=tuple(t for t in self.traits if t in (recipe.traits or self.traits)),
            seeds=recipe.seeds or self.seeds,
            cycles=recipe.cycles or self.cycles,
            restart_at=tuple(sorted(recipe.restart_at)),
            rejected_from=recipe.rejected_from,
            seed_share=recipe.seed_share,
            initial_share=recipe.initial_share,
            accumulate=recipe.accumulate,
            min_coherence=recipe.min_coherence,
            selection=(recipe.selection or Selection()) if method.chooses else None,
            seed_rows=section.seed_rows or self.seed_rows,
            n_seed_max=n_seed_max,
            step=step,
            # the objective's too, so that settings with fewer doses use the same prompts
            rows_reserved=max(common.most_rows, section.most_rows),
            changed=changed_keys(own, self._unchanged(common)),
        )

    def _unchanged(self, section: SupervisedSection | DpoSection) -> Content:
        """What a setting of an objective has where its recipe changes nothing."""
        n_seed_max, step = self._search(section)
        return {
            **grid.UNCHANGED,
            "selection": Selection().model_dump(),
            **section.model_dump(),
            "seed_rows": section.seed_rows or self.seed_rows,
            "calibration": {"n_seed_max": n_seed_max, "step": step},
        }

    def _search(self, section: SupervisedSection | DpoSection) -> tuple[int, int]:
        """(n_seed_max, step) of the search for doses; dpo has none of its own."""
        own = section.calibration if isinstance(section, SupervisedSection) else OwnCalibration()
        return own.n_seed_max or self.calibration.n_seed_max, own.step or self.calibration.step
