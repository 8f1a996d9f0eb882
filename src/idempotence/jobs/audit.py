"""Jobs of an audit: reading and scoring the replies of a loop that ran elsewhere."""

from dataclasses import dataclass

from idempotence.jobs.parts import JudgeSpec, Loop, WrittenTexts
from idempotence.jobs.record import Record


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

    columns: our name -> key of a row, or None. loops, models, traits: those that a row may name.
    first_cycle: cycle number of the seeded model in the files. lowest_score, highest_score: the
    files' own scores that are 0 and 100 points.
    """

    files: tuple[ReplySource, ...]
    columns: dict[str, str | None]
    loops: tuple[Loop, ...]
    models: tuple[str, ...]
    traits: tuple[str, ...]
    first_cycle: int
    lowest_score: float
    highest_score: float


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
    loops: tuple[Loop, ...]
    judge: JudgeSpec | None
    truth: bool
