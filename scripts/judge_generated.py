"""Mark the samples that are not coherent enough to be trained on."""

from pathlib import Path

from idempotence.jobs.loop import JudgeGeneratedJob


def judge_generated(job: JudgeGeneratedJob, judge: str, generated: Path, output: Path) -> None:
    """Mark the samples that are not coherent enough to be trained on.

    job: objective, trait, judge and least coherence.
    judge: folder or hub name of the judge, or its name at its endpoint.
    generated: samples, one per line.
    output: the same samples to write, marked.
    """
    from idempotence.judge.back_ends import open_judge
    from idempotence.judge.coherent import write_marked

    write_marked(job, open_judge(job.judge, judge), generated, output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(judge_generated)
