"""Cycle-0 models of one objective, model and trait at any dose, on rows that no chain sees."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from idempotence.doses import Cell
from idempotence.engine.hf import TransformersEngine
from idempotence.engine.models import Weights
from idempotence.finetune.panel import PanelTrainer
from idempotence.finetune.rows import CycleData
from idempotence.jobs.loop import FinetuneJob
from idempotence.jobs.parts import Training
from idempotence.jobs.preparation import CycleZero
from idempotence.judge.back_ends import Judge
from idempotence.judge.rater import Rater
from idempotence.sampling.panel import PanelSampler
from idempotence.texts.rubric import rubrics


@dataclass(frozen=True)
class Scores:
    """Mean trait score and coherence, 0-100; a model that collapsed counts as 0."""

    trait: float
    coherence: float


class SeededModels:
    """Trains, samples and judges cycle-0 models.

    model: folder or hub name of the initial model.
    """

    def __init__(self, job: CycleZero, model: str, judge: Judge):
        self.job, panel = job, job.panel
        about = panel.model
        weights = Weights(model, about.revision, about.dtype, about.chat_template_kwargs)
        self.engine = TransformersEngine(weights)
        self.sampler = PanelSampler(panel, job.prompts, 0, self.engine)
        self.data = CycleData(seed_rows=self.sampler.seed_data(job.generation))
        templates = rubrics(panel.texts, panel.trait, panel.kind)
        self.rater = Rater(judge, job.judge, panel.trait, templates)

    def measure(self, cell: Cell, training: Training) -> Scores:
        """Train on the first `cell.n_seed` rows and judge the answers.

        The cell's name decides the random seed. Raises `UserError` where there are fewer rows.
        """
        panel = replace(self.job.panel, cells=(cell,))
        job = FinetuneJob(panel, cycle=0, n_seed=cell.n_seed, training=training)
        trainer = PanelTrainer(job, self.data, self.engine.model, self.engine.tokenizer)
        sampler = PanelSampler(panel, self.job.prompts, 0, self.engine)
        with tempfile.TemporaryDirectory() as folder:
            trainer.train(Path(folder))
            answers = sampler.answers(Path(folder), self.job.evaluation)
        alive = [row for row in answers if row["status"] not in ("nan", "ended")]
        means = []
        for ratings in self.rater.rate(alive, ("trait", "coherence")).values():
            known = [rating.score for rating, _ in ratings if not rating.missing]
            means.append(round(sum(known) / len(known), 3) if known else 0.0)
        return Scores(*means)
