"""Install what Openfloor needs into this folder: `python3 install.py [--dev] [--this-python]`.

Runs on a bare Python 3.6 or newer, so that one too old is told in one sentence. Each step leaves
a stamp with the hash of what it installed from, and is not done again until that changes.

Two builds of one version of Python differ by half in speed (docs/adr/0009): unless told to take
this one, it goes on in the one that was taken before, else in the quickest of this version.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
CHARTS = ROOT / "node_modules/lightweight-charts/dist/lightweight-charts.standalone.production.mjs"
VENDOR = ROOT / "static" / "vendor"
LAST_LINES = 12
OTHER_FOLDERS = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"]
WORTH_IT = 0.8  # another build is taken from this share of our time on
PACE = """
import ensurepip, time, venv

class Order:
    def __init__(self, price, quantity):
        self.price, self.quantity = price, quantity

    def cost(self):
        return self.price * self.quantity

def spent():
    begun, costs = time.process_time(), {}
    for number in range(20000):
        costs[str(number % 100)] = Order(number, 2).cost()
    return time.process_time() - begun

print(min(spent() for _ in range(7)))
"""


class UnableToInstall(Exception):
    """A step failed; the text says what to do."""


def main():
    if sys.version_info < (3, 11):
        sys.exit(f"Openfloor needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    if "--this-python" not in sys.argv[1:]:
        go_on_in(taken_before() or quickest())
    steps = [
        ("Virtual environment", "venv", [], make_venv),
        ("Python packages", "packages", ["requirements.txt"], install_packages),
        (
            "Chart library of the pages",
            "charts",
            ["package-lock.json", "install.py"],
            install_charts,
        ),
    ]
    if "--dev" in sys.argv[1:]:
        sources = ["requirements.txt", "requirements-dev.txt"]
        steps.append(("Packages for tests and checks", "dev-packages", sources, install_dev))
    try:
        for what, stamp, sources, work in steps:
            step(what, VENV / "installed" / stamp, sources, work)
    except (UnableToInstall, OSError) as error:
        sys.exit(f"\n{error}")


def go_on_in(python):
    """Run this program in that Python from here on, if it is another one than this."""
    if os.path.realpath(python) != os.path.realpath(sys.executable):
        os.execv(python, [python, *sys.argv, "--this-python"])  # noqa: S606 (our own program)


def taken_before():
    """Return the Python that the virtual environment was made with, None when it is gone."""
    made_with = os.path.realpath(PYTHON)
    return made_with if os.access(made_with, os.X_OK) else None


def quickest():
    """Return the quickest Python of this version that there is: this one unless it matters."""
    name = "python{}.{}".format(*sys.version_info)
    folders = [*os.environ.get("PATH", "").split(os.pathsep), *OTHER_FOLDERS]
    found = {os.path.realpath(Path(folder) / name) for folder in folders}
    others = sorted(found - {os.path.realpath(sys.executable)})
    paces = {python: pace(python) for python in others if os.access(python, os.X_OK)}
    best = min(paces, key=paces.get, default=sys.executable)
    return best if paces.get(best, 0) < pace(sys.executable) * WORTH_IT else sys.executable


def pace(python):
    """Return the seconds that a Python takes for a little work, infinite when it can't be used."""
    finished = subprocess.run(
        [python, "-I", "-c", PACE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    return float(finished.stdout) if finished.returncode == 0 else float("inf")


def step(what, stamp, sources, work):
    """Do `work` unless it was done before from the same sources; show how long it takes."""
    wanted = fingerprint(sources)
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"  {what:<46}", end="", flush=True)
    begun = time.monotonic()
    work()
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(wanted)
    print(f"{time.monotonic() - begun:6.1f} s", flush=True)


def fingerprint(sources):
    """Return a hash of the sources, and of the Python they are installed for."""
    digest = hashlib.sha256(f"{sys.version} {VENV}".encode())
    for source in sources:
        digest.update((ROOT / source).read_bytes())
    return digest.hexdigest()


def make_venv():
    if PYTHON.exists() and subprocess.call([PYTHON, "-m", "pip", "--version"], **SILENT) == 0:
        version = subprocess.check_output([PYTHON, "-c", "import sys; print(sys.version)"])
        if version.decode().strip() == sys.version.strip():
            return
    run(
        [sys.executable, "-m", "venv", "--clear", VENV],
        "Python's venv module does not work here: on Debian, apt-get install python3-venv.",
    )


def install_packages():
    pip("requirements.txt")


def install_dev():
    pip("requirements-dev.txt")


def pip(requirements):
    options = ["--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes"]
    run(
        [PYTHON, "-m", "pip", "install", *options, "--requirement", ROOT / requirements],
        f"The packages of {requirements} could not be installed: is the package index reachable?",
    )


def install_charts():
    """Fetch the one front-end dependency with the npm of the wheel, and take its one file."""
    npm = VENV / "bin" / "npm"
    path = os.pathsep.join([str(VENV / "bin"), os.environ.get("PATH", "")])
    run(
        [npm if npm.exists() else "npm", "ci", "--ignore-scripts", "--loglevel=error"],
        "The chart library could not be installed: is the npm registry reachable?",
        env={**os.environ, "PATH": path},
    )
    VENDOR.mkdir(parents=True, exist_ok=True)
    shutil.copy(CHARTS, VENDOR)


def run(command, advice, **options):
    """Run a quiet command; when it fails, show its last lines and `advice`."""
    finished = subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **options,
    )
    if finished.returncode:
        lines = finished.stdout.decode(errors="replace").strip().splitlines()[-LAST_LINES:]
        raise UnableToInstall("\n".join([*lines, "", advice]))


SILENT = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

if __name__ == "__main__":
    main()
