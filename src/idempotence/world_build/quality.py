"""Whether the built models are fit to measure with: sound writers, and a judge near the truth.

Bars (fixed before any study was run): truth-coherence of each initial model >= 97 and every trait
<= 3; the judge against exact truth on held-out texts: traits Spearman >= 0.95 and mean absolute
error <= 4 points, coherence Spearman >= 0.9 and error <= 8.
"""

import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from idempotence.engine.base import Request
from idempotence.engine.formatting import ids_of_prompts
from idempotence.engine.hf import TransformersEngine
from idempotence.engine.models import Weights
from idempotence.judge.protocol import rate_tokens
from idempotence.micro_world.corpus import Writer, every_prompt
from idempotence.micro_world.grammar import load_grammar
from idempotence.micro_world.truth import Truth, TruthReader
from idempotence.objectives import Kind
from idempotence.rng import derive_seed
from idempotence.texts.rubric import ask, load_rubrics
from idempotence.world_build.collapse import model_texts
from idempotence.world_build.damage import KINDS, LONGEST, Damager
from idempotence.world_build.recipe import Recipe

BARS = {
    "initial coherence at least": 97.0,
    "initial trait at most": 3.0,
    "trait spearman at least": 0.95,
    "trait error at most": 4.0,
    "coherence spearman at least": 0.9,
    "coherence error at most": 8.0,
}
TEMPERATURE = 0.7  # of the initial models' replies
TOP, MIN_MASS = 20, 0.25  # how the judge's answers are read, as in the default study
Text = tuple[str, str, str]  # (kind of damage, prompt, text)


def check_world(world: Path, recipe: Recipe) -> dict[str, Any]:
    """The quality table: initial models, judge, bars, and whether all bars are met.

    world: folder of the three models.
    """
    initial = [
        check_initial(world / "instruct", "chat", recipe),
        check_initial(world / "base", "document", recipe),
    ]
    judge = check_judge(world, recipe)
    passed = _meets_bars(judge[0]) and all(row["passed"] for row in initial)
    return {"bars": BARS, "initial": initial, "judge": judge, "passed": passed}


def check_initial(model: Path, kind: Kind, recipe: Recipe) -> dict[str, Any]:
    """Mean exact scores (0-100) of an initial model's replies to neutral prompts.

    model: its folder. Keys: model, n (replies), coherence, traits (name -> score), passed.
    """
    engine = TransformersEngine(Weights(str(model)))
    amounts, seed = recipe.quality, derive_seed(recipe.seed, "quality", kind)
    prompts = random.Random(seed).sample(every_prompt(load_grammar(), kind), amounts.prompts)
    prompts = [prompt for prompt in prompts for _ in range(amounts.samples)]
    requests = [
        Request(ids, TEMPERATURE, LONGEST, derive_seed(seed, i))
        for i, ids in enumerate(ids_of_prompts(engine.tokenizer, prompts, kind))
    ]
    truths = _truths(list(zip(prompts, engine.sample(requests, None), strict=True)))
    traits = {
        name: round(sum(t.traits[name] for t in truths) / len(truths), 2)
        for name in load_grammar().traits
    }
    coherence = round(sum(t.coherence for t in truths) / len(truths), 2)
    passed = coherence >= BARS["initial coherence at least"]
    passed = passed and max(traits.values()) <= BARS["initial trait at most"]
    return {
        "model": model.name, "n": len(truths), "coherence": coherence, "traits": traits,
        "passed": passed,
    }  # fmt: skip


def held_out(world: Path, recipe: Recipe) -> list[Text]:
    """Texts that the judge has not seen: every kind of damage, and outputs of broken models."""
    rng = random.Random(derive_seed(recipe.seed, "held out"))
    writer = Writer(load_grammar(), rng)
    damager = Damager(writer)
    texts = [damager.any_text() for _ in range(recipe.quality.judged)]
    seed = derive_seed(recipe.seed, "held out models")
    broken = model_texts(world / "instruct", writer, recipe.quality.collapsed, seed)
    return texts + [("broken model", prompt, text) for prompt, text in broken]


def check_judge(world: Path, recipe: Recipe) -> list[dict[str, Any]]:
    """One row per kind of text, the first for all: agreement of the judge with the truth.

    A text is rated for a trait that it holds, or (one time in three, and where it holds none) for
    any. Columns: texts, n, and those of `_agreement` for trait and coherence.
    """
    texts = held_out(world, recipe)
    truths = _truths([(prompt, text) for _, prompt, text in texts])
    traits = _rated_traits(truths, random.Random(derive_seed(recipe.seed, "asked traits")))
    engine = TransformersEngine(Weights(str(world / "judge")))
    rated = {name: _ratings(engine, name, texts, traits) for name in ("trait", "coherence")}
    exact = {
        "trait": [truth.traits[trait] for truth, trait in zip(truths, traits, strict=True)],
        "coherence": [truth.coherence for truth in truths],
    }
    rows = []
    for kind in ("all", *KINDS, "broken model"):
        chosen = [i for i, (own, _, _) in enumerate(texts) if kind in ("all", own)]
        row: dict[str, Any] = {"texts": kind, "n": len(chosen)}
        for name, scores in rated.items():
            row |= _agreement(name, [scores[i] for i in chosen], [exact[name][i] for i in chosen])
        rows.append(row)
    return rows


def _truths(pairs: Sequence[tuple[str, str]]) -> list[Truth]:
    """Exact scores of (prompt, text)."""
    reader = TruthReader(load_grammar())
    return [reader.read(prompt, text) for prompt, text in pairs]


def _rated_traits(truths: Sequence[Truth], rng: random.Random) -> list[str]:
    """The trait that each text is rated for."""
    names = list(load_grammar().traits)
    traits = []
    for truth in truths:
        present = [name for name in names if truth.traits[name] > 0]
        traits.append(rng.choice(present if present and rng.random() < 2 / 3 else names))
    return traits


def _ratings(
    engine: TransformersEngine, criterion: str, texts: Sequence[Text], traits: Sequence[str]
) -> list[float]:
    """The judge's scores (0-100) of a criterion; NaN where it gives none."""
    template = load_rubrics()[criterion]
    prompts = [ask(template, p, text, t) for (_, p, text), t in zip(texts, traits, strict=True)]
    ids = ids_of_prompts(engine.tokenizer, prompts, "chat")
    return [rate_tokens(top, MIN_MASS).score for top in engine.next_token_logprobs(ids, TOP)]


def _agreement(
    criterion: str, rated: Sequence[float], exact: Sequence[float]
) -> dict[str, float | None]:
    """Spearman of whole points (None where a side does not vary), mean error, bias, missing.

    Ranks are of scores rounded to whole points: where the truth is 0, answers of 0.01 and 0.02
    are the same answer.
    """
    from scipy.stats import spearmanr

    known = [(r, e) for r, e in zip(rated, exact, strict=True) if not math.isnan(r)]
    n = max(len(known), 1)
    varies = all(len(set(side)) > 1 for side in zip(*known, strict=True)) and len(known) > 2
    points = [(round(r), round(e)) for r, e in known]
    rho = round(float(spearmanr(*zip(*points, strict=True)).statistic), 4) if varies else None
    return {
        f"{criterion}_spearman": rho,
        f"{criterion}_error": round(sum(abs(r - e) for r, e in known) / n, 3),
        f"{criterion}_bias": round(sum(r - e for r, e in known) / n, 3),
        f"{criterion}_missing": len(rated) - len(known),
    }


def _meets_bars(overall: dict[str, Any]) -> bool:
    """Whether the judge's agreement over all texts is good enough."""
    return all(
        overall[f"{name}_spearman"] is not None
        and overall[f"{name}_spearman"] >= BARS[f"{name} spearman at least"]
        and overall[f"{name}_error"] <= BARS[f"{name} error at most"]
        for name in ("trait", "coherence")
    )
