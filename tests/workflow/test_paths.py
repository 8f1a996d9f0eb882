"""Where the files of a study lie."""

from pathlib import Path

import pytest
from make_config import ROOT, load

from idempotence.workflow.paths import StudyPaths, lost
from idempotence.workflow.study_jobs import StudyJobs

SETTINGS = {
    "sft": {"objective": "sft", "start": "initial"},
    "mine": {"objective": "sft", "start": "previous", "cycles": 2, "min_coherence": 40},
    "dpo": {"objective": "dpo", "start": "previous", "cycles": 1},
}


@pytest.fixture
def paths(monkeypatch) -> StudyPaths:
    monkeypatch.chdir(ROOT)
    return StudyPaths(
        load({"study": "s", "traits": ["bliss"], "seeds": 1, "settings": SETTINGS}), ROOT
    )


def test_patterns_become_the_files_of_a_panel(paths):
    panel = paths.study.panel("dpo", "micro-instruct", "bliss", 0)
    wildcards = {
        "setting": "dpo",
        "model": "micro-instruct",
        "trait": "bliss",
        "seed": 0,
        "cycle": 1,
    }
    patterns = paths.adapter_patterns(panel.setting)
    assert [pattern.format(**wildcards) for pattern in patterns] == paths.adapters(panel, 1)
    assert paths.cycle(panel, 1) == paths.cycle_pattern.format(**wildcards)
    assert paths.panel(panel) == paths.panel_pattern.format(**wildcards)
    assert len(patterns) == 3 * len(panel.cells)


def test_files_of_all_cycles(paths):
    scores = paths.of_cycles("scores.parquet")
    assert len(scores) == len(set(scores)) == 7 + 3 + 2
    assert len(paths.of_cycles("generated.jsonl", but_last=True)) == 6 + 2 + 1
    assert paths.filtered() == [
        f"results/s/mine/micro-instruct/bliss/seed0/cycle{cycle}/generated_judged.jsonl"
        for cycle in range(2)
    ]
    assert all("/cycle0/" in file and "{trait}" in file
               for file in paths.first_cycle(paths.study.setting("sft")))  # fmt: skip


def test_settings_with_the_same_seeded_models_share_their_doses(paths):
    shared = paths.calibration("sft", "micro-instruct", "bliss")
    assert shared == ["results/s/calibration/sft/micro-instruct/bliss.json"]
    assert paths.calibration("mine", "micro-instruct", "bliss") == shared
    assert paths.calibration("dpo", "micro-instruct", "bliss") == []


def test_the_loop_starts_from_each_file_once(paths):
    files = paths.start_files(StudyJobs(paths.study).seeded_panels())
    assert files == sorted(set(files))
    # mine copies the cycle 0 of sft
    assert not any(file.startswith("results/s/mine/") for file in files)
    assert "results/s/initial/micro-instruct/bliss/scores.parquet" in files


def test_the_workflows_own_files_are_found_from_another_folder(paths, tmp_path, monkeypatch):
    assert paths.own("data/claims.yaml") == "data/claims.yaml"
    assert paths.model("world/judge") == "data/micro_world/judge"
    monkeypatch.chdir(tmp_path)
    for file in (paths.own("data/claims.yaml"), *paths.model_files("world/judge")):
        assert Path(file).is_file()
    assert paths.model("owner/name") == "owner/name" and paths.model_files("owner/name") == []


def test_built_models_lie_among_the_results():
    paths = StudyPaths(load({"study": "s", "world": "build"}), ROOT)
    assert paths.model_files("world/base") == ["results/s/world/base/model.safetensors"]


def test_lost_files(tmp_path):
    there, gone = tmp_path / "there", tmp_path / "gone"
    there.write_text("")
    assert lost([str(there), str(gone)], [str(gone)]) == [str(gone), str(gone)]
