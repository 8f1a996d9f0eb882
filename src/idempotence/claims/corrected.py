"""Verdicts on the claims, corrected for the judge's error by blind ratings."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from idempotence.claims.definition import OVER_PANELS, Claim
from idempotence.claims.draws import AT_ONCE, SHARES, Analysis, drawn, judge_draws
from idempotence.claims.verdicts import NO_ROW, UNDECIDED, UNTESTED, WHOLE
from idempotence.jobs.parts import Loops
from idempotence.rng import derive_seed
from idempotence.scores.schema import CRITERIA

DRAWS = 100  # of the judge's error; a share's Monte-Carlo standard error is then 5 % at most
FEWEST_RATED = 2  # replies of a setting and phase; with fewer there is no error of their mean
TOO_FEW = "too few replies of its settings were rated"
NUMBERS = ["estimate", "ci_low", "ci_high"]
COLUMNS = ["id", "test", "verdict", *SHARES, *NUMBERS, "draws", "warnings"]


def corrected_claims(
    claims: Sequence[Claim],
    trajectories: pd.DataFrame,
    rated: pd.DataFrame,
    loops: Loops,
    analysis: Analysis,
    seed: int,
    draws: int = DRAWS,
) -> pd.DataFrame:
    """Each claim's tests on scores less the judge's error, which is drawn again and again.

    trajectories: the study's. rated: replies with setting, cycle, criterion, rating and judge (both
    0-100). The error of a setting and criterion is the mean of judge less rating, in each of three
    phases: cycle 0, the cycles before `analysis.from_cycle`, and the late ones. In each draw a
    value of Student's t distribution times the standard error is added to it, as in multiple
    imputation (Rubin 1987), and it is subtracted from the chains' mean scores, which are cut at 0
    and 100. The same rated replies have the same error in all settings. Settings without enough
    rated replies in each of their phases are left out.

    Returns id, test (`WHOLE`: the claim's verdict), verdict (the one that at least the share
    `analysis.confidence` of the draws gives, else not decided), supported, contradicted, undecided,
    untested (shares of the draws), estimate (mean over draws), ci_low and ci_high (of the draws'
    limits the quantiles that leave out half of 1 - confidence on their side: limits that hold for
    the judge's error and for the scatter of panels), draws and warnings (why it is not tested).
    """
    errors = _errors(rated, analysis.from_cycle)
    kept = _settings(trajectories, errors, analysis.from_cycle)
    plain = tuple(each for each in loops.loops if each.name in kept and not each.changes)
    names = {each.name for each in plain}
    own = Loops(plain, tuple(pair for pair in loops.twins if names.issuperset(pair)))
    if not names:
        return pd.DataFrame([row for claim in claims for row in _unrated(claim)], columns=COLUMNS)
    table = trajectories[trajectories["setting"].isin(names)]
    rng = np.random.default_rng(derive_seed(seed, "corrected claims"))
    sizes = [min(AT_ONCE, draws - done) for done in range(0, draws, AT_ONCE)]
    batches = [(n, _draws(table, errors, analysis.from_cycle, rng, n)) for n in sizes]
    rows = []
    for claim in claims:
        claim = claim.model_copy(update={"parts": claim.deciding})
        judged = [
            each for n, batch in batches for each in judge_draws(claim, batch, own, analysis, n)
        ]
        rows += _rows(claim, judged, analysis.confidence)
    return pd.DataFrame(rows, columns=COLUMNS)


def phase(cycles: pd.Series, from_cycle: int) -> pd.Series:
    """0: cycle 0, 1: the cycles before the late ones, 2: those from `from_cycle` on."""
    return (cycles > 0).astype(int) + (cycles >= max(from_cycle, 1)).astype(int)


def _errors(rated: pd.DataFrame, from_cycle: int) -> pd.DataFrame:
    """A row for each setting, criterion and phase with enough rated replies: mean, se, n."""
    known = rated.assign(error=rated["judge"] - rated["rating"]).dropna(subset="error")
    known = known.assign(phase=phase(known["cycle"], from_cycle))
    errors = known.groupby(["setting", "criterion", "phase"])["error"].agg(["mean", "sem", "count"])
    return errors[errors["count"] >= FEWEST_RATED].reset_index()


def _settings(trajectories: pd.DataFrame, errors: pd.DataFrame, from_cycle: int) -> set[str]:
    """The settings whose error is known in all of their phases, for both criteria."""
    of_chains = trajectories.assign(phase=phase(trajectories["cycle"], from_cycle))
    phases = of_chains.groupby("setting")["phase"].unique()
    known = {(row.setting, row.criterion, row.phase) for row in errors.itertuples()}
    return {
        str(setting)
        for setting, own in phases.items()
        if known.issuperset((setting, criterion, each) for criterion in CRITERIA for each in own)
    }


def _draws(
    table: pd.DataFrame,
    errors: pd.DataFrame,
    from_cycle: int,
    rng: np.random.Generator,
    draws: int,
) -> pd.DataFrame:
    """`draws` copies of the trajectories, each less errors of its own; settings as `drawn`."""
    place = phase(table["cycle"], from_cycle)
    copies = []
    for draw in range(draws):
        copy = table.assign(setting=[drawn(name, draw) for name in table["setting"]])
        for criterion, column in CRITERIA.items():
            mine = errors[errors["criterion"] == criterion]
            alike = mine.groupby(["phase", "mean", "sem", "count"]).ngroup()  # one set of replies
            freedom = mine.groupby(alike)["count"].first() - 1
            t = pd.Series(rng.standard_t(freedom.to_numpy()), freedom.index)
            values = mine["mean"] + mine["sem"] * alike.map(t)
            by_place = dict(zip(zip(mine["setting"], mine["phase"], strict=True), values,
                                strict=True))  # fmt: skip
            error = [by_place[key] for key in zip(table["setting"], place, strict=True)]
            copy[column] = (table[column] - np.array(error)).clip(0, 100)
        copies.append(copy)
    return pd.concat(copies, ignore_index=True)


def _rows(claim: Claim, judged: list[dict[str, Any]], confidence: float) -> list[dict[str, Any]]:
    """The rows of a claim: its own, then one for each test."""
    draws = len(judged)
    whole = _row(claim.id, WHOLE, pd.Series([each["verdict"] for each in judged]), confidence)
    rows = [{**whole, "draws": draws, "warnings": ""}]
    parts = pd.DataFrame([
        {**part, "place": place} for each in judged for place, part in enumerate(each["parts"])
    ])  # fmt: skip
    tail = (1 - confidence) / 2
    for _, own in parts.groupby("place"):
        first = own.iloc[0]
        names = [first["what"], first.get("setting")]
        test = ", ".join(name for name in names if isinstance(name, str))
        row = _row(claim.id, test, own["verdict"], confidence)
        low, high = OVER_PANELS if first["rests_on"] == "panels" else NUMBERS[1:]
        if (own["verdict"] != UNTESTED).any():
            row["estimate"] = own["estimate"].astype(float).mean()
            row["ci_low"] = own[low].astype(float).quantile(tail)
            row["ci_high"] = own[high].astype(float).quantile(1 - tail)
        why = own["why"][own["why"] != ""].mode()
        warnings = "" if why.empty else TOO_FEW if why[0] == NO_ROW else why[0]
        rows.append({**row, "draws": draws, "warnings": warnings})
    return rows


def _unrated(claim: Claim) -> list[dict[str, Any]]:
    """The rows of a claim where no setting has enough rated replies."""
    tests = [WHOLE, *(part.what for part in claim.deciding)]
    untested = pd.Series([UNTESTED])
    return [
        {**_row(claim.id, test, untested, 1.0), "draws": 0, "warnings": TOO_FEW} for test in tests
    ]


def _row(id: str, test: str, verdicts: pd.Series, confidence: float) -> dict[str, Any]:
    """The shares of the verdicts, and the one that nearly all draws give."""
    shares = {name: float((verdicts == verdict).mean()) for name, verdict in SHARES.items()}
    sure = [SHARES[name] for name, share in shares.items() if share >= confidence]
    return {"id": id, "test": test, "verdict": sure[0] if sure else UNDECIDED, **shares}
