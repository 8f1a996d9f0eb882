"""Jobs before the loop: seed rows, doses, learning rates, the initial models."""

from dataclasses import replace

from idempotence.config.grid import Setting, StudyPanel
from idempotence.doses import INITIAL
from idempotence.jobs.loop import JudgeJob, SampleJob
from idempotence.jobs.packages import PackageFile
from idempotence.jobs.parts import EngineName, Panel, PromptPool
from idempotence.jobs.preparation import (
    CalibrateJob,
    CycleZero,
    GenerateSeedDataJob,
    SeedDataJob,
    TryLearningRatesJob,
    WriterSpec,
)
from idempotence.objectives import Kind, ObjectiveName
from idempotence.workflow.job_parts import JobParts, evaluation, generation, model_name, training

CALIBRATION_SEED = -1  # the seed of rows and prompts that no chain sees


class PreparationJobs(JobParts):
    """The jobs before the loop."""

    def packaged_model(self, name: str) -> PackageFile:
        """For rule make_packaged_model."""
        of = self.study.packages[name]
        return PackageFile(of.package, of.version, of.file, of.sha256)

    def generate_seed_data(self, kind: Kind, trait: str) -> GenerateSeedDataJob:
        """For rule generate_seed_data."""
        generator = self.study.generator
        bounds = generator.chats if kind == "chat" else generator.documents
        writer = WriterSpec(generator.temperature, generator.max_new_tokens)
        if generator.backend == "openai":
            url, left_out = generator.api.base_url, tuple(sorted(generator.leave_out))
            writer = replace(writer, base_url=url, leave_out=left_out)
        else:
            writer = replace(
                writer,
                engine=self._engine,
                revision=generator.revision,
                dtype=generator.dtype,
                chat_template_kwargs=generator.chat_template_kwargs,
            )
        return GenerateSeedDataJob(
            study_seed=self.study.study_seed,
            kind=kind,
            trait=trait,
            texts=self._written_texts(),
            rows=bounds.rows,
            min_words=bounds.min_words,
            max_words=bounds.max_words,
            examples=generator.examples,
            writer=writer,
        )

    def seed_data(self, panel: StudyPanel) -> SeedDataJob:
        """For rule seed_data."""
        setting = panel.setting
        # rejected replies alone are sampled
        engine: EngineName = self._engine if setting.method.pairs else "transformers"
        return SeedDataJob(
            panel=self._panel(panel, seeded=True, cells=False),
            prompts=self._prompts(setting),
            generation=generation(setting.section.generation),
            engine=engine,
        )

    def calibrate(self, name: str, model: str, trait: str) -> CalibrateJob:
        """For rule calibrate: one search for all seeds, and for all settings that share its doses.

        name: a setting that a file of doses is named by (`Study.calibrations`).
        """
        setting = self.study.setting(name)
        sharing = [s for s in self.study.settings if self.study.calibrations.get(s.name) == name]
        levels = dict.fromkeys(
            cell.level for s in sharing for cell in s.cells if cell.level is not None
        )
        return CalibrateJob(
            cycle_zero=self._cycle_zero(setting, model, trait),
            levels=tuple(levels),
            n_seed_max=setting.n_seed_max,
            step=setting.step,
        )

    def try_learning_rates(self, name: str, model: str, trait: str) -> TryLearningRatesJob:
        """For rule try_learning_rates: at the most seed rows that the rule allows."""
        setting, tuning = self.study.setting(name), self.study.tuning
        pairs = setting.section.pairs_of_cycle_0
        alike = [each for each in self.study.settings if each.objective == setting.objective]
        levels = [cell.level for each in alike for cell in each.cells if cell.level is not None]
        samples = max(cell.rows_per_cycle for cell in setting.cells)
        rows = min(samples * tuning.seed_rows_per_sample, setting.seed_rows)
        rates, score = tuning.learning_rates, tuning.score
        if pairs:
            rates = tuning.dpo.learning_rates or rates
            score = score if tuning.dpo.score is None else tuning.dpo.score
        return TryLearningRatesJob(
            cycle_zero=self._cycle_zero(setting, model, trait),
            learning_rates=tuple(rates),
            betas=tuple(tuning.dpo.betas) if pairs else (None,),
            n_seed=pairs or rows,
            target=max(levels, default=score),
            min_coherence=tuning.dpo.min_coherence if pairs else tuning.min_coherence,
        )

    def initial_sample(self, model: str, trait: str, scoring: int = 1) -> SampleJob:
        """For rules sample_initial and sample_initial_again: answers of the initial model."""
        return SampleJob(
            panel=self._initial_panel(model, trait),
            cycle=0,
            prompts=PromptPool(self.study.evaluation.questions, 0, 0),
            evaluation=evaluation(self.study.evaluation),
            generation=None,
            engine=self._engine,
            scoring=scoring,
        )

    def initial_judge(self, model: str, trait: str) -> JudgeJob:
        """For rule judge_initial."""
        return JudgeJob(
            panel=self._initial_panel(model, trait),
            cycle=0,
            setting="initial",
            start=None,
            n_seed=None,
            judge=self._judge(self.study.judge),
            truth=self._in_micro_world(self._model(model)),
        )

    def _initial_panel(self, name: str, trait: str) -> Panel:
        model = self._model(name)
        objective: ObjectiveName = "sdf" if model.kind == "base" else "sft"
        return Panel(
            study_seed=self.study.study_seed,
            objective=objective,
            model=model_name(model),
            trait=trait,
            seed=-1,
            cells=(INITIAL,),
            texts=self._texts(),
        )

    def _cycle_zero(self, setting: Setting, model: str, trait: str) -> CycleZero:
        return CycleZero(
            panel=Panel(
                study_seed=self.study.study_seed,
                objective=setting.objective,
                model=model_name(self._model(model)),
                trait=trait,
                seed=CALIBRATION_SEED,
                cells=(),
                texts=self._seeded_texts(setting, trait),
            ),
            prompts=self._prompts(setting),
            training=training(setting.section.training),
            generation=generation(setting.section.generation),
            evaluation=evaluation(
                self.study.evaluation, self.study.calibration.samples_per_question
            ),
            # it takes turns with training, which vLLM's environment cannot do
            judge=self._judge(self.study.judge, engine="transformers"),
        )
