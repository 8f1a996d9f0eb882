"""Which of the project's packages an edit has to lie in to make a rule's files again."""

from pathlib import Path

import pytest

from idempotence.workflow.fingerprint import closure

ROOT = Path(__file__).parents[2]
HF, VLLM = "idempotence.engine.hf", "idempotence.engine.vllm"
# What only starts jobs, or reads the config, decides no result.
STARTS = {"launch", "workflow", "config"}
# These write no results of a study: pages of documentation, an estimate of its costs, a check.
ABOUT = {
    "write_config_reference",
    "write_reference",
    "draw_architecture",
    "estimate",
    "check_config",
}
# How models are loaded and what prompts look like; with an engine, also how they are sampled.
MODELS = "engine.formatting engine.chat_template engine.plain_text engine.models"
ENGINE = "engine vllm_limits environment_names"
JUDGE = f"{ENGINE} endpoint judge texts"
CYCLE_ZERO = f"{JUDGE} cycle_zero finetune micro_world rng sampling"
# Script -> what its closure may hold beside these leaves: packages, or modules of one.
LEAVES = "errors io doses jobs objectives progress"
LOOP = {
    "finetune": f"rng finetune {MODELS} engine.lora engine.adapter_files",
    "sample": f"{ENGINE} rng sampling micro_world texts",
    "sample_initial_rows": f"{ENGINE} rng sampling micro_world texts",
    "sample_candidates": f"{ENGINE} rng sampling micro_world texts",
    "seed_data": f"{ENGINE} rng sampling micro_world texts",
    "judge": f"{JUDGE} micro_world scores",
    "judge_generated": JUDGE,
    "judge_candidates": f"{JUDGE} scores",
    "calibrate": CYCLE_ZERO,
    "try_learning_rates": CYCLE_ZERO,
    "generate_seed_data": f"{ENGINE} rng endpoint seed_rows texts",
    "judge_replies": f"{JUDGE} audit micro_world scores",
    "weigh_replies": "engine audit",
}
SCRIPTS = sorted(path.stem for path in (ROOT / "scripts").glob("*.py"))


def reached(script: str, without: tuple[str, ...] = ()) -> list[str]:
    """Modules of a script's closure, without "idempotence." and the package's own `__init__`."""
    names = closure(ROOT / f"scripts/{script}.py", ROOT / "src", without)
    return [name.removeprefix("idempotence.") for name in names if name != "idempotence"]


def lies_in(module: str, names: list[str]) -> bool:
    """Whether a module is one of these, lies in one of these packages, or is a package of one."""
    inner, outer = f"{module}.", tuple(f"{name}." for name in names)
    return inner.startswith(outer) or any(name.startswith(inner) for name in outer)


@pytest.mark.parametrize("script", LOOP)
def test_a_script_of_the_loop_reaches_what_it_needs_and_nothing_else(script):
    allowed = f"{LEAVES} {LOOP[script]}".split()
    modules = reached(script)
    assert [module for module in modules if not lies_in(module, allowed)] == []
    unused = [name for name in allowed if not any(lies_in(module, [name]) for module in modules)]
    assert unused == [], "not reached any more: take it out of the list"


@pytest.mark.parametrize("script", SCRIPTS)
def test_what_starts_a_job_decides_no_result(script):
    packages = {module.partition(".")[0] for module in reached(script)}
    assert (packages & STARTS == set()) or script in ABOUT


@pytest.mark.parametrize("script", LOOP)
def test_the_engine_that_a_job_does_not_run_can_be_left_out(script):
    assert "engine.vllm" not in reached(script, (VLLM,))
    assert "engine.hf" not in reached(script, (HF,))
