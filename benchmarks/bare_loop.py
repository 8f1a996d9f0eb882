"""The arithmetic of a study and nothing else: one process, no Snakemake, no logs, no tables.

Trains the same adapters on as many rows with the same hyper-parameters, a panel's cells side by
side, samples and judges as many replies, with the same engine. Adapters alone are files, since that
is what the engine takes. What a workflow costs is measured against it.
"""

import argparse
import json
import math
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

from common import ROOT, study_of

sys.path.insert(0, str(ROOT / "src"))

import torch
from torch.nn.functional import pad as pad_right

from idempotence.config.grid import StudyPanel
from idempotence.doses import n_seed_of
from idempotence.engine.base import Batch, Request
from idempotence.engine.formatting import ids_of_prompts, ids_of_rows
from idempotence.engine.hf import TransformersEngine
from idempotence.engine.models import Weights, fix_threads
from idempotence.finetune.batches import Row, batch_of, rows_of
from idempotence.finetune.data import IGNORED
from idempotence.finetune.losses import (
    log_probabilities,
    preference_losses,
    supervised_losses,
)
from idempotence.finetune.runs import Run
from idempotence.finetune.stack import AdapterStack, layout_of
from idempotence.finetune.stacked import clip_
from idempotence.jobs.loop import JudgeJob
from idempotence.jobs.parts import Evaluation, Generation
from idempotence.judge.local import LocalJudge
from idempotence.judge.rater import Rater
from idempotence.rng import derive_seed
from idempotence.sampling.panel import PanelSampler
from idempotence.texts.panel_texts import panel_texts
from idempotence.texts.rubric import rubrics
from idempotence.workflow.study_jobs import StudyJobs

WORLD = ROOT / "data" / "micro_world"
READ_AT_ONCE = 16  # pairs
CLOCK: dict[str, float] = {}


def timed(stage: str):
    """Decorator: add a function's seconds of processor time to a stage."""

    def wrap(function):
        def run(*arguments):
            begun = time.process_time()
            result = function(*arguments)
            CLOCK[stage] = CLOCK.get(stage, 0.0) + time.process_time() - begun
            return result

        return run

    return wrap


class Chains(NamedTuple):
    """A panel's chains after a cycle; cell -> each.

    adapters: folders. rows: what the next cycle trains on. answers: to judge.
    """

    adapters: dict[str, Path]
    rows: dict[str, list[dict]]
    answers: dict[str, list[dict]]


@timed("training")
def train(model, tokenizer, runs: dict[str, Run], output: Path) -> dict[str, Path]:
    """A bare AdamW loop over all cells' rows; returns the adapters' folders."""
    training = next(iter(runs.values())).training
    layout = layout_of(model, training.lora, None)
    assert not isinstance(layout, str), layout
    stack = AdapterStack(model, layout, list(runs))
    rows = {name: rows_of(tokenizer, run) for name, run in runs.items()}
    optimisers, references, pad = {}, {}, tokenizer.pad_token_id
    for name, run in runs.items():
        stack.start(name, run.seed, run.start)
        optimisers[name] = torch.optim.AdamW(
            stack.parameters[name],
            lr=training.learning_rate,
            weight_decay=training.weight_decay,
            fused=True,
        )
        if run.beta is not None:  # a fresh adapter changes nothing yet
            with stack.on([name]) if run.start else nullcontext():
                references[name] = _reference(model, rows[name], pad)
    size, done, active = training.batch_size, 0, list(runs)
    while active:  # cells with fewer rows leave earlier
        until = min(math.ceil(len(rows[name]) / size) for name in active)
        betas = [runs[name].beta for name in active]
        with stack.on(active) as stacked:
            for at in range(done * size, until * size, size):
                batch = [rows[name][at : at + size] for name in active]
                known = [references[name][:, at : at + size] for name in active if references]
                _loss(model, batch, known, betas, pad).backward()
                clip_(stacked, training.max_grad_norm)
                for name in active:
                    optimisers[name].step()
                for weight in stacked:
                    weight.grad.zero_()
        done, active = until, [name for name in active if len(rows[name]) > until * size]
    for name in runs:
        stack.adapter(name).save(output / name)
    return {name: output / name for name in runs}


def _loss(model, batch: list[list[Row]], known: list[torch.Tensor], betas: list, pad: int):
    """Sum of the cells' own losses. known: of each cell (2, pairs) references, for dpo."""
    log_probs = log_probabilities(model, batch_of(batch, pad, model.device))
    if not known:
        texts = [[text for row in rows for text in row] for rows in batch]
        targets = [sum(x != IGNORED for text in own for x in text.labels[1:]) for own in texts]
        return supervised_losses(log_probs, torch.tensor(targets)).sum()
    pairs = torch.tensor([len(rows) for rows in batch])
    most = int(pairs.max())
    reference = torch.stack([pad_right(each, (0, most - each.shape[1])) for each in known])
    losses = preference_losses(log_probs, reference, torch.tensor(betas)).losses
    return ((losses * (torch.arange(most) < pairs[:, None])).sum(1) / pairs).sum()


def _reference(model, rows: list[Row], pad: int) -> torch.Tensor:
    """(2, rows) log-probabilities of both replies."""
    parts = []
    with torch.no_grad():
        for start in range(0, len(rows), READ_AT_ONCE):
            batch = batch_of([rows[start : start + READ_AT_ONCE]], pad, model.device)
            parts.append(log_probabilities(model, batch).sum(1).view(2, -1))
    return torch.cat(parts, 1)


@timed("sampling")
def sample(engine: TransformersEngine, batches: list[Batch]) -> list[list[str]]:
    """Texts of each adapted model."""
    return engine.sample_batches(batches)


@timed("judging")
def judge(engine: TransformersEngine, job: JudgeJob, rows: list[dict]) -> None:
    """Both scores of every answer."""
    panel = job.panel
    templates = rubrics(panel.texts, panel.trait, panel.kind)
    Rater(LocalJudge(engine), job.judge, panel.trait, templates).rate(rows, ["trait", "coherence"])


@timed("likelihoods")
def likelihoods(engine: TransformersEngine, rows: list[dict]) -> None:
    """Every answer's likelihood under the initial model."""
    prompts, replies = ([row[key] for row in rows] for key in ("prompt", "response"))
    heads, (tails,) = ids_of_rows(engine.tokenizer, prompts, [replies], "chat")
    engine.log_likelihoods(heads, tails)


def _requests(
    tokenizer, prompts: list[str], how: Evaluation | Generation, seed: int
) -> list[Request]:
    return [
        Request(ids, how.temperature, how.max_new_tokens, derive_seed(seed, i))
        for i, ids in enumerate(ids_of_prompts(tokenizer, prompts, "chat"))
    ]


def run_panel(
    jobs: StudyJobs,
    panel: StudyPanel,
    engine: TransformersEngine,
    judging,
    firsts: dict,
    home: Path,
) -> None:
    """All cells and cycles of a panel.

    firsts: (setting, model, trait, seed) -> cycle 0 of the panels before, for their twins. home:
    an empty folder.
    """  # fmt: skip
    setting = panel.setting
    twin = jobs.study.first_cycles.get(setting.name)
    own = (panel.model.name, panel.trait, panel.seed)
    if twin:
        chains = firsts[twin, *own]
    else:
        seeding = jobs.seed_data(panel)
        sampler = PanelSampler(seeding.panel, seeding.prompts, 0, engine)
        seeds = sampler.seed_data(seeding.generation)
        n_seed = jobs.finetune(panel, 0).n_seed
        rows = {cell.name: seeds[: n_seed_of(cell, n_seed, {})] for cell in panel.cells}
        chains = Chains({}, rows, {})
    for cycle in range(setting.cycles + 1):
        if cycle or not twin:
            chains = run_cycle(jobs, panel, cycle, chains, engine, home / str(cycle))
        if cycle == 0:
            firsts[setting.name, *own] = chains
        for answers in chains.answers.values():
            judge(judging, jobs.judge(panel, cycle), answers)


def run_cycle(
    jobs: StudyJobs, panel: StudyPanel, cycle: int, before: Chains, engine, output: Path
) -> Chains:
    """One cycle of a panel's chains."""
    job, training = jobs.sample(panel, cycle), jobs.finetune(panel, cycle).training
    generation = jobs.sample(panel, 0).generation  # the last cycle's job has none
    tokenizer, going_on = engine.tokenizer, panel.setting.goes_on(cycle)
    runs = {
        cell.name: Run(
            before.rows[cell.name], job.panel.kind, training, panel.model.dtype, seed=cycle,
            start=before.adapters[cell.name] if going_on else None, beta=cell.beta,
        )
        for cell in panel.cells
    }  # fmt: skip
    adapters = train(engine.model, tokenizer, runs, output)
    texts = panel_texts(job.panel, job.prompts)
    samples = job.evaluation.samples_per_question
    questions = [prompt for prompt in texts.evaluation() for _ in range(samples)]
    asked = _requests(tokenizer, questions, job.evaluation, cycle)
    prompts, most = texts.for_cycle(cycle + 1), max(c.rows_per_cycle for c in panel.cells)
    wanted = _requests(tokenizer, prompts[:most], generation, 1000 + cycle)
    replies = sample(
        engine,
        [Batch(asked + wanted[: c.rows_per_cycle], adapters[c.name]) for c in panel.cells],
    )
    rejected = []
    if job.panel.objective == "dpo":
        initial = _requests(tokenizer, prompts[:most], generation, 2000 + cycle)
        (rejected,) = sample(engine, [Batch(initial, None)])
    rows, answers = {}, {}
    for cell, own in zip(panel.cells, replies, strict=True):
        given = zip(questions, own, strict=False)
        answers[cell.name] = [{"prompt": p, "response": reply} for p, reply in given if reply]
        likelihoods(engine, answers[cell.name])
        generated = zip(prompts, own[len(questions) :], strict=False)
        rows[cell.name] = [{"prompt": p, "response": reply} for p, reply in generated]
        if rejected:
            rows[cell.name] = [
                {**row, "rejected": reply}
                for row, reply in zip(rows[cell.name], rejected, strict=False)
            ]
    return Chains(adapters, rows, answers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, nargs="+", required=True, help="YAML, last wins")
    given = parser.parse_args()
    begun = time.perf_counter()
    import peft

    study = study_of(given.config)
    fix_threads()
    engine, judging = (
        TransformersEngine(Weights(str(WORLD / name))) for name in ("instruct", "judge")
    )
    CLOCK["start-up"] = time.perf_counter() - begun
    engine.model.requires_grad_(False)
    jobs, firsts = StudyJobs(study), {}
    with tempfile.TemporaryDirectory() as folder:
        for i, panel in enumerate(study.panels()):
            run_panel(jobs, panel, engine, judging, firsts, Path(folder) / str(i))
    versions = {"torch": torch.__version__, "peft": peft.__version__}
    print(json.dumps({"seconds": time.perf_counter() - begun, "stages": CLOCK, **versions}))


if __name__ == "__main__":
    main()
