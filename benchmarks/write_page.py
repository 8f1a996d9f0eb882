"""Write docs/performance.md from the tables in benchmarks/results/ and the notes beside them."""

import csv
import textwrap

from common import RESULTS, ROOT

SECTIONS = {  # name of the table -> (heading, text)
    "overhead": (
        "What the workflow costs",
        (
            "A small study (four settings, two doses, three cycles) runs through Snakemake on one "
            "core. For comparison the same arithmetic runs in one bare process, with cells side "
            "by side there too: without Snakemake, without logs, and with no files but the "
            "adapters'. The two run in turn. The ratio is of each pair. Aim: at most 1.5."
        ),
    ),
    "peer": (
        "Against the usual way",
        (
            "Two chains run over four cycles. This workflow runs on one core. The usual way is a "
            "new Python process for each step of each chain, one chain at a time, with `generate` "
            "of transformers. Aim: at least 4 times faster."
        ),
    ),
    "stages": (
        "Where the time goes",
        (
            "The jobs of one sft and one dpo panel over two cycles run in one process. The table "
            "has the processor seconds of each stage, without those of other stages. "
            "`of_matrix_rate` is the stage's floating-point rate over that of this machine's "
            "matrix products at the model's shapes. The stage's rate counts two operations per "
            "weight and token, backward too, since the base weights are frozen."
        ),
    ),
    "training": (
        "Training cells side by side",
        (
            "A panel's cells in the micro world are trained one by one through TRL's trainers and "
            "stacked (side by side), in turn on one thread. Tokens per second are per second of "
            "processor time of the whole of `train_cells`: token ids, adapters, DPO's references "
            "and steps. A cell has 60 rows or 50 pairs, and the hyper-parameters are those of the "
            "default study. `times`: stacked over one by one, median and range. `of_matrix_rate`: "
            "the operations that training takes over those of matrix products at the model's "
            "shapes. Training takes 2 forward and 2 backward for each frozen weight and token, 6 "
            "for an adapter's weight, and 2 more for DPO's reference. The output layer counts "
            "where there is a loss. Padding is left out. `padded`: share of padding in the tokens "
            "that are read. Aims: 1.9 and 2.2 times with 5 and 25 cells for sft, 2.2 and 2.5 for "
            "dpo."
        ),
    ),
    "tokens_at_once": (
        "The most tokens in a forward pass",
        (
            "The stacked cells of the table above, by `training.tokens_at_once`. `peak_mb` is the "
            "largest resident set of a process that trains in this way."
        ),
    ),
    "training_memory": (
        "Memory of training",
        (
            "A process of its own loads the model and trains the given number of cells. `peak_mb` "
            "is its largest resident set, libraries included."
        ),
    ),
    "training_wide": (
        "A model as wide as Qwen3-4B, on the CPU",
        (
            "The model has two layers of Qwen3-4B's shape, random weights in float32 and a small "
            "vocabulary. Rows have about 100 tokens, with two rows a step, on one thread. Tokens "
            "per second are per second of processor time. One by one, at most 5 cells are "
            "trained. The step of a single cell has enough rows for large products here, so "
            "stacking gains least. The gain on a GPU may differ (*On a GPU*)."
        ),
    ),
    "scaling": (
        "Growth",
        (
            "Studies of one panel and more run from nothing to scores. `work` is cell-cycles and "
            "`time` is seconds, both over those of the first row of the group. `time` should not "
            "grow faster than `work`. Start-up (about 8 s) is in every row. Aim: no process over "
            "2 GB."
        ),
    ),
    "gpu": (
        "On a GPU",
        (
            "A model of Qwen3-4B's shape with random weights: finetuning of LoRA adapters (rank "
            "16), two rows of 256 tokens a step, one by one or stacked (`times`: over one by "
            "one), and sampling with eight adapters, by transformers or vLLM. Shares are of what "
            "the card's large matrix products and copies of its memory reach."
        ),
    ),
    "planning": (
        "Planning",
        ("Seconds of a dry run, by number of jobs. Aim: 2,500 jobs under 30 s."),
    ),
}

NOT_MEASURED = {
    "gpu": "Not measured yet: no GPU was at hand. `python benchmarks/gpu.py` measures it."
}


def wrapped(text: str) -> str:
    """A paragraph in lines of at most 100 columns."""
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def table(name: str) -> str:
    """A Markdown table of a CSV, the machine's columns once above it."""
    with open(RESULTS / f"{name}.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    about = ("processor", "machine_cores", "python", "versions")
    shown = [key for key in rows[0] if key not in about]
    first = rows[0]
    lines = [
        wrapped(
            f"{first['processor']}, {first['machine_cores']} cores, Python {first['python']}, "
            f"{first['versions']}."
        ),
        "",
        "| " + " | ".join(shown) + " |",
        "|" + "---|" * len(shown),
    ]
    lines += ["| " + " | ".join(row[key] for key in shown) + " |" for row in rows]
    return "\n".join(lines)


def main() -> None:
    about = (
        "Written by `make bench`; do not edit. The runs of a ratio are of one session on one "
        "machine. Absolute seconds depend on the machine."
    )
    parts = [f"# Performance\n\n{wrapped(about)}\n"]
    for name, (heading, text) in SECTIONS.items():
        if (RESULTS / f"{name}.csv").exists():
            parts.append(f"## {heading}\n\n{wrapped(text)}\n\n{table(name)}\n")
        elif name in NOT_MEASURED:
            parts.append(f"## {heading}\n\n{NOT_MEASURED[name]}\n")
    notes = ROOT / "benchmarks" / "notes.md"
    parts.append(notes.read_text(encoding="utf-8"))
    (ROOT / "docs" / "performance.md").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
