"""The providers' own SDKs ask the mock server, which judges their requests: they read what it was told to say.

They live in environments of their own, `.venv-sdks` and `.venv-sdks/node`, which `make sdks` sets up.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from polydriver import MockDriver
from polydriver.drivers.mock import tool_call
from polydriver.testing import MockServer

CLIENTS = Path(__file__).parent / "clients"
PLACE = Path(os.environ.get("SDKS_VENV") or Path(__file__).resolve().parents[2] / ".venv-sdks")
CITY = {"name": "Bern", "inhabitants": 134_000}
REPLIES: list[Any] = ["Hello", "Streamed", tool_call("add", a=1), "It is 3.", json.dumps(CITY)]
READ = {"text": "Hello", "streamed": "Streamed", "called": {"a": 1}, "after": "It is 3.", "parsed": CITY, "failed": 429}
SECONDS = 120


def ask(package: str, client: str, *arguments: str) -> dict[str, Any]:
    """What a client printed. Skips where its SDK is not installed."""
    if client.endswith(".mjs"):
        command, there = shutil.which("node") or "", (PLACE / "node" / "node_modules" / package).is_dir()
        script = PLACE / "node" / client
        if there:
            shutil.copyfile(CLIENTS / client, script)  # modules are looked for beside the file
    else:
        command, script = str(PLACE / "bin" / "python"), CLIENTS / client
        there = any(PLACE.glob(f"lib/python*/site-packages/{package}"))
    if not (command and there):
        pytest.skip("an SDK of a provider is not installed: make sdks")
    environment = {"PATH": os.environ.get("PATH", ""), "NO_PROXY": "*", "HOME": os.environ.get("HOME", "")}
    done = subprocess.run(
        [command, str(script), *arguments],
        capture_output=True, text=True, timeout=SECONDS, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.fixture
def server() -> Any:
    with MockServer(MockDriver(replies=REPLIES, env={}), strict=True) as url:
        yield url


def root(url: str) -> str:
    return url.removesuffix("/v1")


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_openai(server: str, api: str) -> None:
    assert ask("openai", "ask_openai.py", server, api) == READ


def test_openai_beyond_chat(server: str) -> None:
    assert ask("openai", "ask_openai.py", server, "others") == {
        "models": 3, "vectors": 2, "flagged": False, "file": "{}\n", "speech": True, "heard": "Hello",
        "async": "Streamed",
    }  # fmt: skip


def test_anthropic(server: str) -> None:
    assert ask("anthropic", "ask_anthropic.py", root(server), "messages") == READ


def test_anthropic_beyond_messages(server: str) -> None:
    assert ask("anthropic", "ask_anthropic.py", root(server), "others") == {"models": 3, "counted": True}


def test_gemini(server: str) -> None:
    assert ask("google/genai", "ask_gemini.py", root(server), "generate") == READ


def test_gemini_beyond_content(server: str) -> None:
    found = ask("google/genai", "ask_gemini.py", root(server), "others")
    assert found == {"models": 3, "vectors": 2, "counted": True}


def test_mistral(server: str) -> None:
    assert ask("mistralai", "ask_mistral.py", server, "chat") == {"text": "Hello", "streamed": "Streamed"}


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_ai_sdk(server: str, api: str) -> None:
    found = ask("@ai-sdk/openai", "ask_ai_sdk.mjs", server, api)
    assert found == {name: READ[name] for name in ("text", "streamed", "called", "failed")}
