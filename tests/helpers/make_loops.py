"""Settings as scripts and figures get them: those of `make_scores`, and more of one's own."""

from make_scores import CYCLES, SETTINGS

from idempotence.jobs.parts import Loop, Loops

TWINS = (("sft-continual", "sft"), ("dpo", "dpo-reinit"))
OWN = Loop("sft-unsharpened", "sft", "initial", "generation.temperature 1", CYCLES - 1)
OWN_TITLE = "SFT, every cycle from the initial model, generation.temperature 1 (sft-unsharpened)"


def make_loops(*more: Loop, twins: tuple[tuple[str, str], ...] = ()) -> Loops:
    """The settings of `make_scores`, and more of one's own with their twins."""
    starts = {"base": "initial", "previous": "previous"}
    loops = [
        Loop(name, objective, starts[start], "", CYCLES - 1)
        for name, (objective, start, _) in SETTINGS.items()
    ]
    return Loops((*loops, *more), (*TWINS, *twins))


def make_loop(name: str) -> Loop:
    """One of the settings of `make_scores`."""
    return next(loop for loop in make_loops().loops if loop.name == name)
