"""The search for a level's dose: how many seed rows bring the cycle-0 score to it."""

from collections.abc import Callable, Sequence


def dose_grid(step: int, n_seed_max: int) -> list[int]:
    """The doses that may be tried: multiples of step."""
    return list(range(step, n_seed_max + 1, step))


def crossing(score: Callable[[int], float], level: float, grid: Sequence[int]) -> int:
    """Index of the first dose on the grid whose score reaches `level`; len(grid) if none does.

    score: dose -> cycle-0 score (0-100). A bisection: it takes the score to rise with the dose, as
    the published search does.
    """
    low, high = 0, len(grid)
    while low < high:
        middle = (low + high) // 2
        if score(grid[middle]) >= level:
            high = middle
        else:
            low = middle + 1
    return low


def pick_dose(score: Callable[[int], float], level: float, grid: Sequence[int]) -> dict:
    """The dose nearest to the level on either side of the crossing.

    Returns {"n_seed", "score", "reached"}: reached is false when even the largest dose stays
    below the level; the largest dose is then taken, and the report shows it.
    """
    at = crossing(score, level, grid)
    if at == len(grid):
        return {"n_seed": grid[-1], "score": score(grid[-1]), "reached": False}
    near = grid[max(at - 1, 0) : at + 1]
    best = min(near, key=lambda n: (abs(score(n) - level), n))
    return {"n_seed": best, "score": score(best), "reached": True}
