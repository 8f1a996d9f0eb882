"""Parts of several jobs of a study: panels, texts, prompts, judges, hyper-parameters."""

from pathlib import Path

from idempotence.config.audit import AuditModel
from idempotence.config.grid import Setting, StudyPanel
from idempotence.config.sections import (
    EvaluationSection,
    GenerationSection,
    JudgeSection,
    ModelSection,
    TrainingSection,
)
from idempotence.config.study import Study
from idempotence.jobs.parts import (
    EndpointModel,
    EngineName,
    Evaluation,
    Generation,
    JudgeSpec,
    Lora,
    ModelName,
    Panel,
    PromptPool,
    Training,
    WrittenTexts,
)


class JobParts:
    """The parts of a study's jobs."""

    def __init__(self, study: Study):
        self.study = study

    def generated_rows(self, setting: Setting, trait: str) -> str | None:
        """The file of a trait's seed rows that a larger model writes; None: they are written."""
        if setting.section.seed_source == "written":
            return None
        return f"results/{self.study.study}/seed_rows/{setting.kind}/{trait}.jsonl"

    @property
    def _engine(self) -> EngineName:
        return self.study.engine.backend

    def _model(self, name: str) -> ModelSection:
        return next(model for model in self.study.models if model.name == name)

    def _texts(self) -> WrittenTexts | None:
        return None if self.study.texts == "micro_world" else self._written_texts()

    def _written_texts(self) -> WrittenTexts:
        return WrittenTexts(self.study.traits_folder, self.study.prompts_folder)

    def _seeded_texts(self, setting: Setting, trait: str) -> WrittenTexts | None:
        """Where texts and seed rows are, for jobs that read the latter."""
        rows = self.generated_rows(setting, trait)
        if rows is None:
            return self._texts()
        return WrittenTexts(self.study.traits_folder, self.study.prompts_folder, rows)

    def _panel(self, panel: StudyPanel, seeded: bool = False, cells: bool = True) -> Panel:
        """seeded: the job reads seed rows. cells: the job knows doses."""
        setting = panel.setting
        return Panel(
            study_seed=self.study.study_seed,
            objective=setting.objective,
            model=model_name(panel.model),
            trait=panel.trait,
            seed=panel.seed,
            cells=panel.cells if cells else (),
            texts=self._seeded_texts(setting, panel.trait) if seeded else self._texts(),
        )

    def _prompts(self, setting: Setting) -> PromptPool:
        return PromptPool(self.study.evaluation.questions, setting.seed_rows, setting.rows_reserved)

    def _judge(self, judge: JudgeSection, engine: EngineName | None = None) -> JudgeSpec:
        """Who judges decides scores; how fast and how dear does not, and is no part of the job."""
        endpoint = None
        if judge.backend == "openai":
            assert judge.api.base_url is not None
            endpoint = EndpointModel(
                model=judge.path,
                base_url=judge.api.base_url,
                samples=judge.samples,
                answer_tokens=judge.answer_tokens,
                leave_out=tuple(sorted(judge.leave_out)),
            )
        return JudgeSpec(
            revision=judge.revision,
            top_logprobs=judge.top_logprobs,
            min_numeric_mass=judge.min_numeric_mass,
            engine="transformers" if endpoint else engine or self._engine,
            endpoint=endpoint,
            chat_template_kwargs=judge.chat_template_kwargs,
            by_sentence=tuple(sorted(judge.by_sentence)),
            dtype=judge.dtype,
        )

    def _in_micro_world(self, model: ModelSection) -> bool:
        """Only there is the truth of a text known."""
        return self.study.texts == "micro_world" and Path(model.path).parts[:1] == ("world",)


def model_name(model: ModelSection | AuditModel) -> ModelName:
    """What jobs know of a model; its path is an argument of their scripts."""
    return ModelName(model.name, model.revision, model.dtype, model.chat_template_kwargs)


def training(section: TrainingSection) -> Training:
    """The hyper-parameters of a section; "all-linear" is no name of a module."""
    values = section.model_dump()
    modules = section.lora.target_modules
    names = () if modules == "all-linear" else tuple(modules)
    return Training(**{**values, "lora": Lora(**{**values["lora"], "target_modules": names})})


def generation(section: GenerationSection) -> Generation:
    """How a section has samples drawn."""
    return Generation(**section.model_dump())


def evaluation(section: EvaluationSection, samples: int | None = None) -> Evaluation:
    """How a section has answers drawn. samples: answers per question, where they differ."""
    return Evaluation(
        samples or section.samples_per_question, section.temperature, section.max_new_tokens
    )
