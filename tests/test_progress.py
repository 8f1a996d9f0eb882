"""How far a long job is."""

from idempotence.progress import Progress


def test_a_line_a_minute_with_what_is_left(capsys):
    now = [0.0]
    progress = Progress("steps", 1000, lambda: now[0])
    for second in range(0, 200, 10):
        now[0] = float(second)
        progress.at(second, "loss 1.5")
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "60 of 1,000 steps, about 16 minutes left; loss 1.5",
        "120 of 1,000 steps, about 15 minutes left; loss 1.5",
        "180 of 1,000 steps, about 14 minutes left; loss 1.5",
    ]


def test_a_short_job_says_nothing(capsys):
    progress = Progress("steps", 10)
    for done in range(11):
        progress.at(done)
    assert capsys.readouterr().out == ""
