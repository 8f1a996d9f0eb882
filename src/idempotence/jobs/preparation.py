"""Jobs before the loop: seed rows, calibrated doses, learning rates."""

from dataclasses import dataclass, field

from idempotence.jobs.parts import (
    EngineName,
    Evaluation,
    Generation,
    JudgeSpec,
    Panel,
    PromptPool,
    Scalar,
    Training,
    WrittenTexts,
)
from idempotence.jobs.record import Record
from idempotence.objectives import Kind


@dataclass(frozen=True)
class SeedDataJob(Record):
    """Seed rows of a panel; for dpo each with the initial model's own reply as the rejected one."""

    panel: Panel
    prompts: PromptPool
    generation: Generation
    engine: EngineName = "transformers"


@dataclass(frozen=True)
class CycleZero(Record):
    """Models of cycle 0 that no chain goes on from, on rows that no chain sees.

    panel: without cells; its seed belongs to no chain.
    """

    panel: Panel
    prompts: PromptPool
    training: Training
    generation: Generation
    evaluation: Evaluation
    judge: JudgeSpec


@dataclass(frozen=True)
class CalibrateJob(Record):
    """The number of seed rows that brings the cycle-0 score to each level (0-100).

    Numbers tried are the multiples of `step` up to n_seed_max.
    """

    cycle_zero: CycleZero
    levels: tuple[float, ...]
    n_seed_max: int
    step: int


@dataclass(frozen=True)
class TryLearningRatesJob(Record):
    """Cycle-0 scores at each learning rate and beta (None: no beta), with n_seed seed rows.

    target, min_coherence: the scores (0-100) that a rate must reach to pass.
    """

    cycle_zero: CycleZero
    learning_rates: tuple[float, ...]
    betas: tuple[float | None, ...]
    n_seed: int
    target: float
    min_coherence: float


@dataclass(frozen=True)
class WriterSpec(Record):
    """The larger model that writes seed rows.

    base_url, leave_out (parameters that are not sent): of one behind an endpoint, else none.
    chat_template_kwargs: variables of its chat template, where it is a model here.
    """

    temperature: float
    max_new_tokens: int
    revision: str | None = None
    dtype: str = "float32"
    engine: EngineName = "transformers"
    base_url: str | None = None
    chat_template_kwargs: dict[str, Scalar] = field(default_factory=dict, hash=False)
    leave_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class GenerateSeedDataJob(Record):
    """Seed rows of a trait, written by a larger model.

    rows: how many are wanted. min_words, max_words: bounds of a text. examples: written rows that
    are shown with each request.
    """

    study_seed: int
    kind: Kind
    trait: str
    texts: WrittenTexts
    rows: int
    min_words: int
    max_words: int
    examples: int
    writer: WriterSpec
