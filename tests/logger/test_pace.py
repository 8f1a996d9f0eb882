"""The time that a run will still take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snakemake_logger_plugin_study.pace import Pace, earlier_seconds, in_words


def test_time_left_goes_by_the_rules_own_jobs_and_by_how_many_run_at_a_time():
    pace = Pace({"short": 4, "long": 3, "known": 1, "unknown": 1}, {"known": 50.0, "long": 1.0})
    # two at a time: four short ones of 10 s, two long ones of 30 s; 50 s of the clock
    for job, (rule, begun, ended) in enumerate(
        [("short", 0, 10), ("short", 10, 20), ("long", 20, 50),
         ("short", 0, 10), ("short", 10, 20), ("long", 20, 50)]
    ):  # fmt: skip
        pace.begin(job, rule, begun)
        pace.finish(job, ended)
    # long 30, known 50, unknown the mean of all (40 + 60) / 6
    assert pace.seconds_left(50, 50) == pytest.approx((30 + 50 + 100 / 6) / 2)
    # 12 s later the long one has run for as long, alone: 112 s of jobs in 62 s
    pace.begin(9, "long", 50)
    assert pace.seconds_left(62, 62) == pytest.approx((18 + 50 + 100 / 6) / (112 / 62))


def test_no_time_is_given_before_a_few_jobs_have_ended():
    pace = Pace({"judge": 9}, {"judge": 3.0})
    for job in range(4):
        pace.begin(job, "judge", job)
        pace.finish(job, job + 1)
        assert pace.seconds_left(job + 1, job + 1) is None
    pace.finish(99, 5)  # never begun
    assert pace.seconds_left(5, 5) is None


def test_a_job_that_is_tried_again_counts_once():
    pace = Pace({"judge": 6}, {})
    for job in range(5):
        pace.begin(job, "judge", 2 * job)
        pace.fail(job)
        pace.begin(job, "judge", 2 * job + 1)
        pace.finish(job, 2 * job + 2)
    assert pace.todo["judge"] == 1 and pace.took["judge"] == 5.0


@given(st.lists(st.floats(0.1, 100), min_size=5, max_size=30), st.integers(0, 50))
def test_jobs_that_take_the_same_one_after_another_take_as_long_as_they_do(seconds, left):
    pace, now = Pace({"judge": len(seconds) + left}, {}), 0.0
    for job, each in enumerate(seconds):
        pace.begin(job, "judge", now)
        now += each
        pace.finish(job, now)
    assert pace.seconds_left(now, now) == pytest.approx(now / len(seconds) * left)


def test_usage_files_that_cannot_be_read_count_for_nothing(tmp_path):
    folder = tmp_path / "judge"
    folder.mkdir()
    for name, text in {"a": "s\n3.5\n", "b": "", "c": "s\nNA?\n", "d": "x\n1\n"}.items():
        (folder / f"{name}.tsv").write_text(text)
    assert earlier_seconds(tmp_path, {"judge": 1, "sample": 2}) == {"judge": 3.5}


def test_durations_are_words():
    assert [in_words(s) for s in (0.2, 89, 90, 3599, 9000)] == [
        "1 s", "89 s", "2 minutes", "60 minutes", "2.5 hours",
    ]  # fmt: skip


def test_no_time_is_given_by_the_short_jobs_that_come_first():
    pace = Pace({"prompts": 5, "finetune_sft": 30, "judge": 20}, {})
    for job in range(5):
        pace.begin(job, "prompts", job)
        pace.finish(job, job + 1)
    assert pace.seconds_left(5, 5) is None
    pace.begin(9, "finetune_sft", 5)
    pace.finish(9, 105)
    assert pace.seconds_left(105, 105) == pytest.approx(29 * 100 + 20 * 105 / 6)
