"""The cycle-0 model of one objective, model and trait at any dose, on rows that no chain sees."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from idempotence.engine.hf import TransformersEngine
from idempotence.finetune.panel import train_cell
from idempotence.judge.back_ends import Judge
from idempotence.judge.score import rate_all
from idempotence.sampling.panel import PanelSampler


@dataclass(frozen=True)
class Scores:
    """Mean trait score and coherence, 0-100; a model that collapsed counts as 0."""

    trait: float
    coherence: float


class CycleZero:
    """Trains, samples and judges cycle-0 models.

    settings: those of `sample` and `finetune`, with `judge`; model: folder or hub name.
    """

    def __init__(self, settings: dict, model: str, judge: Judge):
        self.settings = settings
        about = settings["model"]
        self.engine = TransformersEngine(model, about["revision"], about["dtype"])
        self.judge = judge
        self.sampler = PanelSampler(settings, self.engine)
        self.rows = self.sampler.seed_data()

    def measure(self, name: str, n_seed: int, training: dict, beta: float | None = None) -> Scores:
        """Train on the first n_seed rows and judge the answers; `name` decides the random seed."""
        cell = {"name": name, "beta": beta}
        settings = {**self.settings, "cycle": 0, "cells": [cell], "training": training}
        with tempfile.TemporaryDirectory() as folder:
            self.engine.model = train_cell(
                settings, cell, self.engine.model, self.engine.tokenizer,
                self.rows[:n_seed], None, Path(folder) / name,
            )[0]  # fmt: skip
            self.sampler.settings = settings
            replies, _ = self.sampler.replies(Path(folder), last=True)
        spoken = [row for row in replies if row["status"] not in ("nan", "ended")]
        rated = rate_all(self.judge, settings, spoken, ["trait", "coherence"])
        means = []
        for ratings in rated.values():
            known = [rating.score for rating, _ in ratings if not rating.missing]
            means.append(round(sum(known) / len(known), 3) if known else 0.0)
        return Scores(*means)
