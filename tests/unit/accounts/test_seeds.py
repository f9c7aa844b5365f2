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


def test_keys_of_their_own_rotate_and_secret_key_alone_opens_nothing():
    with override_settings(SECRET_KEY="secret", SEED_KEYS=[]):
        derived = seeds.seal(b"seed")
    with override_settings(SECRET_KEY="secret", SEED_KEYS=["first"]):
        first = seeds.reseal(derived)
    with override_settings(SECRET_KEY="secret", SEED_KEYS=["second", "first"]):
        second = seeds.reseal(first)
        assert seeds.unseal(first) == b"seed"
    with override_settings(SECRET_KEY="another", SEED_KEYS=["second"]):
        assert seeds.unseal(second) == b"seed"
        for gone in (derived, first):
            with pytest.raises(seeds.SeedUnreadable):
                seeds.unseal(gone)
    with override_settings(SECRET_KEY="secret", SEED_KEYS=[]), pytest.raises(seeds.SeedUnreadable):
        seeds.unseal(second)
