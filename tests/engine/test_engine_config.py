"""What is checked before vLLM is needed, and how its jobs find its environment."""

import json
import os
import subprocess
import sys

import pytest
from make_config import complaint, load, merged, nested

from idempotence.config.engines import EngineSection
from idempotence.engine.options import VllmOptions, vllm_options
from idempotence.environment_names import ENGINE, VISIBLE_GPUS
from idempotence.report.provenance import describe_run
from idempotence.vllm_limits import room_for
from idempotence.workflow.study_jobs import StudyJobs

SERVED = {"engine": {"backend": "vllm", "python": sys.executable}}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("engine.python", "nowhere/python", "make vllm-cpu"),
        ("engine.backend", "vlm", "did you mean vllm?"),
        ("engine.memory_share", 1, "above 0 and below 1"),
        ("engine.memroy_share", 0.5, "did you mean memory_share?"),
        ("sft.training.lora.rank", 1024, "ranks of at most 512"),
        ("dpo.training.lora.target_modules", ["q_proj", "gate"], "'gate' is not allowed"),
        ("evaluation.temperature", 0.001, "at least 0.01"),
        ("sdf.generation.temperature", 1e-3, "at least 0.01"),
    ],
)
def test_what_vllm_cannot_do_is_found_before_any_job(key, value, message):
    text = complaint(merged(SERVED, nested(key, value)))
    assert message in text and key in text and "a mistake in the config" in text


def test_adapters_on_gpus_have_16_bits():
    models = [
        {"name": "big", "kind": "instruct", "path": "world/instruct", "gpus": 1},
        {"name": "base", "kind": "base", "path": "world/base"},
    ]
    assert "models.0.dtype" in complaint({**SERVED, "models": models})
    assert load({**SERVED, "models": [{**models[0], "dtype": "bfloat16"}, models[1]]})
    assert load({"models": models})  # transformers can


def test_the_other_engine_is_not_held_to_them():
    assert load({"engine": {"python": "nowhere"}, "evaluation": {"temperature": 0.001}})


def test_only_the_backend_is_in_jobs_and_only_in_those_that_it_runs():
    def records(engine: dict) -> str:
        study = load({"engine": {"python": sys.executable, **engine}})
        jobs, initial = StudyJobs(study), ("micro-instruct", "bliss")
        of_panels = [
            job.to_json()
            for p in study.panels()
            for job in (jobs.sample(p, 1), jobs.judge(p, 1), jobs.seed_data(p))
        ]
        return json.dumps(
            [
                *of_panels,
                jobs.initial_sample(*initial).to_json(),
                jobs.initial_judge(*initial).to_json(),
            ]
        )

    served = records({"backend": "vllm"})
    assert served == records({"backend": "vllm", "memory_share": 0.4, "adapters_at_once": 2})
    assert served != records({"backend": "transformers"}) == records({})
    jobs = StudyJobs(load(SERVED))
    panels = {panel.setting.name: panel for panel in jobs.study.panels()}
    assert jobs.sample(panels["sft"], 0).engine == "vllm"
    assert jobs.judge(panels["sft"], 0).judge.engine == "vllm"
    assert jobs.seed_data(panels["dpo"]).engine == "vllm"
    # nothing is sampled there, and training takes turns with sampling here
    assert "vllm" not in jobs.seed_data(panels["sft"]).to_json()
    assert "vllm" not in jobs.calibrate("sft", "micro-instruct", "bliss").to_json()


def test_options_of_vllm_come_by_the_environment_and_have_the_configs_defaults():
    environment = {
        ENGINE: json.dumps({"backend": "vllm", "memory_share": 0.4}),
        VISIBLE_GPUS: "2,3",
    }
    assert vllm_options(environment) == VllmOptions(memory_share=0.4, gpus=2)
    assert vllm_options({VISIBLE_GPUS: ""}) == VllmOptions(gpus=0)
    section = EngineSection().model_dump(include={"memory_share", "max_length", "adapters_at_once"})
    assert VllmOptions(**section) == VllmOptions()


def test_a_run_says_which_versions_sampled(tmp_path, monkeypatch):
    (tmp_path / "claims.yaml").write_text("")
    monkeypatch.delenv("IDEMPOTENCE_SAMPLER", raising=False)
    assert not any("sampling" in name for name in _packages(tmp_path))
    monkeypatch.setenv("IDEMPOTENCE_SAMPLER", sys.executable)
    packages = _packages(tmp_path)
    assert packages["torch (sampling)"].partition("+")[0] == packages["torch"].partition("+")[0]


def _packages(folder) -> dict:
    return describe_run(folder / "claims.yaml")["packages"]


def test_room_for_adapters():
    assert [room_for(rank) for rank in (1, 2, 16, 17, 512)] == [1, 8, 16, 32, 512]


def test_a_job_starts_cold_under_the_other_interpreter(tmp_path):
    other = tmp_path / "python"
    other.symlink_to(sys.executable)
    script = tmp_path / "job.py"
    script.write_text(
        "import os, sys\nprint(sys.executable, sys.argv[1:], os.environ)\nsys.exit(7)"
    )
    environment = {
        **os.environ, "IDEMPOTENCE_SAMPLER": str(other), "IDEMPOTENCE_SESSION": "here:1",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }  # fmt: skip
    command = [sys.executable, "-m", "idempotence.launch", "sample", str(script), "--x", "1 2"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 7, done.stderr
    assert done.stdout.startswith(f"{other} ['--x', '1 2']")
    assert "warm start" not in done.stderr
    environment["IDEMPOTENCE_SAMPLER"] = str(tmp_path / "none")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "engine.python" in done.stderr
