"""What jobs inherit from the Snakemake process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
TOLD = """
import sys
from pathlib import Path
from idempotence.job_environment import prepare
prepare(Path(sys.argv[1]), remote=False)
from huggingface_hub import constants
print(constants.HF_HUB_DISABLE_TELEMETRY)
"""


@pytest.mark.parametrize("user, silent", [(None, True), ("0", False)])
def test_trainers_report_to_nobody_unless_the_user_lets_them(user, silent):
    environment = {k: v for k, v in os.environ.items() if k != "DO_NOT_TRACK"}
    environment |= {"PYTHONPATH": str(SOURCE)} | ({"DO_NOT_TRACK": user} if user else {})
    told = subprocess.run(
        [sys.executable, "-c", TOLD, str(SOURCE)],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout == f"{silent}\n"
