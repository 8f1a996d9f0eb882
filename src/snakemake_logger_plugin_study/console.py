"""From Snakemake's events to what a person reads while a study runs."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_study.cycle import Cycle, read_cycle, scores, shortened
from snakemake_logger_plugin_study.ending import claims_table, failure
from snakemake_logger_plugin_study.pace import Pace, earlier_seconds, in_words
from snakemake_logger_plugin_study.screen import Screen, State

LISTED = {"plan", "ship"}  # rules for whose sake a run keeps Snakemake's own listing
NOTHING = "Nothing to be done"
WHOLE_LOG = "Complete log(s): "
# of Snakemake's remarks, those that a person acts on; warnings and errors are all shown
REMARKS = (NOTHING, "Terminating processes", "Will exit after", "Shutting down")
COMMAND_FAILED = "CalledProcessError in file"  # the whole command; the job's own error follows
SECONDS_BETWEEN_LINES = 60.0  # where there is no bar
SECONDS_OF_SILENCE = 600.0  # while no job ends


class Console:
    """Shows one run of Snakemake.

    study: see `idempotence.workflow.announce`; None where the Snakefile announced none.
    listed: whether Snakemake's own listing has taken over. listing: its handler. clock: seconds.
    """

    def __init__(
        self, screen: Screen, listing: logging.Handler, clock: Callable[[], float] = time.monotonic
    ):
        self.screen, self.listing, self.clock = screen, listing, clock
        self.study: Mapping[str, Any] | None = None
        self.listed = False
        self.held: list[logging.LogRecord] | None = None  # until it is known what will run
        self.pace: Pace | None = None
        self.rules: Mapping[str, int] = {}
        self.cores: int | None = None
        self.begun = self.shown_at = clock()
        self.done = self.total = self.shown_done = 0
        self.failed = 0
        self.cycles_done = 0
        self.files: dict[int, str] = {}  # running job -> the scores of a cycle that it writes
        self.wildcards: dict[int, str] = {}
        self.fresh: list[Cycle] = []  # since the last line
        self.marked: set[tuple[str, str]] = set()  # chains: panel, cell
        self.whole_log = ""
        self.takers: dict[Any, Callable[[logging.LogRecord], None]] = {
            LogEvent.RUN_INFO: self._plan,
            LogEvent.RESOURCES_INFO: self._resources,
            LogEvent.JOB_INFO: self._begin,
            LogEvent.JOB_FINISHED: self._finish,
            LogEvent.PROGRESS: self._progress,
            LogEvent.JOB_ERROR: self._fail,
        }

    def take(self, record: logging.LogRecord) -> None:
        """Show one event, or remember it. Errors of every kind are raised."""
        event = getattr(record, "event", None)
        if event == LogEvent.WORKFLOW_STARTED:
            self.held = [record]
            return
        if self.held is None and self.pace is None:
            self.listing.handle(record)
            return
        taker = self.takers.get(event)
        shown = taker is None and event in (None, LogEvent.ERROR) and self._remark(record)
        if self.held is not None and not shown:
            self.held.append(record)
        if taker is not None:
            taker(record)

    def refresh(self) -> None:
        """Show what time alone has changed."""
        if self.pace is not None:
            self._show()

    def end(self) -> None:
        """Show how the run ended, where its report is, and the claims' verdicts."""
        self.screen.stop()
        if self.pace is not None:
            self._end_of_run(self.pace)
        if self.whole_log:
            self.screen.write(f"Snakemake's log: {self.whole_log}")

    # --- events

    def _plan(self, record: logging.LogRecord) -> None:
        """What the run will do. It is the first that the screen shows."""
        if self.pace is not None:
            return
        stats: dict[str, int] = dict(record.__dict__["stats"])
        self.total = stats.pop("total", 0)
        self.rules = stats
        held, self.held = self.held or [], None
        if LISTED & set(stats):
            self.listed = True
            for each in held:
                self.listing.handle(each)
            return
        self.begun = self.shown_at = self.clock()
        earlier: dict[str, float] = {}
        self.pace = Pace(stats, earlier)
        if self.study is not None:
            files = self.study["scores"]
            there = sum(Path(file).exists() for file in files)
            # of those that are there, some may be made again
            self.cycles_done = min(there, len(files) - stats.get("judge", 0))
            earlier |= earlier_seconds(Path(self.study["results"], "benchmarks"), stats)
        self.screen.write(self._header(stats, earlier))
        self._show()

    def _resources(self, record: logging.LogRecord) -> None:
        self.cores = getattr(record, "cores", self.cores)

    def _begin(self, record: logging.LogRecord) -> None:
        job, rule = record.__dict__["jobid"], record.__dict__["rule_name"]
        self.wildcards[job] = ", ".join(
            f"{name}={value}" for name, value in (record.__dict__["wildcards"] or {}).items()
        )
        if self.study is not None and rule == "judge":
            self.files[job] = record.__dict__["output"][0]
        if self.pace is not None:
            self.pace.begin(job, rule, self.clock())

    def _finish(self, record: logging.LogRecord) -> None:
        job = record.__dict__["job_id"]
        if self.pace is not None:
            self.pace.finish(job, self.clock())
        self.wildcards.pop(job, None)
        file = self.files.pop(job, None)
        if file is None or self.study is None:
            return
        self.cycles_done += 1
        cycle = self._only_new(read_cycle(file, self.study["least_coherence"]))
        if self.screen.live:
            self.screen.write(cycle.line() + _tail(shortened(_named([cycle], short=True))))
        else:
            self.fresh.append(cycle)

    def _progress(self, record: logging.LogRecord) -> None:
        self.done, self.total = record.__dict__["done"], record.__dict__["total"]
        self._show()

    def _fail(self, record: logging.LogRecord) -> None:
        facts = record.__dict__
        self.failed += 1
        if self.pace is not None:
            self.pace.fail(facts["jobid"])
        wildcards = self.wildcards.get(facts["jobid"], "")
        self.screen.write(failure(facts["rule_name"], wildcards, facts["log"], facts["rule_msg"]))

    def _remark(self, record: logging.LogRecord) -> bool:
        """Show a message if a person acts on it; whether it was shown."""
        text = record.getMessage()
        if text.startswith(WHOLE_LOG):
            self.whole_log = _relative(text.removeprefix(WHOLE_LOG))
        if record.levelno < logging.WARNING and not text.startswith(REMARKS):
            return False
        if COMMAND_FAILED in text:
            return False
        self.screen.write(text)
        if text.startswith(NOTHING) and self.study is not None:
            self.screen.write(_report_line(self.study))
        return True

    # --- text

    def _header(self, stats: Mapping[str, int], earlier: Mapping[str, float]) -> str:
        lines = []
        if self.study is not None:
            study = self.study
            lines.append(f"Study {study['name']}")
            if study["scores"]:
                lines[0] += (
                    f": {_many(study['chains'], 'chain')} in {_many(study['panels'], 'panel')}, "
                    f"{len(study['scores']):,} cycles of panels, {self.cycles_done:,} of them done"
                )
        kinds: Counter[str] = Counter()
        for rule, count in stats.items():
            kinds[_kind(rule)] += count
        loop = [
            f"{kinds[kind]:,} {kind}" for kind in ("finetune", "sample", "judge") if kinds[kind]
        ]
        cores = f" on {_many(self.cores, 'core')}" if self.cores else ""
        jobs = f"To run: {_many(self.total, 'job')}{cores}"
        lines.append(jobs + (f", of these {', '.join(loop)}" if loop else ""))
        known = sum(count * earlier[rule] for rule, count in stats.items() if rule in earlier)
        if known and self.cores:
            about = in_words(known / self.cores)
            lines.append(f"Jobs with a model: about {about}, by earlier runs of this study")
        return "\n".join(lines)

    def _show(self) -> None:
        now = self.clock()
        assert self.pace is not None
        left = self.pace.seconds_left(now - self.begun, now)
        total = len(self.study["scores"]) if self.study is not None else 0
        state = State(
            now - self.begun,
            (self.done, self.total),
            (self.cycles_done, total),
            "" if left is None else f"about {in_words(left)} left",
        )
        self.screen.show(state)
        silent = now - self.shown_at
        if self.screen.live or silent < SECONDS_BETWEEN_LINES or self.done == self.total:
            return
        if self.done > self.shown_done or silent >= SECONDS_OF_SILENCE:
            self.screen.write(self._line(state))
            self.shown_at, self.shown_done, self.fresh = now, self.done, []

    def _line(self, state: State) -> str:
        """How far the run is, and what has finished since the last line."""
        parts = [state.counts(), state.left]
        if self.fresh:
            new = _many(len(self.fresh), "new cycle")
            parts.append(f"{new} of panels: {scores(self.fresh)}")
        line = f"{_clock(state.elapsed)}  " + "; ".join(part for part in parts if part)
        marks = shortened(_named(self.fresh, short=False))
        return f"{line}\n         {marks}" if marks else line

    def _end_of_run(self, pace: Pace) -> None:
        took = in_words(self.clock() - self.begun)
        whole = self.done == self.total and self.total > 0
        if not self.screen.live and self.fresh:
            self.screen.write(self._line(self._last_state()))
        done = f"{self.done:,} of {self.total:,} jobs done in {took}"
        failed = f"; {self.failed:,} failed" if self.failed else ""
        again = "" if whole else ". The same command goes on from here"
        self.screen.write(done + failed + again)
        if whole and "all" in pace.todo and self.study is not None:
            self.screen.write(claims_table(Path(self.study["results"], "claims.json")))
            self.screen.write(_report_line(self.study))

    def _last_state(self) -> State:
        total = len(self.study["scores"]) if self.study is not None else 0
        elapsed = self.clock() - self.begun
        return State(elapsed, (self.done, self.total), (self.cycles_done, total), "")

    def _only_new(self, cycle: Cycle) -> Cycle:
        """A cycle without the marks of chains that were marked at an earlier one."""
        panel = cycle.name.rsplit(" cycle ", 1)[0]
        new = {cell: why for cell, why in cycle.marks.items() if (panel, cell) not in self.marked}
        self.marked |= {(panel, cell) for cell in new}
        return Cycle(cycle.name, cycle.trait, cycle.coherence, new)


def _named(cycles: list[Cycle], short: bool) -> list[str]:
    """Chains that ended or collapsed. short: without the panel and cycle."""
    return [
        f"{cell} {why}" if short else f"{cycle.name}, {cell}: {why}"
        for cycle in cycles
        for cell, why in cycle.marks.items()
    ]


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}" + "s" * (count != 1)


def _tail(text: str) -> str:
    return f"; {text}" if text else ""


def _kind(rule: str) -> str:
    """The step of the loop that a rule does: the rules finetune_<setting> do one."""
    return "finetune" if rule.startswith("finetune_") else rule


def _report_line(study: Mapping[str, Any]) -> str:
    report = Path(study["results"], "report.html")
    return f"The report: {report}" if report.exists() else "There is no report yet"


def _relative(path: str) -> str:
    """A path below this folder without it."""
    return path.removeprefix(f"{Path.cwd()}/")


def _clock(seconds: float) -> str:
    """Hours, minutes and seconds."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
