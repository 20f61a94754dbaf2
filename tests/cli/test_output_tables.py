from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.helpers import KEY, run, write_settings

from polydriver.drivers.mock import MockDriver
from polydriver.testing.server import MockServer

MOCK = 'driver = "mock"'
DEAD = f'[providers.dead]\ndriver = "openai"\napi_key = "{KEY}"\nbase_url = "http://127.0.0.1:9/v1"'
BROKEN = '[providers.broken]\ndriver = "openai"\ntimeout = "soon"'


def rows(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


def test_models(tmp_path: Path) -> None:
    settings = write_settings(
        tmp_path,
        MOCK
        + r"""
models = ["gpt-4o-mini", "mock", "evil\u001b[31m"]""",
    )
    result = run("--config", settings, "models")
    assert result.exit_code == 0
    table = rows(result.stdout)
    assert table[0] == ["MODEL", "TYPE", "CONTEXT", "OUTPUT", "READS", "TOOLS", "$ IN", "$ OUT"]
    assert [row[0] for row in table[1:]] == ["evil␛[31m", "gpt-4o-mini", "mock"]
    assert table[3][6:] == ["1", "2"]
    found = json.loads(run("--config", settings, "models", "m", "--refresh", "--filter", "MOCK", "--json").stdout)
    assert [model["id"] for model in found] == ["mock"]
    assert found[0]["pricing"]["output"] == "2"
    assert "no models match 'zzz'" in run("--config", settings, "models", "--filter", "zzz").stderr


def test_models_of_a_real_driver_have_context_and_prices(tmp_path: Path) -> None:
    with MockServer(MockDriver({"models": ["gpt-4o-mini"]})) as url:
        settings = write_settings(tmp_path, f'driver = "openai"\napi_key = "{KEY}"\nbase_url = "{url}"')
        result = run("--config", settings, "models")
    row = rows(result.stdout)[1]
    assert (row[0], row[2], row[3]) == ("gpt-4o-mini", "128,000", "16,384")
    assert all(float(price) > 0 for price in row[6:])


def test_check_tells_what_works_and_what_does_not(tmp_path: Path) -> None:
    settings = write_settings(tmp_path, MOCK, DEAD, BROKEN)
    result = run("--config", settings, "check", "--json")
    assert result.exit_code == 1
    found = {item["connection"]: item for item in json.loads(result.stdout)}
    assert (found["m"]["ok"], found["m"]["health"], found["m"]["models"]) == (True, "healthy", 3)
    assert (found["dead"]["ok"], found["dead"]["error_type"]) == (False, "OpenAIAPIConnectionError")
    assert (found["broken"]["ok"], found["broken"]["error_type"]) == (False, "ConfigurationError")
    assert KEY not in result.output
    table = rows(run("--config", settings, "check").stdout)
    assert [row[2] for row in table[1:]] == ["failed", "failed", "ok"]


def test_check_of_what_works_succeeds(tmp_path: Path) -> None:
    settings = write_settings(tmp_path, MOCK, DEAD)
    assert run("--config", settings, "check", "m").exit_code == 0
    assert run("--config", settings, "check", "m", "nowhere").exit_code == 1


def test_check_of_nothing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("check")
    assert result.exit_code == 1
    assert "no connection is configured" in result.stderr


def test_prices_show_every_rate_tier_and_source() -> None:
    result = run("prices", "gpt-5.4")
    assert result.exit_code == 0
    table = {row[0]: row[1:] for row in rows(result.stdout)}
    assert table["PRICE"][:3] == ["INPUT", "OUTPUT", "CACHED INPUT"]
    assert table["usual"][:3] == ["2.5", "15", "0.25"]
    assert table["usual, over 272,000 in"][:3] == ["5", "22.5", "0.5"]
    assert {"batch", "batch, over 272,000 in"} < set(table)
    assert "in USD per million tokens" in result.stdout
    assert "source    genai-prices" in result.stdout
    assert "from      20" in result.stdout
    value = json.loads(run("prices", "gpt-5.4", "-p", "openai", "--json").stdout)
    assert value["pricing"]["tiers"][0]["above"] == 272000
    assert value["pricing"]["effective_date"]
    assert value["variants"]["batch"]["input"] == "1.25"


def test_prices_say_where_the_discount_on_batches_comes_from() -> None:
    said = run("prices", "llama-3.1-8b-instant", "-p", "groq").stdout
    assert "\nbatches   https://console.groq.com/docs/batch (2026-11-28)\n" in said


def test_prices_of_the_settings_win(tmp_path: Path) -> None:
    settings = write_settings(tmp_path, f'driver = "openai"\napi_key = "{KEY}"\nprices.my-model = {{ input = "3.5" }}')
    value = json.loads(run("--config", settings, "prices", "my-model", "--json").stdout)
    assert value["pricing"]["input"] == "3.5"
    assert value["pricing"]["source"] == "configuration"


def test_prices_of_an_unknown_model() -> None:
    result = run("prices", "gpt-4o-minx")
    assert result.exit_code == 1
    assert "Did you mean gpt-4o-mini" in result.stderr
    assert run("prices", "zzzzzz", "-p", "openai").exit_code == 1


def test_config_is_masked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_TIMEOUT", "12")
    monkeypatch.setenv("AI_LOG_LEVEL", "debug")
    monkeypatch.setenv("DEAD_TIMEOUT", "7")
    monkeypatch.setenv("UNRELATED_API_KEY", "unrelated-value")
    settings = write_settings(tmp_path, MOCK, DEAD.replace(KEY, "sk-another-key-that-is-secret-9876"), BROKEN)
    result = run("--config", settings, "config")
    assert result.exit_code == 0
    assert KEY not in result.output
    assert "sk-another" not in result.output
    assert str(settings) in result.stdout
    assert "OPENAI_API_KEY\t***3456" in result.stdout
    assert "api_key\t***9876" in result.stdout
    assert "UNRELATED" not in result.stdout
    assert "'soon' is not a number" in result.stdout
    value = json.loads(run("--config", settings, "config", "--json").stdout)
    assert value["file"] == str(settings)
    assert value["environment"] == {
        "AI_LOG_LEVEL": "debug",
        "DEAD_TIMEOUT": "7",
        "OPENAI_API_KEY": "***3456",
        "OPENAI_TIMEOUT": "12",
    }
    assert value["connections"]["dead"]["timeout"] == 7
    assert KEY not in json.dumps(value)


def test_config_without_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "no connection is configured" in run("config").stdout


def test_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    table = {row[0]: row for row in rows(run("providers").stdout)}
    assert table["openai"][1:] == ["OpenAI", "OPENAI_API_KEY", "yes", "https://api.openai.com/v1"]
    assert table["groq"][2:4] == ["GROQ_API_KEY", ""]
    found = {item["name"]: item for item in json.loads(run("providers", "--json").stdout)}
    assert found["openai"]["key_set"] is True
