"""Names of the environment variables by which the workflow speaks to its jobs.

What they hold decides no result (how an endpoint is reached, how much memory an engine takes). So
it does not stand in a job's JSON, and a change of it makes nothing run again.
"""

ENGINE = "IDEMPOTENCE_ENGINE"  # vLLM's options, as JSON
SAMPLER = "IDEMPOTENCE_SAMPLER"  # interpreter of vLLM's environment
SESSION = "IDEMPOTENCE_SESSION"  # "host:pid" of the process that warm jobs belong to
SHARED_GPUS = "IDEMPOTENCE_SHARED_GPUS"  # "1" where jobs of one machine have to lock its devices
WARM_PRELOAD = "IDEMPOTENCE_WARM_PRELOAD"  # what the warm jobs' server imports, see launch.preload
WARM_SECONDS = "IDEMPOTENCE_WARM_SECONDS"  # how long a client waits for that server
VISIBLE_GPUS = "CUDA_VISIBLE_DEVICES"


def api_variable(role: str) -> str:
    """How the endpoint of a config section ("judge", "generator") is reached: JSON."""
    return f"IDEMPOTENCE_{role.upper()}_API"


def cache_variable(role: str) -> str:
    """The SQLite file in which the answers of that endpoint are kept."""
    return f"IDEMPOTENCE_{role.upper()}_CACHE"
