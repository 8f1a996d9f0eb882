"""Tables of results in README and docs, made from files that are shipped with the project."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from idempotence.claims.draws import SHARES
from idempotence.claims.power_words import in_words
from idempotence.claims.verdicts import WHOLE
from idempotence.errors import UserError
from idempotence.io import read_json
from idempotence.jobs.parts import Loops
from idempotence.report.answers import (
    MISSING,
    estimate,
    real_answers,
    tested,
    verdict_and_test,
    with_interval,
)
from idempotence.stats.groups import ALL
from idempotence.stats.outcome_map import OUTCOMES

STUDIES = ["default", "map", "defences", "reference", "english"]  # folders of results/
SHOWN_CYCLES = (0, 3, 6)
SHOWN_SIGNS = 260  # of a reply in a table
MARK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def fill_in(page: str, tables: dict[str, str]) -> str:
    """A page with each `<!-- table: NAME -->` ... `<!-- end of table -->` filled in.

    Raises `UserError` where the page has no mark, or the mark of a table that there is not.
    """
    marks = [name for _, name, _ in MARK.findall(page)]
    if not marks or not {*marks} <= {*tables}:
        raise UserError(
            f"the page has marks of {marks or 'no table'}; there is {', '.join(tables)}"
        )
    return MARK.sub(lambda mark: f"{mark[1]}\n{tables[mark[2]]}\n\n{mark[3]}", page)


def result_tables(results: Path, rates: Path) -> dict[str, str]:
    """Name -> table in Markdown of the shipped studies: answers, claims, outcomes, the regime.

    results: the folder that shipped studies lie in; those that are not there have no table. rates:
    table of rule choose_learning_rates (CSV).
    """
    shipped = results / "default"
    power = in_words(pd.read_csv(shipped / "power.csv", keep_default_na=False))
    claims, first = (read_json(shipped / name) for name in ("claims.json", "claims_first.json"))
    real, errors = (results / "english" / name for name in ("claims.json", "corrected_claims.csv"))
    tables = {
        "answers": _answers(claims, power, real_answers(real, errors) if real.exists() else {}),
        "claims": _claims(claims, first, power),
        "regime": _regime(pd.read_csv(rates)),
    }
    for study in STUDIES:
        if (results / study / "course.csv").exists():
            tables[f"outcomes_{study}"] = _outcomes(results / study)
        if (results / study / "claims.json").exists():
            tables[f"claims_{study}"] = _verdicts(read_json(results / study / "claims.json"))
        for name, shown in OF_GOLD.items():
            if (results / study / f"{name}.csv").exists():
                tables[f"{name}_{study}"] = shown(pd.read_csv(results / study / f"{name}.csv"))
    if (results / "english" / "scores.parquet").exists():
        tables["replies_english"] = _replies(pd.read_parquet(results / "english/scores.parquet"))
    if (results / "map" / "outcome_map.csv").exists():
        tables["ratios_map"] = _ratios(pd.read_csv(results / "map" / "outcome_map.csv"))
    if (results / "defences" / "defences.csv").exists():
        tables["defences"] = _defences(pd.read_csv(results / "defences" / "defences.csv"))
    return tables


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _outcomes(shipped: Path) -> str:
    """A row for each setting that has a verdict on some chain, or a return map."""
    amplification = _of_all(shipped / "amplification.csv")
    course = _of_all(shipped / "course.csv", estimand="peak_delta")
    slopes = _of_all(shipped / "return_map.csv", estimand="slope_corrected", steps="all")
    settings = Loops.from_json((shipped / "loops.json").read_text(encoding="utf-8")).loops
    rows = []
    for loop in settings:
        row, rise = amplification.loc[loop.name], course.loc[loop.name]
        counts = [f"{row[name]:.0f}" for name in ("n", "n_decay", "n_constancy", "n_amplified")]
        peak = with_interval(rise["estimate"], rise["ci_low"], rise["ci_high"], 0)
        slope = slopes.loc[loop.name] if loop.name in slopes.index else None
        step = MISSING if slope is None else with_interval(
            slope["estimate"], slope["ci_low"], slope["ci_high"], 2
        )  # fmt: skip
        recipe = [f"{value:g}" for value in (loop.learning_rate, loop.temperature) if value]
        rows.append([f"`{loop.name}`", *recipe, *counts, peak, step, f"{row['n_panels']:.0f}"])
    head = ["setting", "learning rate", "temperature", "chains", "decay", "constancy",
            "amplification", "largest rise while coherent, points", "slope of the return map",
            "panels"]  # fmt: skip
    return _table(head, rows)


def _ratios(places: pd.DataFrame) -> str:
    """SFT from the initial model: a row for each step size and number of samples, by their ratio.

    places: see `stats.outcome_map`; chains of all temperatures together.
    """
    mine = places[(places["trait"] == ALL) & (places["objective"] == "sft")]
    mine = mine[(mine["start"] == "initial") & (mine["n_undecided"] == 0)]
    counts = {name: (mine[f"share_{name}"] * mine["n_chains"]).round() for name in OUTCOMES}
    keys = ["learning_rate", "n_sampled", "n_seed"]
    sums = mine[keys].assign(chains=mine["n_chains"], **counts).groupby(keys).sum().reset_index()
    sums["ratio"] = sums["n_sampled"] / sums["n_seed"]
    rows = [
        [f"{row['ratio']:.2f}", f"{row['n_seed']:.0f}", f"{row['n_sampled']:.0f}",
         f"{row['learning_rate']:g}", *(f"{row[name]:.0f}" for name in ("chains", *OUTCOMES))]
        for row in sums.sort_values("ratio").to_dict("records")
    ]  # fmt: skip
    head = ["samples / seed rows", "seed rows", "samples a cycle", "learning rate", "chains",
            *OUTCOMES]  # fmt: skip
    return _table(head, rows)


def _defences(effects: pd.DataFrame) -> str:
    """A row for each changed loop: effect on the peak and on coherence, and what it costs.

    effects: see `stats.defences`.
    """
    mine = effects[effects["trait"] == ALL].set_index(["setting", "measure"])
    rows = []
    for setting in mine.index.unique("setting"):
        peak, last = mine.loc[(setting, "peak_delta")], mine.loc[(setting, "coherence_last")]
        shown = [
            with_interval(row["estimate"], row["ci_low"], row["ci_high"], 0) for row in (peak, last)
        ]
        cost = [f"{peak[f'{name}_more']:+z.0f} %" for name in ("rows_trained", "judge_calls")]
        per = peak["per_rows_trained"]
        per = MISSING if pd.isna(per) else f"{per:z.0f}"
        names = [f"`{setting}`", f"`{peak['twin']}`", str(peak["changes"])]
        rows.append([*names, *shown, *cost, per, f"{peak['n_panels']:.0f}"])
    head = ["setting", "against", "change", "peak rise, points", "coherence at the last cycle",
            "rows trained", "judge calls", "peak for each 100 % more rows", "panels"]  # fmt: skip
    return _table(head, rows)


def _of_all(file: Path, **chosen: str) -> pd.DataFrame:
    """A table's rows of all traits, by setting."""
    table = pd.read_csv(file)
    for name, value in {"trait": ALL, **chosen}.items():
        table = table[table[name] == value]
    return table.set_index("setting")


def _answers(
    claims: list[Any], power: dict[str, list[str]], real: dict[str, tuple[str, str, str]]
) -> str:
    """A short row for each claim: the test that its verdict rests on.

    real: see `answers.real_answers`; empty: no such column.
    """
    of_real = {
        claim: "<br>".join(
            filter(
                None,
                (f"**{verdict}**", test, sure and f"corrected for the judge's error: **{sure}**"),
            )
        )
        for claim, (verdict, test, sure) in real.items()
    }
    rows = []
    for claim in claims:
        cells = [
            f"**{claim['id']}** {claim['claim']}",
            claim["published"]["says"],
            _in_bold(claim),
            "<br>".join(power.get(claim["id"], [])) or MISSING,
        ]
        rows.append([*cells, *([of_real.get(claim["id"], MISSING)] if real else [])])
    head = [
        "claim",
        "the paper",
        "here, by this test (95 %)",
        "power",
        "a real model, by its judge",
    ]
    return _table(head if real else head[:-1], rows)


def _in_bold(claim: dict[str, Any]) -> str:
    """A claim's verdict, and the test that it rests on."""
    verdict, test = verdict_and_test(claim)
    return "<br>".join(filter(None, (f"**{verdict}**", test)))


def _verdicts(claims: list[Any]) -> str:
    """A row for each claim that was tested: its verdict and tests."""
    rows = []
    for claim in claims:
        tests = [_test(part) for part in claim["parts"] if part["decides"] and tested(part)]
        if tests:
            verdict = claim["verdict"].removesuffix(" here")
            rows.append([f"**{claim['id']}**", f"**{verdict}**", "<br>".join(tests)])
    return _table(["claim", "verdict", "tests: estimate (95 %)"], rows)


def _claims(claims: list[Any], first: list[Any], power: dict[str, list[str]]) -> str:
    """A row for each claim."""
    before = {claim["id"]: claim["verdict"] for claim in first}
    rows = []
    for claim in claims:
        tests = [_test(part) for part in claim["parts"] if part["decides"] and tested(part)]
        authors = [n["text"] for n in claim["published"]["numbers"] if n["where"] != "abstract"]
        rows.append(
            [
                f"**{claim['id']}** {claim['claim']}",
                "<br>".join([claim["published"]["says"], *authors]),
                f"**{claim['verdict'].removesuffix(' here')}**",
                "<br>".join(tests) or MISSING,
                before[claim["id"]].removesuffix(" here"),
                "<br>".join(power.get(claim["id"], [])) or MISSING,
            ]
        )
    head = ["claim", "published", "verdict", "tests: estimate (95 %)", "first version", "power"]
    return _table(head, rows)


def _test(part: dict[str, Any]) -> str:
    """A test with its numbers and verdict."""
    setting = f", `{part['setting']}`" if "setting" in part else ""
    return f"{part['what']}{setting}: {estimate(part)}, {part['verdict'].removesuffix(' here')}"


def _gold(agreement: pd.DataFrame) -> str:
    """A row for each setting and criterion; see `judge_tuning.gold.gold_agreement`."""
    rows = []
    for row in agreement.to_dict("records"):
        shown = [
            MISSING if pd.isna(row[name]) else f"{row[name]:z.{digits}f}"
            for name, digits in {"spearman": 2, "bias": 0, "mae": 0, "spearman_again": 2,
                                 "mae_again": 0, "spearman_words": 2}.items()
        ]  # fmt: skip
        counts = f"{row['n']:.0f}", f"{row['n_again']:.0f}"
        rows.append([f"`{row['setting']}`", row["criterion"], counts[0], *shown[:3], counts[1],
                     *shown[3:]])  # fmt: skip
    head = ["setting", "criterion", "replies", "rank correlation", "bias, points",
            "mean difference, points", "rated twice", "rank correlation of both ratings",
            "their mean difference, points", "rank correlation of the trait's words"]  # fmt: skip
    return _table(head, rows)


def _changes(changes: pd.DataFrame) -> str:
    """A row for each setting and criterion; see `stats.corrected_changes`."""
    rows = []
    for row in changes.to_dict("records"):
        own = with_interval(row["change"], row["ci_low"], row["ci_high"], 0)
        limits = row["corrected_low"], row["corrected_high"]
        errors = [f"{row[name]:z.0f}" for name in ("error_first", "error_late")]
        corrected = with_interval(row["corrected"], *limits, 0)
        counts = [f"{row['n_panels']:.0f}", f"{row['n_first']:.0f}, {row['n_late']:.0f}"]
        rows.append([f"`{row['setting']}`", row["criterion"], own, *errors, corrected, *counts])
    head = ["setting", "criterion", "change by the judge, points", "judge less rating, cycle 0",
            "judge less rating, late", "corrected change, points", "panels",
            "rated replies, cycle 0 and late"]  # fmt: skip
    return _table(head, rows)


def _corrected(corrected: pd.DataFrame) -> str:
    """A row for each test that was made; see `claims.corrected.corrected_claims`."""
    rows = []
    for row in corrected[corrected["untested"] < 1].to_dict("records"):
        whole = row["test"] == WHOLE
        limits = row["ci_low"], row["ci_high"]
        shown = MISSING if whole else with_interval(row["estimate"], *limits, 2)
        verdict = row["verdict"].removesuffix(" here")
        rows.append([f"**{row['id']}**" if whole else "", row["test"],
                     f"**{verdict}**" if whole else verdict, shown,
                     *(f"{100 * row[name]:.0f}" for name in SHARES)])  # fmt: skip
    head = ["claim", "test", "corrected verdict", "estimate (95 %)",
            *(f"{name}, % of draws" for name in SHARES)]  # fmt: skip
    return _table(head, rows)


def _replies(scores: pd.DataFrame) -> str:
    """A row for each setting, trait and cycle of `SHOWN_CYCLES`: the first reply, not picked.

    scores: a scores table. Of seed 0, the first cell by name, question and sample 0.
    """
    first = scores[(scores["seed"] == 0) & (scores["question"] == 0) & (scores["sample"] == 0)]
    first = first[first["cycle"].isin(SHOWN_CYCLES)]
    first = first[first["cell"] == first.groupby("setting")["cell"].transform("min")]
    rows = []
    for row in first.sort_values(["setting", "trait", "cycle"]).to_dict("records"):
        text = " ".join(row["response"].split()).replace("|", "\\|")
        short = text if len(text) <= SHOWN_SIGNS else text[:SHOWN_SIGNS].rsplit(" ", 1)[0] + " ..."
        scored = [f"{row[name]:.0f}" for name in ("trait_score", "coherence")]
        rows.append([f"`{row['setting']}`", row["trait"], str(row["cycle"]), *scored, short])
    head = ["setting", "trait", "cycle", "trait score", "coherence", "reply"]
    return _table(head, rows)


def _regime(rates: pd.DataFrame) -> str:
    """The rows that the rule chose."""
    rows = []
    for row in rates[rates["chosen"]].to_dict("records"):
        beta = MISSING if pd.isna(row["beta"]) else f"{row['beta']:g}"
        scores = [f"{row[name]:.1f}" for name in ("trait_score", "lowest_trait", "coherence")]
        rows.append([row["objective"], f"{row['learning_rate']:g}", beta, *scores])
    head = ["objective", "learning rate", "beta", "score at cycle 0", "lowest trait", "coherence"]
    return _table(head, rows)


OF_GOLD = {  # tables of studies with blind ratings -> how they are shown
    "gold_agreement": _gold, "corrected_changes": _changes, "corrected_claims": _corrected,
}  # fmt: skip
