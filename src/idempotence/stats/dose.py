"""How much is dose, how much is luck: verdicts over doses and over seeds."""

import numpy as np
import pandas as pd

from idempotence.scores.schema import CHAIN, DOSES, PANEL
from idempotence.stats.firth import firth
from idempotence.stats.intervals import wilson
from idempotence.stats.panels import jackknifed

# pairs of doses that make a cell; where levels are calibrated n_seed follows from them
AXES = [("level", "n_sampled"), ("n_seed", "n_sampled"), ("beta", "pairs")]
TERMS = ["n_seed", "n_sampled", "beta", "pairs"]
ONE_DOSE = "one dose in each trait: not told apart from the traits"
NUMBERS = ["estimate", "ci_low", "ci_high", "p"]
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
    known = chains.loc[chains["amplified"].notna(), [*CHAIN, *DOSES, "amplified"]]
    known["x"], known["y"] = _places(known)
    near = _paired(known, ["setting", *PANEL])
    near = near[(near["x"] - near["x_other"]).abs() + (near["y"] - near["y_other"]).abs() == 1]
    near = near.assign(between="doses", other=near["cell_other"])
    alike = _paired(known.sort_values("seed"), ["setting", "model", "trait", "cell"])
    alike = alike.assign(between="seeds", other=alike["seed_other"].astype(str))
    columns = ["setting", "model", "trait", "seed", "between", "cell", "other", "flip"]
    return pd.concat([near[columns], alike[columns]], ignore_index=True)


def _places(known: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Each chain's place on both axes of its panel's doses: 1, 2, ...; missing without axes."""
    panel = ["setting", *PANEL]
    axes = known[DOSES].notna().groupby([known[name] for name in panel]).transform("all")
    values = [pd.Series(np.nan, known.index), pd.Series(np.nan, known.index)]
    for pair in reversed(AXES):
        has = axes[list(pair)].all(axis=1)
        values = [each.mask(has, known[name]) for each, name in zip(values, pair, strict=True)]
    keys = [known[name] for name in panel]
    x, y = (each.groupby(keys).rank(method="dense") for each in values)
    return x, y


def _paired(known: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Every two chains with the same keys, the later one's columns named <column>_other."""
    ordered = known.sort_values(keys, kind="stable").assign(number=np.arange(len(known)))
    pairs = ordered.merge(ordered, on=keys, suffixes=("", "_other"))
    pairs = pairs[pairs["number"] < pairs["number_other"]]
    return pairs.assign(flip=(pairs["amplified"] != pairs["amplified_other"]).astype(int))


def dose_axes(frame: pd.DataFrame) -> tuple[str, str] | None:
    """The two doses that every row has, of `AXES`; None where rows have different ones."""
    return next((pair for pair in AXES if frame[list(pair)].notna().all(axis=None)), None)


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
