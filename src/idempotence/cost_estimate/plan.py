"""From a config to its plan."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from idempotence.config.study import Study
from idempotence.cost_estimate.lengths import Count, MeasuredTexts, counter
from idempotence.cost_estimate.page import page
from idempotence.cost_estimate.sizes import Size, Sizes, local_folder, size_of
from idempotence.cost_estimate.steps import ALL_WAYS, Ways, rows_at_once
from idempotence.cost_estimate.table import plan_table
from idempotence.cost_estimate.work import JUDGES, LoopWork
from idempotence.cost_estimate.writing import GENERATOR, generated_for
from idempotence.workflow.study_jobs import StudyJobs


def estimate(study: Study, counted: Mapping[str, int], world: Path) -> tuple[pd.DataFrame, str]:
    """(the plan's table, the same as text).

    counted: rule -> jobs of the whole study. world: folder of the micro world's models.
    """
    jobs, sizes = StudyJobs(study), Sizes({}, {}, {})
    counts = _add_models(jobs, sizes, world) if study.trains else {}
    judges = _add_judges(study, sizes, world)
    if study.trains and generated_for(jobs):
        sizes.sections[GENERATOR], _, _ = _section(study, GENERATOR, world)
        sizes.counted[GENERATOR] = "the models that train on the rows"
    lengths = MeasuredTexts(counts, judges)

    at_once = {name: rows_at_once(size.billions) for (name, _), size in sizes.models.items()}

    def planned(ways: Ways) -> pd.DataFrame:
        rows = LoopWork(jobs, lengths, ways, at_once).rows() if study.trains else []
        return plan_table(study, rows, counted, sizes, ways)

    table = planned(Ways())
    hours = {ways: float(planned(ways)["device_hours"].iloc[-1]) for ways in ALL_WAYS}
    return table, page(study, table, sizes, hours if study.trains else {})


def _add_models(jobs: StudyJobs, sizes: Sizes, world: Path) -> dict[str, Count]:
    """Put each model's sizes into `sizes`; returns name of the model -> its tokens of a text."""
    rates, counts = jobs.study.rates, {}
    for panel in sorted(jobs.study.panels(), key=lambda panel: panel.model.name):
        model, setting = panel.model, panel.setting.name
        if (model.name, setting) in sizes.models:
            continue
        folder = local_folder(model.path, model.revision, world)
        if model.name not in counts:
            counts[model.name], sizes.counted[model.name] = counter(
                folder, rates.characters_per_token
            )
        lora = jobs.finetune(panel, 0).training.lora
        sizes.models[model.name, setting] = size_of(folder, model.parameters, lora, rates.lora)
    return counts


def _add_judges(study: Study, sizes: Sizes, world: Path) -> dict[str, Count]:
    """Put each judge's size into `sizes`; returns its section -> its tokens of a text."""
    counts = {}
    for role in JUDGES.values():
        if getattr(study, role):
            sizes.sections[role], counts[role], sizes.counted[role] = _section(study, role, world)
    return counts


def _section(study: Study, role: str, world: Path) -> tuple[Size, Count, str]:
    """(size of a local judge or generator, its tokens of a text, how they are counted)."""
    model, rates = getattr(study, role), study.rates
    folder = None
    if model.backend == "local":
        folder = local_folder(model.path, model.revision, world)
    size = size_of(folder, model.parameters, None, rates.lora)
    return size, *counter(folder, rates.characters_per_token)
