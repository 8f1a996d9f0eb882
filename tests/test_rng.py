"""Seeds are derived from all of their parts."""

from hypothesis import given
from hypothesis import strategies as st

from idempotence.rng import derive_seed


@given(st.lists(st.one_of(st.text(), st.integers(0, 99)), min_size=1))
def test_seeds_depend_on_every_part(parts):
    assert derive_seed(*parts) == derive_seed(*parts)
    assert 0 <= derive_seed(*parts) < 2**31
    assert derive_seed(*parts) != derive_seed(*parts, "more")


def test_a_seed_is_the_same_on_every_machine():
    assert derive_seed(1, "sft", "m", "bliss", 0, "seed4_sampled8", 2, "finetune") == 1142948839
