"""How much is dose, how much is luck: verdicts over doses and over seeds."""

from collections.abc import Hashable, Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from idempotence.scores.schema import PANEL
from idempotence.stats.firth import firth
from idempotence.stats.intervals import wilson
from idempotence.stats.panels import jackknifed

# pairs of doses that make a cell; where levels are calibrated n_seed follows from them
AXES = [("level", "n_sampled"), ("n_seed", "n_sampled"), ("beta", "pairs")]
TERMS = ["n_seed", "n_sampled", "beta", "pairs"]
ONE_DOSE = "one dose in each trait: not told apart from the traits"
NUMBERS = ["estimate", "ci_low", "ci_high", "p"]
Row = dict[Hashable, Any]  # a chain
BETWEEN = {"doses": ["model", "trait", "seed"], "seeds": ["model", "trait", "cell"]}


def dose_model(chains: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Log odds of amplification per doubling of each dose, for each setting.

    chains: see `amplification.chains`. A logistic regression of amplified on log2 of the doses that
    differ in the setting and an intercept for each trait, with Firth's penalty, so that it is
    finite where verdicts separate (see `firth.firth`: profile intervals, penalised likelihood
    ratio tests). Chains are taken as independent. Returns setting, term ("n_seed", ...), estimate,
    ci_low, ci_high, p, n, n_amplified, warnings; no numbers where no chain amplified, or all did,
    or where a dose differs between traits only.
    """
    rows = []
    for setting, group in chains.groupby("setting"):
        known = group[group["amplified"].notna()]
        differing = [term for term in TERMS if known[term].nunique() > 1]
        within = known.groupby("trait")[TERMS].nunique().max() > 1
        terms = [term for term in differing if within[term]]
        y = known["amplified"].astype(float).to_numpy()
        counts = {"n": len(y), "n_amplified": int(y.sum())}
        rows += [
            {"setting": setting, "term": term, **counts, "warnings": ONE_DOSE}
            for term in differing
            if term not in terms
        ]
        if len(set(y)) < 2:
            why = "all chains have one verdict" if len(y) else "no chain has a verdict"
            rows += [{"setting": setting, "term": t, **counts, "warnings": why} for t in terms]
            continue
        doses = np.log2(known[terms].to_numpy(float))
        traits = pd.get_dummies(known["trait"]).to_numpy(float)
        x = np.column_stack([doses - doses.mean(axis=0), traits])
        for i, term in enumerate(terms):
            rows.append({"setting": setting, "term": term, **firth(x, y, i, confidence), **counts,
                         "warnings": ""})  # fmt: skip
    columns = ["setting", "term", *NUMBERS, "n", "n_amplified", "warnings"]
    return pd.DataFrame(rows, columns=columns)


def dose_pairs(chains: pd.DataFrame) -> pd.DataFrame:
    """Pairs of chains that differ in one step of one dose, or in the seed alone.

    chains: see `amplification.chains`. Doses are neighbours when no other of the panel's lies
    between them. Only pairs in which both chains have a verdict. Returns setting, model, trait,
    seed ("doses": of both; "seeds": the smaller), between, cell, other (the second's cell, or
    seed), flip (0 or 1: the verdicts differ).
    """
    known = chains[chains["amplified"].notna()]
    rows = []
    for (setting, *_), panel in known.groupby(["setting", *PANEL]):
        for one, two in _neighbours(panel):
            rows.append(_pair(str(setting), "doses", one, two, two["cell"]))
    for (setting, *_), cell in known.groupby(["setting", "model", "trait", "cell"]):
        for one, two in combinations(cell.sort_values("seed").to_dict("records"), 2):
            rows.append(_pair(str(setting), "seeds", one, two, str(two["seed"])))
    columns = ["setting", "model", "trait", "seed", "between", "cell", "other", "flip"]
    return pd.DataFrame(rows, columns=columns)


def _pair(setting: str, between: str, one: Row, two: Row, other: str) -> Row:
    identity: Row = {name: one[name] for name in (*PANEL, "cell")}
    flip = int(bool(one["amplified"]) != bool(two["amplified"]))
    return {"setting": setting, "between": between, **identity, "other": other, "flip": flip}


def dose_axes(frame: pd.DataFrame) -> tuple[str, str] | None:
    """The two doses that every row has, of `AXES`; None where rows have different ones."""
    return next((pair for pair in AXES if frame[list(pair)].notna().all(axis=None)), None)


def _neighbours(panel: pd.DataFrame) -> Iterator[tuple[Row, Row]]:
    """Cells of a panel that are one step of one dose apart."""
    axes = dose_axes(panel)
    if axes is None:
        return
    places = panel[list(axes)].rank(method="dense").astype(int).to_numpy()
    cells = panel.to_dict("records")
    for (i, one), (j, two) in combinations(enumerate(cells), 2):
        if abs(places[i] - places[j]).sum() == 1:
            yield one, two


def dose_flips(pairs: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Share of pairs whose verdicts differ, for each setting: between doses, and between seeds.

    pairs: see `dose_pairs`. The interval is a jackknife (see `panels.jackknifed`) over panels, or,
    between seeds, over cells, cut at 0 and 1; without scatter between those it is Wilson's over
    pairs, as if they were independent, with a warning. Returns setting, between, n_pairs,
    n_flips, share, ci_low, ci_high, n_clusters, warnings.
    """
    rows = []
    for (setting, between), group in pairs.groupby(["setting", "between"]):
        share = jackknifed(
            group, lambda frame: float(frame["flip"].mean()), confidence, BETWEEN[str(between)]
        )
        low, high, warnings = share["ci_low"], share["ci_high"], share["warnings"]
        n, flips = len(group), int(group["flip"].sum())
        if np.isnan(low):
            low, high = wilson(flips, n, confidence)
            warnings = "; ".join(filter(None, [warnings, "Wilson's interval over pairs"]))
        rows.append({"setting": setting, "between": between, "n_pairs": n, "n_flips": flips,
                     "share": flips / n, "ci_low": max(low, 0.0), "ci_high": min(high, 1.0),
                     "n_clusters": share["n_panels"], "warnings": warnings})  # fmt: skip
    columns = ["setting", "between", "n_pairs", "n_flips", "share", "ci_low", "ci_high",
               "n_clusters", "warnings"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)
