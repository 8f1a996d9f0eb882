"""Power: simulated studies follow their scenario, and are judged as real ones are."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from run_script import run_script

from idempotence.claims.definition import Scenario, load_claims
from idempotence.claims.power import WHOLE, Analysis, Planned, power
from idempotence.claims.power_words import in_words, power_section
from idempotence.claims.simulation import Simulated, trajectories
from idempotence.doses import Cell
from idempotence.errors import UserError
from idempotence.io import read_table
from idempotence.jobs.parts import Grid, Loop, Loops, SettingGrid
from idempotence.stats.noise import MEASURES, PARTS

DATA = Path(__file__).parents[2] / "data"
ANALYSIS = Analysis(15, 4, 50, 70, 10, 0.95)
ON, ANEW = Loop("on", "dpo", "previous", "", 6), Loop("anew", "dpo", "initial", "", 6)
LOOPS = Loops((ON, ANEW), (("on", "anew"),))
CELLS = (Cell("a", beta=0.3, pairs=200), Cell("b", beta=1.0, pairs=200))
SHARES = ["supported", "contradicted", "undecided", "untested"]
CLAIMS = {claim.id: claim for claim in load_claims(DATA / "claims.yaml")}


def noise_of(**sds):
    """The same scatter of both recipes' trait scores; other measures do not scatter."""
    still = dict.fromkeys(PARTS, 0.0)
    means = {"trait_score": 50.0, "coherence": 95.0, "words_per_sentence": 6.0}
    rows = [
        {"objective": "dpo", "start": start, "measure": measure, "last_cycle": 6,
         "mean_0": means[measure], **(still | sds if measure == "trait_score" else still)}
        for start in ("base", "previous") for measure in MEASURES
    ]  # fmt: skip
    return pd.DataFrame(rows)


def grid_of(name, seeds=3, cells=CELLS):
    return SettingGrid(name, ("m",), ("bliss", "lucky"), seeds, cells)


def planned(seeds=3, loops=LOOPS, seed=1, **sds):
    grids = tuple(grid_of(loop.name, seeds) for loop in loops.loops)
    return Planned(loops, Grid(grids, 15.0), noise_of(**sds), seed)


def whole(claim, study, draws=40):
    """The rows of a claim's verdict: right, then wrong."""
    table = power([claim], study, ANALYSIS, draws)
    return table[table["test"] == WHOLE].set_index("scenario")


# --- courses


def test_courses_follow_their_scenario():
    scenario = Scenario(by=3, trait_score=45, coherence=-6, words_per_sentence=-9)
    cells = (Cell("low", level=20, n_sampled=60), Cell("high", level=80, n_sampled=60))
    setting = Simulated(grid_of("on", cells=cells), ON, scenario)
    table = trajectories([setting], noise_of(), 15, 2, np.random.default_rng(0))
    assert len(table) == 2 * 6 * 2 * 7
    assert set(table["setting"]) == {"on 0", "on 1"} and set(table["start"]) == {"previous"}
    for _, chain in table.groupby(["setting", "trait", "seed", "cell"]):
        chain = chain.set_index("cycle")
        low = chain["cell"].iloc[0] == "low"
        expected = [20, 35, 50, 65, 65, 65, 65] if low else [80, 95, 100, 100, 100, 100, 100]
        assert chain["trait_score"].tolist() == pytest.approx(expected)  # cut at 100
        assert chain["coherence"].tolist() == pytest.approx([95, 93, 91, 89, 89, 89, 89])
        assert chain["words_per_sentence"].tolist() == pytest.approx([6, 3, 1, 1, 1, 1, 1])


def test_a_share_of_the_chains_does_something_else():
    scenario = Scenario(by=1, trait_score=30, coherence=-5, chains=0.3, others=-10)
    setting = Simulated(grid_of("on"), ON, scenario)
    table = trajectories([setting], noise_of(), 15, 200, np.random.default_rng(0))
    last = table[table["cycle"] == 6]
    rose = last["trait_score"] == 45
    assert (rose | (last["trait_score"] == 5)).all() and 0.27 < rose.mean() < 0.33
    assert (last["coherence"] == np.where(rose, 90, 95)).all()


def test_scatter_is_what_noise_says():
    scatter = noise_of(sd_panel=3.0, sd_chain=4.0, sd_cycle=2.0)
    setting = Simulated(grid_of("on"), ON, Scenario(by=1, trait_score=35))
    table = trajectories([setting], scatter, 15, 400, np.random.default_rng(0))
    sds = table.groupby("cycle")["trait_score"].std()
    grown = (3.0**2 + 4.0**2) * (np.arange(7) / 6) ** 2 + 2.0**2 * (np.arange(7) > 0)
    assert sds.tolist() == pytest.approx(np.sqrt(grown).tolist(), rel=0.05)


# --- power


def test_without_noise_a_share_is_decided_always():
    rows = whole(CLAIMS["C4"], planned())
    assert rows.loc["right", "supported"] == 1 and rows.loc["wrong", "contradicted"] == 1
    assert (rows["error"] == 0).all() and (rows[SHARES].sum(axis=1) == 1).all()
    assert set(rows["n_panels"]) == {"on 6"}


def test_power_rises_with_panels():
    # a small true difference of twins: what scatters less finds it more often
    part = CLAIMS["C8"].parts[0].model_dump()
    part["if_right"]["continual"] = Scenario(by=3, trait_score=8).model_dump()
    claim = type(CLAIMS["C8"]).model_validate(CLAIMS["C8"].model_dump() | {"parts": [part]})
    sds = {"sd_panel": 8.0, "sd_chain": 8.0, "sd_cycle": 3.0}
    shares = [whole(claim, planned(n, **sds)).loc["right", "supported"] for n in (2, 4, 10)]
    assert shares[0] + 0.1 < shares[1] and shares[1] + 0.1 < shares[2]


def test_the_same_seed_gives_the_same_table():
    one, two, other = (
        power([CLAIMS["C4"]], planned(seed=seed, sd_chain=20.0, sd_cycle=9.0), ANALYSIS, 20)
        for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(one, two)
    assert not one.equals(other)


@pytest.mark.slow
def test_false_verdicts_on_the_boundary_are_few():
    # C8, wrong: twins do the same, so that their mean difference is 0, the limit of both verdicts
    claim = CLAIMS["C8"].model_copy(update={"parts": CLAIMS["C8"].parts[:1]})
    row = whole(claim, planned(5, sd_panel=5.0, sd_chain=10.0, sd_cycle=5.0), 500).loc["wrong"]
    false = row["supported"] + row["contradicted"]
    assert row["draws"] == 500 and 0.02 < false < 0.08


def test_what_a_study_lacks_is_not_tested_and_says_why():
    none = Planned(Loops((), ()), Grid((), 15.0), noise_of(), 1)
    row = whole(CLAIMS["C4"], none).loc["right"]
    assert row["untested"] == 1 and row["draws"] == 0 and "no such setting" in row["warnings"]
    audit = Planned(LOOPS, Grid((), 15.0), noise_of(), 1)
    assert (whole(CLAIMS["C4"], audit)["untested"] == 1).all()
    hot = Loop("on", "dpo", "previous", "generation.temperature 2", 6)
    changed = whole(CLAIMS["C4"], planned(loops=Loops((hot,), ())))
    assert (changed["untested"] == 1).all()
    assert "2 panel(s); it takes 3" in whole(CLAIMS["C4"], planned(1)).loc["right", "warnings"]
    sft = Loops((Loop("sft", "sft", "initial", "", 6),), ())
    assert "2 doses" in whole(CLAIMS["C6"], planned(loops=sft)).loc["right", "warnings"]
    assert "6 cycles" in whole(CLAIMS["C9"], planned(loops=sft)).loc["right", "warnings"]


def test_large_grids_get_fewer_draws(monkeypatch):
    monkeypatch.setattr("idempotence.claims.power.MOST_CHAINS", 12 * 50)
    assert set(whole(CLAIMS["C4"], planned(), 100)["draws"]) == {50}
    monkeypatch.setattr("idempotence.claims.power.MOST_CHAINS", 1)
    assert set(whole(CLAIMS["C4"], planned(), 100)["draws"]) == {40}


def test_what_cannot_be_simulated_is_an_error():
    lacking = Planned(LOOPS, Grid((grid_of("on"), grid_of("anew")), 15.0), noise_of()[:1], 1)
    with pytest.raises(UserError, match="noise: 0 rows for dpo previous trait_score"):
        whole(CLAIMS["C4"], lacking)
    part = CLAIMS["C4"].parts[0].model_copy(update={"table": "tradeoff"})
    with pytest.raises(UserError, match="C4: tradeoff is not simulated"):
        whole(CLAIMS["C4"].model_copy(update={"parts": [part]}), planned())
    with pytest.raises(UserError, match="draws are 0"):
        whole(CLAIMS["C4"], planned(), 0)


# --- scenarios in the file of claims

PART = """
claims:
  - id: C1
    claim: it grows
    published: {{says: yes it does, where: abstract}}
    parts:
      - what: a share
        table: rules
        {subject}
        estimate: share
        supported: {{ci_low: {{above: 0.5}}}}
        contradicted: {{ci_high: {{below: 0.5}}}}
        {scenarios}
"""
TWINS, LOOP = "twins: {objective: dpo}", "loop: {objective: dpo, start: previous}"


@pytest.mark.parametrize(
    ("subject", "scenarios", "says"),
    [
        (LOOP, "if_right: {by: 1}", "give both if_right and if_wrong"),
        (LOOP, "if_right: {by: 1, trait: 3}\n        if_wrong: {by: 1}",
         "C1: parts.0.if_right.loop.trait: there is no such key"),
        (LOOP, "if_right: {by: 0}\n        if_wrong: {by: 1}", "if_right.loop.by"),
        (LOOP, "if_right: {by: 1, chains: 2}\n        if_wrong: {by: 1}", "if_right.loop.chains"),
        (LOOP, "if_right: {by: 1, trait_score: .nan}\n        if_wrong: {by: 1}", "trait_score"),
        (LOOP, "if_right: {continual: {by: 1}, reinit: {by: 1}}\n        if_wrong: {by: 1}",
         "must give one scenario"),
        (TWINS, "if_right: {by: 1}\n        if_wrong: {by: 1}", "each for continual and reinit"),
        (TWINS, "if_right: {continual: {by: 1}}\n        if_wrong: {by: 1}",
         "C1: parts.0.if_right.twins.reinit: Field required"),
        (LOOP, "if_right: 3\n        if_wrong: {by: 1}", "if_right"),
    ],
)  # fmt: skip
def test_wrong_scenarios_say_where(tmp_path, subject, scenarios, says):
    path = tmp_path / "claims.yaml"
    path.write_text(PART.format(subject=subject, scenarios=scenarios))
    with pytest.raises(UserError, match=says) as error:
        load_claims(path)
    assert str(path) in str(error.value) and "C1" in str(error.value)


def test_parts_of_a_claim_agree_and_all_have_scenarios():
    claim = CLAIMS["C5"].model_dump()
    claim["parts"][1]["if_right"]["reinit"]["by"] = 2
    with pytest.raises(ValueError, match="if_right: two parts have different scenarios of dpo"):
        type(CLAIMS["C5"]).model_validate(claim)
    claim["parts"][1]["if_right"] = claim["parts"][1]["if_wrong"] = None
    with pytest.raises(ValueError, match="all parts that decide, or none"):
        type(CLAIMS["C5"]).model_validate(claim)


def test_the_shipped_files_fit_each_other():
    noise = pd.read_csv(DATA / "noise.csv")
    assert len(noise) == 18 and noise[[*PARTS, "mean_0"]].notna().all(axis=None)
    assert not noise.duplicated(["objective", "start", "measure"]).any()
    for claim in CLAIMS.values():
        assert all(part.if_right and part.if_wrong for part in claim.deciding), claim.id
        assert claim.scenarios("if_right") != claim.scenarios("if_wrong")
    first = load_claims(DATA / "claims_first.yaml")
    table = power(first, planned(), ANALYSIS)
    assert not len(table) and list(table)[:3] == ["id", "test", "scenario"]


# --- in words, and from the command line


def test_in_words():
    table = power([CLAIMS["C4"], CLAIMS["C9"]], planned(), ANALYSIS, 10)
    words = {claim: [line.replace("\xa0", " ") for line in lines]
             for claim, lines in in_words(table).items()}  # fmt: skip
    assert words["C4"] == ["if the paper is right: supported 100 %",
                           "if the paper is wrong: contradicted 100 %"]  # fmt: skip
    assert words["C9"][0] == "if the paper is right: not tested, the study has no such setting"
    assert "C4  if the paper is right" in power_section(table)
    assert "standard error" not in power_section(table[table["draws"] == 0])


def test_the_script_writes_the_table(tmp_path):
    study = planned()
    study.noise.to_csv(tmp_path / "noise.csv", index=False)
    path = tmp_path / "power.csv"
    status = run_script(
        "simulate_power", "--claims", DATA / "claims.yaml", "--noise", tmp_path / "noise.csv",
        "--loops", Loops((ON,), ()).to_json(), "--grid", Grid((grid_of("on"),), 15.0).to_json(),
        "--amplification-points", 15, "--from-cycle", 4, "--gate", 50, "--peak-coherence", 70,
        "--bound", 10, "--confidence", 0.95, "--seed", 1, "--output", path,
    )  # fmt: skip
    table = read_table(path.with_suffix(".parquet"))
    assert status == 0 and path.is_file() and set(table["id"]) == {*CLAIMS}
    assert (table[table["id"] == "C2"]["untested"] == 1).all()
