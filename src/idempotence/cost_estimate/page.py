"""The plan as people read it."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from idempotence.config.study import Study
from idempotence.cost_estimate.sizes import Size, Sizes
from idempotence.cost_estimate.steps import LONGEST, SAMPLING, TRAINING, Ways
from idempotence.cost_estimate.table import COSTS, TOTAL
from idempotence.cost_estimate.work import AMOUNTS, JUDGES
from idempotence.cost_estimate.writing import GENERATOR, RULE

AUDITED = "replies of an audit are not counted here"
FULL = "full speed"
LARGE = 100  # numbers from here on are shown without decimals


def page(study: Study, table: pd.DataFrame, sizes: Sizes, hours: Mapping[Ways, float]) -> str:
    """The totals, the table (see `plan_table`), and where the numbers come from.

    hours: of one device, for all ways of training and sampling; empty where nothing is trained.
    """
    total = table[table["rule"] == TOTAL].iloc[0]
    loop = table[table["model"] != ""]
    others = table[(table["model"] == "") & (table["rule"] != TOTAL)]
    parts = [
        f"Plan of the study {study.study}: its jobs, and about what they cost",
        "\n".join(f"  {name:<36}{value}" for name, value in _totals(study, total)),
        *([_four_ways(study, hours)] if hours else []),
        _shown(loop),
        f"Beside the loop, jobs of some seconds each: {_listed(others)}.",
        "Where the numbers come from:",
        "\n".join(f"- {line}" for line in _grounds(study, loop, sizes)),
    ]
    return "\n\n".join(parts) + "\n"


def _totals(study: Study, total: pd.Series) -> list[tuple[str, str]]:
    kept = "adapters kept, GB" if study.keep_adapters else "adapters, GB per panel under way"
    adapters = total["gb_adapters"] if study.keep_adapters else total["gb_temporary"]
    names = {
        "jobs": "jobs", "chains": "chains", "models": "models to train",
        "tokens_trained": "tokens to train", "tokens_sampled": "tokens to sample",
        "answers": "replies to judge", "judge_calls": "judge calls",
        "judge_tokens_in": "judge tokens in", "judge_tokens_out": "judge tokens out, at most",
    }  # fmt: skip
    if total["written"]:
        names |= {
            "written": "texts to be written for seed rows",
            "written_tokens_out": "tokens of these",
        }
    rows = [(shown, number(total[name])) for name, shown in names.items()]
    rows += [(kept, number(adapters)), ("texts and scores, GB", number(total["gb_text"]))]
    rows.append(("hours of one device", number(total["device_hours"])))
    if total["api_cost"] > 0:
        rows.append(("cost of models behind an API", number(total["api_cost"])))
    return rows


def number(value: float) -> str:
    """A number with three digits or more; "not known" for NaN."""
    if pd.isna(value):
        return "not known"
    return f"{value:,.0f}" if float(value).is_integer() or value >= LARGE else f"{value:.3g}"


def _four_ways(study: Study, hours: Mapping[Ways, float]) -> str:
    """Hours of one device with other ways of training and sampling, the config's own marked."""
    own = {setting.section.training.way for setting in study.settings}
    marked = {Ways(way, study.engine.backend) for way in own} if len(own) == 1 else set()
    rows = {
        f"training {way}": {
            f"sampling {engine}": number(hours[ways]) + (" *" if ways in marked else "  ")
            for engine in SAMPLING
            if (ways := Ways(way, engine)) in hours
        }
        for way in TRAINING
    }
    note = "* the config's own" if marked else "settings differ in training.way"
    shown = pd.DataFrame.from_dict(rows, orient="index").to_string()
    return f"Hours of one device, four ways ({note}):\n\n{shown}"


def _shown(loop: pd.DataFrame) -> str:
    """The loop's rules for each model, all settings together: counts, then costs.

    Columns of zeros are left out.
    """
    summed: dict[str, Any] = dict.fromkeys([*AMOUNTS, *COSTS], partial(pd.Series.sum, skipna=False))
    summed["gb_temporary"] = partial(pd.Series.max, skipna=False)
    rows = loop.groupby(["rule", "model"], sort=False).agg(summed)
    names = [name for name in summed if not (rows[name] == 0).all()]
    costs = [name for name in names if "tokens" in name or name in COSTS]
    return "\n\n".join(
        rows[part].map(number).reset_index().to_string(index=False)
        for part in ([name for name in names if name not in costs], costs)
    )


def _listed(others: pd.DataFrame) -> str:
    return ", ".join(
        f"{rule} {n}" if n > 1 else str(rule)
        for rule, n in zip(others["rule"], others["jobs"], strict=True)
    )


def _grounds(study: Study, loop: pd.DataFrame, sizes: Sizes) -> list[str]:
    """Every assumption, and where each number comes from."""
    rates, lines = study.rates, []
    for name in dict.fromkeys(name for name, _ in sizes.models):
        settings: dict[Size, list[str]] = {}
        for (model, setting), size in sizes.models.items():
            if model == name:
                settings.setdefault(size, []).append(setting)
        lines.append(
            f"{name}: {_parameters(next(iter(settings)))}; "
            f"tokens counted by {sizes.counted[name]}; "
            + "; ".join(f"{', '.join(group)}: {_adapter(size)}" for size, group in settings.items())
        )
    roles = loop["rule"].map({**JUDGES, RULE: GENERATOR}).fillna("judge")
    for role in sizes.sections:
        lines += _section(study, role, loop[roles == role], sizes)
    means = f"a reply has {rates.reply_tokens:g} tokens in the mean, a document "
    if study.audit.files:
        lines.append(f"{AUDITED}: a judge rates trait and coherence of each good row")
    return [
        *lines,
        means + f"{rates.document_tokens:g} (rates), or max_new_tokens if that is less",
        "prompts, seed rows and rubrics are measured, without the chat template's own tokens",
        *_utilisation(study),
        "calibrated doses: as if the score rose in proportion to the dose, to 100 at n_seed_max",
        "every reply counts as usable and new; empty, short and repeated ones cost less",
        "every chain counts to its last cycle; one that ends before costs less",
        "a generator's texts are as long as the written rows, and none is dropped",
        "left out: likelihoods under the initial model",
    ]


def _utilisation(study: Study) -> list[str]:
    """The model that hours are computed by, with its numbers."""
    rates, layer = study.rates, study.rates.layer_ms
    speeds = f"{rates.train:,g} to train, {rates.sample:,g} to sample, {rates.read:,g} to judge"
    training = f"{layer.one_by_one:g} ms per layer one by one (dpo: twice), stacked"
    training += f" {layer.stacked:g} and {layer.stacked_cell:g} for each cell"
    decoding = f"{layer.transformers:g} with transformers and {layer.transformers_cell:g} for each"
    decoding += f" cell in the batch, {layer.vllm:g} with vllm"
    reading = f"{rates.gigabytes_per_second:,g} GB/s (rates), training twice"
    longest = f"the longest of many replies has {LONGEST} times the mean tokens"
    return [
        f"seconds: steps x what a step takes however few its tokens, and tokens at {FULL}",
        f"{FULL}, tokens per second of one device for a billion parameters: {speeds} (rates)",
        f"a training step takes {training}; a decoding step {decoding} (rates.layer_ms)",
        f"each step also reads the weights, at {reading}",
        f"{longest}, or max_new_tokens if that is less",
        "cells with lora.dropout are trained one by one, calibrations sampled by transformers",
        f"a job's model is loaded in {rates.loading:g} s (rates)",
        "of several GPUs that a job holds one works at a time, with vllm all",
    ]


def _section(study: Study, role: str, own: pd.DataFrame, sizes: Sizes) -> list[str]:
    """Where the numbers of a judge or the generator come from, and whether its limits are too low.

    own: the rows of its rules.
    """
    model, counted = getattr(study, role), f"tokens counted by {sizes.counted[role]}"
    if model.backend == "local":
        return [f"{role}: {_parameters(sizes.sections[role])}; {counted}"]
    api, needed = model.api, own[["api_cost", "judge_calls", "written"]].sum()
    prices = f"{api.price_in:g} in, {api.price_out:g} out per million tokens ({role}.api)"
    limits = {
        "max_cost": needed["api_cost"],
        "max_calls": needed["judge_calls"] + needed["written"],
    }
    return [f"{role}, {model.path}: {counted}; prices {prices}"] + [
        f"THE STUDY WOULD STOP: {role}.api.{name} is {limit:g}, "
        f"and {number(limits[name])} is needed"
        for name, limit in api.model_dump(include=set(limits)).items()
        if limit is not None and limit < limits[name]
    ]


def _parameters(size: Size) -> str:
    if size.parameters is None:
        return "parameters not known: give them in the config (`parameters`), or hours stay empty"
    return f"{size.parameters / 1e9:.3g} billion parameters (from {size.parameters_from})"


def _adapter(size: Size) -> str:
    if size.adapter_bytes is None:
        return "an adapter of unknown size"
    return f"an adapter of {size.adapter_bytes / 1e6:.3g} MB (by {size.adapter_from})"
