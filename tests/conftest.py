"""Settings of all tests."""

import os
import signal

os.environ.setdefault("OMP_NUM_THREADS", "1")
# Threads that wait spin by default, and take the core that another worker's test needs.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("DO_NOT_TRACK", "1")  # as in jobs: trainers would report to their makers

# A shell in the background or nohup lets children ignore these; tests send them to jobs.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

import pytest
from hypothesis import HealthCheck, settings

# Shared machines are slow at times: a slow example is no failure.
for name, examples in {"ci": 20, "thorough": 300}.items():
    settings.register_profile(
        name, deadline=None, max_examples=examples, suppress_health_check=[HealthCheck.too_slow]
    )
settings.load_profile("ci")  # make test-slow takes the other


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole studies first: a long file that starts last leaves the other worker idle."""
    items.sort(key=lambda item: item.path.parent.name != "studies")
