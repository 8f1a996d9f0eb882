"""Jobs in environments of conda, and in an image: by profiles/conda and profiles/apptainer."""

from types import SimpleNamespace

import pytest
import yaml
from make_config import ROOT
from make_deployers import make_deployers
from make_project import copy_project, snakemake

from idempotence.errors import UserError
from idempotence.workflow.deployment import IMAGE, RECIPE, check_image

TINY = ("--configfile", "studies/tiny.yaml")
COLD = "python -m idempotence.launch cold estimate"


@pytest.fixture
def place(tmp_path):
    """folder: the project, with an image; tools: of the stand-ins; run: Snakemake with them."""
    folder, tools = copy_project(tmp_path / "project"), tmp_path / "tools"
    (folder / IMAGE).touch()
    path = make_deployers(tools)
    return SimpleNamespace(
        folder=folder, tools=tools, run=lambda *words: snakemake(folder, *words, **path)
    )


@pytest.mark.parametrize("name", ["conda", "apptainer"])
def test_a_profile_is_read_and_shares_no_key_with_the_one_that_always_is(place, name):
    done = place.run("--profile", f"profiles/{name}", "-n", "--quiet", *TINY)
    assert done.returncode == 0, done.stderr[-3000:]
    own, always = (
        yaml.safe_load((ROOT / "profiles" / each / "config.yaml").read_text())
        for each in (name, "default")
    )
    assert own["software-deployment-method"] == [name] and not own.keys() & always.keys()


@pytest.mark.parametrize("name", ["conda", "apptainer"])
def test_a_profile_goes_with_that_of_a_cluster(place, name):
    profiles = ("--profile", "profiles/slurm", "--profile", f"profiles/{name}")
    done = place.run(*profiles, "-n", "--quiet", *TINY)
    assert done.returncode == 0, done.stderr[-3000:]


def test_a_job_runs_in_the_environment_of_its_rule_with_every_version_written_out(place):
    done = place.run("plan", "--profile", "profiles/conda", "--cores", "1", *TINY)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (place.folder / "results/tiny/plan.txt").exists()
    assert "-m idempotence.launch" in (place.tools / "calls").read_text()
    installed = yaml.safe_load((place.tools / "installed").read_text())
    *_, packages = installed["dependencies"]
    assert all("==" in package for package in packages["pip"])  # no path, which is another's there


def test_a_job_runs_cold_in_the_image_that_was_built(place):
    done = place.run("plan", "--profile", "profiles/apptainer", "--cores", "1", *TINY)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (place.folder / "results/tiny/plan.txt").exists()
    calls = (place.tools / "calls").read_text()
    assert f"{place.folder / IMAGE} bash -c set -euo pipefail;  {COLD}" in calls


def test_an_image_that_was_not_built_is_one_message_with_the_command(place):
    (place.folder / IMAGE).unlink()
    done = place.run("--profile", "profiles/apptainer", "--cores", "1", *TINY)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    (message,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert f"apptainer build {IMAGE} {RECIPE}" in message
    assert not (place.folder / "results").exists()


def test_an_image_has_neither_vllm_nor_conda(place):
    assert check_image(place.folder, "transformers", False) == str(place.folder / IMAGE)
    for lacking, asked in (("vllm", ("vllm", False)), ("conda", ("transformers", True))):
        with pytest.raises(UserError, match=f"apptainer has no {lacking}; nothing was run"):
            check_image(place.folder, *asked)


def test_conda_without_the_profile_is_one_message(place):
    done = place.run("--sdm", "conda", "--cores", "1", *TINY)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert "error: --sdm conda alone hides" in done.stderr
    assert "--profile profiles/conda" in done.stderr
