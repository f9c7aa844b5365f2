"""Install what Openfloor needs into this folder: `python3 install.py [--dev]`.

Runs on a bare Python of any age, so that an old one is told apart in one sentence. Each step
leaves a stamp with the hash of what it installed from, and is not done again until that changes.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
CHARTS = os.path.join("lightweight-charts", "dist", "lightweight-charts.standalone.production.js")
VENDOR = os.path.join(ROOT, "static", "vendor")
LAST_LINES = 12


class UnableToInstall(Exception):
    """A step failed; the text says what to do."""


def main():
    if sys.version_info < (3, 11):
        version = ".".join(map(str, sys.version_info[:3]))
        sys.exit("Openfloor needs Python 3.11 or newer; this is %s." % version)
    steps = [
        ("Virtual environment", "venv", [], make_venv),
        ("Python packages", "packages", ["requirements.txt"], install_packages),
        ("Chart library of the pages", "charts", ["package-lock.json"], install_charts),
    ]
    if "--dev" in sys.argv[1:]:
        needed = ["requirements.txt", "requirements-dev.txt"]
        steps.append(("Packages for tests and checks", "dev-packages", needed, install_dev_packages))
    try:
        for what, stamp, sources, work in steps:
            step(what, stamp, sources, work)
    except (UnableToInstall, OSError) as error:
        sys.exit("\n%s" % error)


def step(what, stamp, sources, work):
    """Do `work` unless it was done before from the same sources; show how long it takes."""
    wanted = fingerprint(sources)
    path = os.path.join(VENV, "installed", stamp)
    if read(path) == wanted and os.path.exists(PYTHON):
        return
    print("  %-46s" % what, end="", flush=True)
    begun = time.monotonic()
    work()
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(wanted)
    print("%6.1f s" % (time.monotonic() - begun), flush=True)


def fingerprint(sources):
    """Return a hash of the sources, and of the Python they are installed for."""
    digest = hashlib.sha256(("%s %s" % (sys.version, VENV)).encode())
    for source in sources:
        with open(os.path.join(ROOT, source), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except FileNotFoundError:
        return ""


def make_venv():
    if os.path.exists(PYTHON) and subprocess.call([PYTHON, "-m", "pip", "--version"], **SILENT) == 0:
        version = subprocess.check_output([PYTHON, "-c", "import sys; print(sys.version)"])
        if version.decode().strip() == sys.version.strip():
            return
    run(
        [sys.executable, "-m", "venv", "--clear", VENV],
        "Python's venv module does not work here: on Debian, apt-get install python3-venv.",
    )


def install_packages():
    pip("requirements.txt")


def install_dev_packages():
    pip("requirements-dev.txt")


def pip(requirements):
    run(
        [
            PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input",
            "--require-hashes", "--requirement", os.path.join(ROOT, requirements),
        ],
        "The packages of %s could not be installed: is the package index reachable?" % requirements,
    )  # fmt: skip


def install_charts():
    """Fetch the one front-end dependency with the npm of the wheel, and take its one file."""
    npm = os.path.join(VENV, "bin", "npm")
    environment = dict(os.environ)
    environment["PATH"] = os.path.join(VENV, "bin") + os.pathsep + environment.get("PATH", "")
    run(
        [npm if os.path.exists(npm) else "npm", "ci", "--ignore-scripts", "--loglevel=error"],
        "The chart library could not be installed: is the npm registry reachable?",
        env=environment,
    )
    os.makedirs(VENDOR, exist_ok=True)
    shutil.copy(os.path.join(ROOT, "node_modules", CHARTS), VENDOR)


def run(command, advice, **options):
    """Run a quiet command; when it fails, show its last lines and `advice`."""
    finished = subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **options
    )  # fmt: skip
    if finished.returncode:
        lines = finished.stdout.decode(errors="replace").strip().splitlines()[-LAST_LINES:]
        raise UnableToInstall("\n".join(lines + ["", advice]))


SILENT = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

if __name__ == "__main__":
    main()
