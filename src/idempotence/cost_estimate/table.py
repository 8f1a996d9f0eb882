"""The plan of a study as a table: what each rule does, and its costs by the config's rates."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from idempotence.config.sections import JudgeSection, ModelSection
from idempotence.config.seeding import Generator
from idempotence.config.study import Study
from idempotence.cost_estimate.sizes import Size, Sizes
from idempotence.cost_estimate.steps import STEPS, Ways
from idempotence.cost_estimate.utilisation import (
    Model,
    reading_seconds,
    sampling_seconds,
    training_seconds,
)
from idempotence.cost_estimate.work import AMOUNTS, CALIBRATE, COPY, JUDGES
from idempotence.cost_estimate.writing import GENERATOR, RULE

KEY = ["rule", "setting", "model"]
COSTS = ["gb_adapters", "gb_temporary", "gb_text", "device_hours", "api_cost"]
COLUMNS = [*KEY, *AMOUNTS, *COSTS]
TOTAL = "total"
GB, MILLION, HOUR = 1e9, 1e6, 3600
BYTES = {"float32": 4, "bfloat16": 2}  # of a weight


def plan_table(
    study: Study,
    rows: Iterable[dict[str, Any]],
    counted: Mapping[str, int],
    sizes: Sizes,
    ways: Ways,
) -> pd.DataFrame:
    """One row per rule, setting and model, then one for each rule beside the loop, then the total.

    rows: `LoopWork.rows()`, with the same ways. counted: rule -> jobs of the whole study. Columns
    `COLUMNS`: amounts are sums over the jobs; gb_adapters are kept, gb_temporary is what one panel
    under way holds at a time (the total: the largest), gb_text is for replies and scores;
    device_hours are of one GPU or core, api_cost is by the prices of judges and generator. Costs
    are empty where a model's size is not known.
    """
    work = [*AMOUNTS, *STEPS]
    frame = pd.DataFrame(rows, columns=[*KEY, *work]).fillna(dict.fromkeys(work, 0))
    table = frame.groupby(KEY, sort=False, as_index=False)[work].sum()
    costs = pd.DataFrame([_costs(study, row, sizes, ways) for row in table.to_dict("records")])
    table = pd.concat([table, costs.reindex(columns=COSTS)], axis=1)
    others = [{"rule": rule, "setting": "", "model": "", "jobs": n}
              for rule, n in counted.items() if rule not in set(table["rule"])]  # fmt: skip
    table = pd.concat([table, pd.DataFrame(others)], ignore_index=True)[COLUMNS]
    table[AMOUNTS] = table[AMOUNTS].fillna(0)
    return pd.concat([table, _total(table)], ignore_index=True).astype(dict.fromkeys(AMOUNTS, int))


def _costs(study: Study, row: dict[Any, Any], sizes: Sizes, ways: Ways) -> dict[str, float]:
    """Disk, hours and money of one row."""
    if row["rule"] == RULE:
        return _writing(study, row, sizes, ways)
    rates, role, rule = study.rates, JUDGES.get(row["rule"], "judge"), row["rule"]
    judge, engine = getattr(study, role), ways.sampling or study.engine.backend
    size = next(s for (name, _), s in sizes.models.items() if name == row["model"])
    model = _model(size, next(m for m in study.models if m.name == row["model"]))
    if rule == CALIBRATE:  # takes turns with training, which vLLM's environment cannot do
        engine = "transformers"
    seconds = row["jobs"] * rates.loading * _devices(study, row, judge)
    seconds += training_seconds(rates, model, row)
    seconds += sampling_seconds(rates, model, engine, row, row["tokens_sampled"])
    money = 0.0
    if row["judge_calls"] and judge.backend == "local":
        reader = _model(sizes.sections[role], judge)
        seconds += reading_seconds(rates, reader, engine, row["judge_tokens_in"])
    elif row["judge_calls"]:
        prices = judge.api
        money = row["judge_tokens_in"] * prices.price_in
        money += row["judge_tokens_out"] * prices.price_out
    replies = row["answers"] + row["generated"] + row["rejected"]
    text = row["tokens_sampled"] * rates.characters_per_token + replies * rates.row_bytes
    return {
        **_adapters(study, row, sizes), "gb_text": text / GB,
        "device_hours": seconds / HOUR, "api_cost": money / MILLION,
    }  # fmt: skip


def _writing(study: Study, row: dict[Any, Any], sizes: Sizes, ways: Ways) -> dict[str, float]:
    """`_costs` of the generator of seed rows."""
    rates, generator = study.rates, study.generator
    tokens_in, tokens_out = row["written_tokens_in"], row["written_tokens_out"]
    seconds = money = 0.0
    if generator.backend == "local":
        model, engine = _model(sizes.sections[GENERATOR], generator), study.engine.backend
        engine = ways.sampling or engine
        seconds = row["jobs"] * rates.loading * model.devices
        seconds += reading_seconds(rates, model, engine, tokens_in)
        seconds += sampling_seconds(rates, model, engine, row, tokens_out)
    else:
        money = tokens_in * generator.api.price_in + tokens_out * generator.api.price_out
    text = (tokens_in + tokens_out) * rates.characters_per_token  # both are kept with the answers
    return {
        "gb_adapters": 0.0, "gb_temporary": 0.0, "gb_text": text / GB,
        "device_hours": seconds / HOUR, "api_cost": money / MILLION,
    }  # fmt: skip


def _model(size: Size, section: ModelSection | JudgeSection | Generator) -> Model:
    """A model on the devices that its section says; a judge's weights are not read in steps."""
    width = 0 if isinstance(section, JudgeSection) else BYTES[section.dtype]
    return Model(size.billions, size.depth, size.billions * width, max(1, section.gpus))


def _devices(study: Study, row: dict[Any, Any], judge: JudgeSection) -> int:
    """GPUs, or else cores, that a job holds; 0 for one that copies or waits for an endpoint."""
    if row["rule"].startswith(COPY):
        return 0
    judging = row["judge_calls"] and not row["tokens_sampled"]
    if judging and judge.backend != "local":
        return 0
    holder = judge if judging else next(m for m in study.models if m.name == row["model"])
    return max(1, holder.gpus)


def _adapters(study: Study, row: dict[Any, Any], sizes: Sizes) -> dict[str, float]:
    """Gigabytes of adapters, kept or at a time; those of a calibration are never kept."""
    held = row["models"] or row["chains"]  # the latter where cycle 0 is copied
    if not row["setting"] or not held:
        return {"gb_adapters": 0.0, "gb_temporary": 0.0}
    start = study.setting(row["setting"]).start
    each = (sizes.models[row["model"], row["setting"]].adapter_bytes or float("nan")) / GB
    if study.keep_adapters:
        return {"gb_adapters": held * each, "gb_temporary": 0.0}
    cells = row["models"] / row["jobs"]
    return {"gb_adapters": 0.0, "gb_temporary": cells * each * (2 if start == "previous" else 1)}


def _total(table: pd.DataFrame) -> pd.DataFrame:
    """The last row; empty where a part of it is."""
    loop = table[table["model"] != ""]
    total = {**table[AMOUNTS].sum(), **loop[COSTS].sum(skipna=False)}
    total["gb_temporary"] = loop["gb_temporary"].max(skipna=False)
    return pd.DataFrame([{"rule": TOTAL, "setting": "", "model": "", **total}])
