"""The virtual environment of the competitors, apart from the project's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["FOLDER", "ROOT", "installed_versions", "prepare", "worker_environment"]

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv-bench"


def prepare() -> Path:
    """Returns the interpreter of `.venv-bench`, made from `requirements/bench.lock` unless it is there."""
    if Path(sys.prefix) == FOLDER:
        return Path(sys.executable)
    subprocess.run([sys.executable, ROOT / "tools" / "bootstrap.py", "bench", "--venv", FOLDER.name], check=True)
    return FOLDER / "bin" / "python"


def worker_environment() -> dict[str, str]:
    """The variables that every measured process sees: no keys, no proxies, no look-ups over the network."""
    dropped = ("_PROXY", "_proxy", "_API_KEY", "_BASE_URL", "_API_BASE")
    kept = {name: value for name, value in os.environ.items() if not name.endswith(dropped)}
    return kept | {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "",
    }


def installed_versions(python: Path) -> str:
    """One line with the versions of everything that is compared."""
    names = [
        *("aiohttp", "anthropic", "boto3", "google-adk", "httpx2", "limits", "litellm", "msgspec", "openai"),
        *("openai-agents", "polydriver", "pyrate-limiter", "SQLAlchemy", "throttled-py", "urllib3"),
    ]
    code = (
        "import sys, importlib.metadata as m\n"
        "print('Python ' + sys.version.split()[0], end='')\n"
        f"for name in {names!r}:\n"
        "    try: print(', ' + name + ' ' + m.version(name), end='')\n"
        "    except m.PackageNotFoundError: pass\n"
    )
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout
