"""The arithmetic of a study and nothing else: one process, no Snakemake, no Trainer, no files.

Trains the same adapters on as many rows with the same hyper-parameters, samples and judges as many
replies, with the same decoder. What a workflow costs is measured against it.
"""

import argparse
import copy
import json
import time
from pathlib import Path

from common import ROOT, merged

from idempotence.config.grid import Panel
from idempotence.config.load import load_study
from idempotence.engine.base import Request
from idempotence.engine.decode import sample_tokens
from idempotence.engine.formatting import ids_of_completions, ids_of_prompts
from idempotence.engine.hf import TransformersEngine
from idempotence.engine.models import fix_threads
from idempotence.finetune.adapters import attach
from idempotence.finetune.data import preference_rows, supervised_rows
from idempotence.judge.local import LocalJudge
from idempotence.judge.score import rate_all
from idempotence.rng import derive_seed
from idempotence.sampling.panel import PanelSampler
from idempotence.texts import micro
from idempotence.workflow.study_jobs import Plan

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
def train(adapted, reference, rows, training, beta, pad) -> None:
    """A bare AdamW loop."""
    import torch

    weights = [p for p in adapted.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        weights, lr=training["learning_rate"], weight_decay=training["weight_decay"]
    )
    adapted.train()
    for start in range(0, len(rows), training["batch_size"]):
        batch = rows[start : start + training["batch_size"]]
        if beta is None:
            loss = _supervised_loss(adapted, batch, pad)
        else:
            loss = _preference_loss(adapted, reference, batch, pad, beta)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, training["max_grad_norm"])
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
def judge(engine: TransformersEngine, settings: dict, rows: list[dict]) -> None:
    """Both scores of every answer."""
    rate_all(LocalJudge(engine), settings, rows, ["trait", "coherence"])


@timed("likelihoods")
def likelihoods(engine: TransformersEngine, rows: list[dict]) -> None:
    """What the initial model thinks of every answer."""
    prompts, told = [row["prompt"] for row in rows], [row["response"] for row in rows]
    heads = ids_of_prompts(engine.tokenizer, prompts, "chat")
    tails = ids_of_completions(engine.tokenizer, prompts, told, "chat")
    engine.log_likelihoods(heads, tails)


def _requests(tokenizer, prompts: list[str], how: dict, seed: int) -> list[Request]:
    return [
        Request(ids, how["temperature"], how["max_new_tokens"], derive_seed(seed, i))
        for i, ids in enumerate(ids_of_prompts(tokenizer, prompts, "chat"))
    ]


def run_panel(plan: Plan, panel: Panel, cycles: int, engine, judging, firsts: dict) -> None:
    """All cells and cycles of a panel, in memory.

    firsts: what the first cycles of the panels before have made, for their twins.
    """
    twin, own = plan.twins().get(panel.setting), (panel.model.name, panel.trait, panel.seed)
    seeds = [] if twin else PanelSampler(plan.seed_data(panel), engine).seed_data()
    finetune = plan.finetune(panel, 0)
    for cell in panel.cells:
        rows, adapted = seeds[: cell.n_seed or finetune["objective_cells"]["n_seed"]], None
        for cycle in range(cycles + 1):
            if twin and cycle == 0:
                made = firsts[twin, *own, cell.name]
            else:
                made = run_cycle(plan, panel, cell, cycle, rows, adapted, engine)
            if cycle == 0:
                firsts[panel.setting, *own, cell.name] = copy.deepcopy(made)
            adapted, rows, answers = made
            judge(judging, plan.judge(panel, cycle), answers)


def run_cycle(plan: Plan, panel: Panel, cell, cycle: int, rows, before, engine):
    """One chain's cycle: returns (the adapted model, the next cycle's rows, answers to judge)."""
    settings, training = plan.sample(panel, cycle), plan.finetune(panel, cycle)["training"]
    tokenizer, pad = engine.tokenizer, engine.tokenizer.pad_token_id
    continual = before is not None and panel.start == "previous"
    adapted = before if continual else attach(copy.deepcopy(engine.model), training["lora"], None)
    reference = copy.deepcopy(before) if continual else engine.model
    if panel.objective == "dpo":
        train(
            adapted, reference, preference_rows(tokenizer, rows, "chat"), training, cell.beta, pad
        )
    else:
        encoded = supervised_rows(tokenizer, rows, "chat", training["max_length"])
        train(adapted, None, encoded, training, None, pad)
    merged = copy.deepcopy(adapted).merge_and_unload()
    sampler = PanelSampler(settings, engine)
    k = settings["evaluation"]["samples_per_question"]
    asked = [prompt for prompt in sampler.texts.evaluation() for _ in range(k)]
    prompts = sampler.texts.for_cycle(cycle + 1)[: cell.n_sampled or cell.pairs]
    requests = _requests(tokenizer, asked, settings["evaluation"], cycle)
    requests += _requests(tokenizer, prompts, settings["generation"], 1000 + cycle)
    texts = sample(merged, tokenizer, requests)
    answers = [{"prompt": p, "response": t} for p, t in zip(asked, texts, strict=False) if t]
    likelihoods(engine, answers)
    rows = [{"prompt": p, "response": t} for p, t in zip(prompts, texts[len(asked) :], strict=True)]
    if panel.objective == "dpo":
        initial = _requests(tokenizer, prompts, settings["generation"], 2000 + cycle)
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

    files = [str(path) for path in given.config]
    study = load_study(merged(given.config), files, micro.supply())
    fix_threads()
    engine, judging = (TransformersEngine(str(WORLD / name)) for name in ("instruct", "judge"))
    CLOCK["start-up"] = time.perf_counter() - begun
    plan, firsts = Plan(study), {}
    for panel in study.panels():
        run_panel(plan, panel, study.cycles, engine, judging, firsts)
    versions = {"torch": torch.__version__, "peft": peft.__version__}
    print(json.dumps({"seconds": time.perf_counter() - begun, "stages": CLOCK, **versions}))


if __name__ == "__main__":
    main()
