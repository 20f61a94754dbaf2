"""`polydriver record-fixtures` against the mock server: what it writes is what the conformance suite reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.helpers import KEY, run, write_settings

from polydriver import MockDriver
from polydriver.drivers import driver_class
from polydriver.testing import MockServer, read_fixtures, tool_call
from polydriver.testing.conformance import check_driver
from polydriver.testing.wires import chat_completions

CALLS = [tool_call("get_weather", city="Paris"), tool_call("get_time")]
SUITE = ("test_answers_are_read_as_expected", "test_known_errors_are_mapped", "test_models_are_as_expected")


def replies() -> list[object]:
    refused = {"error": "model_not_found"}
    return ["Hello!", "Hello again!", *([[CALLS[0], CALLS[1]]] * 2), refused]


@pytest.mark.parametrize("wire", ["groq", "anthropic"])
def test_what_a_server_says_is_written(wire: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with MockServer(MockDriver(replies=replies())) as url:
        root = url.removesuffix("/v1") if wire == "anthropic" else url
        settings = write_settings(tmp_path, f'driver = "{wire}"\napi_key = "{KEY}"\nbase_url = "{root}"')
        done = run("record-fixtures", "m", "--model", "mock", "--config", settings)
    assert done.exit_code == 0, done.output
    folder = tmp_path / "tests" / "fixtures"
    fixtures = read_fixtures(folder)
    assert fixtures.expected["whole_reply"].content == "Hello!"
    assert fixtures.expected["stream_reply"].content == "Hello again!"
    assert fixtures.expected["tool_reply"].tool_calls == [("get_weather", {"city": "Paris"}), ("get_time", {})]
    assert [name for _, _, name, _ in fixtures.error_replies] == ["ModelNotFoundError"]
    assert fixtures.expected_models
    assert not [path for path in folder.iterdir() if KEY in path.read_text(encoding="utf-8")]
    report = check_driver(driver_class(wire), fixtures=fixtures)
    assert not {name: reason for name, reason in report.failed.items() if name in SUITE}
    assert set(SUITE) <= set(report.passed)


def test_what_was_there_and_is_not_recorded_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "fixtures"
    folder.mkdir()
    (folder / "whole_reply.txt").write_text("old")
    (folder / "notes.txt").write_text("mine")
    (folder / "expected.json").write_text('{"option_places": {"seed": "seed"}}')
    with MockServer(MockDriver(replies=replies())) as url:
        settings = write_settings(tmp_path, f'driver = "groq"\napi_key = "{KEY}"\nbase_url = "{url}"')
        done = run("record-fixtures", "m", "--model", "mock", "--directory", folder, "--config", settings)
    assert done.exit_code == 0, done.output
    assert not (folder / "whole_reply.txt").exists()
    assert (folder / "notes.txt").read_text() == "mine"
    assert json.loads((folder / "expected.json").read_bytes())["option_places"] == {"seed": "seed"}


def test_a_server_that_refuses_all_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with MockServer(MockDriver(replies=[{"error": "credentials"}] * 9)) as url:
        settings = write_settings(tmp_path, f'driver = "groq"\napi_key = "{KEY}"\nbase_url = "{url}"')
        done = run("record-fixtures", "m", "--model", "mock", "--config", settings)
    assert done.exit_code == 1
    assert "not recorded: whole_reply" in done.output


def test_a_model_is_needed(tmp_path: Path) -> None:
    settings = write_settings(tmp_path, f'driver = "groq"\napi_key = "{KEY}"\nbase_url = "http://127.0.0.1:9/v1"')
    done = run("record-fixtures", "m", "--config", settings)
    assert done.exit_code == 1
    assert "--model" in done.output


def test_fixtures_survive_their_files(tmp_path: Path) -> None:
    from polydriver.cli.scaffold.own_wire import own_fixtures
    from polydriver.testing.fixture_files import fixture_files

    for fixtures in (own_fixtures("acme"), chat_completions.FIXTURES):
        for name, data in fixture_files(fixtures).items():
            (tmp_path / name).write_bytes(data)
        read = read_fixtures(tmp_path)
        assert fixture_files(read) == fixture_files(fixtures)
        assert read.stream_reply == fixtures.stream_reply
        for path in tmp_path.iterdir():
            path.unlink()
