"""The rows that most tables have: each setting with all of its traits, then trait by trait."""

from collections.abc import Iterator

import pandas as pd

from idempotence.stats.intervals import holm

ALL = "all"  # the trait of a row that takes a setting's traits together


def with_traits(
    frame: pd.DataFrame, each_trait: bool = True
) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """(setting, trait, its rows) for each setting: trait `ALL` first, then each of its traits.

    each_trait: False leaves all but `ALL` out.
    """
    for setting, of_setting in frame.groupby("setting"):
        for trait, group in by_trait(of_setting, each_trait):
            yield str(setting), trait, group


def by_trait(frame: pd.DataFrame, each_trait: bool = True) -> Iterator[tuple[str, pd.DataFrame]]:
    """(trait, its rows): trait `ALL` first, then each trait; see `with_traits`."""
    yield ALL, frame
    if each_trait:
        for trait, group in frame.groupby("trait"):
            yield str(trait), group


def add_holm(table: pd.DataFrame, by: list[str], p: str = "p") -> pd.DataFrame:
    """The table with <p>_holm after p: Holm's (1979) p over the traits of each group of rows.

    by: the columns of a group. Missing for the trait `ALL`.
    """
    adjusted = table[table["trait"] != ALL].groupby(by)[p].transform(holm)
    place = list(table.columns).index(p) + 1
    table.insert(place, f"{p}_holm", adjusted)
    return table
