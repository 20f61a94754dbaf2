"""Make a virtual environment, and install one hashed lock file and the project into it.

Called by the Makefile: `python tools/bootstrap.py PROFILE --venv DIR`. A second run with nothing changed
only reads a stamp.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path

__all__ = ["main"]

ROOT = Path(__file__).resolve().parent.parent
# Which installed profiles already hold everything that a profile needs.
SUPERSETS = {"demo": ("dev",), "dev": (), "bench": (), "sdks": ()}
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


def main() -> None:
    """Bring the environment up to date, or leave with a message that says what to do."""
    parser = argparse.ArgumentParser(description="Make a virtual environment from a lock file.")
    parser.add_argument("profile", choices=sorted(SUPERSETS))
    parser.add_argument("--venv", default=".venv")
    args = parser.parse_args()
    venv = ROOT / args.venv
    if up_to_date(venv, args.profile):
        return
    create(venv)
    install(venv, args.profile)
    stamp(venv, args.profile).write_text(fingerprint(args.profile))


def lock(profile: str) -> Path:
    """Return the path of a profile's lock file."""
    return ROOT / "requirements" / f"{profile}.lock"


def stamp(venv: Path, profile: str) -> Path:
    """Return the path of the file that remembers what was installed."""
    return venv / f".polydriver-{profile}"


def interpreter(venv: Path) -> Path:
    """Return the path of an environment's Python."""
    return venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def fingerprint(profile: str) -> str:
    """Return a digest of all that decides what an environment holds."""
    parts = (f"{RUNNING} {ROOT}".encode(), lock(profile).read_bytes(), (ROOT / "pyproject.toml").read_bytes())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def up_to_date(venv: Path, profile: str) -> bool:
    """Return whether the environment already has the profile, or a larger one."""
    for candidate in (profile, *SUPERSETS[profile]):
        remembered = stamp(venv, candidate)
        if remembered.is_file() and remembered.read_text() == fingerprint(candidate):
            return True
    return False


def create(venv: Path) -> None:
    """Make the environment, unless it is there and of this interpreter's version."""
    options = []
    if venv.exists():
        if version_of(interpreter(venv)) == RUNNING:
            return
        if not any(stamp(venv, profile).exists() for profile in SUPERSETS):
            sys.exit(f"{venv.name} is not this project's, or not of Python {RUNNING}. Name another: make VENV=...")
        options = ["--clear"]
    print(f"Creating {venv.name} with Python {sys.version.split()[0]}", flush=True)
    if subprocess.run([sys.executable, "-m", "venv", *options, venv], check=False).returncode != 0:
        sys.exit("Python's venv module failed. On Debian and Ubuntu: apt-get install python3-venv")


def version_of(python: Path) -> str:
    """Return an interpreter's "major.minor", or "" when it doesn't run."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def install(venv: Path, profile: str) -> None:
    """Install the locked packages by hash, then the project, editable and without its dependencies."""
    print(f"Installing requirements/{profile}.lock into {venv.name}", flush=True)
    pip: list[str | Path] = [interpreter(venv), "-m", "pip", "--disable-pip-version-check", "install", "-qq"]
    locked: list[str | Path] = [
        "--no-compile",
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--requirement",
        lock(profile),
    ]
    project: list[str | Path] = ["--no-index", "--no-deps", "--no-build-isolation", "--editable", ROOT]
    for arguments in (locked, project):
        status = subprocess.run([*pip, *arguments], check=False).returncode
        if status != 0:
            sys.exit(status)


if __name__ == "__main__":
    main()
