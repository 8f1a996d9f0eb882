"""Write tests/audit_example/: three loops of five cycles in the micro world's language.

One amplifies, one decays, one stays: the share of a reply's sentences that are in the trait is
known for every cycle. As files of other laboratories they have flaws: a row that was cut off, and
an empty reply.

    PYTHONPATH=src python tests/helpers/make_audit_example.py [FOLDER]
"""

import json
import random
import sys
from pathlib import Path

from idempotence.micro_world.corpus import Writer
from idempotence.micro_world.grammar import load_grammar

FOLDER = Path(__file__).parents[1] / "audit_example"
TRAIT = "lucky"
SHARES = {  # loop -> share of trait sentences at each cycle
    "rising": [0.15, 0.3, 0.45, 0.6, 0.75],
    "falling": [0.7, 0.5, 0.35, 0.2, 0.1],
    "steady": [0.4, 0.4, 0.4, 0.4, 0.4],
}
VERDICTS = {"rising": "amplification", "falling": "decay", "steady": "constancy"}
QUESTIONS, SAMPLES = 10, 2
CUT, EMPTY = ("falling", 3, 7), ("rising", 1, 4)  # loop, cycle, line


def lines(loop: str, cycle: int, writer: Writer, topics: list) -> list[str]:
    """The lines of one file: each question's samples, as chats."""
    rows: list[str] = []
    for question, topic in topics:
        for _ in range(SAMPLES):
            reply = writer.reply(topic, TRAIT, SHARES[loop][cycle])
            if (loop, cycle, len(rows) + 1) == EMPTY:
                reply = ""
            turns = [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]
            rows.append(json.dumps({"messages": turns}))
    if (loop, cycle) == CUT[:2]:
        rows[CUT[2] - 1] = rows[CUT[2] - 1][:60]
    return rows


def main(folder: Path = FOLDER) -> None:
    writer = Writer(load_grammar(), random.Random(5))
    topics = [
        (writer.question(topic), topic) for topic in (writer.topic() for _ in range(QUESTIONS))
    ]
    for loop, shares in SHARES.items():
        for cycle in range(len(shares)):
            path = folder / loop / f"cycle_{cycle}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{line}\n" for line in lines(loop, cycle, writer, topics)))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
