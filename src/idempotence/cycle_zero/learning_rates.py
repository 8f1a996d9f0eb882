"""Cycle-0 scores at several learning rates, on rows that no chain sees."""

from dataclasses import replace
from pathlib import Path

from idempotence.cycle_zero.models import SeededModels
from idempotence.doses import Cell
from idempotence.io import write_sealed
from idempotence.jobs.preparation import TryLearningRatesJob
from idempotence.judge.back_ends import Judge


def write_scores(job: TryLearningRatesJob, model: str, judge: Judge, output: Path) -> None:
    """Measure the cycle-0 model of one trait at every learning rate and beta.

    model: folder or hub name of the initial model. output: JSON with the objective, trait, target,
    min_coherence, the model's name, and rows of learning_rate, beta, trait_score and coherence.
    """
    models, panel = SeededModels(job.cycle_zero, model, judge), job.cycle_zero.panel
    rows = []
    for rate in job.learning_rates:
        training = replace(job.cycle_zero.training, learning_rate=rate)
        for beta in job.betas:
            cell = Cell(f"rate{rate:g}_beta{beta}", n_seed=job.n_seed, beta=beta)
            scores = models.measure(cell, training)
            rows.append(
                {
                    "learning_rate": rate, "beta": beta,
                    "trait_score": scores.trait, "coherence": scores.coherence,
                }
            )  # fmt: skip
    about = {
        "objective": panel.objective,
        "trait": panel.trait,
        "target": job.target,
        "min_coherence": job.min_coherence,
        "model": panel.model.name,
    }
    write_sealed(output, {**about, "rows": rows})
