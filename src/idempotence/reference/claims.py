"""The page of claims: what data/claims.yaml holds, in words."""

from collections.abc import Mapping
from pathlib import Path

from idempotence.claims.definition import (
    Claim,
    Limit,
    LimitName,
    Part,
    Scenario,
    Sides,
    load_claims,
)
from idempotence.reference.lines import wrapped

HEAD = """# Claims

<!-- Written by scripts/write_reference.py from data/claims.yaml. -->

The paper's claims, and the tests that stand for them. The tests were fixed before any cycle after
cycle 0 was run. Some were changed later: the head of `data/claims.yaml` lists each change, and the
results that had been seen by then. `run.json` of each study has the file's hash.
[Statistics](statistics.md) explains the methods, and [files](files.md) the columns of each table.

## How a verdict comes about

A claim has one or more *tests*. A test looks at one row of a table for each setting of its *loop*:
an objective and a start. Where it has *twins*, it looks at the row of a pair of settings that
differ in nothing but the start. A test has two conditions on confidence limits: `supported` and
`contradicted`. The limits are those of 95 % intervals (unless `analysis.confidence` differs), which
are over panels. There is one exception: where panels give no interval for C6, its interval is over
pairs of doses ([statistics](statistics.md#units)).

- The verdict of a test is *contradicted* or *supported* where the condition of this name holds, and
  *not decided* where neither holds. It is *not tested* where the study has no such row, where the
  row has no interval, or where the study has too few amplified chains, doses or cycles for the
  test.
- A claim is *contradicted* when any of its tests is. It is *supported* when all of its tests that
  could be tested are, *not tested* when none could, and otherwise *not decided*.
- A setting that changes more of its objective's section than doses is shown with a verdict of its
  own, which decides nothing.

| key of a test | meaning |
|---|---|
| `what` | the test in words |
| `table` | the table below `results/<study>/tables/` that it reads |
| `loop` | objective and start of the settings that it is about |
| `twins` | objective of the pairs of settings that it is about; a test has `loop` or `twins` |
| `where` | column and value: which row of the setting |
| `estimate` | the column that is shown as the estimate |
| `supported`, `contradicted` | conditions on `ci_low` and `ci_high`, or `panel_low`, `panel_high` |
| `needs_amplified` | chains that must have amplified, else the test is not tested |
| `needs_cells` | doses for each panel, without which a setting cannot decide |
| `needs_cycles` | number of the last cycle that a chain must have reached |
| `decides` | `false`: the test is shown only |
| `if_right`, `if_wrong` | what chains do in the simulations of the table `power` |
"""

STARTS = {
    "initial": "each cycle from the initial model",
    "previous": "each cycle from the last one",
}


def claims_page(path: Path) -> str:
    """The text of docs/claims.md. path: data/claims.yaml. Raises `UserError` as `load_claims`."""
    return "\n".join([HEAD, *(_claim(claim) for claim in load_claims(path))])


def _claim(claim: Claim) -> str:
    published = f'The paper: "{claim.published.says}" ({claim.published.where}).'
    lines = [f"## {claim.id}", "", claim.claim, "", published, ""]
    lines += [f"{number}. {_part(part)}" for number, part in enumerate(claim.parts, 1)]
    return "\n".join([*lines, ""])


def _part(part: Part) -> str:
    """A test as an item of a list."""
    subject = (
        f"settings of `{part.loop.objective}`, {STARTS[part.loop.start]}"
        if part.loop
        else f"twins of `{part.twins.objective if part.twins else ''}`"
    )
    row = ", ".join(f"`{column}` = {value}" for column, value in part.where.items())
    place = f"table [{part.table}](files.md#{part.table}), column `{part.estimate}`" + (
        f", where {row}" if row else ""
    )
    needs = [
        f"{number} {what}"
        for number, what in (
            (part.needs_amplified, "chains that amplified"),
            (part.needs_cells, "doses for each panel"),
            (part.needs_cycles, "as the number of the last cycle"),
        )
        if number
    ]
    lines = [
        f"**{part.what}**" + ("" if part.decides else " (shown only)"),
        f"- about: {subject}",
        f"- reads: {place}",
        f"- supported: {_conditions(part.supported)}",
        f"- contradicted: {_conditions(part.contradicted)}",
        *([f"- needs: {', '.join(needs)}"] if needs else []),
        *([f"- if the paper is right: {_course(part.if_right)}"] if part.if_right else []),
        *([f"- if the paper is wrong: {_course(part.if_wrong)}"] if part.if_wrong else []),
    ]
    return "\n".join(wrapped(line, "   ") for line in lines).strip()


def _conditions(limits: Mapping[LimitName, Limit]) -> str:
    """Conditions on limits: "`ci_low` above 0"."""
    words = [
        f"`{name}` {word} {value:g}"
        for name, limit in limits.items()
        for word, value in (("above", limit.above), ("below", limit.below))
        if value is not None
    ]
    return " and ".join(words) or "never"


def _course(scenario: Scenario | Sides) -> str:
    """What simulated chains do."""
    if isinstance(scenario, Sides):
        sides = (("from the last model", scenario.continual), ("from the initial", scenario.reinit))
        return "; ".join(f"{name}: {_course(side)}" for name, side in sides)
    changes = [
        f"{value:+g} {unit}"
        for value, unit in (
            (scenario.trait_score, "points of the trait"),
            (scenario.coherence, "points of coherence"),
            (scenario.words_per_sentence, "words a sentence"),
        )
        if value
    ]
    course = f"{', '.join(changes)} by cycle {scenario.by}" if changes else "nothing changes"
    if scenario.chains < 1:
        others = f"change by {scenario.others:+g} points" if scenario.others else "stay"
        course += f" in {100 * scenario.chains:g} % of chains; the others {others}"
    return course
