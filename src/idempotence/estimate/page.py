"""The plan as people read it."""

from functools import partial

import pandas as pd

from idempotence.config.models import Study
from idempotence.estimate.sizes import Size
from idempotence.estimate.table import COSTS, TOTAL
from idempotence.estimate.work import AMOUNTS

WHOLE = 100  # numbers from here on are shown without decimals


def page(
    study: Study, table: pd.DataFrame, sizes: dict[tuple[str, str], Size], counted: dict[str, str],
    judge: Size,
) -> str:  # fmt: skip
    """The totals, the table, and what the numbers rest on.

    table: see `plan_table`; sizes: (model name, objective) -> `Size`; counted: model name, or
    "judge", -> how its tokens are counted; judge: the size of a local one.
    """
    total = table[table["rule"] == TOTAL].iloc[0]
    loop, others = (
        table[table["model"] != ""],
        table[(table["model"] == "") & (table["rule"] != TOTAL)],
    )
    parts = [
        f"Plan of the study {study.study}: what will be done, and about what it costs",
        "\n".join(f"  {name:<32}{value}" for name, value in _totals(study, total)),
        _shown(loop),
        f"Beside the loop, seconds a job: {_listed(others)}.",
        "What the numbers rest on:",
        "\n".join(f"- {line}" for line in _grounds(study, sizes, counted, judge, total)),
    ]
    return "\n\n".join(parts) + "\n"


def _totals(study: Study, total: pd.Series) -> list[tuple[str, str]]:
    kept = "adapters kept, GB" if study.keep_adapters else "adapters, GB a panel under way"
    adapters = total["gb_adapters"] if study.keep_adapters else total["gb_temporary"]
    names = {
        "jobs": "jobs", "chains": "chains", "models": "models to train",
        "tokens_trained": "tokens to train", "tokens_sampled": "tokens to sample",
        "answers": "replies to judge", "judge_calls": "judge calls",
        "judge_tokens_in": "judge tokens in", "judge_tokens_out": "judge tokens out, at most",
    }  # fmt: skip
    rows = [(shown, number(total[name])) for name, shown in names.items()]
    rows += [(kept, number(adapters)), ("texts and scores, GB", number(total["gb_text"]))]
    rows.append(("hours of one device", number(total["device_hours"])))
    if study.judge.backend == "openai":
        rows.append(("cost of the judge's API", number(total["api_cost"])))
    return rows


def number(value: float) -> str:
    """A number with three digits or more; "not known" for NaN."""
    if pd.isna(value):
        return "not known"
    return f"{value:,.0f}" if float(value).is_integer() or value >= WHOLE else f"{value:.3g}"


def _shown(loop: pd.DataFrame) -> str:
    """The loop's rules for each model, settings together, as counts and as costs; no empty columns."""
    summed = dict.fromkeys([*AMOUNTS, *COSTS], partial(pd.Series.sum, skipna=False))
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
        f"{row.rule} {row.jobs}" if row.jobs > 1 else row.rule for row in others.itertuples()
    )


def _grounds(
    study: Study, sizes: dict[tuple[str, str], Size], counted: dict[str, str], judge: Size,
    total: pd.Series,
) -> list[str]:  # fmt: skip
    """Every assumption, and where each number comes from."""
    rates, lines = study.rates, []
    for name in dict.fromkeys(name for name, _ in sizes):
        own = {objective: size for (model, objective), size in sizes.items() if model == name}
        lines.append(
            f"{name}: {_parameters(next(iter(own.values())))}; tokens counted by {counted[name]}; "
            + ", ".join(f"{objective}: {_adapter(size)}" for objective, size in own.items())
        )
    if study.judge.backend == "local":
        lines.append(f"judge: {_parameters(judge)}; tokens counted by {counted['judge']}")
    else:
        api = study.judge.api
        lines.append(
            f"judge {study.judge.path}: tokens counted by {counted['judge']}; prices "
            f"{api.price_in:g} in, {api.price_out:g} out a million tokens (judge.api)"
        )
        limits = {"max_cost": total["api_cost"], "max_calls": total["judge_calls"]}
        lines += [
            f"THE STUDY WOULD STOP: judge.api.{name} is {getattr(api, name):g}, below what is needed"
            for name, needed in limits.items()
            if getattr(api, name) is not None and getattr(api, name) < needed
        ]
    means = f"a reply has {rates.reply_tokens:g} tokens in the mean, a document "
    speeds = f"{rates.train:,g} to train, {rates.sample:,g} to sample, {rates.read:,g} to judge"
    return [
        *lines,
        means + f"{rates.document_tokens:g} (rates), or max_new_tokens if that is less",
        "prompts, seed rows and rubrics are measured, without the chat template's own tokens",
        f"tokens a second of one device, for a billion parameters: {speeds} (rates)",
        f"a job takes {rates.start:g} s to start (rates); all GPUs of a job are taken to work at once",
        "calibrated doses: as if the score rose in proportion to the dose, to 100 at n_seed_max",
        "every reply counts as usable and new: empty, short, repeated ones and ended chains cost less",
        "left out: likelihoods of the replies under the initial model",
    ]


def _parameters(size: Size) -> str:
    if size.parameters is None:
        return "parameters not known: give them in the config (`parameters`), or hours stay empty"
    return f"{size.parameters / 1e9:.3g} billion parameters (from {size.parameters_from})"


def _adapter(size: Size) -> str:
    if size.adapter is None:
        return "an adapter of unknown size"
    return f"an adapter of {size.adapter_bytes / 1e6:.3g} MB (by {size.adapter_from})"
