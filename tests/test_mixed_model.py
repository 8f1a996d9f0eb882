"""Mixed model, least squares and GEE against known slopes, other code and simulations.

What the simulations (marked slow) hold the methods to, for 3, 5 and 10 panels of two chains:

- "ols" of the mixed model: in a balanced study it is the t test of the panels' slopes, so the same.
- "gee": its bias reduction makes the error sqrt(G / (G - 1)) times that of the exact t test, so it
  is too careful, by theory 0.966 with 3 panels, and its test rejects less than 5 %.
- "mixed" does NOT keep 0.93-0.97. It takes chains as independent, with panels - 1 degrees of
  freedom: where chains of a panel share nothing it covers 0.99 with 3 panels; where they share
  two thirds of their slopes' variance, 0.89 with 10. So "ols" and "gee" carry the claim and "mixed"
  is the comparison.
"""

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from make_courses import CONFIDENCE, SIZES, courses, noisy, share_covered
from make_scores import CYCLES, make_scores
from scipy import optimize
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests

from idempotence.stats import mixed_model as mixed_module
from idempotence.stats.mixed_model import METHODS, mixed_model
from idempotence.stats.panels import PANEL
from idempotence.stats.scores import CHAIN
from idempotence.stats.trajectories import trajectories


@pytest.fixture(scope="module")
def study():
    return trajectories(make_scores(), CONFIDENCE)


def of_method(made, method):
    return made[made["method"] == method].set_index("setting")


def test_slopes_agree_with_direct_fits(study):
    """Against the closed forms of a balanced study and GEE called by formula, as a reader would."""
    part = study[study["setting"].isin(["sft", "dpo-reinit"])].reset_index(drop=True)
    made = mixed_model(part, CONFIDENCE)
    part = part.assign(panel=part.groupby(["setting", *PANEL]).ngroup())
    chains = part.groupby(["setting", *CHAIN[1:]])[["cycle", "trait_score"]].apply(
        lambda g: scipy_stats.linregress(g["cycle"], g["trait_score"]).slope
    )
    # balanced, away from the bounds: REML is the chains' lines, their variance common to settings
    pooled = math.sqrt(chains.groupby("setting").var().mean() / 18)
    for setting in ("sft", "dpo-reinit"):
        row = of_method(made, "mixed").loc[setting]
        assert row["estimate"] == pytest.approx(chains[setting].mean())
        assert row["se"] == pytest.approx(pooled, rel=1e-3)
        one = part[part["setting"] == setting]
        slopes = [
            scipy_stats.linregress(g["cycle"], g["trait_score"]).slope
            for _, g in one.groupby("panel")
        ]
        exact = scipy_stats.ttest_1samp(slopes, 0)  # balanced: least squares is this t test
        ols = of_method(made, "ols").loc[setting]
        assert ols["estimate"] == pytest.approx(np.mean(slopes))
        n = len(one)
        assert ols["se"] == pytest.approx(scipy_stats.sem(slopes) * math.sqrt((n - 1) / (n - 2)))
        assert ols["p"] == pytest.approx(exact.pvalue, rel=0.15)
        gee = sm.GEE.from_formula(
            "trait_score ~ cycle", "panel", one, cov_struct=sm.cov_struct.Exchangeable()
        ).fit(cov_type="bias_reduced")
        row = of_method(made, "gee").loc[setting]
        assert row["estimate"] == pytest.approx(gee.params["cycle"])
        assert row["se"] == pytest.approx(gee.bse["cycle"])
        half = scipy_stats.t.ppf(0.975, 8) * gee.bse["cycle"]
        assert row["ci_high"] == pytest.approx(gee.params["cycle"] + half)
    assert (made["n_clusters"] == 9).all() and (made["n_chains"] == 18).all()


def test_known_slopes_are_found_and_holm_is_over_settings(study):
    made = mixed_model(study, CONFIDENCE)
    assert made["converged"].all() and list(made["method"][:3]) == METHODS
    for method in METHODS:
        rows = of_method(made, method)
        assert rows.loc["sft-continual", "estimate"] == pytest.approx(-1, abs=0.2)
        assert rows.loc["dpo-reinit", "ci_low"] < 0 < rows.loc["dpo-reinit", "ci_high"]
        assert list(rows["p_holm"]) == pytest.approx(
            list(multipletests(rows["p"], method="holm")[1])
        )
    assert made["agree"].all()


def test_mixed_model_of_a_balanced_study_is_the_mean_of_the_chains_slopes():
    """Off the bounds REML gives sd(slopes) / sqrt(chains); a simulation below rests on it."""
    for seed in range(5):
        scores = noisy(5, seed=seed, sd_panel=1.0)
        row = of_method(mixed_model(courses(scores), CONFIDENCE), "mixed").iloc[0]
        slopes = np.polyfit(np.arange(CYCLES), scores.reshape(10, -1).T, 1)[0]
        assert row["estimate"] == pytest.approx(slopes.mean(), abs=1e-6)
        assert row["se"] == pytest.approx(scipy_stats.sem(slopes), rel=1e-4)


def restricted_likelihood(p, x, y, chain):
    """-2 log REML likelihood (less a constant) written out, slope and its error.

    p: the lower triangle of the effects' covariance's root and the log residual variance.
    """
    root = np.array([[p[0], 0], [p[1], p[2]]])
    a, b, logs, parts = np.zeros((2, 2)), np.zeros(2), 0.0, []
    for one in np.unique(chain):
        z, u = x[chain == one], y[chain == one]
        v = z @ root @ root.T @ z.T + np.exp(p[3]) * np.eye(len(z))
        w = np.linalg.inv(v)
        a, b, logs = a + z.T @ w @ z, b + z.T @ w @ u, logs + np.linalg.slogdet(v)[1]
        parts.append((w, z, u))
    beta = np.linalg.solve(a, b)
    square = sum((u - z @ beta) @ w @ (u - z @ beta) for w, z, u in parts)
    error = math.sqrt(np.linalg.inv(a)[1, 1])
    return logs + np.linalg.slogdet(a)[1] + square, beta[1], error


@pytest.mark.parametrize("seed", [1, 3, 9])  # 1 and 9 end at a bound of the covariance
def test_mixed_model_with_gaps_finds_the_restricted_maximum(seed):
    rng = np.random.default_rng(seed)
    scores = noisy(
        6, seed=seed, sd_panel=0.5 if seed < 7 else 0.1, sd_chain=0.4 if seed < 7 else 0.1
    )
    for chain in scores.reshape(12, CYCLES):
        if rng.random() < 0.5:
            chain[rng.integers(2, CYCLES) :] = np.nan
    table = courses(scores)
    row = of_method(mixed_model(table, CONFIDENCE), "mixed").iloc[0]
    known = table.dropna(subset="trait_score")
    chain = known.groupby(["seed", "cell"]).ngroup().to_numpy()
    x = np.column_stack([np.ones(len(known)), known["cycle"] - known["cycle"].mean()])
    y = known["trait_score"].to_numpy()
    found = [
        optimize.minimize(
            lambda p: restricted_likelihood(p, x, y, chain)[0], [5, 0, slope, 1.4],
            method="Nelder-Mead", options={"maxiter": 6000, "xatol": 1e-7, "fatol": 1e-9},
        )
        for slope in (0.4, 0.05)
    ]  # fmt: skip
    _, slope, error = restricted_likelihood(min(found, key=lambda f: f.fun).x, x, y, chain)
    assert row["converged"]
    assert row["estimate"] == pytest.approx(slope, abs=1e-4)
    assert row["se"] == pytest.approx(error, rel=1e-3)


def test_disagreement_is_told(monkeypatch):
    rising = {"sft": {"estimate": 1.0, "se": 0.01, "converged": True, "told": []}}
    monkeypatch.setattr(mixed_module, "_mixed", lambda known: rising)
    made = mixed_model(courses(noisy(5, slope=-3)), CONFIDENCE)
    assert not made["agree"].any()
    assert made["warnings"].str.contains("mixed rises, ols falls, gee falls").all()


@pytest.mark.parametrize(
    ("scores", "warning"),
    [
        (noisy(2), "only 2 panel(s): no interval"),
        (noisy(1), "only 1 panel(s): no interval"),
        (np.full((4, 2, 7), np.nan), "no chain has scores at two cycles"),
        (noisy(4)[..., :1], "no chain has scores at two cycles"),
        (noisy(4), "only 4 panels: the interval is approximate"),
        (np.full((4, 2, 7), 30.0), "no scatter about the"),
        (30 + 2.0 * np.arange(7) + np.zeros((4, 2, 1)), "no scatter about the"),
    ],
)
def test_mixed_model_says_what_it_lacks(scores, warning):
    made = mixed_model(courses(scores), CONFIDENCE)
    assert len(made) == 3 and made["warnings"].str.contains(warning, regex=False).all()
    if "approximate" not in warning:
        assert made["p"].isna().all() and made["agree"].isna().all()


def test_two_cycles_are_enough_for_least_squares_but_not_for_the_mixed_model():
    made = mixed_model(courses(noisy(5, cycles=2)), CONFIDENCE).set_index("method")
    assert "no mixed model" in made.loc["mixed", "warnings"]
    assert made["p"].notna().to_dict() == {"mixed": False, "ols": True, "gee": True}


def test_one_dead_setting_does_not_hide_the_others():
    dead = courses(np.full((3, 2, 7), np.nan), setting="dead")
    made = mixed_model(pd.concat([dead, courses(noisy(3))]), CONFIDENCE)
    assert made.groupby("setting")["p"].count().to_dict() == {"dead": 0, "sft": 3}


def simulated_lines(n_panels, n_studies):
    """One table with a study in each setting: no slope on average, shared by panels by half."""
    tables = [
        courses(noisy(n_panels, seed=1000 * n_panels + k, slope=0.0), setting=f"{k:04d}")
        for k in range(n_studies)
    ]
    return pd.concat(tables, ignore_index=True)


@pytest.mark.slow
@pytest.mark.parametrize("n_panels", SIZES)
def test_ols_and_gee_cover(n_panels, monkeypatch):
    """GEE is too careful by sqrt(G / (G - 1)), which is 0.966 with 3 panels: asserted as such."""
    monkeypatch.setattr(mixed_module, "_mixed", lambda known: {})
    made = mixed_model(simulated_lines(n_panels, 400), CONFIDENCE)
    ols, gee = of_method(made, "ols"), of_method(made, "gee")
    error = ols["estimate"].std() / math.sqrt(len(ols))
    assert abs(ols["estimate"].mean()) < 3 * error
    assert 0.93 <= share_covered(ols, 0) <= 0.97
    assert 0.03 <= (ols["p"] < 0.05).mean() <= 0.07
    wider = scipy_stats.t.ppf(0.975, n_panels - 1) * math.sqrt(n_panels / (n_panels - 1))
    theory = 1 - 2 * scipy_stats.t.sf(wider, n_panels - 1)
    assert share_covered(gee, 0) == pytest.approx(theory, abs=0.02)
    assert share_covered(gee, 0) >= share_covered(ols, 0)


@pytest.mark.slow
def test_mixed_coverage_depends_on_what_panels_share():
    """Of the formula that MixedLM equals (tested above): 0.95 is NOT kept, as measured here.

    sd_panel 0, 0.4 and 0.8 points a cycle are 0, 35 and 68 % of the variance of a chain's slope.
    """
    x = np.arange(CYCLES) - (CYCLES - 1) / 2
    measured = {
        (3, 0.0): 0.992, (3, 0.4): 0.982, (3, 0.8): 0.962,
        (5, 0.0): 0.976, (5, 0.4): 0.953, (5, 0.8): 0.918,
        (10, 0.0): 0.963, (10, 0.4): 0.932, (10, 0.8): 0.894,
    }  # fmt: skip
    for (n_panels, sd_panel), expected in measured.items():
        rng = np.random.default_rng(n_panels)
        shape = (20_000, n_panels, 2)
        slopes = rng.normal(0, sd_panel, (*shape[:2], 1)) + rng.normal(0, 0.4, shape)
        slopes = slopes + rng.normal(0, 2 / math.sqrt(x @ x), shape)
        slopes = slopes.reshape(len(slopes), -1)
        half = scipy_stats.t.ppf(0.975, n_panels - 1) * scipy_stats.sem(slopes, axis=1)
        covered = float((np.abs(slopes.mean(axis=1)) < half).mean())
        assert covered == pytest.approx(expected, abs=0.006), (n_panels, sd_panel)
