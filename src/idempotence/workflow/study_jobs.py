"""What each rule is told: the settings of its job, holding only what the job uses.

Snakemake compares them with those of the last run, so a key that a job does not use must not be
here: an edit of it would make the job run again for nothing.
"""

from dataclasses import asdict
from pathlib import Path

from idempotence.config.grid import PROMPT_KIND, Panel
from idempotence.config.study import Judge, Study

CALIBRATION_SEED = -1  # the seed of the rows and prompts that only calibration sees
NO_CELL = {"level": None, "n_seed": None, "n_sampled": None, "beta": None, "pairs": None}
INITIAL_CELL = {"name": "initial", **NO_CELL}


class Plan:
    """Settings of every job of a study, as plain dicts for JSON."""

    def __init__(self, study: Study):
        self.study = study

    def _panel(self, panel: Panel) -> dict:
        """What identifies a panel to a job; the setting's own name only where it is written."""
        return {
            "study_seed": self.study.study_seed,
            "objective": panel.objective,
            "model": self._model(panel.model),
            "trait": panel.trait,
            **self._texts(),
            "seed": panel.seed,
            "cells": [asdict(cell) for cell in panel.cells],
        }

    @staticmethod
    def _model(model) -> dict:
        return {"name": model.name, "revision": model.revision, "dtype": model.dtype}

    def _texts(self) -> dict:
        """Where written texts are; nothing for those of the micro world."""
        if self.study.texts == "micro_world":
            return {}
        return {"texts": {"traits": self.study.traits_folder, "prompts": self.study.prompts_folder}}

    def generated_rows(self, objective: str, trait: str) -> str | None:
        """The file of a trait's seed rows that a larger model writes; None: they are written."""
        if self.study.objective_config(objective).seed_source == "written":
            return None
        return f"results/{self.study.study}/seed_rows/{PROMPT_KIND[objective]}/{trait}.jsonl"

    def _seeded(self, objective: str, trait: str) -> dict:
        """Where texts and seed rows are, for jobs that read the latter."""
        texts, rows = self._texts(), self.generated_rows(objective, trait)
        return {"texts": {**texts["texts"], "seed_rows": rows}} if rows else texts

    def generate(self, kind: str, trait: str) -> dict:
        """For scripts/generate_seed_data.py."""
        generator = self.study.generator
        bounds = generator.chats if kind == "chat" else generator.documents
        if generator.backend == "openai":
            model = {"base_url": generator.api.base_url}
        else:
            model = {"revision": generator.revision, "dtype": generator.dtype, **self.engine()}
        return {
            "study_seed": self.study.study_seed,
            "kind": kind,
            "trait": trait,
            **self._texts(),
            **bounds.model_dump(),
            **generator.model_dump(include={"temperature", "max_new_tokens", "examples"}),
            "model": model,
        }

    def _objective(self, objective: str) -> dict:
        return self.study.objective_config(objective).model_dump()

    def _prompts(self, objective: str) -> dict:
        """How the pool of prompts is divided."""
        cells = self._objective(objective)["cells"]
        return {
            "questions": self.study.evaluation.questions,
            "seed_rows": self.study.seed_rows_of(objective),
            "per_cycle": max(cells.get("n_sampled") or cells["pairs"]),
        }

    def seed_data(self, panel: Panel) -> dict:
        """For scripts/seed_data.py."""
        generation = self._objective(panel.objective)["generation"]
        return {
            **self._panel(panel),
            **self._seeded(panel.objective, panel.trait),
            **self._prompts(panel.objective),
            "cycle": 0,
            "cells": [],
            "generation": generation,
            **(self.engine() if panel.objective == "dpo" else {}),  # the rejected replies
        }

    def twins(self) -> dict[str, str]:
        """Setting -> an earlier one whose first cycle is the same: same start, rows, seeds, cells."""
        firsts: dict[str, dict] = {}
        for panel in self.study.panels():
            told = self.seed_data(panel), self.finetune(panel, 0), self.sample(panel, 0)
            firsts.setdefault(panel.setting, {})[panel.model.name, panel.trait, panel.seed] = told
        found: dict[str, str] = {}
        for setting, mine in firsts.items():
            for other, theirs in firsts.items():
                if other == setting:
                    break
                if other not in found and all(theirs.get(key) == mine[key] for key in mine):
                    found[setting] = other
        return found

    def seeded(self) -> list[Panel]:
        """The panels that train on seed rows of their own: the first cycle of a twin is copied."""
        twins = self.twins()
        return [
            panel
            for panel in self.study.panels()
            if panel.setting not in twins or self.study.own(panel.setting).seed_share
        ]

    def calibrate(self, objective: str, model_name: str, trait: str) -> dict:
        """For scripts/calibrate.py: one search for all seeds and for both starts."""
        section = self._objective(objective)
        n_seed_max, step = self.study.doses_tried(objective)
        return {
            **self._cycle_zero(objective, model_name, trait),
            "levels": section["cells"]["levels"],
            "n_seed_max": n_seed_max,
            "step": step,
        }

    def tune(self, objective: str, model_name: str, trait: str) -> dict:
        """For scripts/try_learning_rates.py: as many rows as a later cycle has, dpo its n_seed."""
        cells, tuning = self._objective(objective)["cells"], self.study.tuning
        levels = cells.get("levels")
        return {
            **self._cycle_zero(objective, model_name, trait),
            "learning_rates": tuning.learning_rates,
            "betas": cells.get("beta") or [None],
            "n_seed": cells["n_seed"] if objective == "dpo" else max(cells["n_sampled"]),
            "target": max(levels) if levels else tuning.score,
            "min_coherence": tuning.min_coherence,
        }

    def _cycle_zero(self, objective: str, model_name: str, trait: str) -> dict:
        """For models that no chain goes on from."""
        model = next(m for m in self.study.models if m.name == model_name)
        section = self._objective(objective)
        evaluation = {
            **self.study.evaluation.model_dump(exclude={"questions"}),
            "samples_per_question": self.study.calibration.samples_per_question,
        }
        return {
            "study_seed": self.study.study_seed,
            "objective": objective,
            "model": self._model(model),
            "trait": trait,
            **self._seeded(objective, trait),
            "seed": CALIBRATION_SEED,
            "cycle": 0,
            **self._prompts(objective),
            "cells": [],
            "training": section["training"],
            "generation": section["generation"],
            "evaluation": evaluation,
            "judge": self._judge(),
        }

    def finetune(self, panel: Panel, cycle: int) -> dict:
        """For scripts/finetune.py."""
        section = self._objective(panel.objective)
        n_seed = section["cells"].get("n_seed") if panel.objective == "dpo" else None
        share = self.study.own(panel.setting).seed_share if cycle else 0
        return {
            **self._panel(panel),
            "cycle": cycle,
            "objective_cells": {"n_seed": n_seed},
            "training": section["training"],
            **({"seed_share": share} if share else {}),
        }

    def sample(self, panel: Panel, cycle: int) -> dict:
        """For scripts/sample.py."""
        return {
            **self._panel(panel),
            **self._prompts(panel.objective),
            "cycle": cycle,
            "evaluation": self.study.evaluation.model_dump(exclude={"questions"}),
            "generation": self._objective(panel.objective)["generation"],
            **self.engine(),
        }

    def judge(self, panel: Panel, cycle: int) -> dict:
        """For scripts/judge.py."""
        n_seed = None
        if panel.objective == "dpo":
            n_seed = self._objective("dpo")["cells"]["n_seed"]
        return {
            **self._panel(panel),
            "setting": panel.setting,
            "start": panel.start,
            "cycle": cycle,
            "objective_cells": {"n_seed": n_seed},
            "judge": self._judge_alone(),
            "truth": self._in_micro_world(panel.model),
        }

    def second_judge(self, panel: Panel, cycle: int) -> dict:
        """For scripts/judge.py with the second judge."""
        return {**self.judge(panel, cycle), "judge": self._judge_alone(self.study.second_judge)}

    def arms(self) -> dict[str, str]:
        """Setting -> its extra arms in words, for scripts/judge_claims.py."""
        on = {setting: self.study.own(setting).arms() for setting in self.study.settings}
        return {
            setting: ", ".join(f"{name} {value}" for name, value in arms.items())
            for setting, arms in on.items()
            if arms
        }

    def judge_generated(self, panel: Panel) -> dict:
        """For scripts/judge_generated.py."""
        return {
            "objective": panel.objective,
            "trait": panel.trait,
            **self._texts(),
            "judge": self._judge(self.study.judge),
            "min_coherence": self.study.own(panel.setting).min_coherence,
        }

    def initial(self, model_name: str, trait: str) -> dict:
        """For scripts/sample.py and scripts/judge.py on M_initial itself."""
        model = next(m for m in self.study.models if m.name == model_name)
        objective = "sdf" if model.kind == "base" else "sft"
        return {
            "study_seed": self.study.study_seed,
            "setting": "initial",
            "objective": objective,
            "start": "base",
            "model": self._model(model),
            "trait": trait,
            **self._texts(),
            "seed": -1,
            "cycle": 0,
            "cells": [INITIAL_CELL],
            "objective_cells": {"n_seed": None},
            "questions": self.study.evaluation.questions,
            "seed_rows": 0,
            "per_cycle": 0,
            "evaluation": self.study.evaluation.model_dump(exclude={"questions"}),
            "judge": self._judge_alone(),
            "truth": self._in_micro_world(model),
            **self.engine(),
        }

    def read_replies(self) -> dict:
        """For scripts/read_replies.py."""
        audit = self.study.audit
        listed = {"setting": self.study.settings, "model": audit.model_names,
                  "trait": self.study.traits}  # fmt: skip
        shown = audit.model_dump(exclude={"models", "longest_reply"})
        return {**shown, "listed": listed}

    def judge_replies(self, trait: str) -> dict:
        """For scripts/judge_replies.py."""
        audit = self.study.audit
        own = {"trait": audit.columns.trait_score, "coherence": audit.columns.coherence}
        return {
            "trait": trait,
            **self._texts(),
            "given": [criterion for criterion, column in own.items() if column is not None],
            "longest": audit.longest_reply,
            "judge": self._judge_alone(),
            "truth": self.study.texts == "micro_world",
        }

    def engine(self) -> dict:
        """Which engine runs the model, where it is not transformers."""
        backend = self.study.engine.backend
        return {} if backend == "transformers" else {"engine": backend}

    def _judge_alone(self, judge: Judge | None = None) -> dict:
        """Where judging does not take turns with training, which vLLM's environment cannot do."""
        local = (judge or self.study.judge).backend == "local"
        return {**self._judge(judge), **(self.engine() if local else {})}

    def _judge(self, judge: Judge | None = None) -> dict:
        judge = judge or self.study.judge
        # who answers decides scores; how fast and how dear does not, and comes by the command line
        remote = {}
        if judge.backend == "openai":
            remote = {
                "model": judge.path, "base_url": judge.api.base_url, "samples": judge.samples,
            }  # fmt: skip
        return {
            "revision": judge.revision,
            "top_logprobs": judge.top_logprobs,
            "min_numeric_mass": judge.min_numeric_mass,
            **remote,
        }

    def _in_micro_world(self, model) -> bool:
        """Only there is the truth of a text known."""
        return self.study.texts == "micro_world" and Path(model.path).parts[:1] == ("world",)
