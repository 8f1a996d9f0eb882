"""Choose each objective's learning rate from cycle-0 scores, by the config's rule."""

from pathlib import Path


def choose_learning_rates(
    inputs: list[Path],
    output: Path,
    initial: list[Path] | None = None,
    above_initial: float = 0,
) -> None:
    """Choose each objective's learning rate from cycle-0 scores, by the config's rule.

    inputs: scores at every rate (JSON), one file per objective, model and trait.
    output: table of all rates (CSV) to write.
    initial: scores of the initial models, whose scores the others must exceed; none: any will do.
    above_initial: by so many points.
    """
    from idempotence.cycle_zero.rate_choice import choose_rates, scores_to_reach
    from idempotence.io import write_csv

    table = choose_rates(inputs, scores_to_reach(initial, above_initial) if initial else {})
    write_csv(table, output)
    print(table.to_string(index=False))
    for key, rows in table.groupby(["objective", "model"]):
        if not rows["chosen"].any():
            where = " on ".join(map(str, key))
            print(f"no rate passes for {where}: try others in tuning.learning_rates")


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(choose_learning_rates)
