from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.cli.helpers import COMMAND, environment, run, run_program


@contextmanager
def serving(*arguments: str, folder: Path) -> Iterator[tuple[str, str]]:
    """The URL and what was printed; in the end it is stopped by Ctrl-C."""
    command = [*COMMAND, "serve-mock", *arguments]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(), cwd=folder)
    assert program.stdout is not None
    try:
        lines = [program.stdout.readline() for _ in range(9)]
        yield re.findall(r"http://\S+", lines[0])[0], "".join(lines)
        program.send_signal(signal.SIGINT)
        assert program.wait(20) == 0
    finally:
        program.kill()
        program.stdout.close()
        program.wait()


def ask(url: str, **headers: str) -> Any:
    body = json.dumps({"model": "mock", "messages": [{"role": "user", "content": "echo"}]}).encode()
    request = urllib.request.Request(f"{url}/chat/completions", body, {"content-type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=20) as reply:
        return json.load(reply)["choices"][0]["message"]["content"]


def test_any_program_can_ask(tmp_path: Path) -> None:
    (tmp_path / "script.json").write_text('["scripted"]')
    replies = ("--reply", "second", "--reply", '{"error": "rate_limit", "retry_after": 7}')
    with serving("--script", "script.json", *replies, folder=tmp_path) as (url, printed):
        assert f"export OPENAI_BASE_URL={url}\n" in printed
        assert "export OPENAI_API_KEY=" in printed
        root = url.removesuffix("/v1")
        assert f"export ANTHROPIC_BASE_URL={root}\n" in printed
        assert f"export GEMINI_BASE_URL={root}\n" in printed
        assert [ask(url), ask(url)] == ["scripted", "second"]
        with pytest.raises(urllib.error.HTTPError) as raised:
            ask(url)
        assert (raised.value.code, raised.value.headers["retry-after"]) == (429, "7")
        raised.value.close()
        assert ask(url) == "echo"
        with pytest.raises(urllib.error.HTTPError) as raised:
            ask(url, **{"x-mock-script": "unavailable"})
        assert raised.value.code == 503
        raised.value.close()


def test_a_toml_script(tmp_path: Path) -> None:
    (tmp_path / "script.toml").write_text('replies = ["one"]\n[patterns]\necho = "pattern"\n')
    with serving("--script", "script.toml", folder=tmp_path) as (url, _):
        assert ask(url) == "pattern"


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("serve-mock", "--port", taken.getsockname()[1])
    assert result.exit_code == 1
    assert "cannot listen on 127.0.0.1" in result.stderr


@pytest.mark.parametrize(("name", "text"), [("a.json", "{"), ("a.toml", "x ="), ("a.json", "3")])
def test_a_script_that_cannot_be_read(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert run("serve-mock", "--script", tmp_path / name).exit_code == 2


def test_an_unknown_setting_in_a_script(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("repies = []")
    result = run("serve-mock", "--script", tmp_path / "a.toml")
    assert result.exit_code == 1
    assert "replies" in result.stderr


@pytest.mark.parametrize(
    ("provider", "model"),
    [("openai", "gpt-5"), ("openai", "gpt-4o-mini"), ("anthropic", "claude-haiku-4-5"), ("gemini", "x")],
)
def test_our_own_command_line_can_ask(provider: str, model: str, tmp_path: Path) -> None:
    with serving(folder=tmp_path) as (_, printed):
        told = dict(re.findall(r"^export (\w+)=(\S+)$", printed, re.MULTILINE))
        result = run_program("ask", "-p", provider, "-m", model, "Say it back", folder=tmp_path, env=told)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "Say it back"
