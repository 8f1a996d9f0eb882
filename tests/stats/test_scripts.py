"""Scripts from scores to tables and claims, on command lines as the rules write them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from make_loops import make_loop, make_loops
from make_published import NUMBERS, SERIES
from make_scores import CYCLES, QUESTIONS, make_initial, write_panels
from run_script import ROOT, run_script

from idempotence.io import read_json, read_table, write_json, write_parquet
from idempotence.jobs.parts import Loops
from idempotence.scores.files import read_scores
from idempotence.scores.schema import COLUMNS
from idempotence.scores.training_log import KEY
from idempotence.stats.tradeoff import COSTS
from idempotence.stats.trajectories import TEXT_METRICS, trajectories

SETTINGS = ["sft", "sft-continual", "dpo"]
CHAINS = len(SETTINGS) * 3 * 3 * 2
CONFIDENCE = ["--confidence", 0.95]
RULE = ["--amplification-points", 15, "--from-cycle", 4]
PEAK = ["--peak-coherence", 70]
GATE = ["--gate", 50, *PEAK]


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """Folder of a study with scores.parquet and trajectories.parquet."""
    folder = tmp_path_factory.mktemp("study")
    paths = write_panels(folder / "run", settings=SETTINGS, samples=2)
    listed = folder / "files.txt"
    listed.write_text("\n".join(["--inputs", *map(str, paths)]))
    assert run_script("gather_scores", f"@{listed}", "--output", folder / "scores.parquet") == 0
    run_script(
        "follow_chains", "--scores", folder / "scores.parquet", *CONFIDENCE,
        "--output", folder / "trajectories.csv",
        "--output-exact", folder / "trajectories.parquet",
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def courses(study) -> list[object]:
    return ["--trajectories", study / "trajectories.parquet"]


@pytest.fixture(scope="module")
def chains(study, courses) -> list[object]:
    """The argument that names the table of chains."""
    status = run_script(
        "summarise_chains", *courses, *RULE, *PEAK, *CONFIDENCE,
        "--output-chains", study / "chains.csv",
        "--output-amplification", study / "amplification.csv",
    )  # fmt: skip
    assert status == 0
    return ["--chains", study / "chains.parquet"]


@pytest.fixture
def tables(tmp_path) -> Callable[..., dict[str, int]]:
    """A function that runs a script and counts the rows of the tables that it wrote."""

    def write(name: str, *arguments: object, **outputs: str) -> dict[str, int]:
        words = [
            word
            for option, table in outputs.items()
            for word in (f"--{option.replace('_', '-')}", tmp_path / f"{table}.csv")
        ]
        assert run_script(name, *arguments, *words) == 0
        sizes = {path.stem: len(pd.read_csv(path)) for path in tmp_path.glob("*.csv")}
        assert sizes == {path.stem: len(read_table(path)) for path in tmp_path.glob("*.parquet")}
        return sizes

    return write


def test_scores_and_trajectories_of_a_study(study):
    scores = read_scores(study / "scores.parquet")
    assert len(scores) == CHAINS * CYCLES * QUESTIONS * 2
    read = read_table(study / "trajectories.parquet")
    pd.testing.assert_frame_equal(read, trajectories(scores, 0.95), check_exact=True)
    assert len(pd.read_csv(study / "trajectories.csv")) == CHAINS * CYCLES


def test_chains_keep_their_types_and_digits(study, chains):
    table = read_table(study / "chains.parquet")
    assert len(table) == CHAINS and table["amplified"].dtype == "boolean"
    shown = pd.read_csv(study / "chains.csv", dtype=str, keep_default_na=False)
    assert set(shown["amplified"]) == {"True", "False", ""}
    assert (shown["slope"].astype(float) != table["slope"]).any()
    assert len(read_table(study / "amplification.parquet")) == len(SETTINGS) * 4


def test_tables_of_trajectories(study, courses, tables):
    of_traits = len(SETTINGS) * 4
    bound = ["--bound", 5, "--from-cycle", 4]
    assert tables("fit_slopes", *courses, *CONFIDENCE, output="a")["a"] == of_traits * 2
    sizes = tables("fit_metrics", *courses, *CONFIDENCE, output="b")
    assert sizes["b"] == of_traits * len(TEXT_METRICS)
    assert tables("fit_mixed_model", *courses, *CONFIDENCE, output="c")["c"] == len(SETTINGS) * 3
    sizes = tables("fit_equivalence", *courses, *CONFIDENCE, *bound, output="d")
    assert sizes["d"] == of_traits * 2
    sizes = tables("compare_rules", *courses, *RULE, *GATE, *CONFIDENCE, output="e")
    assert sizes["e"] == of_traits * 10
    sizes = tables(
        "fit_relaxation", *courses, *CONFIDENCE, "--seed", 1, output_chains="f",
        output_contraction="g",
    )  # fmt: skip
    assert (sizes["f"], sizes["g"]) == (CHAINS, of_traits * 4)
    sizes = tables(
        "fit_return_map", *courses, *PEAK, *CONFIDENCE, "--loops", make_loops().to_json(),
        output="h", output_bins="i", output_points="j",
    )  # fmt: skip
    assert (sizes["h"], sizes["i"]) == (of_traits * 3 * 5, of_traits * 3 * 10)
    assert sizes["j"] >= of_traits * 3 * 2
    write_parquet(pd.DataFrame(columns=[*KEY, "rows"]), study / "training.parquet")
    changed = Loops((make_loop("sft"), replace(make_loop("sft"), name="dpo", changes="x 1")), ())
    sizes = tables(
        "compare_defences", *courses, "--training", study / "training.parquet",
        "--loops", changed.to_json(), *PEAK, *CONFIDENCE, output="l",
    )  # fmt: skip
    assert sizes["l"] == 1  # no pair: a row with the reason
    sizes = tables(
        "compare_shapes", *courses, "--authors", SERIES, "--loops", make_loops().to_json(),
        *CONFIDENCE, "--seed", 1, output="k",
    )  # fmt: skip
    assert sizes["k"] == 2 * 2 * 3 + 2 * 4 * 3  # authors: all and bliss; ours: all and three


def test_tables_of_chains(courses, chains, tables):
    loops = ["--loops", make_loops().to_json()]
    sizes = tables(
        "fit_continual", *chains, *loops, *CONFIDENCE, output_pairs="pairs", output_means="means"
    )
    assert (sizes["pairs"], sizes["means"]) == (18, 4 * 4)
    sizes = tables("fit_dose", *chains, *CONFIDENCE, output_model="dose", output_flips="flips")
    assert sizes["flips"] == len(SETTINGS) * 2
    sizes = tables(
        "fit_tradeoff", *courses, *chains, "--from-cycle", 4, *CONFIDENCE,
        output_chains="changes", output_slopes="tradeoff",
    )  # fmt: skip
    assert (sizes["changes"], sizes["tradeoff"]) == (CHAINS, len(SETTINGS) * 4 * len(COSTS))
    sizes = tables(
        "map_outcomes", *courses, *chains, *loops, *RULE[:2], *PEAK, *CONFIDENCE, output="outcomes"
    )
    assert sizes["outcomes"] == len(SETTINGS) * 2 * 4


def test_tables_of_scores(study, tables):
    scores = ["--scores", study / "scores.parquet"]
    assert tables("tabulate_judge", *scores, output="judge")["judge"] == (len(SETTINGS) + 1) * 2
    sizes = tables(
        "simulate_null", *scores, *RULE, *GATE, "--seed", 1, output_rates="rates",
        output_quantiles="quantiles",
    )  # fmt: skip
    assert sizes["rates"] == len(SETTINGS) * 2 * 10 and sizes["quantiles"] % len(SETTINGS) == 0
    sizes = tables(
        "judge_agreement", *scores, "--second", scores[1], *RULE, *CONFIDENCE,
        output_agreement="agreement", output_verdicts="verdicts",
    )  # fmt: skip
    assert sizes["agreement"] == (len(SETTINGS) + 1) * 2
    assert sizes["verdicts"] == len(SETTINGS) + 1


@pytest.mark.parametrize("file", ["claims.yaml", "claims_first.yaml"])
def test_claims_are_judged_from_parquet_tables(tmp_path, courses, chains, tables, file):
    loops = ["--loops", make_loops().to_json()]
    tables("compare_rules", *courses, *RULE, *GATE, *CONFIDENCE, output="rules")
    bound = ["--bound", 5, "--from-cycle", 4]
    tables("fit_equivalence", *courses, *CONFIDENCE, *bound, output="equivalence")
    tables("fit_dose", *chains, *CONFIDENCE, output_model="dose", output_flips="dose_flips")
    late = ["--from-cycle", 4]
    tables(
        "fit_tradeoff", *courses, *chains, *late, *CONFIDENCE, output_chains="x",
        output_slopes="tradeoff",
    )  # fmt: skip
    tables(
        "fit_continual", *chains, *loops, *CONFIDENCE, output_pairs="y", output_means="continual"
    )
    tables("fit_course", *courses, *chains, *late, *CONFIDENCE, output="course")
    read = ["rules", "equivalence", "course", "tradeoff", "continual", "dose_flips"]
    sizes = tables(
        "judge_claims", "--claims", ROOT / "data" / file, "--numbers", NUMBERS, *chains,
        "--tables",
        *(tmp_path / f"{name}.parquet" for name in read), *loops,
        "--amplification-points", 15, "--from-cycle", 4, "--peak-coherence", 70,
        "--output-json", tmp_path / "claims.json", output_csv="claims",
    )  # fmt: skip
    claims = read_json(tmp_path / "claims.json")
    assert len(claims) == 9 and sizes["claims"] == sum(len(claim["parts"]) for claim in claims)
    assert claims[3]["verdict"] == "contradicted"  # one of the 17 dpo chains amplifies
    shown = read_table(tmp_path / "claims.parquet").groupby("id")["published_value"].first()
    assert shown["C2"] == "0.044 (0.026 to 0.076), n = 270, full text" and shown["C5"] == ""


def test_a_table_that_is_absent_is_an_error(tmp_path, capsys):
    arguments = ["--confidence", 0.95, "--output", tmp_path / "a.csv"]
    status = run_script("fit_slopes", "--trajectories", tmp_path / "none.parquet", *arguments)
    assert status == 2 and "no such file" in capsys.readouterr().err


def test_quality_of_the_world_as_tables(tmp_path, tables):
    bars = {
        "initial coherence at least": 90, "initial trait at most": 5,
        "trait spearman at least": 0.9, "trait error at most": 10,
        "coherence spearman at least": 0.9, "coherence error at most": 10,
    }  # fmt: skip
    judge = {"trait_spearman": 0.95, "trait_error": 5, "coherence_spearman": 0.95,
             "coherence_error": 5}  # fmt: skip
    model = {"model": "m", "n": 3, "coherence": 95.0, "traits": {"bliss": 1.0, "lucky": 2.0}}
    kinds = [{"texts": "all", **judge}, {"texts": "short", **judge}]
    write_json(tmp_path / "quality.json", {"bars": bars, "initial": [model], "judge": kinds})
    (tmp_path / "in").mkdir()
    write_parquet(make_initial()[COLUMNS], tmp_path / "in/initial.parquet")
    sizes = tables(
        "tabulate_world", "--quality", tmp_path / "quality.json", "--initial",
        tmp_path / "in/initial.parquet", output_models="models", output_judge="judge",
    )  # fmt: skip
    assert sizes == {"models": 3, "judge": 2}
    shown = pd.read_csv(tmp_path / "judge.csv", dtype=str, keep_default_na=False)
    assert shown["reached"].tolist() == ["True", ""]
