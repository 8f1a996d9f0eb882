"""From responses to scores: judge, exact truth where it is known, and text metrics."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from idempotence.engine.formatting import kind_of
from idempotence.finetune.panel import n_seed_of
from idempotence.io import read_jsonl, write_parquet
from idempotence.judge.back_ends import Judge
from idempotence.judge.protocol import Rating, rate
from idempotence.micro_world.grammar import load_grammar
from idempotence.micro_world.truth import Truthteller
from idempotence.scores.text_metrics import text_metrics
from idempotence.texts.panel_texts import rubrics
from idempotence.texts.rubric import ask

IDENTITY = ["setting", "objective", "start", "model", "trait", "seed", "cell"]
DOSES = ["level", "n_seed", "n_sampled", "beta", "pairs"]
RESPONSE = ["cycle", "question", "sample", "prompt", "response", "status", "reason"]
SCORES = ["trait_score", "coherence", "trait_missing", "coherence_missing"]
EVIDENCE = ["trait_mass", "coherence_mass", "trait_top", "coherence_top"]
TRUTH = ["truth_trait", "truth_coherence"]
METRICS = ["words", "words_per_sentence", "distinct_2", "opening", "opening_share"]
COLUMNS = [
    *IDENTITY, *DOSES, *RESPONSE, *SCORES, *EVIDENCE, *TRUTH, *METRICS, "loglik_initial",
]  # fmt: skip
CRITERIA = {"trait": "trait_score", "coherence": "coherence"}  # criterion -> its column
ROWS_AT_ONCE = 4096  # bounds memory; many, since a judge batches prompts of like length


def rate_all(
    judge: Judge, settings: dict, rows: list[dict], criteria: Sequence[str]
) -> dict[str, list[tuple[Rating, str]]]:
    """For each criterion ("trait", "coherence"), each row's (rating, top tokens as JSON)."""
    templates, how = rubrics(settings, kind_of(settings["objective"])), settings["judge"]
    told = []
    for start in range(0, len(rows), ROWS_AT_ONCE):
        asked = [
            ask(templates[criterion], row["prompt"], row["response"], settings["trait"])
            for row in rows[start : start + ROWS_AT_ONCE]
            for criterion in criteria
        ]
        told += [
            (rate(answer, how["min_numeric_mass"]), json.dumps(answer.evidence()))
            for answer in judge.answers(asked, how["top_logprobs"])
        ]
    return {criterion: told[i :: len(criteria)] for i, criterion in enumerate(criteria)}


def score_responses(judge: Judge, settings: dict, rows: list[dict]) -> pd.DataFrame:
    """`scores_table` of what a judge says.

    settings: also judge.
    """
    return scores_table(
        settings, rows, lambda spoken: rate_all(judge, settings, spoken, list(CRITERIA))
    )


def scores_table(settings: dict, rows: list[dict], ratings: Callable) -> pd.DataFrame:
    """One row for each response, with `COLUMNS`; nothing is dropped.

    settings: setting, objective, start, model, trait, seed, cycle, cells (with n_seed as used),
    truth (whether texts are of the micro world). ratings: for rows of living chains, as `rate_all`.
    """
    frame = pd.DataFrame(rows)
    for name in ("setting", "objective", "start", "trait", "seed", "cycle"):
        frame[name] = settings[name]
    frame["model"] = settings["model"]["name"]
    for dose in DOSES:
        by_cell = {cell["name"]: cell[dose] for cell in settings["cells"]}
        frame[dose] = frame["cell"].map(by_cell).astype("float64")
    alive = frame.index[~frame["status"].isin(["nan", "ended"])]
    spoken = [rows[i] for i in alive]
    for criterion, rated in ratings(spoken).items():
        frame[CRITERIA[criterion]] = pd.Series([r.score for r, _ in rated], alive, dtype="float64")
        frame[f"{criterion}_mass"] = pd.Series([r.mass for r, _ in rated], alive, dtype="float64")
        missing = pd.Series([r.missing for r, _ in rated], alive, dtype="object")
        frame[f"{criterion}_missing"] = missing.reindex(frame.index, fill_value="no response")
        top = pd.Series([text for _, text in rated], alive, dtype="object")
        frame[f"{criterion}_top"] = top.reindex(frame.index, fill_value="")
    frame = frame.join(_truth(settings, spoken, alive)).join(text_metrics(frame))
    frame["loglik_initial"] = frame["loglik_initial"].astype("float64")
    return frame[COLUMNS].astype({"seed": "int64", "cycle": "int64"})


def _truth(settings: dict, rows: list[dict], index: pd.Index) -> pd.DataFrame:
    """Exact scores where the texts are of the micro world."""
    if not settings["truth"] or not rows:
        return pd.DataFrame(columns=TRUTH, index=index, dtype="float64")
    teller = Truthteller(load_grammar())
    truths = [teller.read(row["prompt"], row["response"]) for row in rows]
    values = [(truth.traits[settings["trait"]], truth.coherence) for truth in truths]
    return pd.DataFrame(values, columns=TRUTH, index=index, dtype="float64")


def judge_panel(
    settings: dict, judge: Judge, calibration: dict, responses: Path, output: Path
) -> None:
    """Score responses.jsonl into scores.parquet; n_seed is the dose that calibration found."""
    cells = [
        {**cell, "n_seed": n_seed_of(cell, settings["objective_cells"], calibration)}
        for cell in settings["cells"]
    ]
    rows = read_jsonl(responses)
    write_parquet(score_responses(judge, {**settings, "cells": cells}, rows), output)
