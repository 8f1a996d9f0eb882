"""Jobs of an audit: reading and scoring the replies of a loop that ran elsewhere."""

from dataclasses import dataclass
from typing import Literal

from idempotence.jobs.parts import JudgeSpec, ModelName, WrittenTexts
from idempotence.jobs.record import Record
from idempotence.objectives import ObjectiveName, Start

Shape = Literal["sharegpt", "alpaca"]
Numbering = Literal["cycles", "steps"]


@dataclass(frozen=True)
class AuditedLoop(Record):
    """A setting that replies may be of, with what their scores hold of it."""

    name: str
    objective: ObjectiveName
    start: Start


@dataclass(frozen=True)
class ReplySource(Record):
    """An entry of `audit.files`: a path pattern, and what all of its rows belong to, if given."""

    path: str
    setting: str | None = None
    model: str | None = None
    trait: str | None = None
    cell: str | None = None
    seed: int | None = None
    cycle: int | None = None
    level: float | None = None
    n_seed: float | None = None
    n_sampled: float | None = None
    beta: float | None = None
    pairs: float | None = None


@dataclass(frozen=True)
class ReadRepliesJob(Record):
    """Which files to read, and what their rows' keys are called.

    columns: our name -> key of a row, or None. objectives, models, traits: names that a row may
    give; those of settings with their objectives. shape: of rows that are neither messages nor
    pairs. cycles_are: what the files number, None: to be recognised. first_cycle: number of the
    seeded model in the files. lowest_score, highest_score: the files' own scores that are 0 and 100
    points.
    """

    files: tuple[ReplySource, ...]
    columns: dict[str, str | None]
    objectives: dict[str, ObjectiveName]
    models: tuple[str, ...]
    traits: tuple[str, ...]
    shape: Shape | None
    cycles_are: Numbering | None
    first_cycle: int
    lowest_score: float
    highest_score: float


@dataclass(frozen=True)
class WeighRepliesJob(Record):
    """Likelihoods of one model's replies. objectives: setting -> objective."""

    model: ModelName
    objectives: dict[str, ObjectiveName]


@dataclass(frozen=True)
class JudgeRepliesJob(Record):
    """Scores of one trait's replies.

    given: criteria ("trait", "coherence") whose scores the files bring themselves. longest: longer
    replies, in characters, are not judged. judge: None where there is no judge.
    """

    trait: str
    texts: WrittenTexts | None
    given: tuple[str, ...]
    longest: int
    loops: tuple[AuditedLoop, ...]
    judge: JudgeSpec | None
    truth: bool
