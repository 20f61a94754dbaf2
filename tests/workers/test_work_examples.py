"""The examples of work on many machines run, and the documentation shows them as they are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.workers.provider import SECONDS, CountingProvider

from polydriver.workers.dbos import sqlite_suffices

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples" / "workers"
WORKERS = {
    "celery_questions": ["-m", "celery", "-A", "celery_questions", "worker", "--concurrency", "2"],
    "dbos_questions": ["dbos_questions.py", "worker"],
}
PRINTED = "lima Re: What is Lima known for?\noslo Re: What is Oslo known for?\nperth Re: What is Perth known for?\n"


def test_every_example_is_known() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} == WORKERS.keys()


@pytest.mark.parametrize("name", sorted(WORKERS))
def test_it_stands_in_the_documentation(name: str) -> None:
    page = (ROOT / "docs" / "guide" / "workers.md").read_text(encoding="utf-8")
    assert f"```python\n{(FOLDER / f'{name}.py').read_text(encoding='utf-8')}```\n" in page


@pytest.mark.parametrize("name", sorted(WORKERS))
def test_it_runs(
    name: str, redis_url: str, provider: CountingProvider, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    file = f"sqlite:///{tmp_path}/questions.sqlite"
    environment = {
        **os.environ,
        "OPENAI_API_KEY": "k",
        "OPENAI_BASE_URL": provider.base_url,
        "REDIS_URL": redis_url,
        "DATABASE_URL": file if sqlite_suffices() else request.getfixturevalue("best_url"),
    }
    with (tmp_path / "log").open("wb") as log:
        worker = subprocess.Popen([sys.executable, *WORKERS[name]], cwd=FOLDER, env=environment, stdout=log, stderr=log)
    try:
        script = [sys.executable, f"{name}.py"]
        done = subprocess.run(
            script, cwd=FOLDER, env=environment, timeout=SECONDS, capture_output=True, text=True, check=True
        )
        assert done.stdout == PRINTED
    finally:
        worker.terminate()
        assert worker.wait(SECONDS) == 0
    assert set(provider.seen.values()) == {1}
