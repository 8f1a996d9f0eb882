"""Coloured squares with a number: what the heat maps of rises share."""

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize

COLORS = "PuOr_r"  # diverging; colour-blind readers see the difference
LEAST_REACH = 15  # points at the ends of the scale, at least


def scale(rises: pd.Series) -> Normalize:
    """The scale of the colours, to both sides as far as the largest of some rises (points)."""
    return Normalize(-_end(rises), _end(rises))


def reach(rises: pd.Series) -> str:
    """Where the colours end, for a caption."""
    return f"from {-_end(rises):.0f} to {_end(rises):.0f} points"


def _end(rises: pd.Series) -> float:
    """The largest rise in tens, rounded up."""
    known = rises.abs().dropna()
    return max(LEAST_REACH, np.ceil(known.max() / 10) * 10) if len(known) else LEAST_REACH


def signed(rise: float) -> str:
    """A rise in points with its sign, in whole points; with a decimal where it is below 1."""
    small = abs(round(rise, 1)) < 1
    text = f"{rise:+.1f}" if small else f"{rise:+.0f}"
    return "0" if float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")
