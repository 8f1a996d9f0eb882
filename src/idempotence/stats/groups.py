"""The rows that most tables have: each setting with all of its traits, then trait by trait."""

from collections.abc import Iterator

import pandas as pd

from idempotence.stats.intervals import holm

ALL = "all"  # the trait of a row that takes a setting's traits together


def with_traits(
    frame: pd.DataFrame, by: str = "setting"
) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """(setting, trait, its rows) for each setting: trait `ALL` first, then each of its traits.

    by: the column of settings, or of what else stands above the traits.
    """
    for name, of_name in frame.groupby(by, sort=by == "setting"):
        yield name, ALL, of_name
        for trait, group in of_name.groupby("trait"):
            yield name, trait, group


def add_holm(made: pd.DataFrame, by: list[str], p: str = "p") -> pd.DataFrame:
    """Put <p>_holm beside p: Holm's (1979) p over the traits of each group; missing for `ALL`."""
    adjusted = made[made["trait"] != ALL].groupby(by)[p].transform(holm)
    made.insert(made.columns.get_loc(p) + 1, f"{p}_holm", adjusted)
    return made
