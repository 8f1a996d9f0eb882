"""What the loop's rules wait for, and pass on, at a panel and cycle."""

from typing import Any

from idempotence.config.grid import Setting, StudyPanel
from idempotence.config.study import Study
from idempotence.workflow.paths import StudyPaths
from idempotence.workflow.study_jobs import StudyJobs


class LoopInputs:
    """Input functions of rules. w: a job's wildcards: setting, model, trait, seed, cycle."""

    def __init__(self, study: Study, paths: StudyPaths, jobs: StudyJobs):
        self.study, self.paths, self.jobs = study, paths, jobs

    def panel(self, w: Any) -> StudyPanel:
        """The panel of a job."""
        return self.study.panel(w.setting, w.model, w.trait, int(w.seed))

    def finetune(self, w: Any) -> dict[str, str | list[str]]:
        """Cycle 0: seed rows and doses. Later: samples, and the adapters to go on from."""
        panel, cycle = self.panel(w), int(w.cycle)
        files: dict[str, str | list[str]] = {
            "after_model": self.paths.model_files(panel.model.path)
        }
        if cycle == 0 or panel.setting.reads_seed_rows:
            files["seed_data"] = f"{self.paths.panel(panel)}/seed_data.jsonl"
            files["calibration"] = self.paths.calibration(w.setting, w.model, w.trait)
        if cycle > 0:
            data = self.paths.training_data(panel.setting)
            first = 0 if panel.setting.accumulate else cycle - 1
            files["generated"] = [
                f"{self.paths.cycle(panel, earlier)}/{data}" for earlier in range(first, cycle)
            ]
        if cycle > 0 and panel.setting.initial_share:
            files["initial_rows"] = f"{self.paths.cycle(panel, cycle - 1)}/initial_rows.jsonl"
        if self.goes_on(w):
            files["after_previous"] = self.adapters_before(w)
        return files

    def goes_on(self, w: Any) -> bool:
        """Whether a cycle's training begins from the last cycle's adapters."""
        return self._setting(w).goes_on(int(w.cycle))

    def writes_rejected(self, w: Any) -> bool:
        """Whether the model of the cycle before writes the rejected replies; cycle 0 has none."""
        setting = self._setting(w)
        return setting.rejected_from == "two_back" and 0 < int(w.cycle) < setting.cycles

    def adapters(self, w: Any) -> list[str]:
        """The adapter files of a cycle."""
        return self.paths.adapters(self.panel(w), int(w.cycle))

    def adapters_before(self, w: Any) -> list[str]:
        """The adapter files of the cycle before."""
        return self.paths.adapters(self.panel(w), int(w.cycle) - 1)

    def folder(self, w: Any) -> str:
        """The folder of a cycle's adapters."""
        return f"{self.paths.cycle(self.panel(w), int(w.cycle))}/adapters"

    def folder_before(self, w: Any) -> str:
        """The folder of the adapters of the cycle before."""
        return f"{self.paths.cycle(self.panel(w), int(w.cycle) - 1)}/adapters"

    def previous(self, w: Any) -> str | None:
        """The folder that training goes on from, where it does."""
        return self.folder_before(w) if self.goes_on(w) else None

    def before(self, w: Any) -> str | None:
        """The folder of the adapters that write the rejected replies, where they do."""
        return self.folder_before(w) if self.writes_rejected(w) else None

    def generated_rows(self, setting: str, trait: str) -> list[str]:
        """The seed rows that a larger model writes, where a setting has such."""
        file = self.jobs.generated_rows(self.study.setting(setting), trait)
        return [file] if file else []

    def _setting(self, w: Any) -> Setting:
        return self.study.setting(w.setting)
