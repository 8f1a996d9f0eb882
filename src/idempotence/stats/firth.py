"""Logistic regression with Firth's penalty: finite also where a dose separates the verdicts."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import optimize, stats

from idempotence.stats.arrays import Floats
from idempotence.stats.intervals import check_confidence

STEPS = 200
_RANGE = 40.0  # log odds beyond which a limit counts as infinite


def firth(x: Floats, y: Floats, term: int, confidence: float) -> dict[str, float]:
    """One coefficient of a Firth logistic regression with its profile interval and p.

    x: (rows, terms), the intercepts among them; y: (rows,), 0 or 1. Maximised is the log-likelihood
    plus half the log determinant of the information (Firth 1993), for one binary term the same as
    half an observation more in each cell. Limits: where the penalised likelihood, maximised over
    the other terms, lies half a chi-square quantile under its maximum; p: the penalised likelihood
    ratio test of 0 (Heinze and Schemper 2002). Returns estimate, ci_low, ci_high (log odds; NaN for
    a limit beyond 40) and p.
    """
    check_confidence(confidence)
    free, best = _fit(x, y)
    estimate = float(free[term])
    others = np.delete(np.arange(x.shape[1]), term)

    def drop(value: float) -> float:
        """Twice the fall of the penalised likelihood when the term is held at a value."""
        return 2 * (best - _fit(x, y, {"term": term, "value": value, "others": others})[1])

    bar = stats.chi2.ppf(confidence, 1)
    limits = [_limit(lambda v: drop(v) - bar, estimate, side) for side in (-1, 1)]
    p = float(stats.chi2.sf(max(drop(0.0), 0.0), 1))
    return {"estimate": estimate, "ci_low": limits[0], "ci_high": limits[1], "p": p}


def _limit(function: Callable[[float], float], estimate: float, side: int) -> float:
    """Where a function that is negative at the estimate crosses 0 on one side of it."""
    step = 0.5
    while step < _RANGE:
        if function(estimate + side * step) > 0:
            ends = sorted((estimate, estimate + side * step))
            return float(optimize.brentq(function, *ends, xtol=1e-6))
        step *= 2
    return float("nan")


def _fit(x: Floats, y: Floats, held: dict[str, Any] | None = None) -> tuple[Floats, float]:
    """(coefficients, penalised log-likelihood) at the maximum, one term held where `held` is given.

    Newton's steps on Firth's modified score, halved while they do not improve.
    """
    beta = np.zeros(x.shape[1])
    moving = np.arange(x.shape[1]) if held is None else held["others"]
    if held is not None:
        beta[held["term"]] = held["value"]
    value = _penalised(x, y, beta)
    for _ in range(STEPS):
        mean = 1 / (1 + np.exp(-(x @ beta)))
        weight = mean * (1 - mean)
        information = x.T @ (weight[:, None] * x)
        inverse = np.linalg.pinv(information)
        leverage = weight * np.einsum("ij,jk,ik->i", x, inverse, x)
        score = x.T @ (y - mean + leverage * (0.5 - mean))
        step = np.zeros_like(beta)
        block = information[np.ix_(moving, moving)]
        step[moving] = np.linalg.pinv(block) @ score[moving]
        step *= min(1.0, 5.0 / max(np.abs(step).max(), 1e-12))
        while np.abs(step).max() > 1e-10:
            better = _penalised(x, y, beta + step)
            if better >= value:
                break
            step /= 2
        else:
            break
        beta, gain, value = beta + step, better - value, better
        if gain < 1e-12 and np.abs(step).max() < 1e-8:
            break
    return beta, value


def _penalised(x: Floats, y: Floats, beta: Floats) -> float:
    eta = x @ beta
    mean = 1 / (1 + np.exp(-eta))
    information = x.T @ ((mean * (1 - mean))[:, None] * x)
    sign, log_determinant = np.linalg.slogdet(information)
    if sign <= 0:
        return -np.inf
    return float(np.sum(y * eta - np.logaddexp(0, eta)) + log_determinant / 2)
