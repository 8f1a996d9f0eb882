"""A fresh run of the shipped study beside what was shipped."""

from typing import Any

import pandas as pd

from idempotence.scores.expected import MODEL
from idempotence.scores.shipped import DIFFERS
from idempotence.stats.groups import ALL
from idempotence.stats.noise_floor import MEASURES

SHOWN = 10  # models that moved most
SAME, MOVED, LACKING, NEW = "same", "moved", "lacking", "new"


def compared(expected: pd.DataFrame, own: pd.DataFrame, floors: pd.DataFrame) -> pd.DataFrame:
    """One row for each model and measure: `MODEL`, measure, shipped, own, move, floor, state.

    expected, own: see `expectations`. floors: see `noise_floor.floors`; a setting without one gets
    that of all. shipped, own: mean scores; move: own less shipped; floor: what two scorings of an
    unchanged model may lie apart (points, 0-100). state: "same" (all replies and scores), "moved",
    "lacking" (of the run) or "new" (not of the shipped one).
    """
    both = expected.merge(own, on=MODEL, how="outer", suffixes=("_shipped", "_own"))
    state = (both["sha256_shipped"] == both["sha256_own"]).map({True: SAME, False: MOVED})
    state = state.mask(both["sha256_own"].isna(), LACKING).mask(both["sha256_shipped"].isna(), NEW)
    parts = []
    for measure in MEASURES:
        known = floors[floors["measure"] == measure].set_index("setting")["floor"]
        shipped, new = both[f"{measure}_shipped"], both[f"{measure}_own"]
        floor = both["setting"].map(known).fillna(known.get(ALL, float("nan")))
        parts.append(
            both[MODEL].assign(
                measure=measure, shipped=shipped, own=new, move=new - shipped, floor=floor,
                state=state,
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def by_setting(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each setting and measure of `compared`: how many models moved, and how far.

    Returns setting, measure, models, moved, beyond (models that moved by more than the floor), mean
    (of all moves), largest (the largest move, without its sign), floor.
    """
    rows = []
    for (setting, measure), own in table.groupby(["setting", "measure"], sort=False):
        size = own["move"].abs()
        rows.append(
            {
                "setting": setting, "measure": measure, "models": len(own),
                "moved": int((own["state"] == MOVED).sum()),
                "beyond": int((size > own["floor"]).sum()), "mean": own["move"].mean(),
                "largest": size.max(), "floor": own["floor"].iloc[0],
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def verdict(table: pd.DataFrame, alike: bool) -> str:
    """One sentence, which begins with `DIFFERS` where the run is not that of the shipped study.

    table: see `compared`. alike: whether processor and packages are those of the shipped run, and
    with them the bytes. On others the mean move of each setting must be within its floor: single
    chains part, since another last bit draws another token, and later cycles train on it.
    """
    states = table[table["measure"] == MEASURES[0]]["state"].value_counts()
    if states.get(LACKING, 0) or states.get(NEW, 0):
        return (
            f"{DIFFERS}: the run lacks {states.get(LACKING, 0)} models and has "
            f"{states.get(NEW, 0)} others; is the config that of the shipped study?"
        )
    if not states.get(MOVED, 0):
        return "as shipped: all replies and scores are the same"
    if alike:
        return f"{DIFFERS}: processor and packages are those of the shipped run, the replies not"
    settings = by_setting(table)
    far = settings[settings["mean"].abs() > settings["floor"]]
    if len(far):
        names = ", ".join(f"{row.setting} ({row.measure})" for row in far.itertuples())
        return f"{DIFFERS}: the mean move is beyond the noise floor in {names}"
    return (
        "as shipped but for rounding: processor or packages are others, "
        "and the mean move of every setting is within the noise floor"
    )


def kind_of_machine(run: dict[str, Any]) -> str:
    """What decides the last bits of a run, as run.json has it: processor and packages."""
    packages = ", ".join(f"{name} {version}" for name, version in run["packages"].items())
    return f"{run['machine']['processor']}; {packages}"


def page(table: pd.DataFrame, shipped: dict[str, Any], own: dict[str, Any]) -> str:
    """The comparison in words: verdict, settings, models that moved most, both machines.

    shipped, own: the content of run.json.
    """
    machines = [kind_of_machine(run) for run in (shipped, own)]
    parts = [verdict(table, machines[0] == machines[1])]
    if (table["state"] == MOVED).any():
        parts += ["", "Points (0-100); a model is a chain at a cycle.", _text(by_setting(table))]
        most = table.reindex(table["move"].abs().sort_values(ascending=False, kind="stable").index)
        parts += ["", "The models that moved most:", _text(most[most["move"].abs() > 0][:SHOWN])]
        first = table[table["state"] == MOVED]["cycle"].min()
        parts += ["", f"The first cycle with a model that moved: {first}"]
    parts += ["", f"shipped: {machines[0]}", f"this run: {machines[1]}"]
    return "\n".join(parts) + "\n"


def _text(table: pd.DataFrame) -> str:
    return str(table.to_string(index=False, float_format="%.2f"))
