"""Other people's engines, to be measured in the same run, in an environment of their own.

They are no dependency of ours: the environment lies in `var/`, is made by the first benchmark that
needs it, and is left alone after that. The newest Python that is found makes it, as one of them
needs 3.12.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks import load

PACKAGES: Final = (
    "matching-engine[gateway]==0.1.1",
    "litebook==0.0.1",
    "lightmatchingengine==2019.1.4",
    "orjson",  # ours, so that our own book can be measured by the same interpreter
)
HOME: Final = Path(__file__).parent.parent / "var" / "peers"
GATEWAY_PORT: Final = 8540
SYMBOL: Final = "BENCH"
_PYTHONS: Final = ("python3.14", "python3.13", "python3.12")
_INSTALL_SECONDS_MAX: Final = 600


def python() -> Path | None:
    """Return the interpreter that has the peers installed, None where there can be none."""
    interpreter, list_of_them = HOME / "bin" / "python", HOME / "packages"
    if list_of_them.exists() and list_of_them.read_text().split() == list(PACKAGES):
        return interpreter
    maker = _recent_python()
    if maker is None:
        print("  The peers need Python 3.12 or newer, and none was found.")
        return None
    shutil.rmtree(HOME, ignore_errors=True)
    try:
        _call([maker, "-m", "venv", str(HOME)])
        for package in PACKAGES:
            _install(interpreter, package)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(f"  The peers could not be installed: {error}")
        return None
    list_of_them.write_text("\n".join(PACKAGES))
    return interpreter


def _install(interpreter: Path, package: str) -> None:
    try:
        _call([str(interpreter), "-m", "pip", "install", "--quiet", package])
    except subprocess.CalledProcessError as error:
        # One that does not build here is said to be missing, and the others are measured.
        print(f"  {package} cannot be installed here: {error.stderr.decode().strip()[-200:]}")


def _recent_python() -> str | None:
    """Return a Python that is new enough: by its name, else one that lies beside any other."""
    for candidate in (*filter(None, map(shutil.which, _PYTHONS)), *_beside_others()):
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            _call([candidate, "-c", "import venv"])  # a shim may stand for nothing
            return candidate
    return None


def _beside_others() -> list[str]:
    """Return the new Pythons in folders beside those of the Pythons on the PATH, newest first.

    Tools that keep several have a folder for each, whichever of them they are told to use.
    """
    folders = {Path(sys.base_prefix).parent}
    for folder in os.get_exec_path():
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            where = _call([f"{folder}/python3", "-c", "import sys; print(sys.base_prefix)"])
            folders.add(Path(where.strip()).parent)
    found = {each for folder in folders for each in folder.glob("*3.1[2-9]*/bin/python3")}
    return sorted(map(str, found), reverse=True)


def _call(command: list[str]) -> str:
    """Return what the command says. Raises OSError, CalledProcessError."""
    run = subprocess.run(command, check=True, capture_output=True, timeout=_INSTALL_SECONDS_MAX)
    return run.stdout.decode()


@contextlib.contextmanager
def gateway() -> Iterator[bool]:
    """Run matching-engine's gateway, each order fsynced before its answer; give whether it runs."""
    interpreter = python()
    if interpreter is None:
        yield False
        return
    with tempfile.TemporaryDirectory(prefix="openfloor-peer-") as data:
        program = subprocess.Popen(
            [str(interpreter), "-m", "matching_engine", "serve", "--port", str(GATEWAY_PORT)],
            env={**os.environ, "ME_DATA_DIR": data, "ME_MARKETS": f"{SYMBOL}:0.01:1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            load.wait_until_answered(program, GATEWAY_PORT, gateway_order)
            yield True
        finally:
            program.terminate()
            program.wait(30)


def gateway_order(client: int) -> bytes:
    """Return the request of a limit order that rests."""
    body = b'{"account":%d,"side":"buy","price":"90.00","quantity":"1"}' % (client + 1)
    return load.post(f"/markets/{SYMBOL}/orders", body)
