"""Replies that somebody rated, for a judge to learn from: other ones than those it is tested on."""

import random
from pathlib import Path

from idempotence.io import read_jsonl
from idempotence.judge_tuning.gold import read_ratings
from idempotence.judge_tuning.texts import COHERENCE, RatedText, hold_out
from idempotence.scores.schema import CRITERIA

RATED = "rated"  # what a whole reply is made of, in the place of a mixture's parts


def read_rated(folder: Path) -> list[list[RatedText]]:
    """The two texts of each reply: one to rate for its trait, one for coherence.

    folder: replies.jsonl (id, trait, kind, prompt, response) and ratings.csv, as those of gold.
    Replies without a rating are left out. Raises as `read_ratings`.
    """
    replies = {row["id"]: row for row in read_jsonl(folder / "replies.jsonl")}
    ratings = read_ratings(folder / "ratings.csv", list(replies))
    texts = []
    for rating in ratings.to_dict("records"):
        reply = replies[rating["id"]]
        asked = {CRITERIA["trait"]: reply["trait"], CRITERIA["coherence"]: COHERENCE}
        texts.append([
            RatedText(reply["kind"], criterion, reply["prompt"], reply["response"],
                      round(rating[column]), RATED)
            for column, criterion in asked.items()
        ])  # fmt: skip
    return texts


def split_rated(
    texts: list[list[RatedText]], held_out: float, rng: random.Random
) -> tuple[list[RatedText], list[RatedText]]:
    """(texts to train on, texts to test on); both texts of a reply go the same way."""
    kept, held = hold_out(texts, held_out, rng)
    return [text for reply in kept for text in reply], [text for reply in held for text in reply]
