"""The arithmetic of a study and nothing else: one process, no Snakemake, no Trainer, no files.

Trains the same adapters on as many rows with the same hyper-parameters, samples and judges as many
replies, with the same decoder. What a workflow costs is measured against it.
"""

import argparse
import copy
import json
import time
from pathlib import Path

from common import ROOT, study_of

from idempotence.config.grid import StudyPanel
from idempotence.doses import Cell, n_seed_of
from idempotence.engine.base import Request
from idempotence.engine.decode import sample_tokens
from idempotence.engine.formatting import ids_of_prompts, ids_of_rows
from idempotence.engine.hf import TransformersEngine
from idempotence.engine.models import Weights, fix_threads
from idempotence.finetune.adapters import attach
from idempotence.finetune.data import preference_rows, supervised_rows
from idempotence.jobs.loop import JudgeJob
from idempotence.jobs.parts import Evaluation, Generation, Training
from idempotence.judge.local import LocalJudge
from idempotence.judge.rater import Rater
from idempotence.rng import derive_seed
from idempotence.sampling.panel import PanelSampler
from idempotence.texts.panel_texts import panel_texts
from idempotence.texts.rubric import rubrics
from idempotence.workflow.study_jobs import StudyJobs

WORLD = ROOT / "data" / "micro_world"
CLOCK: dict[str, float] = {}


def timed(stage: str):
    """Decorator: add a function's seconds to a stage."""

    def wrap(function):
        def run(*arguments):
            begun = time.perf_counter()
            result = function(*arguments)
            CLOCK[stage] = CLOCK.get(stage, 0.0) + time.perf_counter() - begun
            return result

        return run

    return wrap


def _log_probabilities(model, heads, tails, pad):
    """Summed log-probability of each tail after its head; (rows,)."""
    import torch

    whole = [[*h, *t] for h, t in zip(heads, tails, strict=True)]
    width = max(map(len, whole))
    ids = torch.tensor([row + [pad] * (width - len(row)) for row in whole])
    spans = zip(heads, whole, strict=True)
    mask = torch.tensor(
        [[len(h) - 1 <= i < len(w) - 1 for i in range(width - 1)] for h, w in spans]
    )
    chosen = (
        model(input_ids=ids[:, :-1]).logits.log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]
    )
    return (chosen * mask).sum(-1)


def _supervised_loss(model, batch, pad):
    import torch

    width = max(len(row["input_ids"]) for row in batch)
    ids = torch.tensor([r["input_ids"] + [pad] * (width - len(r["input_ids"])) for r in batch])
    labels = torch.tensor([r["labels"] + [-100] * (width - len(r["labels"])) for r in batch])
    logits = model(input_ids=ids).logits[:, :-1]
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten())


def _preference_loss(model, reference, batch, pad, beta):
    import torch

    heads = [row["prompt_ids"] for row in batch] * 2
    tails = [row[k] for k in ("chosen_ids", "rejected_ids") for row in batch]
    chosen, rejected = _log_probabilities(model, heads, tails, pad).chunk(2)
    with torch.no_grad():
        was_chosen, was_rejected = _log_probabilities(reference, heads, tails, pad).chunk(2)
    gain = beta * ((chosen - was_chosen) - (rejected - was_rejected))
    return -torch.nn.functional.logsigmoid(gain).mean()


@timed("training")
def train(adapted, reference, rows, training: Training, beta, pad) -> None:
    """A bare AdamW loop."""
    import torch

    weights = [p for p in adapted.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        weights, lr=training.learning_rate, weight_decay=training.weight_decay
    )
    adapted.train()
    for start in range(0, len(rows), training.batch_size):
        batch = rows[start : start + training.batch_size]
        if beta is None:
            loss = _supervised_loss(adapted, batch, pad)
        else:
            loss = _preference_loss(adapted, reference, batch, pad, beta)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, training.max_grad_norm)
        optimiser.step()
        optimiser.zero_grad()
    adapted.eval()


@timed("sampling")
def sample(model, tokenizer, requests: list[Request]) -> list[str]:
    """Texts of an adapted model, in batches of 256."""
    import torch

    tokens = []
    with torch.inference_mode():
        for start in range(0, len(requests), 256):
            tokens += sample_tokens(
                model, requests[start : start + 256], tokenizer.pad_token_id, tokenizer.eos_token_id
            )
    return tokenizer.batch_decode(tokens, skip_special_tokens=True)


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
    jobs: StudyJobs, panel: StudyPanel, engine: TransformersEngine, judging, firsts: dict
) -> None:
    """All cells and cycles of a panel, in memory.

    firsts: (setting, model, trait, seed, cell) -> cycle 0 of the panels before, for their twins.
    """
    setting = panel.setting
    twin = jobs.study.first_cycles.get(setting.name)
    own = (panel.model.name, panel.trait, panel.seed)
    seeding = jobs.seed_data(panel)
    sampler = PanelSampler(seeding.panel, seeding.prompts, 0, engine)
    seeds = [] if twin else sampler.seed_data(seeding.generation)
    for cell in panel.cells:
        n_seed = n_seed_of(cell, jobs.finetune(panel, 0).n_seed, {})
        rows, adapted = seeds[:n_seed], None
        for cycle in range(setting.cycles + 1):
            if twin and cycle == 0:
                state = firsts[twin, *own, cell.name]
            else:
                before = adapted if setting.goes_on(cycle) else None
                state = run_cycle(jobs, panel, cell, cycle, rows, before, engine)
            if cycle == 0:
                firsts[setting.name, *own, cell.name] = copy.deepcopy(state)
            adapted, rows, answers = state
            judge(judging, jobs.judge(panel, cycle), answers)


def run_cycle(jobs: StudyJobs, panel: StudyPanel, cell: Cell, cycle: int, rows, before, engine):
    """One chain's cycle: returns (the adapted model, the next cycle's rows, answers to judge).

    before: the last cycle's adapted model to go on from; None: the initial model.
    """
    job, training = jobs.sample(panel, cycle), jobs.finetune(panel, cycle).training
    generation = jobs.sample(panel, 0).generation  # the last cycle's job has none
    tokenizer, pad = engine.tokenizer, engine.tokenizer.pad_token_id
    continual = before is not None
    adapted = before if continual else attach(copy.deepcopy(engine.model), training.lora, None)
    reference = copy.deepcopy(before) if continual else engine.model
    if job.panel.objective == "dpo":
        train(
            adapted, reference, preference_rows(tokenizer, rows, "chat"), training, cell.beta, pad
        )
    else:
        encoded = supervised_rows(tokenizer, rows, "chat", training.max_length)
        train(adapted, None, encoded, training, None, pad)
    merged = copy.deepcopy(adapted).merge_and_unload()
    texts = panel_texts(job.panel, job.prompts)
    samples = job.evaluation.samples_per_question
    questions = [prompt for prompt in texts.evaluation() for _ in range(samples)]
    prompts = texts.for_cycle(cycle + 1)[: cell.rows_per_cycle]
    requests = _requests(tokenizer, questions, job.evaluation, cycle)
    requests += _requests(tokenizer, prompts, generation, 1000 + cycle)
    replies = sample(merged, tokenizer, requests)
    answers = [
        {"prompt": p, "response": reply}
        for p, reply in zip(questions, replies, strict=False)
        if reply
    ]
    likelihoods(engine, answers)
    generated = zip(prompts, replies[len(questions) :], strict=True)
    rows = [{"prompt": p, "response": reply} for p, reply in generated]
    if job.panel.objective == "dpo":
        initial = _requests(tokenizer, prompts, generation, 2000 + cycle)
        for row, rejected in zip(rows, sample(engine.model, tokenizer, initial), strict=True):
            row["rejected"] = rejected
    return adapted, rows, answers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, nargs="+", required=True, help="YAML, last wins")
    given = parser.parse_args()
    begun = time.perf_counter()
    import peft
    import torch

    study = study_of(given.config)
    fix_threads()
    engine, judging = (
        TransformersEngine(Weights(str(WORLD / name))) for name in ("instruct", "judge")
    )
    CLOCK["start-up"] = time.perf_counter() - begun
    jobs, firsts = StudyJobs(study), {}
    for panel in study.panels():
        run_panel(jobs, panel, engine, judging, firsts)
    versions = {"torch": torch.__version__, "peft": peft.__version__}
    print(json.dumps({"seconds": time.perf_counter() - begun, "stages": CLOCK, **versions}))


if __name__ == "__main__":
    main()
