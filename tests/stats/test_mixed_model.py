"""Mixed model, least squares and GEE against known slopes, other code and simulations.

What the simulations (marked slow) hold the methods to, for 3, 5 and 10 panels of two chains:

- "mixed" and "ols": where every chain runs to the end both are the t test of the panels' slopes,
  which is exact whatever chains of a panel share.
- "gee": its bias reduction makes the error sqrt(G / (G - 1)) times that of the exact t test, so it
  is too careful, by theory 0.966 with 3 panels, and its test rejects less than 5 %.
- Where chains end early by chance "mixed" is unbiased, covers, and scatters less than "ols".
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
from idempotence.stats.mixed_model import FITS, mixed_model
from idempotence.stats.panels import PANEL
from idempotence.stats.trajectories import trajectories


@pytest.fixture(scope="module")
def study():
    return trajectories(make_scores(), CONFIDENCE)


def of_method(table, method):
    return table[table["method"] == method].set_index("setting")


def test_slopes_agree_with_direct_fits(study):
    """Against the closed forms of a balanced study and GEE called by formula, as a reader would."""
    part = study[study["setting"].isin(["sft", "dpo-reinit"])].reset_index(drop=True)
    table = mixed_model(part, CONFIDENCE)
    part = part.assign(panel=part.groupby(["setting", *PANEL]).ngroup())
    for setting in ("sft", "dpo-reinit"):
        one = part[part["setting"] == setting]
        slopes = [
            scipy_stats.linregress(g["cycle"], g["trait_score"]).slope
            for _, g in one.groupby("panel")
        ]
        exact = scipy_stats.ttest_1samp(slopes, 0)  # balanced: all methods are this t test
        mixed = of_method(table, "mixed").loc[setting]
        assert mixed["estimate"] == pytest.approx(np.mean(slopes))
        assert mixed["se"] == pytest.approx(scipy_stats.sem(slopes), rel=1e-4)
        assert mixed["p"] == pytest.approx(exact.pvalue, rel=1e-3)
        ols = of_method(table, "ols").loc[setting]
        assert ols["estimate"] == pytest.approx(np.mean(slopes))
        n = len(one)
        assert ols["se"] == pytest.approx(scipy_stats.sem(slopes) * math.sqrt((n - 1) / (n - 2)))
        assert ols["p"] == pytest.approx(exact.pvalue, rel=0.15)
        gee = sm.GEE.from_formula(
            "trait_score ~ cycle", "panel", one, cov_struct=sm.cov_struct.Exchangeable()
        ).fit(cov_type="bias_reduced")
        row = of_method(table, "gee").loc[setting]
        assert row["estimate"] == pytest.approx(gee.params["cycle"])
        assert row["se"] == pytest.approx(gee.bse["cycle"])
        half = scipy_stats.t.ppf(0.975, 8) * gee.bse["cycle"]
        assert row["ci_high"] == pytest.approx(gee.params["cycle"] + half)
    assert (table["n_clusters"] == 9).all() and (table["n_chains"] == 18).all()


def test_known_slopes_are_estimated_and_holm_is_over_settings(study):
    table = mixed_model(study, CONFIDENCE)
    assert table["converged"].all() and list(table["method"][:3]) == list(FITS)
    for method in FITS:
        rows = of_method(table, method)
        assert rows.loc["sft-continual", "estimate"] == pytest.approx(-1, abs=0.2)
        assert rows.loc["dpo-reinit", "ci_low"] < 0 < rows.loc["dpo-reinit", "ci_high"]
        assert list(rows["p_holm"]) == pytest.approx(
            list(multipletests(rows["p"], method="holm")[1])
        )
    assert table["agree"].all()


@pytest.mark.parametrize("sd_panel", [0.0, 0.4, 2.0])
def test_mixed_model_of_a_balanced_study_is_the_t_test_of_the_panels(sd_panel):
    """Also where panels scatter less than their chains would by chance: covered as below."""
    for seed in range(4):
        scores = noisy(4, seed=seed, sd_panel=sd_panel, cells=3)
        row = of_method(mixed_model(courses(scores), CONFIDENCE), "mixed").iloc[0]
        slopes = np.polyfit(np.arange(CYCLES), scores.mean(axis=1).T, 1)[0]
        assert row["estimate"] == pytest.approx(slopes.mean(), abs=1e-6)
        assert row["se"] == pytest.approx(scipy_stats.sem(slopes), rel=1e-3)


def test_scatter_of_chains_is_estimated():
    scores = noisy(400, cells=1, sd_panel=0.0, sd_chain=1.0)
    row = of_method(mixed_model(courses(scores), CONFIDENCE), "mixed").iloc[0]
    assert row[["sd_chain", "sd_residual"]].tolist() == pytest.approx([1.0, 2.0], rel=0.1)


def restricted_likelihood(p, x, y, chain):
    """-2 log REML likelihood (less a constant) written out, and the slope.

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
    return logs + np.linalg.slogdet(a)[1] + square, beta[1]


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
    y, panel = known["trait_score"].to_numpy(), known["seed"].to_numpy()
    result = [
        optimize.minimize(
            lambda p: restricted_likelihood(p, x, y, chain)[0], [5, 0, slope, 1.4],
            method="Nelder-Mead", options={"maxiter": 6000, "xatol": 1e-7, "fatol": 1e-9},
        )
        for slope in (0.4, 0.05)
    ]  # fmt: skip
    best = min(result, key=lambda f: f.fun).x
    slope = restricted_likelihood(best, x, y, chain)[1]
    without = [
        restricted_likelihood(best, x[panel != g], y[panel != g], chain[panel != g])[1]
        for g in range(6)
    ]
    assert row["converged"]
    assert row["estimate"] == pytest.approx(slope, abs=1e-4)
    error = math.sqrt(5 / 6 * np.sum((np.array(without) - slope) ** 2))
    assert row["se"] == pytest.approx(error, rel=1e-3)


def test_a_disagreement_gives_a_warning(monkeypatch):
    rising = {"estimate": 1.0, "se": 0.01, "converged": True, "warnings": []}
    monkeypatch.setitem(mixed_module.FITS, "mixed", lambda *_: rising)
    table = mixed_model(courses(noisy(5, slope=-3)), CONFIDENCE)
    assert not table["agree"].any()
    assert table["warnings"].str.contains("mixed rises, ols falls, gee falls").all()


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
def test_mixed_model_names_what_it_lacks(scores, warning):
    table = mixed_model(courses(scores), CONFIDENCE)
    assert len(table) == 3 and table["warnings"].str.contains(warning, regex=False).all()
    if "approximate" not in warning:
        assert table["p"].isna().all() and table["agree"].isna().all()


def test_two_cycles_are_enough_for_least_squares_but_not_for_the_mixed_model():
    table = mixed_model(courses(noisy(5, cycles=2)), CONFIDENCE).set_index("method")
    assert "no mixed model" in table.loc["mixed", "warnings"]
    assert table["p"].notna().to_dict() == {"mixed": False, "ols": True, "gee": True}


def test_one_dead_setting_does_not_hide_the_others():
    dead = courses(np.full((3, 2, 7), np.nan), setting="dead")
    table = mixed_model(pd.concat([dead, courses(noisy(3))]), CONFIDENCE)
    assert table.groupby("setting")["p"].count().to_dict() == {"dead": 0, "sft": 3}


def test_a_setting_that_scatters_more_does_not_widen_the_others():
    quiet, loud = courses(noisy(5)), courses(10 * noisy(5, seed=1), setting="loud")
    alone, both = (mixed_model(table, CONFIDENCE) for table in (quiet, pd.concat([quiet, loud])))
    pd.testing.assert_frame_equal(
        alone.drop(columns="p_holm"),
        both[both["setting"] == "sft"].drop(columns="p_holm").reset_index(drop=True),
    )


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
    """GEE is too careful by sqrt(G / (G - 1)), which is 0.966 with 3 panels: asserted as such.

    "mixed" is left out: its t test of the panels' slopes (tested above) is "ols" but for a factor.
    """
    monkeypatch.setitem(mixed_module.FITS, "mixed", lambda *_: {})
    table = mixed_model(simulated_lines(n_panels, 400), CONFIDENCE)
    ols, gee = of_method(table, "ols"), of_method(table, "gee")
    error = ols["estimate"].std() / math.sqrt(len(ols))
    assert abs(ols["estimate"].mean()) < 3 * error
    assert 0.93 <= share_covered(ols, 0) <= 0.97
    assert 0.03 <= (ols["p"] < 0.05).mean() <= 0.07
    wider = scipy_stats.t.ppf(0.975, n_panels - 1) * math.sqrt(n_panels / (n_panels - 1))
    theory = 1 - 2 * scipy_stats.t.sf(wider, n_panels - 1)
    assert share_covered(gee, 0) == pytest.approx(theory, abs=0.02)
    assert share_covered(gee, 0) >= share_covered(ols, 0)


@pytest.mark.slow
@pytest.mark.parametrize("sd_panel", [0.0, 0.4, 0.8])
@pytest.mark.parametrize("n_panels", SIZES)
def test_the_t_test_of_panels_covers_whatever_panels_share(n_panels, sd_panel):
    """What "mixed" is in a balanced study; 0, 35 and 68 % of a slope's variance are the panel's."""
    x = np.arange(CYCLES) - (CYCLES - 1) / 2
    rng = np.random.default_rng(n_panels)
    shape = (40_000, n_panels, 2)
    slopes = rng.normal(0, sd_panel, (*shape[:2], 1)) + rng.normal(0, 0.4, shape)
    slopes = (slopes + rng.normal(0, 2 / math.sqrt(x @ x), shape)).mean(axis=2)
    half = scipy_stats.t.ppf(0.975, n_panels - 1) * scipy_stats.sem(slopes, axis=1)
    assert float((np.abs(slopes.mean(axis=1)) < half).mean()) == pytest.approx(0.95, abs=0.005)
    assert abs(slopes.mean()) < 0.01


@pytest.mark.slow
def test_mixed_covers_where_chains_end_early_and_scatters_less(monkeypatch):
    monkeypatch.setitem(mixed_module.FITS, "gee", lambda *_: {})
    tables = []
    for k in range(100):
        rng, scores = np.random.default_rng(k), noisy(5, seed=k, slope=0.0)
        for chain in scores.reshape(10, CYCLES):
            if rng.random() < 0.4:
                chain[rng.integers(2, CYCLES) :] = np.nan
        tables.append(courses(scores, setting=f"{k:04d}"))
    table = mixed_model(pd.concat(tables, ignore_index=True), CONFIDENCE)
    mixed, ols = of_method(table, "mixed"), of_method(table, "ols")
    assert mixed["converged"].all()
    assert abs(mixed["estimate"].mean()) < 3 * mixed["estimate"].std() / math.sqrt(100)
    assert 0.89 <= share_covered(mixed, 0)  # 0.95 within three errors of 100 studies
    assert mixed["estimate"].std() < 0.9 * ols["estimate"].std()
