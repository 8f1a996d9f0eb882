"""What the generator of seed rows will do: texts and tokens, for each trait and kind."""

from collections.abc import Callable, Iterator
from pathlib import Path

from idempotence.config.grid import PROMPT_KIND, Panel
from idempotence.config.study import Study
from idempotence.cost_estimate.lengths import Lengths
from idempotence.texts import written
from idempotence.texts.generation import read_generation
from idempotence.workflow.study_jobs import Plan

RULE = "generate_seed_data"
GENERATOR = "generator"  # section of the config, and the model's name in the plan


def generated_for(study: Study, plan: Plan) -> dict[tuple[str, str], Panel]:
    """(kind, trait) of seed rows that a larger model writes -> a panel that trains on them."""
    return {
        (PROMPT_KIND[panel.objective], panel.trait): panel
        for panel in study.panels()
        if plan.generated_rows(panel.objective, panel.trait)
    }


def writing_jobs(study: Study, plan: Plan, lengths: Callable[[dict], Lengths]) -> Iterator[dict]:
    """A dict a job. Each text is asked for once: those that are sieved out cost more.

    Texts are taken to be as long as the written rows, in tokens of a model that trains on them.
    """
    for (kind, trait), panel in generated_for(study, plan).items():
        told = plan.generate(kind, trait)
        about = {
            "objective": panel.objective,
            "model": {"name": panel.model.name},
            "trait": trait,
        }
        texts, tokens_in, tokens_out = _row(told, lengths(about))
        yield {
            "rule": RULE, "setting": "", "model": GENERATOR, "jobs": 1,
            "written": told["rows"] * texts, "written_tokens_in": told["rows"] * tokens_in,
            "written_tokens_out": told["rows"] * tokens_out,
        }  # fmt: skip


def _row(told: dict, lengths: Lengths) -> tuple[int, float, float]:
    """(texts, tokens that the generator reads, tokens that it writes) of one row."""
    ask, count = read_generation(told["kind"]), lengths.count
    prompt, reply = lengths.seed_row
    trait = written.read_trait(Path(told["texts"]["traits"]), told["trait"])
    shown = told["examples"] * (prompt + reply)
    tokens_in = count(ask["text"]) + count(trait["description"]) + shown
    tokens_out = min(reply, told["max_new_tokens"])
    if told["kind"] == "document":
        return 1, tokens_in, tokens_out
    return 2, tokens_in + count(ask["message"]) + prompt, tokens_out + prompt
