"""The authors' own chains: data/published/series.csv."""

from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
from pydantic import Field, model_validator

from idempotence.doses import exact
from idempotence.errors import UserError
from idempotence.objectives import ObjectiveName, Start
from idempotence.published.rows import PublishedRow, read_rows

AUTHORS = "authors"  # the setting of their chains
_CHAIN = {  # column -> its word in the name of a cell
    "n_seed": "seed", "n_sampled": "sampled", "beta": "beta", "pairs": "pairs",
    "learning_rate": "rate", "batch_size": "batch",
}  # fmt: skip
_IDENTITY = ["objective", "start", "model", "trait", "cell"]

Points = Annotated[float, Field(ge=0, le=100)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]


class SeriesRow(PublishedRow):
    """A score of a chain; data/published/README.md explains each column."""

    source: str
    commit: str
    kind: Literal["cycle", "initial", "peak"]
    objective: ObjectiveName
    start: Start
    model: str
    trait: str
    n_seed: Count | None
    n_sampled: Count | None
    beta: Positive | None
    pairs: Count | None
    learning_rate: Positive | None
    batch_size: Count | None
    cycle: Annotated[int, Field(ge=0)] | None
    trait_score: Points
    coherence: Points | None
    note: str | None

    @model_validator(mode="after")
    def _has_a_cycle_or_none(self) -> "SeriesRow":
        if (self.kind == "cycle") != (self.cycle is not None):
            raise ValueError("kind 'cycle', and no other, has a number in the column cycle")
        return self

    @property
    def cell(self) -> str:
        """A name of the chain's doses and training, such as "seed25_sampled50_batch2"."""
        given = {word: getattr(self, column) for column, word in _CHAIN.items()}
        return "_".join(f"{word}{exact(v)}" for word, v in given.items() if v is not None)


def load_chains(path: Path) -> pd.DataFrame:
    """The authors' chains that have a score at cycle 0, a row for each chain and cycle.

    path: data/published/series.csv. Returns the columns of `stats.trajectories.trajectories` that
    are known of them: setting (`AUTHORS`), objective, start, model, trait, seed, cell, cycle,
    trait_score, trait_score_se (missing: not published) and coherence (points, 0-100). All have one
    seed, so that those of one model and trait are one panel: other seed rows were not tried.
    Raises `UserError` for mistakes in the file (see `rows.read_rows`), a chain that has a cycle
    twice, and a file without any chain.
    """
    seen: dict[tuple[object, ...], str] = {}
    chains = []
    for place, row in read_rows(path, SeriesRow):
        if row.cycle is None:
            continue
        key = (row.objective, row.start, row.model, row.trait, row.cell, row.cycle)
        if key in seen:
            raise UserError(
                f"{place}, column cycle: the chain has cycle {row.cycle} at {seen[key]}"
            )
        seen[key] = place
        chains.append(_of_chain(row))
    table = pd.DataFrame(chains)
    started = table[table["cycle"] == 0] if chains else table
    if started.empty:
        raise UserError(f"{path}: no chain has a score at cycle 0")
    table = table.merge(started[_IDENTITY])
    return table.sort_values([*_IDENTITY, "cycle"], ignore_index=True)


def _of_chain(row: SeriesRow) -> dict[str, object]:
    """A row of the table of chains."""
    known = row.model_dump(include={"objective", "start", "model", "trait", "cycle", "trait_score"})
    missing = float("nan")
    coherence = missing if row.coherence is None else row.coherence
    own = {"setting": AUTHORS, "seed": 0, "cell": row.cell, "trait_score_se": missing}
    return {**own, **known, "coherence": coherence}
