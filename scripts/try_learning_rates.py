"""Measure the cycle-0 model of one trait at every learning rate of the config."""

from pathlib import Path

from idempotence.jobs.preparation import TryLearningRatesJob


def try_learning_rates(job: TryLearningRatesJob, model: str, judge: str, output: Path) -> None:
    """Measure the cycle-0 model of one trait at every learning rate of the config.

    job: what cycle-0 models are trained, sampled and judged by, the rates and the doses to try.
    model: folder or hub name of the initial model.
    judge: folder or hub name of the judge, or its name at its endpoint.
    output: scores at every rate (JSON) to write.
    """
    from idempotence.cycle_zero.learning_rates import write_scores
    from idempotence.judge.back_ends import open_judge

    write_scores(job, model, open_judge(job.cycle_zero.judge, judge), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(try_learning_rates)
