"""A rule's inputs, outputs and values become the arguments of its script, quoted."""

import inspect
import shlex
from pathlib import Path
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from idempotence.jobs.loop import JudgeGeneratedJob
from idempotence.jobs.parts import JudgeSpec
from idempotence.workflow.command import files_line, values_line

JOB = JudgeGeneratedJob("sft", "it's a trait", None, JudgeSpec(None, 20, 0.25), 50.0)


def words(script: str, input: dict, output: dict, **values) -> list[str]:
    wildcards = SimpleNamespace(setting="sft", trait="lucky")
    files = files_line(script)(wildcards, input, output)
    return shlex.split(f"{files} {values_line(**values)(wildcards)}")


def test_named_files_are_arguments_and_others_are_waited_for():
    line = words(
        "judge",
        {"after_judge": ["judge/model.safetensors"], "responses": "r.jsonl", "calibration": []},
        {"output": "scores.csv", "output_parquet": "scores.parquet"},
        judge="a folder/$(touch x)",
    )
    assert line == ["judge", "--responses", "r.jsonl", "--output", "scores.csv",
                    "--judge", "a folder/$(touch x)"]  # fmt: skip


def test_values_by_kind():
    line = words(
        "fit", {"tables": ["a.parquet", "b c.parquet"]}, {}, none=None, off=False, on=True,
        empty=[], number=1.5e-4, names=["x", "y"], path=Path("p"), of_job=lambda w: w.trait,
        job=lambda w: JOB,
    )  # fmt: skip
    assert line == [
        "fit", "--tables", "a.parquet", "b c.parquet", "--on", "--number", "0.00015",
        "--names", "x", "y", "--path", "p", "--of-job", "lucky", "--job", JOB.to_json(),
    ]  # fmt: skip


def test_a_record_comes_back_from_the_command_line():
    line = words("judge_generated", {}, {}, job=JOB)
    assert JudgeGeneratedJob.from_json(line[-1]) == JOB


def test_values_are_recorded_with_a_job():
    """Snakemake leaves out of a job's record what a function computes from inputs or outputs."""
    assert list(inspect.signature(values_line(job=JOB)).parameters) == ["wildcards"]
    assert "input" in inspect.signature(files_line("judge")).parameters


@given(st.lists(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]))))
def test_any_text_reaches_the_script_as_it_is(texts):
    line = words("any", {"files": texts}, {})
    assert line == (["any", "--files", *texts] if texts else ["any"])
