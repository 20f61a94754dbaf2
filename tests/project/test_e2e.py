"""The end-to-end tests themselves pass, against the mock server in place of a provider's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from polydriver import MockDriver
from polydriver.testing import MockServer

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "e2e"


@pytest.mark.parametrize("provider", ["", "openai", "anthropic", "gemini"])
def test_against_the_mock_server(provider: str) -> None:
    server = MockServer(MockDriver(tomllib.loads((FOLDER / "mock.toml").read_text(encoding="utf-8")), env={}))
    server.start()
    try:
        url = server.root if provider in ("anthropic", "gemini") else server.url
        asked = {"E2E_BASE_URL": url, "E2E_PROVIDER": provider, "E2E_MODEL": "mock"}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", "-rs", str(FOLDER)]
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **asked}, capture_output=True, text=True, timeout=120, check=False
        )
    finally:
        server.stop()
    assert done.returncode == 0, done.stdout[-3000:]
    skipped = re.findall(r"^SKIPPED .*?: (.*)$", done.stdout, re.MULTILINE)
    assert [reason for reason in skipped if "takes any key" not in reason] == []
    assert re.search(r"\b1[0-9] passed", done.stdout)
