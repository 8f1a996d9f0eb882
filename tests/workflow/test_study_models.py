"""What a model lacks is one message before any job."""

import json

import pytest

pytest.importorskip("transformers")

from make_config import ROOT, load
from make_project import copy_project, snakemake
from make_templates import LLAMA3, make_family

from idempotence.config.study import Study
from idempotence.errors import UserError
from idempotence.jobs.loop import JudgeJob, SampleJob
from idempotence.workflow.study_jobs import StudyJobs
from idempotence.workflow.study_models import check_models, written_prompts

WORLD = {"name": "base", "kind": "base", "path": "world/base"}


@pytest.fixture
def folder(tmp_path):
    """make(family, template, eos): a folder with that tokenizer."""

    def make(family: str, template: str | None = "its own", eos: str | None = "its own"):
        tokenizer = make_family(family)
        if template != "its own":
            tokenizer.chat_template = template
        if eos != "its own":
            tokenizer.eos_token = eos
        tokenizer.save_pretrained(tmp_path / family)
        return tmp_path / family

    return make


def study_of(path, over: dict | None = None, **model) -> Study:
    """A study of written texts on the model in a folder."""
    instruct = {"name": "own", "kind": "instruct", "path": str(path), **model}
    written = {"texts": "written", "traits": ["bliss"], "settings": {"sft": {}}, "seed_rows": 20}
    cells = {"levels": [], "n_seed": [10], "n_sampled": [10]}
    sft = {"sft": {"cells": cells, "training": {"max_length": 600}}}
    return load({**written, **sft, "models": [instruct], **(over or {})})


def complaint_of(study: Study) -> str:
    with pytest.raises(UserError) as caught:
        check_models(study)
    message = str(caught.value)
    assert "nothing was run" in message and len(message.splitlines()) == 2
    return message


@pytest.mark.parametrize("family", ["qwen3", "llama3", "gemma", "phi3"])
def test_models_that_have_all_are_taken(folder, family):
    check_models(study_of(folder(family)))


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (None, "has no chat template"),
        (
            "{{ raise_exception('not for you') }}",
            "raises an error for a chat of user and assistant",
        ),
        ("{{ messages[0]['content'] }}", "leaves out the assistant's messages"),
        ("{% set f = '%d' %}{{ strftime_now(f) }}", "puts today's date into prompts"),
    ],
)
def test_a_template_that_does_not_work(folder, template, message):
    text = complaint_of(study_of(folder("gemma", template)))
    assert message in text and "models.0: " in text


def test_a_tokenizer_without_an_end_token(folder):
    assert "has no end token" in complaint_of(study_of(folder("qwen3", eos=None)))


def test_a_base_model_needs_no_template_and_a_judge_does(folder):
    plain = folder("qwen3", None)
    sdf = {
        "settings": {"sdf": {}}, "sdf": {"cells": {"levels": [], "n_seed": [10], "n_sampled": [9]}},
        "models": [{**WORLD, "path": str(plain)}],
    }  # fmt: skip
    check_models(load(sdf))
    text = complaint_of(load({**sdf, "judge": {"path": str(plain)}}))
    assert "judge: " in text and "has no chat template" in text


def test_prompts_that_leave_nothing_to_train_on(folder):
    study = study_of(folder("qwen2"))
    longest = max(
        len(make_family("qwen2").apply_chat_template(
            [{"role": "user", "content": prompt}], add_generation_prompt=True, return_dict=False
        ))
        for prompt in written_prompts(study)
    )  # fmt: skip
    cut = {"settings": {"sft": {"training": {"max_length": longest}}}}
    text = complaint_of(study_of(folder("qwen2"), cut))
    assert (
        f"sft: training.max_length is {longest} tokens" in text and f"has {longest} of own" in text
    )
    check_models(
        study_of(folder("qwen2"), {"settings": {"sft": {"training": {"max_length": longest + 1}}}})
    )


def test_the_micro_worlds_longest_prompt_is_known(tmp_path):
    from idempotence.engine.formatting import ids_of_prompts
    from idempotence.engine.models import Weights, load_tokenizer
    from idempotence.micro_world.grammar import load_grammar
    from idempotence.micro_world.prompts import every_prompt

    tokenizer = load_tokenizer(Weights(str(ROOT / "data" / "micro_world" / "instruct")))
    prompts = sorted(every_prompt(load_grammar(), "chat"), key=lambda text: len(text.split()))
    longest = len(ids_of_prompts(tokenizer, prompts[-1:], "chat")[0])
    check_models(load({"dpo": {"training": {"max_length": longest + 1}}}))
    text = complaint_of(load({"settings": {"dpo": {"training": {"max_length": longest}}}}))
    assert f"the longest prompt has {longest} of micro-instruct" in text


def test_variables_of_a_template_reach_the_jobs(folder):
    path, day = folder("llama3", LLAMA3), {"date_string": "1 May 2031", "n": 2, "thinks": False}
    judge = {"judge": {"path": str(path), "chat_template_kwargs": day}}
    study = study_of(path, judge, chat_template_kwargs=day)
    (panel, *_), jobs = study.panels(), StudyJobs(study)
    sampled = SampleJob.from_json(jobs.sample(panel, 1).to_json())
    assert sampled.panel.model.chat_template_kwargs == day
    assert JudgeJob.from_json(jobs.judge(panel, 1).to_json()).judge.chat_template_kwargs == day


def test_the_workflow_says_so_before_any_job(folder, tmp_path):
    project = copy_project(tmp_path / "project")
    own = {
        "models": [{"name": "own", "kind": "instruct", "path": str(folder("phi3", None))}, WORLD]
    }
    (project / "own.yaml").write_text(json.dumps({"study": "own", **own}), encoding="utf-8")
    run = snakemake(project, "-n", "--configfile", "own.yaml")
    assert run.returncode != 0 and "Traceback" not in run.stderr
    assert "error: the models do not fit; nothing was run." in run.stderr + run.stdout
