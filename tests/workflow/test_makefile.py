"""What make runs is what Snakemake reads."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GOALS = {
    "all": [],
    "verify": ["verify"],
    "world": ["world"],
    "english": ["all"],
}


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make here")
@pytest.mark.parametrize("goal", GOALS)
def test_a_goal_names_its_target(goal):
    from snakemake.cli import get_argument_parser

    lines = subprocess.run(
        ["make", "--dry-run", goal], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    (line,) = [line for line in lines if "/snakemake " in line]
    words = shlex.split(line)
    arguments = words[[word.endswith("/snakemake") for word in words].index(True) + 1 :]
    # the logger takes several names, so a target behind it would be one of them
    parser = get_argument_parser()
    read, _ = parser.parse_known_args([w for w in arguments if not w.startswith("--logger")])
    assert read.targets == set(GOALS[goal]) or list(read.targets) == GOALS[goal]
    assert [w for w in arguments if w.startswith("--logger")] == ["--logger=study"]
