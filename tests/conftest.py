"""Settings of all tests."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from hypothesis import HealthCheck, settings

# Shared machines are slow at times: a slow example is no failure.
settings.register_profile(
    "idempotence", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("idempotence")
