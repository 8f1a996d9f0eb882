"""Where progress is shown: a bar on a terminal, lines elsewhere."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress


@dataclass(frozen=True)
class State:
    """How far a run is.

    jobs, cycles: done and all; a cycle is one panel's. left: the time left, as text; "" while it is
    not known.
    """

    elapsed: float  # seconds
    jobs: tuple[int, int]
    cycles: tuple[int, int]
    left: str

    def counts(self) -> str:
        """Jobs and cycles done, as text."""
        jobs = f"{self.jobs[0]:,} of {self.jobs[1]:,} jobs"
        if not self.cycles[1]:
            return jobs
        return f"{jobs}, {self.cycles[0]:,} of {self.cycles[1]:,} cycles of panels"


class Screen(Protocol):
    """live: every finished cycle is written; else a summary now and then."""

    live: bool

    def write(self, text: str) -> None:
        """Write lines that stay."""

    def show(self, state: State) -> None:
        """Redraw what moves, if anything does."""

    def stop(self) -> None:
        """Take away what moves."""


def screen(stream: TextIO, nocolor: bool) -> Screen:
    """A bar where the stream is a terminal and rich is there, else lines."""
    if stream.isatty():
        try:
            return Bar(stream, nocolor)
        except ImportError:
            pass
    return Lines(stream)


class Lines:
    """Lines of text."""

    live = False

    def __init__(self, stream: TextIO):
        self.stream = stream

    def write(self, text: str) -> None:
        self.stream.write(f"{text}\n")
        self.stream.flush()

    def show(self, state: State) -> None:
        """Nothing moves here."""

    def stop(self) -> None:
        """Nothing moves here."""


class Bar:
    """Lines of text above a bar. Raises `ImportError` where there is no rich."""

    live = True

    def __init__(self, stream: TextIO, nocolor: bool):
        from rich.console import Console

        self.console = Console(file=stream, no_color=nocolor)
        self.progress: Progress | None = None

    def write(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)

    def show(self, state: State) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        if self.progress is None:
            # the streams stay as they are: Snakemake writes to them, too
            self.progress = Progress(
                BarColumn(bar_width=None),
                TextColumn("{task.description}", markup=False),
                console=self.console,
                expand=True,
                refresh_per_second=2,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self.task = self.progress.add_task("", total=state.jobs[1])
            self.progress.start()
        text = ", ".join(part for part in (state.counts(), state.left) if part)
        done, total = state.jobs
        self.progress.update(self.task, completed=done, total=total, description=text)

    def stop(self) -> None:
        if self.progress is not None:
            self.progress.stop()
            self.progress = None
