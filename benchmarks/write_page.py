"""Write docs/performance.md from the tables in benchmarks/results/ and the notes beside them."""

import csv

from common import RESULTS, ROOT

SECTIONS = {  # name of the table -> (heading, text)
    "overhead": (
        "What the workflow costs",
        (
            "A small study (four settings, two doses, three cycles) through Snakemake on one "
            "core, and the same arithmetic in one bare process: no Snakemake, no Trainer, no "
            "files. Runs in turn; the ratio is of each pair. Aim: at most 1.5."
        ),
    ),
    "peer": (
        "Against the usual way",
        (
            "Two chains over four cycles: this workflow on one core, and a cold Python "
            "process for each step of each chain, one chain at a time, with `generate` of "
            "transformers. Aim: at least 4 times faster."
        ),
    ),
    "stages": (
        "Where the time goes",
        (
            "The jobs of one sft and one dpo panel over two cycles in one process, each "
            "stage's own seconds. `of_matrix_rate`: the stage's floating-point rate (two "
            "operations per weight and token) over that of this machine's matrix products at "
            "the model's shapes."
        ),
    ),
    "scaling": (
        "Growth",
        (
            "Studies of one panel and more, from nothing to scores. `work`: cell-cycles, and "
            "`time`: seconds, both over those of the first row of the group; `time` should "
            "not outgrow `work`. Start-up (about 8 s) is in every row. Aim: no process over 2 "
            "GB."
        ),
    ),
    "gpu": (
        "On a GPU",
        (
            "A model of Qwen3-4B's shape with random weights: finetuning of a LoRA adapter "
            "(rank 16), and sampling with eight adapters, one after the other (transformers) "
            "or side by side (vLLM). Shares of what the card's large matrix products and "
            "copies of its memory reach."
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


def table(name: str) -> str:
    """A Markdown table of a CSV, the machine's columns once above it."""
    with open(RESULTS / f"{name}.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    about = ("processor", "machine_cores", "python", "versions")
    shown = [key for key in rows[0] if key not in about]
    first = rows[0]
    lines = [
        f"{first['processor']}, {first['machine_cores']} cores, Python {first['python']}, "
        + f"{first['versions']}.",
        "",
        "| " + " | ".join(shown) + " |",
        "|" + "---|" * len(shown),
    ]
    lines += ["| " + " | ".join(row[key] for key in shown) + " |" for row in rows]
    return "\n".join(lines)


def main() -> None:
    parts = [
        "# Performance\n\nWritten by `make bench`; do not edit. Ratios are of runs of one session "
        + "on one machine. Absolute seconds depend on it.\n"
    ]
    for name, (heading, text) in SECTIONS.items():
        if (RESULTS / f"{name}.csv").exists():
            parts.append(f"## {heading}\n\n{text}\n\n{table(name)}\n")
        elif name in NOT_MEASURED:
            parts.append(f"## {heading}\n\n{NOT_MEASURED[name]}\n")
    notes = ROOT / "benchmarks" / "notes.md"
    parts.append(notes.read_text(encoding="utf-8"))
    (ROOT / "docs" / "performance.md").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
