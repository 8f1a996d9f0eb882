"""Jobs side by side, killed at random, against a server with every fault, in a random order.

Each text gets fewer faults than a job makes attempts, so that every job can end.
"""

import json
import multiprocessing
import random
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from ask_in_a_job import CACHE, ask_in_a_job
from make_asking import refused
from make_endpoint import Endpoint, completion
from make_replies import NEVER, UNUSABLE

from idempotence.endpoint.answers import spent_in

pytestmark = pytest.mark.slow

ATTEMPTS, TIMEOUT = 4, 5.0
BUDGET = 40  # calls; the texts need more
PASSING = {
    "408": refused(408, "later"), "409": refused(409, "later"), "500": refused(500, "oops"),
    "429": (429, {"Retry-After": "0"}, {"error": {"message": "slow down"}}),
    "503": (503, {}, b"<html>busy</html>"), "hang up": None, "hangs": "hangs",
}  # fmt: skip
FAULTS = [*UNUSABLE.values(), *PASSING.values()]
TEXTS = [*(f"text {i}" for i in range(60)), *NEVER]
# Jobs are processes, forked from one that has the slow imports behind it.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["ask_in_a_job", "openai"])


class FaultServer:
    """answer: as `Endpoint` wants it. paid: completions that were sent, good or not."""

    def __init__(self, seed: int):
        rng = random.Random(seed)
        counts = {text: rng.randrange(ATTEMPTS) for text in TEXTS}
        self.faults = {text: rng.choices(FAULTS, k=n) for text, n in counts.items()}
        # every fault at least once
        for text, fault in zip(TEXTS, FAULTS, strict=False):
            self.faults[text] = [fault, *self.faults[text]][: ATTEMPTS - 1]
        self.paid, self._lock = 0, threading.Lock()

    def answer(self, text: str, nth: int):
        if text in NEVER:
            return NEVER[text][0]
        listed = self.faults[text]
        score = str(min(nth, 100))  # another one each time: no two calls can be mistaken
        told = listed[nth - 1] if nth <= len(listed) else completion(score, {score: 0.9})
        if told == "hangs":
            time.sleep(TIMEOUT + 1)
            told = completion(score, {score: 0.9})
        with self._lock:
            self.paid += told is not None and told[0] == 200
        return told


def start(url: str, folder: Path, k: int, max_calls: int):
    """Job k of 4, which asks three quarters of the texts in an order of its own."""
    texts = random.Random(k).sample(TEXTS, len(TEXTS) * 3 // 4)
    how = {"attempts": ATTEMPTS, "timeout": TIMEOUT, "max_calls": max_calls, "concurrency": 6,
           "max_unanswered": 0.3}  # fmt: skip
    (folder / f"{k}.json").unlink(missing_ok=True)
    job = PROCESSES.Process(target=ask_in_a_job, args=(url, folder, k, how, texts))
    job.start()
    return job


def run_jobs(server: FaultServer, url: str, folder: Path, calls: int, kill_after: float | None):
    """Four jobs side by side, with a budget in calls; one is killed some seconds after the first
    completion. Returns what each wrote: text -> answer, or an error; None where it was killed."""
    before = server.paid
    jobs = [start(url, folder, k, calls) for k in range(4)]
    if kill_after is not None:
        while server.paid == before and any(job.is_alive() for job in jobs):
            time.sleep(0.05)
        time.sleep(kill_after)
        jobs[0].kill()
    for job in jobs:
        job.join(600)
    # calls of killed jobs count as lost when their time is over
    with closing(sqlite3.connect(folder / CACHE)) as database, database:
        database.execute("UPDATE underway SET since = since - 1000")
    files = [folder / f"{k}.json" for k in range(4)]
    return [json.loads(file.read_text()) if file.exists() else None for file in files]


@pytest.mark.parametrize("seed", range(3))
def test_one_answer_a_key_and_no_call_beyond_the_budget(seed, tmp_path):
    server, rng = FaultServer(seed), random.Random(seed)
    with Endpoint(server.answer) as endpoint:
        for _ in range(3):
            ended = run_jobs(server, endpoint.url, tmp_path, BUDGET, rng.uniform(0, 1))
            assert server.paid <= BUDGET
        assert all("judge.api.max_calls is 40" in told for told in ended[1:])
        for _ in range(2):
            run_jobs(server, endpoint.url, tmp_path, 10_000, rng.uniform(0, 3))
        ended = run_jobs(server, endpoint.url, tmp_path, 10_000, None)
        asked = sum(endpoint.asked.values())
        assert run_jobs(server, endpoint.url, tmp_path, 10_000, None) == ended
        assert sum(endpoint.asked.values()) == asked
    answers: dict[str, dict] = {}
    for told in ended:
        for text, answer in told.items():
            assert answers.setdefault(text, answer) == answer, text
            assert (answer["missing"] == "") == (text not in NEVER), (text, answer)
    assert len(answers) == len(TEXTS)
    with closing(sqlite3.connect(tmp_path / CACHE)) as database:
        rows = [json.loads(row[0]) for row in database.execute("SELECT request FROM answers")]
    assert sorted(row["messages"][0]["content"] for row in rows) == sorted(TEXTS)
    counted = spent_in(tmp_path / CACHE).calls
    print(f"{asked} requests, {server.paid} completions, {counted} counted")
    assert server.paid <= counted
