"""Choose each objective's learning rate from cycle-0 scores, by the config's rule."""

from pathlib import Path


def choose_learning_rates(
    inputs: list[Path],
    output: Path,
    initial: list[Path] | None = None,
    above_initial: float | None = None,
    above_initial_dpo: float | None = None,
) -> None:
    """Choose each objective's learning rate from cycle-0 scores, by the config's rule.

    inputs: scores at every rate (JSON), one file per objective, model and trait.
    output: table of all rates (CSV) to write.
    initial: scores of the initial models, where the others must exceed them.
    above_initial: by so many points (sft, sdf).
    above_initial_dpo: by so many points (dpo).
    """
    from idempotence.cycle_zero.rate_choice import choose_rates, initial_scores
    from idempotence.io import write_csv

    points = {"sft": above_initial, "sdf": above_initial, "dpo": above_initial_dpo}
    above = {name: each for name, each in points.items() if each is not None}
    table = choose_rates(inputs, initial_scores(initial) if initial else {}, above)
    write_csv(table, output)
    print(table.to_string(index=False))
    for key, rows in table.groupby(["objective", "model"]):
        if not rows["chosen"].any():
            where = " on ".join(map(str, key))
            print(f"no rate passes for {where}: try others in tuning.learning_rates")


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(choose_learning_rates)
