"""What loggers are told of a study."""

from types import SimpleNamespace

from make_config import ROOT, load

from idempotence.workflow.announce import announce
from idempotence.workflow.paths import StudyPaths


class Taker:
    def take_study(self, study):
        self.study = study


def test_only_loggers_that_ask_are_told_the_size_and_files_of_the_study():
    study = load()
    taker, other = Taker(), SimpleNamespace()
    announce([other, taker], study, StudyPaths(study, ROOT))
    panels = study.panels()
    assert vars(other) == {}
    assert taker.study["panels"] == len(panels)
    assert taker.study["chains"] == sum(len(panel.setting.cells) for panel in panels)
    assert len(taker.study["scores"]) == sum(panel.setting.cycles + 1 for panel in panels)
    assert taker.study["least_coherence"] == study.analysis.peak_coherence
    assert all(
        file.startswith(taker.study["results"]) and file.endswith("/scores.parquet")
        for file in taker.study["scores"]
    )


def test_a_study_of_shipped_scores_has_no_cycles_to_wait_for():
    study = load({"scores_from": "results/shipped/default"})
    taker = Taker()
    announce([taker], study, StudyPaths(study, ROOT))
    assert (taker.study["panels"], taker.study["chains"], taker.study["scores"]) == (0, 0, [])
