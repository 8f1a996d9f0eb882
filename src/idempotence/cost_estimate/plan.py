"""From a config to its plan."""

from functools import partial
from pathlib import Path

import pandas as pd

from idempotence.config.study import Study
from idempotence.cost_estimate.lengths import Measured, counter
from idempotence.cost_estimate.page import page
from idempotence.cost_estimate.sizes import Size, Sizes, local_folder, size_of
from idempotence.cost_estimate.table import plan_table
from idempotence.cost_estimate.work import JUDGES, Work
from idempotence.cost_estimate.writing import GENERATOR, generated_for
from idempotence.workflow.study_jobs import Plan


def estimate(study: Study, counted: dict[str, int], world: Path) -> tuple[pd.DataFrame, str]:
    """(the plan's table, the same for people).

    counted: rule -> jobs of the whole study; world: folder of the micro world's models.
    """
    panels = study.panels() if study.trains else []
    used = sorted({(panel.model.name, panel.objective) for panel in panels})
    models = {model.name: model for model in study.models}
    rates, counts, sizes = study.rates, {}, Sizes({}, {}, {})
    for name, objective in used:
        model = models[name]
        folder = local_folder(model.path, model.revision, world)
        counts[name], sizes.counted[name] = counter(folder, rates.characters_a_token)
        lora = study.objective_config(objective).training.lora.model_dump()
        sizes.models[name, objective] = size_of(folder, model.parameters, lora, rates.lora)
    asked = {}
    for role in filter(partial(getattr, study), JUDGES.values()):
        sizes.sections[role], (asked[role], sizes.counted[role]) = _asked(study, role, world)
    plan = Plan(study)
    if panels and generated_for(study, plan):
        sizes.sections[GENERATOR], _ = _asked(study, GENERATOR, world)
        sizes.counted[GENERATOR] = "the models that train on the rows"
    work = Work(study, Measured(plan, counts, asked))
    table = plan_table(study, work.jobs() if panels else [], counted, sizes)
    return table, page(study, table, sizes)


def _asked(study: Study, role: str, world: Path) -> tuple[Size, tuple]:
    """(size of a local judge or generator, how its tokens are counted)."""
    model, rates = getattr(study, role), study.rates
    folder = None
    if model.backend == "local":
        folder = local_folder(model.path, model.revision, world)
    size = size_of(folder, model.parameters, None, rates.lora)
    return size, counter(folder, rates.characters_a_token)
