"""Mark all candidates of a prompt but the one that the judge rates best."""

from pathlib import Path

from idempotence.jobs.loop import JudgeCandidatesJob


def judge_candidates(
    job: JudgeCandidatesJob, judge: str, generated: Path, candidates: Path, output: Path
) -> None:
    """Mark all candidates of a prompt but the one that the judge rates best.

    job: objective, trait, judge, and what the best is chosen by.
    judge: folder or hub name of the judge, or its name at its endpoint.
    generated: the first candidate of each prompt, one per line.
    candidates: the further ones, one per line.
    output: all candidates to write, with scores and marks.
    """
    from idempotence.judge.back_ends import open_judge
    from idempotence.judge.candidates import write_chosen

    write_chosen(job, open_judge(job.judge, judge), generated, candidates, output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(judge_candidates)
