"""Where the files of a study lie, relative to the folder that Snakemake runs in."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from idempotence.config.grid import Setting, StudyPanel
from idempotence.config.packages import name_in_package
from idempotence.config.study import Study

ADAPTER_WEIGHTS = ("adapter_model.safetensors", "adapter_config.json")
ADAPTER_FILES = (*ADAPTER_WEIGHTS, "training.json")
SAMPLED = ("responses.jsonl", "generated.jsonl")
SHIPPED_WORLD = "data/micro_world"
PANEL = "{setting}/{model}/{trait}/seed{seed}"  # wildcards of a panel, below results/<study>/
CYCLE = f"{PANEL}/cycle{{cycle}}"


class StudyPaths:
    """The files of one study. Patterns hold wildcards: setting, model, trait, seed, cycle.

    base: the workflow's folder. Its own files are named from the folder that Snakemake runs in,
    so that another workflow may use this one as a module.
    """

    def __init__(self, study: Study, base: Path):
        self.study = study
        self.base = base
        self.results = f"results/{study.study}"
        self.tables = f"{self.results}/tables"
        self.figures = f"{self.results}/figures"
        self.pages = f"{self.results}/pages"
        self.panel_pattern = f"{self.results}/{PANEL}"
        self.cycle_pattern = f"{self.results}/{CYCLE}"

    def own(self, path: str) -> str:
        """A file of the workflow itself, such as data/claims.yaml."""
        return os.path.relpath(self.base / path)

    @property
    def world(self) -> str:
        """The folder of the micro world's models."""
        shipped = self.study.world == "shipped"
        return self.own(SHIPPED_WORLD) if shipped else f"{self.results}/world"

    def model(self, path: str) -> str:
        """The folder or hub name of a model; `world/...` are the micro world's own, `package/...`
        those out of packages."""
        if (name := name_in_package(path)) is not None:
            return f"{self.results}/models/{name}"
        return f"{self.world}/{path.removeprefix('world/')}" if path.startswith("world/") else path

    def model_files(self, path: str) -> list[str]:
        """What a job waits for before it loads a model."""
        by_a_rule = path.startswith("world/") or name_in_package(path) is not None
        return [f"{self.model(path)}/model.safetensors"] if by_a_rule else []

    def added_to(self, packaged: str) -> list[str]:
        """The files of the adapter that is added to a model of the section packages."""
        adapter = self.study.packages[packaged].adapter
        return [f"{adapter}/{name}" for name in ADAPTER_WEIGHTS] if adapter else []

    def log(self, rule: str, *wildcards: str) -> str:
        """Pattern of a rule's log: one file per job, in a folder where jobs have wildcards."""
        return f"{self.results}/logs/{_per_job(rule, wildcards)}.log"

    def usage(self, rule: str, *wildcards: str) -> str:
        """Pattern of the file with a job's own seconds, memory and load."""
        return f"{self.results}/benchmarks/{_per_job(rule, wildcards)}.tsv"

    # --- panels

    def panel(self, panel: StudyPanel) -> str:
        """A panel's folder."""
        return f"{self.results}/{panel.directory}"

    def cycle(self, panel: StudyPanel, cycle: int) -> str:
        """The folder of a panel's cycle."""
        return f"{self.panel(panel)}/cycle{cycle}"

    def adapter_patterns(self, setting: Setting) -> list[str]:
        """Patterns of the adapter files of every cell of a setting."""
        return [
            f"{self.cycle_pattern}/adapters/{cell.name}/{name}"
            for cell in setting.cells
            for name in ADAPTER_FILES
        ]

    def adapters(self, panel: StudyPanel, cycle: int) -> list[str]:
        """The adapter files of a panel at a cycle."""
        folder = f"{self.cycle(panel, cycle)}/adapters"
        return [f"{folder}/{cell.name}/{name}" for cell in panel.cells for name in ADAPTER_FILES]

    def first_cycle(self, setting: Setting) -> list[str]:
        """Patterns of the files of a setting's cycle 0, which another setting may copy."""
        sampled = [f"{self.cycle_pattern}/{name}" for name in SAMPLED]
        return [
            pattern.replace("{setting}", setting.name).replace("{cycle}", "0")
            for pattern in [*self.adapter_patterns(setting), *sampled]
        ]

    def training_data(self, setting: Setting) -> str:
        """Name of the samples that a cycle trains on: as they are, or marked by the judge."""
        if setting.selection is not None:
            return "candidates_judged.jsonl"
        return "generated.jsonl" if setting.min_coherence is None else "generated_judged.jsonl"

    def of_cycles(self, name: str, but_last: bool = False) -> list[str]:
        """A file of every panel and cycle. but_last: of the cycles that another one follows."""
        return [
            f"{self.cycle(panel, cycle)}/{name}"
            for panel in self.study.panels()
            for cycle in range(panel.setting.cycles + (not but_last))
        ]

    def all_adapters(self) -> list[str]:
        """The adapter files of every panel and cycle."""
        return [
            file
            for panel in self.study.panels()
            for cycle in range(panel.setting.cycles + 1)
            for file in self.adapters(panel, cycle)
        ]

    def filtered(self) -> list[str]:
        """The samples that the judge marks before they are trained on."""
        return [
            f"{self.cycle(panel, cycle)}/{self.training_data(panel.setting)}"
            for panel in self.study.panels()
            if self.training_data(panel.setting) not in SAMPLED
            for cycle in range(panel.setting.cycles)
        ]

    def candidates(self, name: str) -> list[str]:
        """A file of every panel and cycle whose samples are chosen from."""
        return [
            f"{self.cycle(panel, cycle)}/{name}"
            for panel in self.study.panels()
            if panel.setting.selection is not None
            for cycle in range(panel.setting.cycles)
        ]

    def initial_rows(self) -> list[str]:
        """The initial model's replies, where it writes a share of what is trained on."""
        return [
            f"{self.cycle(panel, cycle)}/initial_rows.jsonl"
            for panel in self.study.panels()
            if panel.setting.initial_share
            for cycle in range(panel.setting.cycles)
        ]

    def scored_again(self) -> list[str]:
        """The second scores of initial models and of each cycle 0 that is no copy of another."""
        panels = [p for p in self.study.panels() if p.setting.name not in self.study.first_cycles]
        initial = sorted({(panel.model.name, trait) for panel in panels for trait in [panel.trait]})
        return [
            *(f"{self.cycle(panel, 0)}/again.parquet" for panel in panels),
            *(self.initial(model, trait, "again.parquet") for model, trait in initial),
        ]

    # --- before the loop

    def calibration(self, setting: str, model: str, trait: str) -> list[str]:
        """The doses of a setting's calibrated levels, where it has any."""
        owner = self.study.calibrations.get(setting)
        return [f"{self.results}/calibration/{owner}/{model}/{trait}.json"] if owner else []

    def initial(self, model: str, trait: str, name: str) -> str:
        """A file of the initial model's own answers."""
        return f"{self.results}/initial/{model}/{trait}/{name}"

    def start_files(self, seeded: Iterable[StudyPanel]) -> list[str]:
        """What the loop starts from: seed rows, doses, and the initial models' answers and scores.

        seeded: the panels that read seed rows of their own.
        """
        files = {f"{self.panel(panel)}/seed_data.jsonl" for panel in seeded}
        for panel in self.study.panels():
            model, trait = panel.model.name, panel.trait
            files.update(self.calibration(panel.setting.name, model, trait))
            files.update(
                self.initial(model, trait, name) for name in ("responses.jsonl", "scores.parquet")
            )
        return sorted(files)


def one_of(names: Iterable[str]) -> str:
    """The pattern of a wildcard that is one of these names, which may hold any sign."""
    return "|".join(map(re.escape, names))


def lost(*files: Iterable[str]) -> list[str]:
    """The files among them that are not there."""
    return [str(file) for group in files for file in group if not Path(file).exists()]


def _per_job(rule: str, wildcards: tuple[str, ...]) -> str:
    jobs = ".".join(f"{{{wildcard}}}" for wildcard in wildcards)
    return f"{rule}/{jobs}" if jobs else rule
