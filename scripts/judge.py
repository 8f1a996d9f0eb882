"""Score a panel's answers: trait and coherence by the judge, exact truth, text metrics."""

from pathlib import Path
from typing import Literal

from idempotence.jobs.loop import JudgeJob


def judge(
    job: JudgeJob,
    judge: str,
    responses: Path,
    output: Path,
    calibration: Path | None = None,
    role: Literal["judge", "second_judge"] = "judge",
) -> None:
    """Score a panel's answers: trait and coherence by the judge, exact truth, text metrics.

    job: panel, cycle, setting and judge.
    judge: folder or hub name of the judge, or its name at its endpoint.
    responses: answers, one per line.
    output: scores (Parquet) to write.
    calibration: doses of calibrated levels.
    role: the config's section of the judge, which its endpoint's settings are named by.
    """
    from idempotence.doses import calibrated_doses
    from idempotence.io import read_sealed
    from idempotence.judge.back_ends import open_judge
    from idempotence.judge.score import judge_panel

    calibrated = calibrated_doses(read_sealed(calibration)) if calibration else {}
    judge_panel(job, open_judge(job.judge, judge, role), calibrated, responses, output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(judge)
