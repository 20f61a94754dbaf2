"""`polydriver check --watch`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

from tests.cli.helpers import COMMAND, environment, run, write_settings


def test_a_line_of_json_for_each_connection_and_round(tmp_path: Path) -> None:
    config = write_settings(tmp_path, 'driver = "mock"', "[providers.n]", 'driver = "mock"')
    result = run("check", "--watch", "--rounds", 2, "--interval", 0.01, "--json", "--config", config)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [line["connection"] for line in lines] == ["m", "n", "m", "n"]
    assert {line["status"] for line in lines} == {"healthy"}
    assert lines[-1]["recent"]["attempts"] == 2


def test_a_table(tmp_path: Path) -> None:
    config = write_settings(tmp_path, 'driver = "mock"', "[providers.odd]", 'driver = "nowhere"')
    result = run("check", "--watch", "--rounds", 1, "--config", config)
    assert result.exit_code == 0
    heading, first, second = result.stdout.splitlines()
    assert heading.split("\t")[:4] == ["CONNECTION", "HEALTH", "CIRCUITS", "LIMITS USED"]
    assert first.split("\t")[:2] == ["m", "healthy"]
    assert second.split("\t")[:2] == ["odd", "unhealthy"]
    assert "nowhere" in second


def test_it_ends_cleanly_when_it_is_interrupted(tmp_path: Path) -> None:
    config = write_settings(tmp_path, 'driver = "mock"')
    command = [*COMMAND, "check", "--watch", "--interval", "60", "--json", "--config", str(config)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(PYTHONPATH=os.environ.get("PYTHONPATH", "")),
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["connection"] == "m"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stderr.read() == ""
