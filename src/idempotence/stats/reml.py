"""A mean line with a random line about it for each chain, by restricted likelihood (REML)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize

from idempotence.stats.arrays import Floats, Integers

STEPS = 4000


@dataclass(frozen=True)
class Lines:
    """What a fit needs of the data: each chain's own least-squares line.

    Chains with the same cycles have one pattern, so that a fit costs the same for any number of
    them. cov: (patterns, 2, 2), (Z'Z)^-1 of a pattern's design of intercept and cycle; counts:
    (panels, patterns), chains; sums: (panels, patterns, 2), their lines added; squares:
    (patterns, 2, 2), sum of line line'; rest, free: residual sum of squares about the chains' own
    lines, and its degrees of freedom.
    """

    cov: Floats
    counts: Floats
    sums: Floats
    squares: Floats
    rest: float
    free: int


def lines_of(cycle: Floats, y: Floats, chain: Integers, panel: Integers) -> Lines:
    """The chains' lines. chain, panel: numbers from 0; a chain has two cycles and one panel."""
    patterns: dict[tuple[float, ...], int] = {}
    covs: list[Floats] = []
    places: list[tuple[int, int]] = []
    slopes: list[Floats] = []
    rest = 0.0
    for one in range(chain.max() + 1):
        here = chain == one
        z, of_chain = np.column_stack([np.ones(here.sum()), cycle[here]]), y[here]
        line = np.linalg.lstsq(z, of_chain, rcond=None)[0]
        rest += float(np.sum((of_chain - z @ line) ** 2))
        pattern = patterns.setdefault(tuple(cycle[here]), len(patterns))
        if pattern == len(covs):
            covs.append(np.linalg.inv(z.T @ z))
        places.append((int(panel[here][0]), pattern))
        slopes.append(line)
    shape = (int(panel.max()) + 1, len(covs))
    counts, sums, squares = np.zeros(shape), np.zeros((*shape, 2)), np.zeros((len(covs), 2, 2))
    for (p, k), line in zip(places, slopes, strict=True):
        counts[p, k] += 1
        sums[p, k] += line
        squares[k] += np.outer(line, line)
    return Lines(np.array(covs), counts, sums, squares, rest, len(y) - 2 * len(slopes))


def fit(lines: Lines) -> dict[str, Any]:
    """Slope of the mean line at the maximum of the restricted likelihood (Laird and Ware 1982).

    The line b_c of chain c is b + v_c + its error, with covariances Delta of v and s^2 (Z'Z)^-1
    of the error: b = (sum A_c)^-1 sum A_c b_c with A_c = (Delta + s^2 (Z'Z)^-1)^-1. Searched are s
    and the root of Delta, from the moments (Nelder and Mead).

    The error of b is a jackknife over the G panels, the variances held: (G - 1) / G times the sum
    of (b without g - b)^2 (CV3 of MacKinnon, Nielsen and Webb 2023). The model's own would take
    chains of a panel as independent: with 10 panels of two chains that share two thirds of their
    slopes' variance its intervals cover 0.89.

    Returns estimate, se (both of the slope), sd_chain (of the chains' slopes), sd_residual and
    converged.
    """
    search = optimize.minimize(
        lambda theta: _value(theta, lines),
        _start(lines),
        method="Nelder-Mead",
        options={"maxiter": STEPS, "maxfev": STEPS, "xatol": 1e-6, "fatol": 1e-9},
    )
    residual, delta = _parts(search.x)
    information, lean = _information(np.linalg.inv(delta + residual * lines.cov), lines)
    whole = np.linalg.solve(information.sum(axis=0), lean.sum(axis=0))
    others = (information.sum(axis=0) - information, lean.sum(axis=0) - lean)
    without = np.linalg.solve(others[0], others[1][..., None])[..., 0]
    n = len(information)
    return {
        "estimate": float(whole[1]),
        "se": float(np.sqrt((n - 1) / n * np.sum((without[:, 1] - whole[1]) ** 2))),
        "sd_chain": float(np.sqrt(delta[1, 1])),
        "sd_residual": float(np.sqrt(residual)),
        "converged": bool(search.success),
    }


def _start(lines: Lines) -> Floats:
    """The moments as parameters: with all chains alike, and off the bounds, the maximum itself."""
    n = lines.counts.sum()
    mean = lines.sums.sum(axis=(0, 1)) / n
    residual = max(lines.rest / max(lines.free, 1), 1e-8)
    scatter = (lines.squares.sum(axis=0) - n * np.outer(mean, mean)) / max(n - 1, 1)
    noise = np.einsum("gk,kij->ij", lines.counts, lines.cov) / n
    values, vectors = np.linalg.eigh(scatter - residual * noise)
    floor = 0.01 * np.abs(values).max() + 1e-6
    root = np.linalg.cholesky(vectors @ np.diag(np.maximum(values, floor)) @ vectors.T)
    return np.array([np.log(residual) / 2, root[0, 0], root[1, 0], root[1, 1]])


def _parts(theta: Floats) -> tuple[float, Floats]:
    """(s^2, Delta) of log s and the lower triangle of Delta's root."""
    root = np.array([[theta[1], 0.0], [theta[2], theta[3]]])
    return float(np.exp(2 * theta[0])), root @ root.T


def _information(a: Floats, lines: Lines) -> tuple[Floats, Floats]:
    """For each panel (sum A_c, sum A_c b_c)."""
    return (
        np.einsum("gk,kij->gij", lines.counts, a),
        np.einsum("kij,gkj->gi", a, lines.sums),
    )


def _value(theta: Floats, lines: Lines) -> float:
    """-2 log restricted likelihood, less a constant."""
    residual, delta = _parts(theta)
    of_chain = delta + residual * lines.cov
    a = np.linalg.inv(of_chain)
    information, lean = (part.sum(axis=0) for part in _information(a, lines))
    square = np.sum(a * lines.squares) - lean @ np.linalg.solve(information, lean)
    logs = lines.counts.sum(axis=0) @ np.log(np.linalg.det(of_chain))
    logs += np.log(np.linalg.det(information)) + 2 * lines.free * theta[0]
    return float(logs + square + lines.rest / residual)
