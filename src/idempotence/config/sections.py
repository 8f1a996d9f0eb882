"""The sections of a config that hold no other sections of a study: types, limits and meanings."""

from typing import Annotated, Literal

from pydantic import Field

from idempotence.config.endpoint import LEAVE_OUT, Api, LeftOut
from idempotence.config.loading import (
    DTYPE,
    GPUS,
    MEMORY,
    PARAMETERS,
    REVISION,
    TEMPLATE_VALUES,
    Dtype,
    TemplateValues,
)
from idempotence.config.seeding import OwnCalibration, OwnRows
from idempotence.config.values import (
    AnyCriteria,
    BelowOne,
    Confidence,
    Count,
    Counts,
    FilePath,
    Level,
    Levels,
    NotNegative,
    Number,
    Positive,
    Section,
    Several,
    Share,
    Slug,
    SomeStrengths,
    Strengths,
    Text,
    TopTokens,
)
from idempotence.doses import Cell, preference_cells, supervised_cells
from idempotence.jobs.parts import CutReplies, TrainingWay

FirstObjective = Literal["dpo", "sft"]  # of the model of cycle 0, where later ones are dpo's


class ModelSection(Section):
    """A model to start from."""

    name: Slug = Field(description="Name in file names and tables.")
    kind: Literal["instruct", "base"] = Field(
        description="instruct models are used by sft and dpo, base models by sdf."
    )
    path: FilePath = Field(
        description="world/instruct, world/base (the micro world's), a local folder or a hub name."
    )
    revision: Text | None = REVISION
    chat_template_kwargs: TemplateValues = TEMPLATE_VALUES
    dtype: Dtype = DTYPE
    gpus: Number = GPUS
    memory_mb: Count = MEMORY
    parameters: Count | None = PARAMETERS


class LoraSection(Section):
    """The LoRA adapter."""

    rank: Count = Field(description="Rank of the update.")
    alpha: Positive = Field(description="Scale: the update is multiplied by alpha / rank.")
    dropout: BelowOne = Field(description="Dropout on the adapter's input.")
    target_modules: Literal["all-linear"] | Annotated[list[Text], Field(min_length=1)] = Field(
        description="Modules that get an adapter: all-linear (never the output layer) or names."
    )


class TrainingSection(Section):
    """Hyper-parameters of one finetuning run (AdamW)."""

    learning_rate: Positive = Field(description="Peak learning rate.")
    schedule: Literal["constant", "cosine"] = Field(description="After the warm-up.")
    warmup_fraction: Share = Field(description="Share of steps with linear warm-up, rounded up.")
    batch_size: Count = Field(description="Rows (dpo: pairs) per step.")
    epochs: Positive = Field(description="Passes over the data.")
    weight_decay: NotNegative = Field(description="AdamW's weight decay.")
    adam_beta1: BelowOne = Field(description="AdamW's beta1.")
    adam_beta2: BelowOne = Field(description="AdamW's beta2.")
    adam_epsilon: Positive = Field(description="AdamW's epsilon.")
    max_grad_norm: Positive = Field(description="Gradients are clipped to this norm.")
    max_length: Count = Field(
        description="Longer rows are cut, in tokens; a prompt as long is not trained on at all."
    )
    way: TrainingWay = Field(
        "stacked",
        description="`stacked`: a panel's cells side by side. `one_by_one`: each alone, by TRL's "
        "trainers; taken in any case where cells cannot be stacked (docs/training.md).",
    )
    tokens_at_once: Count = Field(
        4096,
        description="Most tokens, padding included, in a forward pass of stacked cells; bounds "
        "memory. A single row (dpo: pair) may have more.",
    )
    lora: LoraSection = Field(description="The adapter.")


class GenerationSection(Section):
    """How a cycle's training data are sampled."""

    temperature: Positive = Field(description="Sampling temperature.")
    max_new_tokens: Count = Field(
        description="The longest sample, in tokens. Longer ones are cut there: see cut_replies."
    )
    min_characters: Count = Field(
        description="Shorter samples are not trained on; they are counted as dropped."
    )
    cut_replies: CutReplies = Field(
        "ended",
        description="How a sample that was cut at max_new_tokens is trained on. `ended`: with an "
        "end of turn behind it, as pipelines usually do; where more than a few are cut, replies "
        "get shorter from cycle to cycle. `open`: without one, as it was drawn.",
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
        description="Preference pairs of cycle 0, seed reply over M_initial's; with cycle_0: sft "
        "seed rows. At most seed_rows."
    )


class SupervisedSection(OwnRows):
    """The objective sft (chats) or sdf (documents)."""

    calibration: OwnCalibration = Field(
        OwnCalibration(), description="The search for doses, where it differs."
    )
    cells: SupervisedCells = Field(description="The doses.")
    training: TrainingSection = Field(description="Finetuning, the same for every cycle and start.")
    generation: GenerationSection = Field(description="Sampling the next cycle's data.")

    def enumerate_cells(self) -> tuple[Cell, ...]:
        """The cells in the order of the lists."""
        cells = self.cells
        return supervised_cells(cells.levels, cells.n_seed, cells.n_sampled)

    @property
    def pairs_of_cycle_0(self) -> None:
        """As `DpoSection`'s: the rows of cycle 0 are a dose of each cell here."""
        return None

    @property
    def seeded_by_sft(self) -> bool:
        """As `DpoSection`'s: the first model is trained as all others are here."""
        return False

    @property
    def most_rows(self) -> int:
        """The most rows that a later cycle of any cell trains on."""
        return max(self.cells.n_sampled)


class DpoSection(OwnRows):
    """The objective dpo."""

    cycle_0: FirstObjective = Field(
        "dpo",
        description="How the first model is trained. `dpo`: on seed replies over M_initial's. "
        "`sft`: on the seed replies alone, with the training of section `sft`, so that DPO begins "
        "from a model that has the trait.",
    )
    cells: DpoCells = Field(description="The doses.")
    training: TrainingSection = Field(description="Finetuning, the same for every cycle and start.")
    generation: GenerationSection = Field(description="Sampling the next cycle's data.")

    def enumerate_cells(self) -> tuple[Cell, ...]:
        """The cells in the order of the lists."""
        return preference_cells(self.cells.beta, self.cells.pairs)

    @property
    def pairs_of_cycle_0(self) -> int:
        """The preference pairs of cycle 0, the same for every cell."""
        return self.cells.n_seed

    @property
    def seeded_by_sft(self) -> bool:
        """Whether the first model imitates the seed replies, and prefers nothing."""
        return self.cycle_0 == "sft"

    @property
    def most_rows(self) -> int:
        """The most pairs that a later cycle of any cell trains on."""
        return max(self.cells.pairs)


class CalibrationSection(Section):
    """The search for the n_seed that brings the cycle-0 score to a level."""

    n_seed_max: Count = Field(
        description="The largest dose tried, in seed rows; at least step, at most seed_rows."
    )
    step: Count = Field(description="Doses tried are multiples of this.")
    samples_per_question: Count = Field(description="Answers per question for each dose tried.")


class DpoTuningSection(Section):
    """What the rule is for dpo."""

    min_coherence: Level = Field(description="Lowest mean coherence, 0-100, of a pair that passes.")
    betas: Strengths = Field(min_length=2, description="Values of beta that are tried.")
    learning_rates: SomeStrengths | None = Field(
        None, description="Rates that are tried for dpo; null: those of `tuning`."
    )
    score: Level | None = Field(
        None, description="Cycle-0 score that dpo is to reach; null: that of `tuning`."
    )
    above_initial: Level | None = Field(
        None, description="The same of `above_initial`; null: that of `tuning`."
    )


class TuningSection(Section):
    """The rule by which `snakemake tune` picks learning rates, on cycle 0 alone.

    sft, sdf: the smallest rate at which every trait reaches the highest calibrated level with at
    most `seed_rows_per_sample` seed rows for each of n_sampled, and coherence is `min_coherence`
    on average. dpo: the smallest rate at which two neighbouring values of beta pass, on average
    over both and over traits, and the largest two that do.
    """

    learning_rates: Strengths = Field(min_length=1, description="Rates that are tried.")
    seed_rows_per_sample: Count = Field(
        description="sft, sdf: seed rows that a level may take for each sample of a later cycle."
    )
    min_coherence: Level = Field(
        description="sft, sdf: lowest coherence, 0-100, of a rate that passes."
    )
    score: Level = Field(description="Cycle-0 score to reach where no level is calibrated (dpo).")
    above_initial: Level | None = Field(
        None,
        description="Points above the initial model's own score that a cycle-0 score must reach, "
        "too: for a judge that gives texts without the trait more than 0.",
    )
    dpo: DpoTuningSection = Field(description="The rule for dpo.")


class EvaluationSection(Section):
    """How a model's trait is measured."""

    questions: Several = Field(description="Evaluation prompts per trait.")
    samples_per_question: Count = Field(description="Answers per question.")
    temperature: Positive = Field(description="Sampling temperature.")
    max_new_tokens: Count = Field(description="The longest answer, in tokens.")


class JudgeSection(Section):
    """The judge, which scores the answers."""

    backend: Literal["local", "openai", "none"] = Field(
        description="local: a model on this machine; openai: one behind a compatible endpoint; "
        "none: no judge (audits only)."
    )
    path: FilePath = Field(
        description="world/judge (the micro world's), a local folder or a hub name; "
        "openai: the model's name there."
    )
    api: Api = Field(Api(), description="The endpoint of backend openai.")
    revision: Text | None = REVISION
    chat_template_kwargs: TemplateValues = TEMPLATE_VALUES
    parameters: Count | None = PARAMETERS
    top_logprobs: TopTokens = Field(
        20, description="How many of the likeliest first tokens are read; openai, 0: none."
    )
    samples: Count = Field(
        5,
        description="Answers that are sampled and averaged if an endpoint gives no probabilities.",
    )
    answer_tokens: Count = Field(
        4, description="openai: most tokens of an answer; more for models that reason first."
    )
    leave_out: LeftOut = LEAVE_OUT
    min_numeric_mass: Share = Field(
        0.25,
        description="Least probability on the whole numbers 0-100; below it there is no score.",
    )
    by_sentence: AnyCriteria = Field(
        [],
        description="What is rated sentence by sentence; the score is the mean over a text's "
        "sentences.",
    )
    dtype: Dtype = DTYPE
    gold: FilePath | None = Field(
        None,
        description="Folder of replies that were rated blind; the table gold_agreement says how "
        "far the judge agrees (docs/judges.md).",
    )
    gpus: Number = GPUS
    memory_mb: Count = MEMORY


class AnalysisSection(Section):
    """The published amplification rule, and the confidence of intervals."""

    amplification_points: Positive = Field(
        15, description="Least rise over the score of cycle 0, in points, that counts."
    )
    amplification_from_cycle: Count = Field(
        4, description="First cycle that is checked; beyond `cycles`, nothing amplifies."
    )
    coherence_gate: Level = Field(
        50, description="Least coherence of an amplification that counts under a gated rule."
    )
    peak_coherence: Level = Field(
        description="Least coherence at which a rise before the late cycles counts, too."
    )
    equivalence_points: Positive = Field(
        10, description="Changes smaller than this, in points, count as none in equivalence tests."
    )
    confidence: Confidence = Field(0.95, description="Confidence of all intervals.")
