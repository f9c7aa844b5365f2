"""Commands of the program, carried out by one process that stays: most of each is its start."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Final

from tests.patience import DEADLINE_SECONDS
from trading.settings import BASE_DIR

# Between commands it holds no connection, so that it is in nobody's way. For one it waits as long
# as tests wait: in the two seconds of the program a busy machine may well stand still.
_PROGRAM: Final = """
import io, json, sys
import django
django.setup()
from django.core.management import CommandError, call_command
from django.db import connections
connections["default"].settings_dict["OPTIONS"]["pool"]["timeout"] = float(sys.argv[1])
for line in sys.stdin:
    said = io.StringIO()
    try:
        call_command(*json.loads(line), stdout=said)
        answer = [said.getvalue(), ""]
    except CommandError as error:
        answer = ["", f"{said.getvalue()}{error}" or "it failed"]
    finally:
        connections.close_all()
        connections["default"].close_pool()
    print(json.dumps(answer), flush=True)
"""


@dataclass(kw_only=True)
class Console:
    """`manage.py` in the environment of a running program; started by its first command."""

    environment: dict[str, str]
    _process: subprocess.Popen[str] | None = field(default=None, init=False)

    def __call__(self, *command: str) -> str:
        """Carry out a command and return what it printed; raises RuntimeError when it fails."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, str(DEADLINE_SECONDS)],
                cwd=BASE_DIR,
                env={**self.environment, "DJANGO_SETTINGS_MODULE": "trading.settings"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("The console has no pipes.")
        stdin.write(json.dumps(command) + "\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise RuntimeError(f"{command[0]} ended the console; standard error says why.")
        said, complaint = json.loads(line)
        if complaint:
            raise RuntimeError(f"{command[0]}: {complaint}")
        return str(said)

    def close(self) -> None:
        """End the process, if a command has started it."""
        if self._process is not None:
            self._process.communicate(timeout=DEADLINE_SECONDS)
            self._process = None
