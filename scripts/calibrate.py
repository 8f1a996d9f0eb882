"""Find how many seed rows bring the cycle-0 score to each level."""

from pathlib import Path

from idempotence.jobs.preparation import CalibrateJob


def calibrate(job: CalibrateJob, model: str, judge: str, output: Path) -> None:
    """Find how many seed rows bring the cycle-0 score to each level.

    job: what cycle-0 models are trained, sampled and judged by, the levels and the doses to try.
    model: folder or hub name of the initial model.
    judge: folder or hub name of the judge, or its name at its endpoint.
    output: doses and the curve that was measured (JSON) to write.
    """
    from idempotence.cycle_zero.calibrate import write_doses
    from idempotence.judge.back_ends import open_judge

    write_doses(job, model, open_judge(job.cycle_zero.judge, judge), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(calibrate)
