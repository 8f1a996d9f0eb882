"""Score the replies that were rated blind, with the study's judge."""

from pathlib import Path

from idempotence.jobs.parts import JudgeSpec


def judge_gold(job: JudgeSpec, judge: str, replies: Path, traits: Path, output: Path) -> None:
    """Score the replies that were rated blind, with the study's judge.

    job: how the judge's answers are read.
    judge: folder or hub name of the judge, or its name at its endpoint.
    replies: replies.jsonl, one reply per line.
    traits: folder of written traits.
    output: scores to write (CSV).
    """
    from idempotence.judge.back_ends import open_judge
    from idempotence.judge_tuning import gold

    gold.judge_gold(replies, job, open_judge(job, judge), traits, output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(judge_gold)
