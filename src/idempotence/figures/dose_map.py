"""Heat maps of how far a trait rose, over the two doses; verdicts that flip are outlined."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from idempotence.errors import UserError
from idempotence.figures.labels import counted, level_note, setting_title
from idempotence.figures.squares import COLORS, reach, scale, signed
from idempotence.figures.style import (
    INK,
    NO_DOSES,
    PAGE_WIDTH,
    empty_figure,
    new_figure,
    no_doses,
    small_multiples,
    styled,
)
from idempotence.jobs.parts import Loop
from idempotence.stats.dose import dose_axes

NAMES = {"level": "seeded to", "n_seed": "seed rows", "n_sampled": "samples per cycle",
         "beta": "β", "pairs": "pairs per cycle"}  # fmt: skip
ACROSS = 4
SQUARE, NAME, SIDES = 0.5, 0.07, 1.5  # inches: a square's width; a title's letter; beside all maps


def numbers(chains: pd.DataFrame, setting: str) -> pd.DataFrame:
    """One row for each trait and dose: mean over chains of the largest late rise.

    chains: see `stats.amplification.chains`. Returns trait, the setting's two doses (none where its
    cells have not two in common), max_delta (points), n_seeds (chains with a verdict, one for each
    seed of a model) and n_amplified. Raises `UserError` for a setting that the table lacks.
    """
    mine = chains[chains["setting"] == setting]
    if mine.empty:
        raise UserError(f"the table of chains has no setting '{setting}'")
    pair = list(dose_axes(mine) or [])
    known = mine[mine["amplified"].notna()].astype({"amplified": bool})
    grouped = known.groupby(["trait", *pair])
    rises = grouped["max_delta"].mean().to_frame()
    rises["n_seeds"], rises["n_amplified"] = grouped.size(), grouped["amplified"].sum()
    return rises.reset_index()


def draw(chains: pd.DataFrame, loop: Loop) -> tuple[Figure, pd.DataFrame, str]:
    """(figure, its numbers, its caption) of a setting; arguments and errors as for `numbers`."""
    drawn = numbers(chains, loop.name)
    title = setting_title(loop)
    doses = dose_axes(chains[chains["setting"] == loop.name])
    if doses is None:
        return no_doses(), drawn, f"{title}. {NO_DOSES}"
    text = f"{title}. {_about(drawn, doses)}{level_note(doses)}"
    with styled():
        if drawn.empty:
            why = "No chain of this setting has a verdict, which needs scores at cycle 0 and late."
            return empty_figure(why), drawn, text
        return _figure(drawn, *doses), drawn, text


def _about(drawn: pd.DataFrame, doses: tuple[str, str]) -> str:
    """Sentences on what is drawn, and on nothing else."""
    shares = [_shares(cells) for _, cells in _by_trait(drawn, *doses)]
    notes = {
        " The fraction says how many of them amplified by the published rule.": (
            (drawn["n_seeds"] > 1).any()
        ),
        " Thick lines separate neighbouring squares in which different shares of the chains "
        "amplified.": any(_flips(each) for each in shares),
        " An empty square has no chain with a verdict.": any(np.isnan(e).any() for e in shares),
    }
    return (
        f"Colour ({reach(drawn['max_delta'])}) and number are the largest rise of the trait score "
        "over cycle 0 among the late cycles. A square is one combination of two doses, with the "
        f"mean over {counted(drawn['n_seeds'], 'chain')}."
        + "".join(note for note, true in notes.items() if true)
    )


def _by_trait(drawn: pd.DataFrame, first: str, second: str) -> list[tuple[str, pd.DataFrame]]:
    """Each trait with its rows for every pair of doses, which are their index."""
    pairs = [sorted(drawn[name].unique()) for name in (first, second)]
    index = pd.MultiIndex.from_product(pairs, names=[first, second])
    return [
        (str(trait), mine.set_index([first, second]).reindex(index))
        for trait, mine in drawn.groupby("trait")
    ]


def _shares(cells: pd.DataFrame) -> np.ndarray:
    """Shares of amplified chains by row and column."""
    return (cells["n_amplified"] / cells["n_seeds"]).unstack().to_numpy(float)


def _figure(drawn: pd.DataFrame, first: str, second: str) -> Figure:
    """A map for each trait: rows are values of the dose `first`, columns of `second`."""
    maps = _by_trait(drawn, first, second)
    n_rows, n_columns = (drawn[name].nunique() for name in (first, second))
    across = min(ACROSS, len(maps))
    bands = -(-len(maps) // across)
    widest = max(n_columns * SQUARE, NAME * max(len(trait) for trait, _ in maps))
    width = min(PAGE_WIDTH, across * widest + SIDES)
    figure = new_figure(width, bands * (0.55 + 0.32 * n_rows) + 0.5)
    axes = small_multiples(figure, len(maps), across)
    norm = scale(drawn["max_delta"])
    for place, (axis, (trait, cells)) in enumerate(zip(axes, maps, strict=True)):
        _map(axis, cells, norm)
        axis.set_title(trait)
        axis.tick_params(labelleft=place % across == 0, length=0)
    # only now: seaborn lays the whole figure out for each map
    figure.set_layout_engine("constrained")
    figure.supxlabel(NAMES[second], fontsize=8)
    figure.supylabel(NAMES[first], fontsize=8)
    figure.colorbar(ScalarMappable(norm, COLORS), ax=axes, label="largest late\nrise, points",
                    aspect=30, pad=0.01)  # fmt: skip
    return figure


def _map(axis: Axes, cells: pd.DataFrame, norm: Normalize) -> None:
    """One trait's map with its numbers and the borders of flips.

    cells: `numbers` for every pair of doses, which are its index; missing where there is no chain.
    """
    rises = cells["max_delta"].unstack()
    texts = cells.apply(_text, axis=1).unstack()
    sns.heatmap(
        rises, annot=texts, fmt="", cmap=COLORS, norm=norm, cbar=False, ax=axis,
        annot_kws={"fontsize": 6, "linespacing": 0.95},
        xticklabels=[f"{dose:g}" for dose in rises.columns],
        yticklabels=[f"{dose:g}" for dose in rises.index],
    )  # fmt: skip
    axis.invert_yaxis()
    axis.set(xlabel="", ylabel="")
    axis.tick_params(axis="y", labelrotation=0)
    axis.grid(visible=False)
    for side in ("left", "bottom"):
        axis.spines[side].set_visible(True)
    for ends in _flips(_shares(cells)):
        axis.plot(*ends, color=INK, linewidth=1.8, solid_capstyle="butt")


def _text(cell: pd.Series) -> str:
    """The mean rise, and how many chains amplified where there are several."""
    if pd.isna(cell["max_delta"]):
        return ""
    rise = signed(cell["max_delta"])
    if cell["n_seeds"] > 1:
        rise += f"\n{cell['n_amplified']:.0f}/{cell['n_seeds']:.0f}"
    return rise


def _flips(amplified: np.ndarray) -> list[tuple[list[int], list[int]]]:
    """Ends (x, y) of borders of neighbours with different shares of amplified chains.

    amplified: shares by row and column; the square of row i and column j reaches from (j, i) to
    (j + 1, i + 1).
    """
    found = []
    for i, j in np.ndindex(*amplified.shape):
        for k, m in ((i + 1, j), (i, j + 1)):
            if k >= amplified.shape[0] or m >= amplified.shape[1]:
                continue
            if np.isfinite(amplified[[i, k], [j, m]]).all() and amplified[i, j] != amplified[k, m]:
                found.append(([j, j + 1], [k, k]) if k > i else ([m, m], [i, i + 1]))
    return found
