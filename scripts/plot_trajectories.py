"""Figure of one setting: trait score and coherence over cycles, a line for each cell."""

from pathlib import Path

from idempotence.jobs.parts import Loops


def plot_trajectories(
    setting: str,
    trajectories: Path,
    initial: Path,
    authors: Path,
    loops: Loops,
    confidence: float,
    output_prefix: Path,
) -> None:
    """Draw a setting's trait score and coherence over the cycles, a line for each cell.

    setting: name of the setting.
    trajectories: the study's trajectories.parquet.
    initial: scores of the initial models, drawn dashed.
    authors: the authors' own scores (CSV), drawn in grey where recipe and trait are the same.
    loops: the study's settings.
    confidence: of the bands, as 0.95.
    output_prefix: path of the figure's files without .pdf, .svg, .png, .csv and .txt.
    """
    from idempotence.figures.labels import loop_of
    from idempotence.figures.style import save_figure
    from idempotence.figures.trajectories import draw
    from idempotence.io import read_table
    from idempotence.published.series import load_chains
    from idempotence.scores.files import read_scores
    from idempotence.stats.trajectories import MEASURES

    before = read_scores(initial, ["model", "trait", *MEASURES])
    table, loop = read_table(trajectories), loop_of(loops, setting)
    save_figure(*draw(table, before, loop, confidence, load_chains(authors)), stem=output_prefix)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(plot_trajectories)
