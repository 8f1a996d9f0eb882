"""Slopes of the trait score by three models that should agree: mixed, pooled OLS and GEE."""

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMParams
from statsmodels.tools.sm_exceptions import ConvergenceWarning

from idempotence.stats.intervals import check_confidence, holm, t_half_width
from idempotence.stats.panels import FEW_PANELS, MIN_PANELS, PANEL
from idempotence.stats.scores import CHAIN

METHODS = ["mixed", "ols", "gee"]
MAX_STEPS = 2000  # of the mixed model's search: some hundreds are used
_UNKNOWN = dict.fromkeys(["estimate", "se", "ci_low", "ci_high", "p"], np.nan)


def mixed_model(table: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Slope of the trait score on cycle (points a cycle) for each setting, by each method.

    table: see `trajectories.trajectories`. The model is score ~ cycle x setting, every setting
    with its own intercept and slope.

    - "mixed": one linear mixed model of all settings with a random intercept and slope for each
      chain, by REML (Laird and Ware 1982). Its standard error takes chains as independent and as
      scattering alike in all settings.
    - "ols": least squares with errors clustered by panel (Liang and Zeger 1986), with the factor
      G / (G - 1) * (N - 1) / (N - 2).
    - "gee": the same mean with an exchangeable working correlation in the panel and the
      bias-reduced covariance of Mancl and DeRouen (2001).

    Panels are (model, trait, seed) in a setting: their chains share seed data. As every setting has
    its own line and its own panels, "ols" and "gee" are fitted to each setting by itself, which
    gives the same lines and counts only the setting's own panels. With G of them, all three are
    tested against the t distribution with G - 1 degrees of freedom; for "mixed" that is fewer than
    its chains would give, to be careful. "ols" and "gee" have one intercept for a setting, so that
    chains which end early pull on their slope; "mixed" does so less, `slopes.slope` does not.

    Returns setting, method, estimate, se, ci_low, ci_high, p, p_holm (Holm 1979, over the settings
    of a method), n_chains, n_clusters (panels), n_observations, converged, agree and warnings.
    agree: the methods have the same sign and are all significant at 1 - confidence, or are all
    not significant; missing when one has no p. Under `MIN_PANELS` panels, without scatter or
    after a failed fit, what is not known is NaN, and warnings say why. Chains with a single score,
    which say nothing of a slope, are left out.
    """
    check_confidence(confidence)
    known = table[table["trait_score"].notna()]
    known = known[known.groupby(CHAIN)["cycle"].transform("nunique") > 1]
    known = known.sort_values([*CHAIN, "cycle"], ignore_index=True)
    settings = sorted(table["setting"].unique())
    mixed = _mixed(known)
    rows = []
    for setting in settings:
        group = known[known["setting"] == setting]
        fits = {"mixed": mixed.get(setting, {}), "ols": _one(group, _ols), "gee": _one(group, _gee)}
        made = [
            {"setting": setting, "method": name, **_row(group, fits[name], confidence)}
            for name in METHODS
        ]
        agree, why = _agreement(made, 1 - confidence)
        for row in made:
            text = "; ".join([*row.pop("told"), *([why] if why else [])])
            rows.append({**row, "agree": agree, "warnings": text})
    made = pd.DataFrame(rows).astype({"agree": "boolean", "converged": "boolean"})
    adjusted = made.groupby("method")["p"].transform(holm)
    made.insert(made.columns.get_loc("p") + 1, "p_holm", adjusted)
    return made


def _row(group: pd.DataFrame, fit: dict, confidence: float) -> dict:
    """Interval, p and counts of one fit: a dictionary with estimate, se, converged and told."""
    n_clusters = group[PANEL].drop_duplicates().shape[0]
    told = list(fit.get("told", ["no chain has scores at two cycles"]))
    estimate, se = fit.get("estimate", np.nan), fit.get("se", np.nan)
    found = {**_UNKNOWN, "estimate": estimate, "se": se}
    if n_clusters < MIN_PANELS:
        told.append(f"only {n_clusters} panel(s): no interval")
    elif se <= 1e-9 * max(1.0, abs(estimate)):
        told.append("no scatter about the line: no interval")
    elif np.isfinite(se):
        half = float(t_half_width(se, n_clusters - 1, confidence))
        p = float(2 * stats.t.sf(abs(estimate / se), n_clusters - 1))
        found |= {"ci_low": estimate - half, "ci_high": estimate + half, "p": p}
        if n_clusters < FEW_PANELS:
            told.append(f"only {n_clusters} panels: the interval is approximate")
    return {
        **found,
        "n_chains": group[CHAIN].drop_duplicates().shape[0],
        "n_clusters": n_clusters,
        "n_observations": len(group),
        "converged": fit.get("converged"),
        "told": told,
    }


def _agreement(rows: list[dict], alpha: float) -> tuple[bool | None, str]:
    """Do the three fits of a setting say the same? With a text where they do not."""
    if any(not np.isfinite(row["p"]) for row in rows):
        return None, ""
    verdicts = {r["method"]: np.sign(r["estimate"]) * (r["p"] < alpha) for r in rows}
    if len(set(verdicts.values())) > 1:
        words = {1: "rises", -1: "falls", 0: "not significant"}
        said = ", ".join(f"{name} {words[int(v)]}" for name, v in verdicts.items())
        return False, f"the methods disagree: {said}"
    if len({np.sign(row["estimate"]) for row in rows}) > 1:
        return False, "the methods disagree in sign, none significant"
    return True, ""


def _one(group: pd.DataFrame, fit: Callable) -> dict:
    """A fit to one setting: {} when it has no scores, only a slope when it has one panel."""
    if group.empty:
        return {}
    panel = group.groupby(PANEL).ngroup().to_numpy()
    cycle, y = group["cycle"].to_numpy(float), group["trait_score"].to_numpy(float)
    x = np.column_stack([np.ones(len(cycle)), cycle - cycle.mean()])
    line = np.linalg.lstsq(x, y, rcond=None)[0]
    if len(np.unique(panel)) < 2:
        return {"estimate": float(line[1]), "told": []}
    if _nothing_left(y - x @ line, y):
        return {"estimate": float(line[1]), "se": 0.0, "told": []}
    return fit(y, x, panel)


def _nothing_left(residual: np.ndarray, y: np.ndarray) -> bool:
    return bool(np.abs(residual).max() <= 1e-9 * max(1.0, np.abs(y).max()))


def _ols(y: np.ndarray, x: np.ndarray, panel: np.ndarray) -> dict:
    fit = sm.OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": panel}, use_t=True)
    return {
        "estimate": float(fit.params[1]),
        "se": float(fit.bse[1]),
        "converged": True,
        "told": [],
    }


def _gee(y: np.ndarray, x: np.ndarray, panel: np.ndarray) -> dict:
    model = sm.GEE(y, x, groups=panel, cov_struct=sm.cov_struct.Exchangeable())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fit = model.fit(cov_type="bias_reduced")
        except (np.linalg.LinAlgError, ValueError) as error:
            return {"converged": False, "told": [f"the fit failed: {error}"]}
    return {
        "estimate": float(fit.params[1]),
        "se": float(fit.bse[1]),
        "converged": bool(fit.converged),
        "told": _texts(caught),
    }


def _mixed(known: pd.DataFrame) -> dict[str, dict]:
    """Slope of each setting in the mixed model of all, as `_row` takes it.

    Without scatter about the chains' own lines, as with two cycles, there is no noise to weigh
    against the effects' scatter, and no fit.
    """
    settings = sorted(known["setting"].unique())
    chain = known.groupby(CHAIN).ngroup().to_numpy()
    if known.empty:
        return {}
    cycle = known["cycle"].to_numpy(float)
    cycle = cycle - cycle.mean()  # slopes stay the same; the fit is better conditioned
    is_setting = known["setting"].to_numpy()[:, None] == np.array(settings)
    exog = np.column_stack([is_setting, is_setting * cycle[:, None]]).astype(float)
    random = np.column_stack([np.ones(len(cycle)), cycle])
    y = known["trait_score"].to_numpy(float)
    why = _cannot_fit(y, chain, random)
    if why:
        return {name: {"told": [why]} for name in settings}
    estimate, se, converged, told = _fit_mixed(y, exog, chain, random)
    k = len(settings)
    return {
        name: {"estimate": estimate[k + i], "se": se[k + i], "converged": converged, "told": told}
        for i, name in enumerate(settings)
    }


def _cannot_fit(y: np.ndarray, chain: np.ndarray, random: np.ndarray) -> str:
    """Why there is no mixed model; "" when there is one."""
    if len(np.unique(chain)) < 2:
        return "fewer than two chains: no mixed model"
    of_chains = [(random[chain == one], y[chain == one]) for one in np.unique(chain)]
    left = [v - x @ np.linalg.lstsq(x, v, rcond=None)[0] for x, v in of_chains]
    nothing = _nothing_left(np.concatenate(left), y)
    return "no scatter about the chains' lines: no mixed model" if nothing else ""


def _fit_mixed(
    y: np.ndarray, exog: np.ndarray, chain: np.ndarray, random: np.ndarray
) -> tuple[np.ndarray, np.ndarray, bool, list[str]]:
    """Fixed effects of the mixed model, their errors, convergence and warnings.

    The search over the three relative variances is Nelder and Mead's, from the moments: the
    gradient methods of statsmodels stop short of a bound, or far off from its own start, and say
    that they converged.
    The errors are those of generalised least squares at the variances found, as statsmodels'
    inverse Hessian is no covariance at a bound.
    """
    unknown = np.full(exog.shape[1], np.nan)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            start = _moments(y, exog, chain, random)
            model = MixedLM(y, exog, groups=chain, exog_re=random)
            fit = model.fit(start_params=start, reml=True, method="nm", maxiter=MAX_STEPS)
            se = _gls_errors(exog, chain, random, fit.cov_re, fit.scale)
        except (np.linalg.LinAlgError, ValueError) as error:
            return unknown, unknown, False, [f"the mixed model failed: {error}"]
    return np.asarray(fit.fe_params, float), se, bool(fit.converged), _texts(caught)


def _gls_errors(
    exog: np.ndarray, chain: np.ndarray, random: np.ndarray, cov: np.ndarray, residual: float
) -> np.ndarray:
    """sqrt diag (sum over chains of X' V^-1 X)^-1 with V = Z cov Z' + residual I."""
    information = np.zeros((exog.shape[1], exog.shape[1]))
    for one in np.unique(chain):
        x, z = exog[chain == one], random[chain == one]
        v = z @ np.asarray(cov) @ z.T + residual * np.eye(len(z))
        information += x.T @ np.linalg.solve(v, x)
    return np.sqrt(np.diag(np.linalg.inv(information)))


def _moments(
    y: np.ndarray, exog: np.ndarray, chain: np.ndarray, random: np.ndarray
) -> MixedLMParams:
    """Start values: the chains' own lines, whose scatter less that of their errors is the effects'.

    With no chain missing a cycle, and away from the bounds, they are the REML estimates (Swamy
    1970). The covariance is relative to the residual variance, as MixedLM wants it.
    """
    lines, inverses, square, free = [], [], 0.0, 0
    for one in range(chain.max() + 1):
        x, of_chain = random[chain == one], y[chain == one]
        line = np.linalg.lstsq(x, of_chain, rcond=None)[0]
        settings = exog[chain == one][0, : exog.shape[1] // 2]
        lines.append([*line, int(np.argmax(settings))])
        inverses.append(np.linalg.inv(x.T @ x))
        square += float(np.sum((of_chain - x @ line) ** 2))
        free += len(of_chain) - 2
    lines = np.array(lines)
    k = exog.shape[1] // 2
    means = np.array([lines[lines[:, 2] == i, :2].mean(axis=0) for i in range(k)])
    away = lines[:, :2] - means[lines[:, 2].astype(int)]
    residual = max(square / max(free, 1), 1e-8)
    scatter = away.T @ away / max(len(lines) - k, 1) / residual - np.mean(inverses, axis=0)
    values, vectors = np.linalg.eigh(scatter)
    cov = vectors @ np.diag(np.maximum(values, 0.01 * np.abs(values).max() + 1e-6)) @ vectors.T
    return MixedLMParams.from_components(fe_params=means.T.ravel(), cov_re=cov)


def _texts(caught: list[warnings.WarningMessage]) -> list[str]:
    """One line for each distinct warning of a fit, but those of its numerical workings."""
    kept = [str(w.message) for w in caught if issubclass(w.category, ConvergenceWarning)]
    return list(dict.fromkeys(" ".join(text.split()) for text in kept))
