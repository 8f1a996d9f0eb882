"""The config's models: the one source of types, limits, the JSON schema and docs/config.md."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from idempotence.config.panels import (
    MODEL_KIND,
    SETTINGS,
    Cell,
    Panel,
    preference_cells,
    supervised_cells,
)


def _number(value):
    """YAML 1.1 reads 1e-4 as a string: take it as the number it is. True is not a number."""
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            raise ValueError("must be a number") from None
    return value


def _no_repeats(values: list) -> list:
    repeated = sorted({value for value in values if values.count(value) > 1}, key=str)
    if repeated:
        raise ValueError(f"{repeated[0]} is listed twice, so a cell or a name would repeat")
    return values


Number = Annotated[float, BeforeValidator(_number)]
Whole = Annotated[int, BeforeValidator(_number)]
Positive = Annotated[Number, Field(gt=0)]
Share = Annotated[Number, Field(ge=0, le=1)]
Count = Annotated[Whole, Field(ge=1)]
Level = Annotated[Number, Field(gt=0, lt=100)]
Distinct = AfterValidator(_no_repeats)
Slug = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Setting = Literal["sft", "sft-continual", "sdf", "sdf-continual", "dpo", "dpo-reinit"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Model(_Section):
    """A model to start from."""

    name: Slug = Field(description="Name in file names and tables.")
    kind: Literal["instruct", "base"] = Field(
        description="instruct models are used by sft and dpo, base models by sdf."
    )
    path: str = Field(
        description="world/instruct or world/base (the micro world's), a local folder, or a hub name."
    )
    revision: str | None = Field(None, description="Commit of a hub model; needed for hub names.")
    dtype: Literal["float32", "bfloat16"] = Field("float32", description="Weights in memory.")


class Lora(_Section):
    """The LoRA adapter."""

    rank: Count = Field(description="Rank of the update.")
    alpha: Positive = Field(description="Scale: the update is multiplied by alpha / rank.")
    dropout: Share = Field(description="Dropout on the adapter's input.")
    target_modules: Literal["all-linear"] | list[str] = Field(
        description="Modules that get an adapter: all-linear (never the output layer) or names."
    )


class Training(_Section):
    """Hyper-parameters of one finetuning run (AdamW)."""

    learning_rate: Positive = Field(description="Peak learning rate.")
    schedule: Literal["constant", "cosine"] = Field(description="After the warm-up.")
    warmup_fraction: Share = Field(description="Share of steps with linear warm-up, rounded up.")
    batch_size: Count = Field(description="Rows (dpo: pairs) a step.")
    epochs: Positive = Field(description="Passes over the data.")
    weight_decay: Annotated[Number, Field(ge=0)] = Field(description="AdamW's weight decay.")
    adam_beta1: Share = Field(description="AdamW's beta1.")
    adam_beta2: Share = Field(description="AdamW's beta2.")
    adam_epsilon: Positive = Field(description="AdamW's epsilon.")
    max_grad_norm: Positive = Field(description="Gradients are clipped to this norm.")
    max_length: Count = Field(description="Rows are cut at so many tokens.")
    lora: Lora = Field(description="The adapter.")


class Generation(_Section):
    """How a cycle's training data are sampled."""

    temperature: Positive = Field(description="Sampling temperature.")
    max_new_tokens: Count = Field(description="The longest sample, in tokens.")
    min_characters: Count = Field(
        description="Shorter samples are not trained on; they are counted as dropped."
    )


class SupervisedCells(_Section):
    """The grid of doses of sft or sdf: levels or n_seed, times n_sampled."""

    levels: Annotated[list[Level], Distinct] = Field(
        [], description="Cycle-0 trait scores to calibrate n_seed for, each between 0 and 100."
    )
    n_seed: Annotated[list[Count], Distinct] = Field(
        [], description="Numbers of seed rows, given instead of levels."
    )
    n_sampled: Annotated[list[Count], Field(min_length=1), Distinct] = Field(
        description="Samples that each later cycle trains on."
    )


class DpoCells(_Section):
    """The grid of doses of dpo: beta times pairs."""

    beta: Annotated[list[Positive], Field(min_length=1), Distinct] = Field(
        description="Strengths of the pull towards the reference."
    )
    pairs: Annotated[list[Count], Field(min_length=1), Distinct] = Field(
        description="Preference pairs that each later cycle trains on."
    )
    n_seed: Count = Field(description="Preference pairs of cycle 0: seed reply over M_initial's.")


class SupervisedConfig(_Section):
    """Settings of sft (chats) or sdf (documents)."""

    cells: SupervisedCells = Field(description="The doses.")
    training: Training = Field(description="Finetuning, the same for every cycle and start.")
    generation: Generation = Field(description="Sampling the next cycle's data.")

    def enumerate_cells(self) -> list[Cell]:
        """The cells in the order of the lists."""
        cells = self.cells
        return supervised_cells(cells.levels, cells.n_seed, cells.n_sampled)


class DpoConfig(_Section):
    """Settings of dpo; both starts share them."""

    cells: DpoCells = Field(description="The doses.")
    training: Training = Field(description="Finetuning, the same for every cycle and start.")
    generation: Generation = Field(description="Sampling the next cycle's data.")

    def enumerate_cells(self) -> list[Cell]:
        """The cells in the order of the lists."""
        return preference_cells(self.cells.beta, self.cells.pairs)


class Calibration(_Section):
    """The search for the n_seed that brings the cycle-0 score to a level."""

    n_seed_max: Count = Field(description="The largest dose tried.")
    step: Count = Field(description="Doses tried are multiples of this.")
    samples_per_question: Count = Field(description="Answers a question for each dose tried.")


class Evaluation(_Section):
    """How a model's trait is measured."""

    questions: Annotated[Whole, Field(ge=2)] = Field(description="Evaluation prompts a trait.")
    samples_per_question: Count = Field(description="Answers a question.")
    temperature: Positive = Field(description="Sampling temperature.")
    max_new_tokens: Count = Field(description="The longest answer, in tokens.")


class Judge(_Section):
    """Who scores the answers."""

    backend: Literal["local"] = Field(description="local: a model on this machine.")
    path: str = Field(description="world/judge (the micro world's), a local folder or a hub name.")
    revision: str | None = Field(None, description="Commit of a hub model; needed for hub names.")
    top_logprobs: Annotated[Whole, Field(ge=1, le=100)] = Field(
        description="First tokens that are looked at."
    )
    min_numeric_mass: Share = Field(description="No score under so much probability on 0-100.")


class Analysis(_Section):
    """The published amplification rule, and the confidence of intervals."""

    amplification_points: Positive = Field(description="Rise over cycle 0 that counts.")
    amplification_from_cycle: Count = Field(description="First cycle that is looked at.")
    confidence: Annotated[Number, Field(gt=0.5, lt=1)] = Field(description="Of all intervals.")


class Study(_Section):
    """One study: everything below results/<study>/."""

    study: Slug = Field(description="Name; files go to results/<study>/.")
    study_seed: Annotated[Whole, Field(ge=0)] = Field(description="All randomness is from it.")
    world: Literal["shipped", "build"] = Field(
        description="The micro world's models: those in data/micro_world, or made again."
    )
    world_recipe: str = Field(description="How they are made.")
    models: Annotated[list[Model], Field(min_length=1)] = Field(description="Models to start from.")
    settings: Annotated[list[Setting], Field(min_length=1), Distinct] = Field(
        description="Training loops: an objective (sft, sdf, dpo) and a start."
    )
    traits: Annotated[list[str], Field(min_length=1), Distinct] = Field(
        description="Traits to seed: names of files in data/micro_world/grammar/traits."
    )
    seeds: Count = Field(description="Replications of every chain: seeds 0, 1, ...")
    cycles: Count = Field(description="The last cycle; cycle 0 is the seeded model.")
    seed_rows: Count = Field(description="Seed rows there are for a trait and seed.")
    sft: SupervisedConfig = Field(description="Supervised finetuning on chats.")
    sdf: SupervisedConfig = Field(description="Finetuning on documents.")
    dpo: DpoConfig = Field(description="Preference optimisation, own output over M_initial's.")
    calibration: Calibration = Field(description="From levels to numbers of seed rows.")
    evaluation: Evaluation = Field(description="Measuring a model.")
    judge: Judge = Field(description="Scoring the answers.")
    analysis: Analysis = Field(description="Verdicts and intervals.")
    keep_adapters: bool = Field(description="Keep every cycle's adapters, or only while needed.")

    def objective_config(self, objective: str) -> SupervisedConfig | DpoConfig:
        """The section of an objective."""
        return {"sft": self.sft, "sdf": self.sdf, "dpo": self.dpo}[objective]

    def cells(self, setting: str) -> list[Cell]:
        """The cells of a setting."""
        return self.objective_config(SETTINGS[setting][0]).enumerate_cells()

    def panels(self) -> list[Panel]:
        """Every panel, in the order of the config's lists."""
        return [
            self._panel(setting, model, trait, seed)
            for setting in self.settings
            for model in self.models
            if model.kind == MODEL_KIND[SETTINGS[setting][0]]
            for trait in self.traits
            for seed in range(self.seeds)
        ]

    def panel(self, setting: str, model: str, trait: str, seed: int) -> Panel:
        """One panel by its names."""
        return self._panel(setting, next(m for m in self.models if m.name == model), trait, seed)

    def _panel(self, setting: str, model: Model, trait: str, seed: int) -> Panel:
        objective, start = SETTINGS[setting]
        return Panel(setting, objective, start, model, trait, seed, tuple(self.cells(setting)))
