"""How long a run will still take, by the jobs that have ended."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

FEWEST = 5  # jobs that must have ended before a time is given


class Pace:
    """Jobs of a run, with the seconds that they take.

    todo: rule -> jobs that have not ended. earlier: rule -> mean seconds in earlier runs.
    """

    def __init__(self, todo: Mapping[str, int], earlier: Mapping[str, float]):
        self.todo = Counter(todo)
        self.earlier = earlier
        self.ended: Counter[str] = Counter()  # rule -> jobs that ended
        self.took: dict[str, float] = {}  # rule -> their seconds
        self.running: dict[int, tuple[str, float]] = {}  # job -> rule, when it began

    def begin(self, job: int, rule: str, now: float) -> None:
        """A job begins, or is tried again. now: seconds of a clock."""
        self.running[job] = rule, now

    def fail(self, job: int) -> None:
        """A job ends without a result."""
        self.running.pop(job, None)

    def finish(self, job: int, now: float) -> None:
        """A job ends."""
        if job in self.running:
            rule, begun = self.running.pop(job)
            self.ended[rule] += 1
            self.took[rule] = self.took.get(rule, 0.0) + now - begun
            self.todo[rule] -= 1

    def seconds_left(self, elapsed: float, now: float) -> float | None:
        """Expected seconds until all jobs have ended.

        None until a few have, and until there is a time for half of the jobs that are left: the
        first jobs of a study are short, and its training takes far longer.

        The seconds of the jobs that are left, over the mean number of jobs that ran at a time. A
        rule's job takes the mean of its own in this run, else in earlier runs, else that of all.
        elapsed: seconds since the first job began.
        """
        ended, spent = self.ended.total(), sum(self.took.values())
        if ended < FEWEST or elapsed <= 0:
            return None
        usual = spent / ended
        own = {rule: seconds / self.ended[rule] for rule, seconds in self.took.items()}
        means = {**self.earlier, **own}
        if 2 * sum(self.todo[rule] for rule in means) < self.todo.total():
            return None
        left = sum(count * means.get(rule, usual) for rule, count in self.todo.items())
        for rule, begun in self.running.values():
            spent += now - begun
            left -= min(now - begun, means.get(rule, usual))
        at_a_time = spent / elapsed
        return max(left, 0.0) / at_a_time if at_a_time else None


def earlier_seconds(benchmarks: Path, rules: Mapping[str, int]) -> dict[str, float]:
    """Mean seconds of a job of each rule, by the usage files of earlier runs; none where none are.

    benchmarks: the study's folder of them, with a folder for each rule. The rules
    finetune_<setting> share one, whose files' names begin with the setting.
    """
    means = {}
    for rule in rules:
        own, pattern = benchmarks / rule, "*.tsv"
        if not own.is_dir():
            kind, _, setting = rule.partition("_")
            own, pattern = benchmarks / kind, f"{setting.replace('_', '?')}.*.tsv"
        seconds = [value for file in own.glob(pattern) if (value := _seconds(file)) is not None]
        if seconds:
            means[rule] = fmean(seconds)
    return means


def _seconds(file: Path) -> float | None:
    """The column s of a usage file."""
    try:
        head, values = file.read_text(encoding="ascii").splitlines()[:2]
        return float(values.split("\t")[head.split("\t").index("s")])
    except (OSError, ValueError):
        return None


def in_words(seconds: float) -> str:
    """A duration for people: seconds, minutes or hours."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} minutes"
    return f"{seconds / 3600:.1f} hours"
