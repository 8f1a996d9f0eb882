"""The config's models: the one source of types, limits, the JSON schema and docs/config.md."""

from typing import Annotated, Literal

from pydantic import Field

from idempotence.config.audit import Audit
from idempotence.config.endpoint import Api
from idempotence.config.engines import Engine
from idempotence.config.grid import (
    MODEL_KIND,
    SETTINGS,
    Cell,
    Panel,
    preference_cells,
    supervised_cells,
)
from idempotence.config.loading import DTYPE, GPUS, MEMORY, PARAMETERS, REVISION, Dtype
from idempotence.config.per_setting import OneSetting, PerSetting
from idempotence.config.rates import Rates
from idempotence.config.seeding import Generator, OwnCalibration, SeedRows
from idempotence.config.values import (
    BelowOne,
    Confidence,
    Count,
    Counts,
    Flag,
    Level,
    Levels,
    Names,
    NotNegative,
    Number,
    Positive,
    Questions,
    Section,
    Seed,
    Settings,
    Share,
    Slug,
    Strengths,
    Text,
    TopTokens,
)


class Model(Section):
    """A model to start from."""

    name: Slug = Field(description="Name in file names and tables.")
    kind: Literal["instruct", "base"] = Field(
        description="instruct models are used by sft and dpo, base models by sdf."
    )
    path: Text = Field(
        description="world/instruct, world/base (the micro world's), a local folder or a hub name."
    )
    revision: Text | None = REVISION
    dtype: Dtype = DTYPE
    gpus: Number = GPUS
    memory_mb: Count = MEMORY
    parameters: Count | None = PARAMETERS


class Lora(Section):
    """The LoRA adapter."""

    rank: Count = Field(description="Rank of the update.")
    alpha: Positive = Field(description="Scale: the update is multiplied by alpha / rank.")
    dropout: BelowOne = Field(description="Dropout on the adapter's input.")
    target_modules: Literal["all-linear"] | Annotated[list[Text], Field(min_length=1)] = Field(
        description="Modules that get an adapter: all-linear (never the output layer) or names."
    )


class Training(Section):
    """Hyper-parameters of one finetuning run (AdamW)."""

    learning_rate: Positive = Field(description="Peak learning rate.")
    schedule: Literal["constant", "cosine"] = Field(description="After the warm-up.")
    warmup_fraction: Share = Field(description="Share of steps with linear warm-up, rounded up.")
    batch_size: Count = Field(description="Rows (dpo: pairs) a step.")
    epochs: Positive = Field(description="Passes over the data.")
    weight_decay: NotNegative = Field(description="AdamW's weight decay.")
    adam_beta1: BelowOne = Field(description="AdamW's beta1.")
    adam_beta2: BelowOne = Field(description="AdamW's beta2.")
    adam_epsilon: Positive = Field(description="AdamW's epsilon.")
    max_grad_norm: Positive = Field(description="Gradients are clipped to this norm.")
    max_length: Count = Field(description="Rows are cut at so many tokens.")
    lora: Lora = Field(description="The adapter.")


class Generation(Section):
    """How a cycle's training data are sampled."""

    temperature: Positive = Field(description="Sampling temperature.")
    max_new_tokens: Count = Field(description="The longest sample, in tokens.")
    min_characters: Count = Field(
        description="Shorter samples are not trained on; they are counted as dropped."
    )


class SupervisedCells(Section):
    """The grid of doses of sft or sdf: levels or n_seed, times n_sampled."""

    levels: Levels = Field(
        [], description="Cycle-0 trait scores (0-100) that n_seed is calibrated for; else n_seed."
    )
    n_seed: Counts = Field(
        [], description="Numbers of seed rows of cycle 0, instead of levels; at most seed_rows."
    )
    n_sampled: Counts = Field(min_length=1, description="Samples that each later cycle trains on.")


class DpoCells(Section):
    """The grid of doses of dpo: beta times pairs."""

    beta: Strengths = Field(
        min_length=1, description="Strengths of the pull towards the reference."
    )
    pairs: Counts = Field(
        min_length=1, description="Preference pairs that each later cycle trains on."
    )
    n_seed: Count = Field(
        description="Preference pairs of cycle 0, seed reply over M_initial's; at most seed_rows."
    )


class SupervisedConfig(SeedRows):
    """Settings of sft (chats) or sdf (documents)."""

    calibration: OwnCalibration = Field(
        OwnCalibration(), description="The search for doses, where it differs."
    )
    cells: SupervisedCells = Field(description="The doses.")
    training: Training = Field(description="Finetuning, the same for every cycle and start.")
    generation: Generation = Field(description="Sampling the next cycle's data.")

    def enumerate_cells(self) -> list[Cell]:
        """The cells in the order of the lists."""
        cells = self.cells
        return supervised_cells(cells.levels, cells.n_seed, cells.n_sampled)


class DpoConfig(SeedRows):
    """Settings of dpo; both starts share them."""

    cells: DpoCells = Field(description="The doses.")
    training: Training = Field(description="Finetuning, the same for every cycle and start.")
    generation: Generation = Field(description="Sampling the next cycle's data.")

    def enumerate_cells(self) -> list[Cell]:
        """The cells in the order of the lists."""
        return preference_cells(self.cells.beta, self.cells.pairs)


class Calibration(Section):
    """The search for the n_seed that brings the cycle-0 score to a level."""

    n_seed_max: Count = Field(
        description="The largest dose tried, in seed rows; at least step, at most seed_rows."
    )
    step: Count = Field(description="Doses tried are multiples of this.")
    samples_per_question: Count = Field(description="Answers a question for each dose tried.")


class Tuning(Section):
    """The rule by which `snakemake tune` picks learning rates, on cycle 0 alone.

    Picked is the smallest rate whose cycle-0 score, over traits and cells, reaches the highest
    calibrated level (else `score`) with coherence at `min_coherence` or above.
    """

    learning_rates: Strengths = Field(min_length=1, description="Rates that are tried.")
    score: Level = Field(description="Cycle-0 score to reach where no level is calibrated (dpo).")
    min_coherence: Level = Field(description="Lowest coherence, 0-100, of a rate that passes.")


class Evaluation(Section):
    """How a model's trait is measured."""

    questions: Questions = Field(description="Evaluation prompts a trait.")
    samples_per_question: Count = Field(description="Answers a question.")
    temperature: Positive = Field(description="Sampling temperature.")
    max_new_tokens: Count = Field(description="The longest answer, in tokens.")


class Judge(Section):
    """Who scores the answers."""

    backend: Literal["local", "openai", "none"] = Field(
        description="local: a model on this machine; openai: one behind a compatible endpoint; none: nobody (audits only)."
    )
    path: Text = Field(
        description="world/judge (the micro world's), a local folder or a hub name; openai: the model's name there."
    )
    api: Api = Field(Api(), description="The endpoint of backend openai.")
    revision: Text | None = REVISION
    parameters: Count | None = PARAMETERS
    top_logprobs: TopTokens = Field(
        20, description="How many of the likeliest first tokens are looked at; openai, 0: none."
    )
    samples: Count = Field(
        5, description="Answers that are sampled, and averaged, where an endpoint tells no tokens."
    )
    min_numeric_mass: Share = Field(
        0.25, description="No score under so much probability on the whole numbers 0-100."
    )
    gpus: Number = GPUS
    memory_mb: Count = MEMORY


class Analysis(Section):
    """The published amplification rule, and the confidence of intervals."""

    amplification_points: Positive = Field(
        15, description="Rise over the score of cycle 0, in points, that counts."
    )
    amplification_from_cycle: Count = Field(
        4, description="First cycle that is looked at; beyond cycles, nothing amplifies."
    )
    coherence_gate: Level = Field(
        50, description="Coherence that an amplification must keep to count where rules are gated."
    )
    equivalence_points: Positive = Field(
        10, description="Changes within so many points count as nothing in equivalence tests."
    )
    confidence: Confidence = Field(0.95, description="Confidence of all intervals.")


class Study(Section):
    """One study: everything below results/<study>/."""

    study: Slug = Field(description="Name; files go to results/<study>/.")
    study_seed: Seed = Field(description="Number that all randomness is derived from.")
    world: Literal["shipped", "build"] = Field(
        description="The micro world's models: those in data/micro_world, or made again."
    )
    world_recipe: Text = Field(
        "data/micro_world/recipe.yaml", description="How the micro world's models are made."
    )
    models: list[Model] = Field(min_length=1, description="Models to start from.")
    settings: Settings = Field(
        min_length=1, description="Training loops: an objective (sft, sdf, dpo) and a start."
    )
    texts: Literal["micro_world", "written"] = Field(
        "micro_world",
        description="Seed rows, questions, prompts and rubrics: the micro world's, or written ones.",
    )
    traits_folder: Text = Field(
        "data/traits",
        description="Written texts of the traits: a folder each (README, New things).",
    )
    prompts_folder: Text = Field(
        "data/prompts", description="Neutral prompts: chats.txt and documents.txt, one a line."
    )
    traits: Names = Field(
        min_length=1,
        description="Traits to seed: files of data/micro_world/grammar/traits, or folders of traits_folder.",
    )
    seeds: Count = Field(description="Replications of every chain: seeds 0, 1, ...")
    cycles: Count = Field(description="The last cycle; cycle 0 is the seeded model.")
    seed_rows: Count = Field(
        description="Seed rows there are for a trait and seed; sft, sdf and dpo may have their own."
    )
    sft: SupervisedConfig = Field(description="Supervised finetuning on chats.")
    sdf: SupervisedConfig = Field(description="Finetuning on documents.")
    dpo: DpoConfig = Field(description="Preference optimisation, own output over M_initial's.")
    per_setting: PerSetting = Field(
        PerSetting(), description="Settings with fewer doses or traits, other seeds or cycles."
    )
    generator: Generator = Field(
        Generator(), description="Writes seed rows where they are generated."
    )
    calibration: Calibration = Field(description="From levels to numbers of seed rows.")
    tuning: Tuning = Field(description="The rule for choosing learning rates.")
    evaluation: Evaluation = Field(description="Measuring a model.")
    judge: Judge = Field(description="Scoring the answers.")
    second_judge: Judge | None = Field(
        None, description="Another one, to score the same answers again: how far do both agree?"
    )
    engine: Engine = Field(Engine(), description="What samples texts and runs a local judge.")
    analysis: Analysis = Field(description="Verdicts and intervals.")
    rates: Rates = Field(description="What `snakemake plan` reckons with.")
    scores_from: Text | None = Field(
        None, description="Folder of a shipped study: tables and figures of it, nothing is trained."
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
        """Whether replies get a trait score; an audit may do without."""
        own = self.audit.files and self.audit.columns.trait_score is not None
        return bool(own) or self.judge.backend != "none"

    def objective_config(self, objective: str) -> SupervisedConfig | DpoConfig:
        """The section of an objective."""
        return {"sft": self.sft, "sdf": self.sdf, "dpo": self.dpo}[objective]

    def seed_rows_of(self, objective: str) -> int:
        """How many seed rows an objective has for a trait and seed."""
        return self.objective_config(objective).seed_rows or self.seed_rows

    def doses_tried(self, objective: str) -> tuple[int, int]:
        """(n_seed_max, step) of an objective's search for doses."""
        own = self.objective_config(objective).calibration
        common = self.calibration
        return own.n_seed_max or common.n_seed_max, own.step or common.step

    def own(self, setting: str) -> OneSetting:
        """What a setting has of its own."""
        return getattr(self.per_setting, setting.replace("-", "_"))

    def cells(self, setting: str) -> list[Cell]:
        """The cells of a setting."""
        cells = self.objective_config(SETTINGS[setting][0]).enumerate_cells()
        return [cell for cell in cells if self.own(setting).keeps(cell)]

    def last_cycle(self, setting: str) -> int:
        """The last cycle of a setting."""
        return self.own(setting).cycles or self.cycles

    def panels(self) -> list[Panel]:
        """Every panel, in the order of the config's lists."""
        return [
            self._panel(setting, model, trait, seed)
            for setting in self.settings
            for model in self.models
            if model.kind == MODEL_KIND[SETTINGS[setting][0]]
            if model.name in (self.own(setting).models or [model.name])
            for trait in self.traits
            if trait in (self.own(setting).traits or self.traits)
            for seed in range(self.own(setting).seeds or self.seeds)
        ]

    def panel(self, setting: str, model: str, trait: str, seed: int) -> Panel:
        """One panel by its names; KeyError for a setting or model that the study lacks."""
        if setting not in self.settings:
            raise KeyError(setting)
        return self._panel(setting, {m.name: m for m in self.models}[model], trait, seed)

    def _panel(self, setting: str, model: Model, trait: str, seed: int) -> Panel:
        objective, start = SETTINGS[setting]
        return Panel(setting, objective, start, model, trait, seed, tuple(self.cells(setting)))
