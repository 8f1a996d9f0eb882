"""What was trained and what it cost, gathered from the loop's files."""

import pandas as pd
import pytest
from make_loops import OWN, make_loops
from make_scores import make_scores
from run_script import run_script

from idempotence.endpoint.answers import AnswerCache
from idempotence.errors import UserError
from idempotence.io import read_table, write_json, write_parquet, write_sealed, write_text
from idempotence.launch.usage import Usage as LaunchedUsage
from idempotence.report.costs import MORE_STAGES, costs, read_usage
from idempotence.report.provenance import as_table, describe_run, describe_training
from idempotence.scores.schema import PANEL_CYCLE
from idempotence.scores.training_log import KEY, gather

LOOPS = make_loops()
USAGE = "s\th:m:s\tmax_rss\tmean_load\tcpu_time\n"
STEP = {"step": 1, "loss": 0.5, "grad_norm": 0.1, "learning_rate": 0.001}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Scores and the trainings of their chains; every training saw 100 tokens in 10 rows."""
    root = tmp_path_factory.mktemp("study")
    scores = make_scores(settings=["sft", "dpo"], samples=1)
    write_parquet(scores, root / "scores.parquet")
    about = {"status": "ok", "reason": "", "way": "stacked", "rows": 9, "dropped": 1}
    about |= {"tokens": 100, "seconds": 2.0}
    for chain in scores[KEY].drop_duplicates().itertuples(index=False):
        folder = root / chain.setting / chain.model / chain.trait / f"seed{chain.seed}"
        file = folder / f"cycle{chain.cycle}" / "adapters" / chain.cell / "training.json"
        write_sealed(file, {**about, "log": [STEP, {**STEP, "step": 2}]})
    return root, scores


def test_training_of_every_chain_of_the_scores(study):
    root, scores = study
    training = gather(root / "scores.parquet", root)
    assert len(training) == 2 * len(scores[KEY].drop_duplicates())
    assert training["step"].tolist()[:2] == [1, 2] and set(training["loss"]) == {0.5}
    stray = (
        root / "sft" / "other" / "bliss" / "seed0" / "cycle0" / "adapters" / "x" / "training.json"
    )
    write_json(stray, {})  # of a study before this one: not in the scores
    assert len(gather(root / "scores.parquet", root)) == len(training)


def test_a_training_that_is_absent_is_named(study, tmp_path):
    with pytest.raises(UserError, match=r"training\.json is missing"):
        gather(study[0] / "scores.parquet", tmp_path)


def test_costs_by_hand(study, tmp_path):
    root, scores = study
    write_parquet(gather(root / "scores.parquet", root), tmp_path / "training.parquet")
    panels = scores[PANEL_CYCLE].drop_duplicates().astype(str).agg(".".join, axis=1)
    for i, name in enumerate(panels):
        row = f"1.5\t0:00:01\t{100 + i}\t80\t1.2\n"
        write_text(tmp_path / "b" / "finetune" / f"{name}.tsv", USAGE + row)
    one = USAGE + "0.5\t0:00:00\tNA\tNA\tNA\n"
    write_text(tmp_path / "b" / "judge" / f"{panels.iloc[0]}.tsv", one)
    table = costs(root / "scores.parquet", tmp_path / "training.parquet", tmp_path / "b", {}, LOOPS)
    table = table.set_index(["stage", "setting"])
    sft = scores[scores["setting"] == "sft"]
    jobs, chains = len(sft[PANEL_CYCLE].drop_duplicates()), sft[KEY].drop_duplicates()
    finetune = table.loc[("finetune", "sft")]
    assert finetune["jobs"] == finetune["timed"] == jobs
    assert finetune["seconds"] == 1.5 * jobs and finetune["seconds_per_job"] == 1.5
    of_sft = [i for i, name in enumerate(panels) if name.startswith("sft.")]
    assert finetune["memory_mb"] == 100 + max(of_sft) and finetune["load"] == pytest.approx(0.8)
    assert finetune["handled"] == 100 * len(chains) and finetune["unit"] == "tokens"
    assert finetune["handled_per_second"] == pytest.approx(100 * len(chains) / (1.5 * jobs))
    sample = table.loc[("sample", "sft")]
    assert sample["timed"] == 0 and pd.isna(sample["handled_per_second"])
    assert sample["handled"] == len(sft) + 10 * (chains["cycle"] > 0).sum()
    judge = table.loc[("judge", "sft")]
    assert pd.isna(judge["memory_mb"]) and pd.isna(judge["load"])
    assert (judge["timed"], judge["handled"]) == (1, len(sft)) and pd.isna(
        judge["handled_per_second"]
    )


def test_what_is_sampled_to_choose_from_counts(study, tmp_path):
    """Stages that few settings have: only those with a usage file are listed."""
    root, scores = study
    write_parquet(gather(root / "scores.parquet", root), tmp_path / "training.parquet")
    panels = scores[PANEL_CYCLE].drop_duplicates().astype(str).agg(".".join, axis=1)
    of_sft = [name for name in panels if name.startswith("sft.")][:2]
    for name in of_sft:
        row = "1.5\t0:00:01\t100\t80\t1.2\n"
        write_text(tmp_path / "b" / "judge_candidates" / f"{name}.tsv", USAGE + row)
    table = costs(root / "scores.parquet", tmp_path / "training.parquet", tmp_path / "b", {}, LOOPS)
    more = table[table["stage"].isin(MORE_STAGES)]
    assert more[["stage", "setting"]].values.tolist() == [["judge_candidates", "sft"]]
    row = more.iloc[0]
    assert row["jobs"] == row["timed"] == 2 and row["seconds"] == 3 and pd.isna(row["handled"])


def test_a_cycle_that_a_twin_has_trained_costs_nothing(study, tmp_path):
    root, scores = study
    write_parquet(gather(root / "scores.parquet", root), tmp_path / "training.parquet")
    given = root / "scores.parquet", tmp_path / "training.parquet", tmp_path, {}, LOOPS
    alone, copied = (
        costs(*given, settings).set_index(["stage", "setting"]) for settings in ([], ["dpo"])
    )
    assert alone.loc[[("judge", "dpo"), ("finetune", "sft"), ("sample", "sft")]].equals(
        copied.loc[[("judge", "dpo"), ("finetune", "sft"), ("sample", "sft")]]
    )
    later = scores[(scores["setting"] == "dpo") & (scores["cycle"] > 0)]
    chains = later[KEY].drop_duplicates()
    for stage in ("finetune", "sample"):
        assert copied.loc[(stage, "dpo"), "jobs"] == len(later[PANEL_CYCLE].drop_duplicates())
    assert copied.loc[("finetune", "dpo"), "handled"] == 100 * len(chains)
    # what cycle 1 trains on was sampled at cycle 0, by the twin
    fed = 10 * (chains["cycle"] > 1).sum()
    assert copied.loc[("sample", "dpo"), "handled"] == len(later) + fed


def test_a_file_of_another_kind_is_named(study, tmp_path):
    root, scores = study
    write_parquet(gather(root / "scores.parquet", root), tmp_path / "training.parquet")
    name = ".".join(scores[PANEL_CYCLE].astype(str).iloc[0])
    for text in ("seconds\n1\n", "", "s\n", "s\nfast\n"):
        write_text(tmp_path / "b" / "judge" / f"{name}.tsv", text)
        with pytest.raises(UserError, match="no usage file of a job"):
            costs(root / "scores.parquet", tmp_path / "training.parquet", tmp_path / "b", {}, LOOPS)


def test_usage_is_read_as_the_launcher_writes_it(tmp_path):
    LaunchedUsage().write(str(tmp_path / "job.tsv"))
    usage = read_usage(tmp_path / "job.tsv")
    assert usage.seconds >= 0 and usage.memory > 1 and usage.cpu >= 0
    assert read_usage(tmp_path / "absent.tsv") is None
    write_text(tmp_path / "old.tsv", "s\th:m:s\n1.5\t0:00:01\n")
    old = read_usage(tmp_path / "old.tsv")
    assert old.seconds == 1.5 and pd.isna(old.memory) and pd.isna(old.cpu)


def test_a_setting_of_ones_own_stands_beside_the_published_ones(study, tmp_path):
    root, scores = study
    write_parquet(gather(root / "scores.parquet", root), tmp_path / "training.parquet")
    own = scores[scores["setting"] == "sft"].assign(setting=OWN.name)
    write_parquet(pd.concat([own, scores]), tmp_path / "scores.parquet")
    status = run_script(
        "tabulate_costs", "--scores", tmp_path / "scores.parquet", "--benchmarks", tmp_path,
        "--training", tmp_path / "training.parquet", "--endpoints", "{}", "--copied", OWN.name,
        "--loops", make_loops(OWN).to_json(), "--output", tmp_path / "costs.csv",
    )  # fmt: skip
    table = read_table(tmp_path / "costs.parquet")
    assert status == 0 and (tmp_path / "costs.csv").is_file()
    judged = table[table["stage"] == "judge"]
    assert judged["setting"].tolist() == ["sft", OWN.name, "dpo"]


def test_what_an_endpoint_answered_and_no_columns_without_one(study, tmp_path):
    root, _ = study
    write_parquet(gather(root / "scores.parquet", root), tmp_path / "training.parquet")
    cache = AnswerCache(tmp_path / "judge_answers.sqlite")
    for n in range(3):
        cache.put(str(n), {"model": "m"}, {"top": {}}, 100_000, 2)
    cache.close()

    def tabulated(endpoints):
        files = root / "scores.parquet", tmp_path / "training.parquet", tmp_path / "b"
        return costs(*files, endpoints, LOOPS)

    without = tabulated({})
    assert not {"calls", "cost"} & set(without)
    assert set(without["stage"]) == {"finetune", "sample", "judge"}
    prices = {"price_in": 0.15, "price_out": 600}
    files = {role: cache_of(tmp_path, role) for role in ("judge", "second_judge")}
    whole = tabulated({role: {"cache": str(path), **prices} for role, path in files.items()})
    both = whole[list(without)][: len(without)], without
    pd.testing.assert_frame_equal(*both, check_dtype=False)
    by_stage = whole.set_index("stage")
    judge, second = by_stage.loc[["judge API", "second_judge API"]].to_dict("records")
    assert (judge["calls"], judge["tokens_in"], judge["tokens_out"]) == (3, 300_000, 6)
    assert judge["cost"] == pytest.approx((300_000 * 0.15 + 6 * 600) / 1e6)
    assert pd.isna(second["calls"]) and pd.isna(second["cost"])  # its file is gone, and stays so
    assert not files["second_judge"].exists()
    files["second_judge"].write_bytes(b"no database at all" * 100)
    with pytest.raises(UserError, match="holds no answers"):
        tabulated({"second_judge": {"cache": str(files["second_judge"]), **prices}})


def cache_of(folder, role):
    return folder / f"{role}_answers.sqlite"


def test_the_environment_as_a_table(tmp_path):
    write_text(tmp_path / "claims.yaml", "claims: []\n")
    table = as_table(describe_run(tmp_path / "claims.yaml")).set_index("name")["value"]
    assert {"idempotence", "claims_sha256", "python", "processor", "snakemake"} <= set(table.index)
    assert table.map(type).eq(str).all()


def test_a_run_counts_its_adapters_by_way_of_training(tmp_path):
    chain = {"setting": "dpo", "model": "m", "trait": "bliss", "seed": 0}
    ways = [("a", 0, "ok", "stacked"), ("a", 1, "nan", "stacked"), ("b", 0, "ok", "one_by_one"),
            ("b", 1, "ended", "one_by_one")]  # fmt: skip
    steps = [
        {**chain, "cell": cell, "cycle": cycle, "status": status, "way": way, "step": step}
        for cell, cycle, status, way in ways
        for step in (1, 2)
    ]
    write_parquet(pd.DataFrame(steps), tmp_path / "training.parquet")
    ways = {"training_ways": {"stacked": 2, "one_by_one": 1}}
    assert describe_training(tmp_path / "training.parquet") == ways
    (tmp_path / "claims.yaml").write_text("{}", encoding="utf-8")
    table = as_table(describe_run(tmp_path / "claims.yaml") | ways).set_index("name")["value"]
    assert table["adapters trained one_by_one"] == "1"
    write_parquet(pd.DataFrame(steps).drop(columns="way"), tmp_path / "earlier.parquet")
    assert describe_training(tmp_path / "earlier.parquet") == {}
