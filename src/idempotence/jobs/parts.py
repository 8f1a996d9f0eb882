"""What several jobs share: weights, texts, hyper-parameters, a judge, a panel."""

from dataclasses import dataclass, field
from typing import Literal

from idempotence.doses import Cell
from idempotence.jobs.record import Record
from idempotence.objectives import OBJECTIVES, Kind, Objective, ObjectiveName, Start

EngineName = Literal["transformers", "vllm"]
TrainingWay = Literal["stacked", "one_by_one"]
Criterion = Literal["trait", "coherence"]  # what a judge scores
CutReplies = Literal["ended", "open"]
Scalar = str | int | float | bool


@dataclass(frozen=True)
class ModelName(Record):
    """A model of the config. Where its files lie is an argument of the script.

    revision: commit of a hub model. dtype: "float32" or "bfloat16". chat_template_kwargs:
    variables of its chat template.
    """

    name: str
    revision: str | None
    dtype: str
    chat_template_kwargs: dict[str, Scalar] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class WrittenTexts(Record):
    """Folders of written traits and prompts; seed_rows: the file that a generator wrote, if any."""

    traits: str
    prompts: str
    seed_rows: str | None = None


@dataclass(frozen=True)
class PromptPool(Record):
    """How a panel's pool of prompts is divided, in prompts.

    questions: evaluation. seed_rows: cycle 0. per_cycle: of each later cycle. redrawn: each cycle
    from 2 on draws its own from all that are left; else no prompt comes in two cycles.
    """

    questions: int
    seed_rows: int
    per_cycle: int
    redrawn: bool = False


@dataclass(frozen=True)
class Lora(Record):
    """The adapter: the update of rank `rank` is scaled by alpha / rank.

    target_modules: names of modules; none: all linear layers but the output layer.
    """

    rank: int
    alpha: float
    dropout: float
    target_modules: tuple[str, ...]


@dataclass(frozen=True)
class Training(Record):
    """Hyper-parameters of one finetuning run (AdamW); see the config's `training`.

    way: a panel's cells side by side, or each alone by TRL. tokens_at_once: most tokens in a
    forward pass of cells side by side, padding included; a single row may have more.
    """

    learning_rate: float
    schedule: Literal["constant", "cosine"]
    warmup_fraction: float
    batch_size: int
    epochs: float
    weight_decay: float
    adam_beta1: float
    adam_beta2: float
    adam_epsilon: float
    max_grad_norm: float
    max_length: int
    lora: Lora
    way: TrainingWay = "stacked"
    tokens_at_once: int = 4096


@dataclass(frozen=True)
class Generation(Record):
    """How the next cycle's data are sampled. min_characters: shorter texts are not trained on.

    cut_replies: whether a text that stopped at max_new_tokens is trained on with an end of turn.
    """

    temperature: float
    max_new_tokens: int
    min_characters: int
    cut_replies: CutReplies = "ended"

    @property
    def leaves_open(self) -> bool:
        """Whether rows say which of their texts are trained on without an end."""
        return self.cut_replies == "open"


@dataclass(frozen=True)
class Evaluation(Record):
    """How a model is measured: answers to each question."""

    samples_per_question: int
    temperature: float
    max_new_tokens: int


@dataclass(frozen=True)
class EndpointModel(Record):
    """A model behind an OpenAI-compatible endpoint.

    samples: answers that are averaged where the endpoint gives no probabilities. answer_tokens:
    most tokens of an answer. leave_out: parameters that are not sent.
    """

    model: str
    base_url: str
    samples: int
    answer_tokens: int = 4
    leave_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class JudgeSpec(Record):
    """Who judges, and how an answer is read.

    top_logprobs: likeliest first tokens that are looked at. min_numeric_mass: no score under so
    much probability on the whole numbers 0-100. engine, chat_template_kwargs, dtype: of a local
    judge. endpoint: None for one. by_sentence: criteria that are rated sentence by sentence.
    """

    revision: str | None
    top_logprobs: int
    min_numeric_mass: float
    engine: EngineName = "transformers"
    endpoint: EndpointModel | None = None
    chat_template_kwargs: dict[str, Scalar] = field(default_factory=dict, hash=False)
    by_sentence: tuple[Criterion, ...] = ()
    dtype: str = "float32"


@dataclass(frozen=True)
class Panel(Record):
    """All cells of one setting, model, trait and seed: what one job trains, samples or judges.

    The setting's name is not part of it, so that settings which are the same up to a cycle draw
    the same random numbers. texts: None for the micro world's.
    """

    study_seed: int
    objective: ObjectiveName
    model: ModelName
    trait: str
    seed: int
    cells: tuple[Cell, ...]
    texts: WrittenTexts | None = None

    @property
    def method(self) -> Objective:
        """What its objective trains on."""
        return OBJECTIVES[self.objective]

    @property
    def kind(self) -> Kind:
        """Whether its texts are chats or documents."""
        return self.method.kind


@dataclass(frozen=True)
class Loop(Record):
    """A setting as tables, figures and claims know it.

    objective, start: its recipe. changes: what it changes of its objective's section, in words;
    "" for the objective's plain loop. last_cycle: number of its last cycle. learning_rate and
    temperature (of the samples that are trained on): None where a loop ran elsewhere.
    own_samples_alone: later cycles train on all of the last samples and on nothing else.
    candidates: samples of each prompt. judged: scores that the judge gives each of them.
    """

    name: str
    objective: ObjectiveName
    start: Start
    changes: str
    last_cycle: int
    learning_rate: float | None = None
    temperature: float | None = None
    own_samples_alone: bool = True
    candidates: int = 1
    judged: int = 0

    @property
    def method(self) -> Objective:
        """What its objective trains on."""
        return OBJECTIVES[self.objective]


@dataclass(frozen=True)
class Loops(Record):
    """All settings of a study in the config's order.

    twins: (setting that starts from the previous weights, setting that starts from the initial
    ones) of each pair that differs in nothing but the start.
    """

    loops: tuple[Loop, ...]
    twins: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class SettingGrid(Record):
    """The chains of a setting: every model, trait, seed and cell. seeds: how many; 0, 1, ..."""

    setting: str
    models: tuple[str, ...]
    traits: tuple[str, ...]
    seeds: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Grid(Record):
    """The chains of a study before it has run; none of an audit, whose files say which there are.

    score_0: trait score (0-100) that cycle 0 is to reach where a cell has no level.
    """

    settings: tuple[SettingGrid, ...]
    score_0: float
