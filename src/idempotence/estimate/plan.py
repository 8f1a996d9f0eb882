"""From a config to its plan."""

from pathlib import Path

import pandas as pd

from idempotence.config.models import Study
from idempotence.estimate.lengths import Measured, counter
from idempotence.estimate.page import page
from idempotence.estimate.sizes import Size, local_folder, size_of
from idempotence.estimate.table import plan_table
from idempotence.estimate.work import Work
from idempotence.plan import Plan

JUDGE = "judge"


def estimate(study: Study, counted: dict[str, int], world: Path) -> tuple[pd.DataFrame, str]:
    """(the plan's table, the same for people).

    counted: rule -> jobs of the whole study; world: folder of the micro world's models.
    """
    panels = [] if study.scores_from else study.panels()
    used = sorted({(panel.model.name, panel.objective) for panel in panels})
    models = {model.name: model for model in study.models}
    rates, counts, how, sizes = study.rates, {}, {}, {}
    for name, objective in used:
        model = models[name]
        folder = local_folder(model.path, model.revision, world)
        counts[name], how[name] = counter(folder, rates.characters_a_token)
        lora = study.objective_config(objective).training.lora.model_dump()
        sizes[name, objective] = size_of(folder, model.parameters, lora, rates.lora)
    judge, judged = _judge(study, world)
    asked, how[JUDGE] = judged
    work = Work(study, Measured(Plan(study), counts, asked))
    table = plan_table(study, work.jobs() if panels else [], counted, sizes, judge)
    return table, page(study, table, sizes, how, judge)


def _judge(study: Study, world: Path) -> tuple[Size, tuple]:
    """(a local judge's size, how its tokens are counted)."""
    judge, rates = study.judge, study.rates
    folder = None
    if judge.backend == "local":
        folder = local_folder(judge.path, judge.revision, world)
    size = size_of(folder, judge.parameters, None, rates.lora)
    return size, counter(folder, rates.characters_a_token)
