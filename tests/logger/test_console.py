"""What the logger `study` shows of Snakemake's events."""

import io
import json
import logging

import make_events as made
import pytest

from snakemake_logger_plugin_study import LogHandler
from snakemake_logger_plugin_study.console import Console
from snakemake_logger_plugin_study.screen import Bar, Lines, screen


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A console on a pipe, and what belongs to it: `run.text()` is what it has written."""
    monkeypatch.chdir(tmp_path)

    class Run:
        clock, listing, stream = made.Clock(), made.Listing(), io.StringIO()
        console = Console(Lines(stream), listing, clock)

        def take(self, *records):
            for record in records:
                self.console.take(record)

        def text(self):
            return self.stream.getvalue()

    return Run()


def test_the_head_says_what_the_study_is_and_what_earlier_jobs_took(run, tmp_path):
    run.console.study = made.study("results/small", 3)
    made.write_cycle(run.console.study["scores"][0], [made.cell("a", 1, 99)])
    for folder, name, seconds in (
        ("judge", "dpo.m.bliss.0.0", 60),
        ("judge", "dpo.m.bliss.0.1", 120),
        ("finetune", "dpo-reinit.m.bliss.0.0", 1000),  # of another rule
        ("finetune", "dpo.m.bliss.0.0", 150),
    ):
        file = tmp_path / "results/small/benchmarks" / folder / f"{name}.tsv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"s\th:m:s\n{seconds}\t0:00:00\n")
    run.take(made.started(), made.cores(2), made.plan(finetune_dpo=2, judge=2, fit_slopes=1))
    # (2 x 150 + 2 x 90) / 2 cores
    assert run.text().splitlines() == [
        "Study small: 2 chains in 1 panel, 3 cycles of panels, 1 of them done",
        "To run: 5 jobs on 2 cores, of these 2 finetune, 2 judge",
        "Jobs with a model: about 4 minutes, by earlier runs of this study",
    ]
    assert run.listing.texts == []


def test_without_earlier_jobs_no_time_is_promised(run):
    run.console.study = made.study("results/small", 2)
    run.take(made.started(), made.cores(1), made.plan(judge=2))
    assert "minutes" not in run.text() and "0 of them done" in run.text()


def test_a_minute_has_one_line_with_the_scores_of_its_cycles(run):
    run.console.study = facts = made.study("results/small", 8)
    rows = [
        made.cell("a", 10, 90), made.cell("a", 30, 100), made.cell("a", None, None),
        made.cell("b", 60, 40), made.cell("d", None, None, status="empty"),
        made.cell("c", None, None, status="nan", reason="loss is not finite"),
    ]  # fmt: skip
    run.take(made.started(), made.plan(judge=8))
    for number, file in enumerate(facts["scores"]):
        made.write_cycle(file, rows)
        run.take(made.job(number, "judge", file))
        run.clock.time += 15
        run.take(made.ended(number), made.progress(number + 1, 8))
    # cells a and b: trait (20 + 60) / 2, coherence (95 + 40) / 2
    new = "4 new cycles of panels: trait 40 (20 to 60), coherence 68 (40 to 95)"
    first = "dpo micro-instruct bliss seed 0 cycle 0"  # each chain is marked once
    marks = [
        "b: collapsed (coherence 40)",
        "d: every reply is empty",
        "c: ended (loss is not finite)",
    ]
    assert run.text().splitlines()[2:] == [
        f"0:01:00  4 of 8 jobs, 4 of 8 cycles of panels; {new}",
        "         " + "; ".join(f"{first}, {mark}" for mark in marks),
    ]
    run.console.end()
    assert run.text().splitlines()[4:] == [
        f"0:02:00  8 of 8 jobs, 8 of 8 cycles of panels; {new}",
        "8 of 8 jobs done in 2 minutes",
    ]


def test_a_run_in_which_nothing_ends_is_seldom_heard_of(run):
    run.take(made.started(), made.plan(judge=2), made.job(1, "judge"))
    for _ in range(100):
        run.clock.time += 15
        run.console.refresh()
    assert [line[:7] for line in run.text().splitlines()[1:]] == ["0:10:00", "0:20:00"]


def test_the_default_study_prints_at_most_150_lines_on_a_pipe(run):
    run.console.study = facts = made.study("results/small", 200)
    run.take(made.started(), made.cores(2), made.plan(sample=600, judge=200, all=1))
    for number in range(800):  # 15 minutes
        file = facts["scores"][number // 4] if number % 4 == 0 else ""
        if file:
            rows = [made.cell(f"cell{number + k}", 5, 5) for k in range(14)]
            made.write_cycle(file, rows)
        run.take(made.job(number, "judge" if file else "sample", file))
        run.clock.time += 900 / 800
        run.take(made.ended(number), made.progress(number + 1, 801))
    run.console.end()
    assert 30 <= len(run.text().splitlines()) <= 50
    assert "and " in run.text() and " more" in run.text()


def test_a_failure_shows_its_rule_wildcards_and_the_end_of_its_log(run, tmp_path):
    (tmp_path / "job.log").write_text("".join(f"line {n}\n" for n in range(40)))
    run.take(made.started(), made.plan(judge=2), made.job(7, "judge", trait="bliss", seed="1"))
    command = "RuleException:\nCalledProcessError in file \"cycle.smk\", line 117:\nCommand 'x'"
    run.take(made.record(command, logging.ERROR, event=made.LogEvent.ERROR))
    run.take(made.record("RuleException:\nother", logging.ERROR, event=made.LogEvent.ERROR))
    run.take(made.failed(7, "judge", ["job.log", "benchmarks/job.tsv", "none.log"], "exit code 1"))
    run.take(made.record("Exiting because a job execution failed.", logging.ERROR))
    assert run.text().splitlines()[1:3] == ["RuleException:", "other"]
    shown = run.text().splitlines()[3:]
    assert shown[:3] == ["Failed: judge (trait=bliss, seed=1)", "    exit code 1", "  job.log:"]
    assert shown[3:18] == [f"    line {n}" for n in range(25, 40)]
    assert shown[18:20] == ["  none.log:", "    (there is no log)"]
    run.console.end()
    assert run.text().splitlines()[-1] == (
        "0 of 2 jobs done in 1 s; 1 failed. The same command goes on from here"
    )


def test_the_end_has_the_verdicts_and_the_report(run, tmp_path):
    results = tmp_path / "results/small"
    results.mkdir(parents=True)
    claims = [
        {"id": "C1", "verdict": "supported", "claim": "A trait fades."},
        {"id": "C2", "verdict": "not decided here", "claim": "word " * 30},
    ]
    (results / "claims.json").write_text(json.dumps(claims))
    (results / "report.html").touch()
    run.console.study = made.study("results/small", 0)
    run.take(made.started(), made.plan(report=1, all=1), made.progress(2, 2))
    run.take(made.record(f"Complete log(s): {tmp_path}/.snakemake/log/x.log"))
    run.console.end()
    lines = run.text().splitlines()[2:]
    assert lines[1] == "The paper's claims in this study:"
    assert lines[2] == "C1  supported         A trait fades."
    assert lines[3].startswith("C2  not decided here  word word")
    assert lines[4].startswith(" " * 22 + "word") and max(map(len, lines)) <= 100
    assert lines[-2:] == [
        "The report: results/small/report.html", "Snakemake's log: .snakemake/log/x.log",
    ]  # fmt: skip


@pytest.mark.parametrize("jobs", [{"plot_grid": 2}, {"report": 1, "all": 2}])
def test_verdicts_that_may_be_old_are_not_shown(run, tmp_path, jobs):
    (tmp_path / "results/small").mkdir(parents=True)
    (tmp_path / "results/small/claims.json").write_text("[]")
    run.console.study = made.study("results/small", 0)
    run.take(made.started(), made.plan(**jobs), made.progress(2, sum(jobs.values())))
    run.console.end()
    assert "claims" not in run.text()


def test_a_run_with_nothing_to_do_says_so(run):
    run.console.study = made.study("results/small", 0)
    run.take(made.record("Assuming unrestricted shared filesystem usage."), made.started())
    run.take(made.record("Building DAG of jobs..."), made.record("Nothing to be done (all)."))
    run.console.end()
    assert run.text().splitlines() == ["Nothing to be done (all).", "There is no report yet"]
    assert run.listing.texts == ["Assuming unrestricted shared filesystem usage."]


def test_a_plan_keeps_snakemakes_listing(run):
    run.take(made.started(), made.record("Building DAG of jobs..."), made.plan(estimate=1, plan=1))
    assert run.console.listed and run.text() == ""
    assert run.listing.texts == [
        "Workflow has started!", "Building DAG of jobs...", "Job stats: all of them",
    ]  # fmt: skip


@pytest.mark.parametrize("option", ["dryrun", "verbose", "quiet", "debug_dag", "printshellcmds"])
def test_who_asks_for_a_listing_gets_snakemakes_own(option, capsys):
    handler = LogHandler(made.settings(**{option: {"host"} if option == "quiet" else True}), None)
    handler.emit(made.record("Building DAG of jobs..."))
    handler.close()
    assert "Building DAG of jobs..." in capsys.readouterr().err


def test_an_error_in_the_logger_is_noted_once_and_hides_no_error_of_the_study(capsys):
    handler = LogHandler(made.settings(), None)
    handler.take_study(made.study("results/small", 2))
    for each in (made.started(), made.plan(judge=2)):
        handler.emit(each)
    for number in range(2):  # their scores are not there
        handler.emit(made.job(number, "judge", "lost/a/b/c/d/scores.parquet"))
        handler.emit(made.ended(number))
    handler.emit(made.record("broken", logging.ERROR, event=made.LogEvent.JOB_ERROR))
    handler.emit(made.progress(2, 2))
    handler.close()
    handler.close()
    shown = capsys.readouterr().err
    assert shown.count("The display of progress failed (FileNotFoundError") == 1
    assert shown.count("2 of 2 jobs done") == 1


def test_a_closed_stream_stops_nothing(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    handler = LogHandler(made.settings(), None)
    stream.close()
    for each in (made.started(), made.plan(judge=2), made.progress(1, 2)):
        handler.emit(each)
    handler.close()


def test_a_terminal_gets_a_bar_and_a_line_for_each_cycle(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    stream = made.Terminal()
    bar = screen(stream, nocolor=True)
    assert isinstance(bar, Bar)
    console = Console(bar, made.Listing(), made.Clock())
    console.study = facts = made.study("results/small", 2)
    rows = [made.cell("a", 12, 91), made.cell("[b]", 3, 20)]
    made.write_cycle(facts["scores"][1], rows)
    for each in (made.started(), made.plan(judge=2), made.job(3, "judge", facts["scores"][1]),
                 made.ended(3), made.progress(1, 2)):  # fmt: skip
        console.take(each)
    console.end()
    shown = stream.getvalue()
    assert (
        "dpo micro-instruct bliss seed 0 cycle 1: trait 8 (3 to 12), coherence 56 (20 to 91); "
        "[b] collapsed (coherence 20)\n"
    ) in shown
    assert "1 of 2 jobs, 1 of 2 cycles of panels" in shown


def test_a_pipe_gets_lines():
    assert isinstance(screen(io.StringIO(), nocolor=True), Lines)
