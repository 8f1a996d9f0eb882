"""Score an audit's replies of one trait: own scores, judge, exact truth, text metrics."""

from collections.abc import Sequence
from pathlib import Path

from idempotence.jobs.audit import JudgeRepliesJob


def judge_replies(
    job: JudgeRepliesJob,
    replies: Path,
    output: Path,
    judge: str | None = None,
    likelihoods: Sequence[Path] = (),
) -> None:
    """Score an audit's replies of one trait: own scores, judge, exact truth, text metrics.

    job: trait, rubrics, the files' own scores, and the judge.
    replies: replies of all traits (Parquet).
    output: scores (Parquet) to write.
    judge: folder or hub name of the judge, or its name at its endpoint, if there is a judge.
    likelihoods: likelihoods of the replies under the initial models (Parquet).
    """
    from idempotence.audit.score import read_trait_replies, score_replies
    from idempotence.io import write_parquet
    from idempotence.judge.back_ends import open_judge

    table = read_trait_replies(replies, job.trait, likelihoods)
    judges = open_judge(job.judge, judge) if job.judge and judge else None
    write_parquet(score_replies(judges, job, table), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(judge_replies)
