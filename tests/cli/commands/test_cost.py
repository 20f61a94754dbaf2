"""`polydriver cost`."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest
from tests.cli.helpers import run, write_settings

from polydriver import AI

PRICES = 'driver = "mock"\nprices = {m = {per_request = "0.05", input = 0, output = 0}}'


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Settings with a database that has a few calls."""
    path = write_settings(tmp_path, PRICES, f'[storage]\nurl = "sqlite:///{tmp_path}/ai.db"')
    with AI(path) as ai:
        provider = ai.provider("m")
        for user in ("ann", "ann", "bob\x1b[31m", None):
            provider.send_message("Hi", model="m", metadata={"user": user} if user else {})
        provider.send_message("Hi", model="new", metadata={"tags": ["a", "b"]})
    return path


def test_tables(settings: Path) -> None:
    shown = run("--config", settings, "cost").output
    assert "m\tm\t$0.20\t4\t" in shown
    assert "total $0.20" in shown
    assert "1 attempts have no known price" in shown
    by_user = run("--config", settings, "cost", "--by", "user", "--only", "model=m")
    assert "ann\t$0.10\t2" in by_user.output
    assert "-\t$0.05\t1" in by_user.output
    assert "\x1b" not in by_user.output
    assert "total" not in run("--config", settings, "cost", "--by", "none").output
    assert "1 attempts have no known price" in run("--config", settings, "cost", "--by", "tag").output


def test_json_csv_and_chart(settings: Path) -> None:
    (line,) = json.loads(run("--config", settings, "cost", "--by", "day", "--json").stdout)
    assert line["cost"] == "0.200000000000"
    table = list(csv.DictReader(io.StringIO(run("--config", settings, "cost", "--by", "user", "--csv").stdout)))
    assert {row["user"]: Decimal(row["cost"]) for row in table}["ann"] == Decimal("0.1")
    assert "\x1b" not in str(table)
    chart = run("--config", settings, "cost", "--by", "user", "--chart").stdout
    bars = {line.split()[0]: line.count("█") for line in chart.splitlines()}
    assert bars["ann"] > bars["-"] > 0
    assert run("--config", settings, "cost", "--month", "2001-01", "--json").stdout.strip() == "[]"
    assert "nothing was spent" in run("--config", settings, "cost", "--until", "2001-01-01").output


def test_reprice(settings: Path) -> None:
    text = settings.read_text().replace("prices = {", 'prices = {new = {per_request = "1", input = 0, output = 0}, ')
    settings.write_text(text)
    assert "1 would get a cost" in run("--config", settings, "cost", "reprice", "--dry-run").output
    told = json.loads(run("--config", settings, "cost", "reprice", "--json").output)
    assert (told["priced"], told["added"]) == (1, {"USD": "1.000000"})
    assert "0 attempts looked at" in run("--config", settings, "cost", "reprice").output
    assert "total $1.20" in run("--config", settings, "cost").output


def test_export(settings: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    assert "5 attempts in" in run("--config", settings, "db", "export", path).output
    assert len(list(csv.DictReader(path.read_text().splitlines()))) == 5
    assert "0 attempts" in run("--config", settings, "db", "export", path, "--month", "2001-01").output
    assert run("--config", settings, "db", "export", tmp_path / "out.xlsx").exit_code == 1


def test_mistakes(settings: Path, tmp_path: Path) -> None:
    for arguments, complaint in (
        (["--month", "november"], "write YYYY-MM"),
        (["--since", "1.11.2026"], "write YYYY-MM-DD"),
        (["--month", "2026-11", "--since", "2026-11-02"], "stands alone"),
        (["--time-zone", "Mars"], "IANA"),
        (["--only", "colour=red"], "NAME=VALUE"),
        (["--by", "colour"], "cannot be by 'colour'"),
    ):
        result = run("--config", settings, "cost", *arguments)
        assert result.exit_code != 0
        assert complaint in result.output
    missing = run("cost", "--url", f"sqlite:///{tmp_path}/none.db")
    assert missing.exit_code == 1
    assert "polydriver db upgrade" in missing.output
