"""Seeds derived by hash, so that no job's randomness depends on the order in which jobs run."""

import hashlib
import json


def derive_seed(*parts: str | float | None) -> int:
    """A seed in [0, 2**31) from its parts, such as study seed, objective, model, trait, cycle.

    The same parts give the same seed on every machine and Python version; any other parts give
    an unrelated one.
    """
    text = json.dumps(parts, separators=(",", ":"))
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 33
