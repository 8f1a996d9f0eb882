"""Long values on a command line."""

import random
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idempotence.jobs.audit import ReadRepliesJob, ReplySource
from idempotence.launch.packed import LONG, MARK, pack, unpack
from idempotence.workflow.command import values_line


@given(st.text(), st.integers(0, 3 * LONG))
def test_a_text_comes_back(text, n):
    for whole in (text, text + "x" * n, MARK + text):
        assert unpack(pack(whole)) == whole
    assert pack("short") == "short"


def test_a_text_that_stays_too_long_is_refused():
    text = random.Random(0).randbytes(100_000).hex()
    with pytest.raises(ValueError, match="a value of 200,000 bytes is too long"):
        pack(text)


def test_an_audit_of_800_entries_fits_a_shell():
    sources = [
        ReplySource(f"runs/some long name/seed{i}/checkpoint-{i * 37}.jsonl", cycle=i, cell=f"c{i}")
        for i in range(800)
    ]
    job = ReadRepliesJob(tuple(sources), {}, {}, (), (), None, None, 0, 0.0, 1.0)
    assert len(job.to_json()) > 128 * 1024  # one argument would be refused
    line = values_line(job=job)({})
    shell = ["sh", "-c", f"printf %s {line}"]
    done = subprocess.run(shell, check=True, capture_output=True, text=True)
    packed = done.stdout.removeprefix("--job")
    assert ReadRepliesJob.from_json(unpack(packed)) == job
