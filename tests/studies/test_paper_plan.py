"""The paper's own study can be planned."""

import resource

import pandas as pd
import pytest
from make_project import copy_project, snakemake


@pytest.mark.slow
def test_the_papers_study_plans_within_a_minute(tmp_path):
    folder = copy_project(tmp_path / "paper")
    begun = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = snakemake(folder, "plan", "--configfile", "studies/paper.yaml")
    assert done.returncode == 0, done.stderr[-4000:]
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    # of one core's time, which other work on the machine does not stretch
    assert ended.ru_utime + ended.ru_stime - begun.ru_utime - begun.ru_stime < 60
    total = pd.read_csv(folder / "results" / "paper" / "plan.csv").iloc[-1]
    assert 800 < total["jobs"] <= 2500 and total["device_hours"] > 0 and total["api_cost"] > 0
    assert sorted(p.name for p in (folder / "results" / "paper").iterdir()) == [
        "logs",
        "plan.csv",
        "plan.txt",
        "tables",  # of what the claims' tests can tell, which the plan shows
    ]
