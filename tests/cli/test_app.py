from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.helpers import COMMAND, environment, run, run_program

import polydriver
from polydriver.cli import commands
from polydriver.cli.app import cli

HEAVY = ("rich", "aiohttp", "urllib3", "httpx2", "asyncio", "ssl", "polydriver.engine", "polydriver.drivers")


def test_no_command_shows_the_help() -> None:
    result = run()
    assert result.exit_code == 0
    assert "ask" in result.stdout
    assert "Example" in result.stdout


def test_version() -> None:
    result = run("--version")
    assert result.stdout == f"polydriver, version {polydriver.__version__}\n"


def test_every_module_of_commands_is_one() -> None:
    modules = {module.name.replace("_", "-") for module in pkgutil.iter_modules(commands.__path__)}
    assert set(cli.list_commands(None)) == modules  # type: ignore[arg-type]


@pytest.mark.parametrize("name", cli.list_commands(None))  # type: ignore[arg-type]
def test_every_command_has_short_help_with_an_example(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert f"  polydriver {name}" in result.stdout
    assert len(result.stdout.splitlines()) < 50


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["ask", "--help"]])
def test_what_needs_nothing_loads_nothing(arguments: list[str], tmp_path: Path) -> None:
    script = (
        "import sys\nfrom polydriver.cli import main\n"
        f"try: main({arguments!r})\nexcept SystemExit: pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment(), check=True, cwd=tmp_path
    )
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra_there_is_a_hint(missing: str, tmp_path: Path) -> None:
    script = (
        "import sys\nfrom importlib.abc import MetaPathFinder\n"
        "import importlib.util as util, polydriver.cli as cli\nfound = util.find_spec\n"
        f"cli.find_spec = lambda name: None if name == {missing!r} else found(name)\ncli.main(['--version'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment(), check=False, cwd=tmp_path
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "polydriver: the command line needs an extra: pip install 'polydriver[cli]'\n"


def test_an_unknown_command_is_wrong_usage() -> None:
    result = run("modles")
    assert result.exit_code == 2
    assert "Did you mean 'models'?" in result.stderr


def test_a_settings_file_that_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("default = [")
    result = run("--config", path, "config")
    assert result.exit_code == 1
    assert "is not valid TOML" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("arguments", [["providers"], ["prices", "gpt-4o", "--json"], ["ask", "-p", "mock", "hi"], []])
def test_a_broken_pipe_is_silent(arguments: list[str], tmp_path: Path) -> None:
    program = subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), cwd=tmp_path
    )
    assert program.stdout is not None
    assert program.stderr is not None
    program.stdout.close()
    errors = program.stderr.read()
    program.stderr.close()
    program.wait(30)
    assert errors == b""


def test_the_log_is_shown_on_request_without_keys(tmp_path: Path) -> None:
    key = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"
    settings = tmp_path / "settings.toml"
    settings.write_text(
        f'[providers.openai]\napi_key = "{key}"\nbase_url = "http://127.0.0.1:9/v1"\nretry_attempts = 1'
    )
    done = run_program("--config", settings, "ask", "-v", "-p", "openai", "-m", "gpt-4o", key, folder=tmp_path)
    assert done.returncode == 1
    assert "error polydriver: openai/gpt-4o failed" in done.stderr
    assert key not in done.stderr
    quiet = run_program("--config", settings, "ask", "-p", "openai", "-m", "gpt-4o", "hi", folder=tmp_path)
    assert quiet.stderr.startswith("error: The connection failed")
    assert quiet.stderr.splitlines()[-1].startswith("hint: ")
