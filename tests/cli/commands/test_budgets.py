"""`polydriver budgets`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.helpers import run, write_settings

from polydriver import AI


def test_budgets(tmp_path: Path) -> None:
    tables = f"""
[storage]
url = "sqlite:///{tmp_path}/ai.db"
[budgets.team]
limit = 1
period = "day"
time_zone = "Asia/Tokyo"
[budgets.each]
limit = "0.5"
user = "*"
"""
    prices = 'driver = "mock"\nprices = {m = {per_request = "0.05", input = 0, output = 0}}'
    path = write_settings(tmp_path, prices, tables)
    run("--config", path, "db", "upgrade")
    assert "team\tall\tday\t1\t0\t0\t1\t" in run("--config", path, "budgets").output
    with AI(path) as ai:
        (name,) = ai.settings.providers
        ai.provider(name).send_message("Hi", model="m", metadata={"user": "ann\x1b"})
    shown = run("--config", path, "budgets").output
    assert "team\tall\tday\t1\t0.05\t0\t0.95\t" in shown
    assert "00:00 JST" in shown
    assert "user ann" in shown
    assert "\x1b" not in shown
    told = json.loads(run("--config", path, "budgets", "--json").output)
    assert [(report["name"], report["spent"]) for report in told] == [
        ("team", "0.050000000000"),
        ("each", "0.050000000000"),
    ]


def test_without_budgets(tmp_path: Path) -> None:
    path = write_settings(tmp_path, 'driver = "mock"', f'[storage]\nurl = "sqlite:///{tmp_path}/ai.db"')
    run("--config", path, "db", "upgrade")
    result = run("--config", path, "budgets")
    assert result.exit_code == 0
    assert "[budgets.team]" in result.output
