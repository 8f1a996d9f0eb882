"""Figure of the plain loops in a study, in the micro world and in the authors' runs."""

from pathlib import Path

from idempotence.jobs.parts import Loops


def plot_worlds(
    trajectories: Path,
    micro_world: Path,
    authors: Path,
    loops: Loops,
    micro_loops: Path,
    world: str,
    confidence: float,
    output_prefix: Path,
) -> None:
    """Draw the plain loops of a study beside the micro world's and the authors' own.

    trajectories: the study's trajectories.parquet.
    micro_world: scores of the micro world's study that is shipped (Parquet).
    authors: the authors' own scores (CSV).
    loops: the study's settings.
    micro_loops: settings of the shipped study (JSON).
    world: what the study's world is called.
    confidence: of the bands, as 0.95.
    output_prefix: path of the figure's files without .pdf, .svg, .png, .csv and .txt.
    """
    from idempotence.figures.style import save_figure
    from idempotence.figures.worlds import draw, plain_loops
    from idempotence.io import read_table, read_text
    from idempotence.published.series import load_chains
    from idempotence.scores.files import read_scores
    from idempotence.stats.trajectories import OF_SCORES, mean_scores

    shipped = mean_scores(read_scores(micro_world, OF_SCORES), confidence)
    micro = Loops.from_json(read_text(micro_loops))
    worlds = {
        world: plain_loops(read_table(trajectories), loops),
        "micro world": plain_loops(shipped, micro),
        "the authors' own runs": load_chains(authors),
    }
    save_figure(*draw(worlds, confidence), stem=output_prefix)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(plot_worlds)
