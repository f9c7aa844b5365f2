"""How passwords are hashed: Argon2id with OWASP's second recommended setting."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2id(Argon2PasswordHasher):
    """Argon2id, 46 MiB, one pass, one lane (OWASP Password Storage Cheat Sheet)."""

    time_cost = 1
    memory_cost = 47104
    parallelism = 1
