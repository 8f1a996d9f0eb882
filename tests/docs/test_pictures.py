"""The pictures of README and docs are those that the shipped studies give."""

import os
import shutil
import subprocess
import sys

import pytest
from make_project import ROOT, copy_project


@pytest.mark.slow
def test_pictures_and_tables_of_pages_are_made_from_shipped_scores(tmp_path):
    folder = copy_project(tmp_path / "project")
    (folder / ".venv").symlink_to(sys.prefix)
    shutil.copytree(ROOT / "results" / "shipped", folder / "results" / "shipped")
    shutil.copy(ROOT / "README.md", folder)
    # the copy's locks look newer than the environment, which they need not be installed into
    command = ["make", "-o", ".venv/.installed", "pages", "CORES=2"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, check=False, cwd=folder, env=environment, capture_output=True, text=True,
        timeout=1800,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    pictures = sorted((ROOT / "docs" / "img").glob("*.png"))
    assert len(pictures) == 5
    for path in [*pictures, ROOT / "README.md", ROOT / "docs" / "results.md"]:
        drawn = folder / path.relative_to(ROOT)
        assert drawn.read_bytes() == path.read_bytes(), f"{path.name} is old: make pages"
