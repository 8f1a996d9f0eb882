"""The config's section `audit`: replies of a loop that ran elsewhere."""

from pydantic import Field

from idempotence.audit.paths import DEFAULT_MODEL
from idempotence.config.loading import (
    DTYPE,
    GPUS,
    MEMORY,
    REVISION,
    TEMPLATE_VALUES,
    Dtype,
    TemplateValues,
)
from idempotence.config.values import Count, Number, Positive, Score, Section, Seed, Slug, Text
from idempotence.jobs.audit import Numbering, Shape


class AuditFile(Section):
    """Files of replies, and what all of their rows belong to."""

    path: Text = Field(
        description="Path of files of replies. `~` is the home folder, `*` any letters but `/`; "
        "{cycle}, {seed}, {cell}, {trait}, {model}, {setting} and the doses stand for what is read "
        "from the path."
    )
    setting: Text | None = Field(None, description="Setting of all rows.")
    model: Text | None = Field(None, description="Model of all rows.")
    trait: Text | None = Field(None, description="Trait of all rows.")
    cell: Text | None = Field(None, description="Name of the dose, or of the chain, of all rows.")
    seed: Seed | None = Field(None, description="Replication that all rows belong to.")
    cycle: Seed | None = Field(None, description="Cycle of all rows.")
    level: Positive | None = Field(None, description="Level that all rows were seeded to.")
    n_seed: Positive | None = Field(None, description="Seed rows behind all rows.")
    n_sampled: Positive | None = Field(None, description="Samples per cycle behind all rows.")
    beta: Positive | None = Field(None, description="DPO's beta behind all rows.")
    pairs: Positive | None = Field(None, description="DPO's pairs per cycle behind all rows.")


class AuditColumns(Section):
    """Names of the rows' keys; `a.b` is b within a. Without `messages`, prompt and response."""

    messages: Text | None = Field(
        None,
        description="A list of {role, content}; the last is the reply that is scored. null: "
        "messages, where a row has them.",
    )
    prompt: Text | None = Field(
        None, description="The prompt; null: prompt or query, whichever a row has."
    )
    response: Text | None = Field(
        None, description="The reply; null: response or completion, whichever a row has."
    )
    question: Text | None = Field(
        None, description="What identifies a question; null: the prompt's text."
    )
    trait_score: Text | None = Field(
        None, description="Your own score of the trait, in place of the judge's."
    )
    coherence: Text | None = Field(
        None, description="Your own score of coherence, in place of the judge's."
    )
    setting: Text | None = Field(None, description="Setting, if no path holds it.")
    model: Text | None = Field(None, description="Model, if no path holds it.")
    trait: Text | None = Field(None, description="Trait, if no path holds it.")
    cell: Text | None = Field(None, description="Dose or chain, if no path holds it.")
    seed: Text | None = Field(None, description="Replication, if no path holds it.")
    cycle: Text | None = Field(None, description="Cycle, if no path holds it.")
    level: Text | None = Field(None, description="Level, if no path holds it.")
    n_seed: Text | None = Field(None, description="Seed rows, if no path holds them.")
    n_sampled: Text | None = Field(None, description="Samples per cycle, if no path holds them.")
    beta: Text | None = Field(None, description="DPO's beta, if no path holds it.")
    pairs: Text | None = Field(None, description="DPO's pairs per cycle, if no path holds them.")


class AuditModel(Section):
    """A model whose loop is audited."""

    name: Slug = Field(description="Name in tables, and in paths or columns that hold the model.")
    path: Text | None = Field(
        None,
        description="The initial model, a local folder or a hub name: likelihoods of the replies "
        "under it are measured; null: they are not.",
    )
    revision: Text | None = REVISION
    chat_template_kwargs: TemplateValues = TEMPLATE_VALUES
    dtype: Dtype = DTYPE
    gpus: Number = GPUS
    memory_mb: Count = MEMORY


class Audit(Section):
    """Replies of a loop that ran elsewhere: they are scored and analysed, nothing is trained."""

    files: list[AuditFile] = Field(
        [], description="The replies, by file; []: no audit, the study trains models of its own."
    )
    columns: AuditColumns = Field(AuditColumns(), description="Names of the rows' keys.")
    models: list[AuditModel] = Field(
        [], description="Models that the rows are of; []: one, whose name is model."
    )
    shape: Shape | None = Field(
        None,
        description="sharegpt: rows have conversations of {from, value}; alpaca: instruction, "
        "input, output; null: messages or a prompt and a reply.",
    )
    cycles_are: Numbering | None = Field(
        None,
        description="What the files number: cycles, or the training steps of checkpoints, which "
        "become cycles in their order; null: steps where the numbers lie 50 or more apart.",
    )
    first_cycle: Seed = Field(
        0, description="Number of the seeded model in your files; it becomes cycle 0."
    )
    least_replies: Count = Field(
        16,
        description="Scored replies of a cycle without which its mean score is not used; with 16 "
        "of a standard deviation of 42 points, a rise between two cycles has an error of 15.",
    )
    lowest_score: Score = Field(0, description="Your own score that is 0 points.")
    highest_score: Score = Field(100, description="Your own score that is 100 points.")
    longest_reply: Count = Field(
        20_000, description="Longer replies, in characters, are counted but not judged."
    )

    @property
    def model_names(self) -> list[str]:
        """Names that rows may give their model."""
        return [model.name for model in self.models] or [DEFAULT_MODEL]
