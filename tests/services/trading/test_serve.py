"""What `serve` refuses before it starts anything."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--processes=0"], "--processes takes a number from 1 to 8."),
        (["--processes=9"], "--processes takes a number from 1 to 8."),
        (["--processes=2", "--role=worker"], "--processes is for the web role"),
    ],
)
def test_processes_that_cannot_be_are_refused(arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command("serve", *arguments)
