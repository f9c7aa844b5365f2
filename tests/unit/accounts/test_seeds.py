import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from accounts.factors import seeds


@given(st.binary(min_size=1, max_size=64))
def test_a_seed_comes_back_and_is_not_seen_in_what_is_kept(seed):
    sealed = seeds.seal(seed)
    assert seeds.unseal(sealed) == seed
    assert seeds.seal(seed) != sealed


def test_a_changed_secret_reads_old_seeds_until_they_are_resealed():
    with override_settings(SECRET_KEY="old", SECRET_KEY_FALLBACKS=[]):
        sealed = seeds.seal(b"seed")
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old"]):
        resealed = seeds.reseal(sealed)
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[]):
        assert seeds.unseal(resealed) == b"seed"
        with pytest.raises(seeds.SeedUnreadable):
            seeds.unseal(sealed)
