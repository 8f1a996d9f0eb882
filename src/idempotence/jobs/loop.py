"""Jobs of one turn of the loop: finetune -> sample -> judge."""

from dataclasses import dataclass

from idempotence.jobs.parts import (
    Criterion,
    EngineName,
    Evaluation,
    Generation,
    JudgeSpec,
    Panel,
    PromptPool,
    Training,
    WrittenTexts,
)
from idempotence.jobs.record import Record
from idempotence.objectives import ObjectiveName, Start


@dataclass(frozen=True)
class FinetuneJob(Record):
    """Train every cell of a panel for one cycle.

    n_seed: preference pairs of cycle 0 (dpo), else None. seed_share: share of a later cycle's rows
    that are seed rows; initial_share: share that the initial model writes. accumulate: a later
    cycle trains on the rows of cycle 0 and on all samples since. imitates: the chosen replies of
    preference pairs are imitated, and nothing is preferred.
    """

    panel: Panel
    cycle: int
    n_seed: int | None
    training: Training
    seed_share: float = 0.0
    initial_share: float = 0.0
    accumulate: bool = False
    imitates: bool = False


@dataclass(frozen=True)
class SampleJob(Record):
    """Answers to the evaluation questions, and the next cycle's training data.

    generation: None where no later cycle follows (the last cycle, the initial model): nothing is
    generated then. scoring: 2 where the same models are scored again, with other random numbers.
    """

    panel: Panel
    cycle: int
    prompts: PromptPool
    evaluation: Evaluation
    generation: Generation | None
    engine: EngineName = "transformers"
    scoring: int = 1


@dataclass(frozen=True)
class InitialRowsJob(Record):
    """The initial model's replies to the first prompts of the next cycle.

    panel: without cells, which share the replies. rows: how many.
    """

    panel: Panel
    cycle: int
    prompts: PromptPool
    generation: Generation
    rows: int
    engine: EngineName = "transformers"


@dataclass(frozen=True)
class CandidatesJob(Record):
    """Samples to the prompts of the next cycle beside the one that each has in generated.jsonl.

    further: how many for each prompt.
    """

    panel: Panel
    cycle: int
    prompts: PromptPool
    generation: Generation
    further: int
    engine: EngineName = "transformers"


@dataclass(frozen=True)
class JudgeJob(Record):
    """Scores of a panel's answers.

    setting: name that the rows get; start: weights that its cycles begin from, None for the initial
    model itself. n_seed: as in `FinetuneJob`. truth: whether exact scores are known, as in the
    micro world.
    """

    panel: Panel
    cycle: int
    setting: str
    start: Start | None
    n_seed: int | None
    judge: JudgeSpec
    truth: bool


@dataclass(frozen=True)
class JudgeGeneratedJob(Record):
    """Marks samples whose coherence (0-100) is below min_coherence."""

    objective: ObjectiveName
    trait: str
    texts: WrittenTexts | None
    judge: JudgeSpec
    min_coherence: float


@dataclass(frozen=True)
class JudgeCandidatesJob(Record):
    """Marks all candidates of a prompt but the best.

    by: the best has the highest mean of these scores (0-100). min_coherence: below it, or without
    a coherence, a candidate is not chosen; None: coherence alone rules none out.
    """

    objective: ObjectiveName
    trait: str
    texts: WrittenTexts | None
    judge: JudgeSpec
    by: tuple[Criterion, ...]
    min_coherence: float | None

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """What the judge scores."""
        filtered = self.min_coherence is not None and "coherence" not in self.by
        return (*self.by, "coherence") if filtered else self.by
