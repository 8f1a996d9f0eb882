"""Whether the built models are what an instrument must be: sound writers, a judge near the truth.

Bars (fixed before any study was run): truth-coherence of each initial model >= 97 and every trait
<= 3; the judge against exact truth on held-out texts: traits Spearman >= 0.95 and mean absolute
error <= 4 points, coherence Spearman >= 0.9 and error <= 8.
"""

import math
import random
from collections.abc import Sequence
from pathlib import Path

from idempotence.engine.base import Request
from idempotence.engine.formatting import ids_of_prompts
from idempotence.engine.hf import TransformersEngine
from idempotence.judge.protocol import rate_tokens
from idempotence.micro_world.corpus import Writer, every_prompt
from idempotence.micro_world.grammar import load_grammar
from idempotence.micro_world.truth import Truthteller
from idempotence.rng import derive_seed
from idempotence.texts.rubric import ask, load_rubrics
from idempotence.world_build.collapse import model_texts
from idempotence.world_build.damage import KINDS, Damager
from idempotence.world_build.recipe import Recipe

BARS = {
    "initial coherence at least": 97.0,
    "initial trait at most": 3.0,
    "trait spearman at least": 0.95,
    "trait error at most": 4.0,
    "coherence spearman at least": 0.9,
    "coherence error at most": 8.0,
}
Text = tuple[str, str, str]  # (kind, prompt, text)


def check_initial(model: Path, kind: str, recipe: Recipe) -> dict:
    """Exact scores of an initial model's replies to neutral prompts, T = 0.7."""
    engine = TransformersEngine(str(model))
    how, seed = recipe.quality, derive_seed(recipe.seed, "quality", kind)
    prompts = random.Random(seed).sample(every_prompt(load_grammar(), kind), how.prompts)
    prompts = [prompt for prompt in prompts for _ in range(how.samples)]
    requests = [
        Request(ids, 0.7, 64, derive_seed(seed, i))
        for i, ids in enumerate(ids_of_prompts(engine.tokenizer, prompts, kind))
    ]
    replies = engine.sample(requests, None)
    teller = Truthteller(load_grammar())
    truths = [teller.read(p, reply) for p, reply in zip(prompts, replies, strict=True)]
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
    """Texts the judge has not seen: every kind of damage, and outputs of broken models."""
    rng = random.Random(derive_seed(recipe.seed, "held out"))
    writer = Writer(load_grammar(), rng)
    damager = Damager(writer)
    texts = [damager.any_text() for _ in range(recipe.quality.judged)]
    seed = derive_seed(recipe.seed, "held out models")
    broken = model_texts(world / "instruct", writer, recipe.quality.collapsed, seed)
    return texts + [("broken model", prompt, text) for prompt, text in broken]


def check_judge(world: Path, recipe: Recipe) -> list[dict]:
    """One row a kind of text, and "all": agreement of the judge with the truth.

    A text's trait is one that it holds, or (one time in three, and where it holds none) any.
    """
    texts = held_out(world, recipe)
    teller = Truthteller(load_grammar())
    truths = [teller.read(prompt, text) for _, prompt, text in texts]
    rng = random.Random(derive_seed(recipe.seed, "asked traits"))
    names = list(load_grammar().traits)
    traits = []
    for truth in truths:
        present = [name for name in names if truth.traits[name] > 0]
        traits.append(rng.choice(present if present and rng.random() < 2 / 3 else names))
    engine = TransformersEngine(str(world / "judge"))
    pairs = {
        "trait": (
            _ratings(engine, "trait", texts, traits),
            [truth.traits[trait] for truth, trait in zip(truths, traits, strict=True)],
        ),
        "coherence": (
            _ratings(engine, "coherence", texts, traits),
            [truth.coherence for truth in truths],
        ),
    }
    kinds = [kind for kind, _, _ in texts]
    rows = []
    for kind in ("all", *KINDS, "broken model"):
        chosen = [i for i, k in enumerate(kinds) if kind in ("all", k)]
        row = {"texts": kind, "n": len(chosen)}
        for criterion, (said, true) in pairs.items():
            row |= _agreement(criterion, [said[i] for i in chosen], [true[i] for i in chosen])
        rows.append(row)
    return rows


def _ratings(
    engine: TransformersEngine, criterion: str, texts: Sequence[Text], traits: Sequence[str]
) -> list[float]:
    template = load_rubrics()[criterion]
    asked = [ask(template, p, text, t) for (_, p, text), t in zip(texts, traits, strict=True)]
    ids = ids_of_prompts(engine.tokenizer, asked, "chat")
    return [rate_tokens(top, 0.25).score for top in engine.next_token_logprobs(ids, 20)]


def _agreement(criterion: str, said: list[float], true: list[float]) -> dict:
    """Spearman of whole points (null where a side does not vary), mean error, bias, missing.

    Ranks are of scores rounded to whole points: where the truth is 0, answers of 0.01 and 0.02
    are the same answer.
    """
    from scipy.stats import spearmanr

    known = [(s, t) for s, t in zip(said, true, strict=True) if not math.isnan(s)]
    n = max(len(known), 1)
    varies = all(len(set(side)) > 1 for side in zip(*known, strict=True)) and len(known) > 2
    points = [(round(s), round(t)) for s, t in known]
    rho = round(float(spearmanr(*zip(*points, strict=True)).statistic), 4) if varies else None
    return {
        f"{criterion}_spearman": rho,
        f"{criterion}_error": round(sum(abs(s - t) for s, t in known) / n, 3),
        f"{criterion}_bias": round(sum(s - t for s, t in known) / n, 3),
        f"{criterion}_missing": len(said) - len(known),
    }


def check_world(world: Path, recipe: Recipe) -> dict:
    """The quality table: initial models, judge, bars, and whether all bars are met."""
    initial = [
        check_initial(world / "instruct", "chat", recipe),
        check_initial(world / "base", "document", recipe),
    ]
    judge = check_judge(world, recipe)
    overall = judge[0]
    passed = (
        overall["trait_spearman"] is not None
        and overall["coherence_spearman"] is not None
        and overall["trait_spearman"] >= BARS["trait spearman at least"]
        and overall["trait_error"] <= BARS["trait error at most"]
        and overall["coherence_spearman"] >= BARS["coherence spearman at least"]
        and overall["coherence_error"] <= BARS["coherence error at most"]
    )
    return {
        "bars": BARS,
        "initial": initial,
        "judge": judge,
        "passed": passed and all(row["passed"] for row in initial),
    }
