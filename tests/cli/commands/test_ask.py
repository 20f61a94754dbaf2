from __future__ import annotations

import base64
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.cli.helpers import KEY, run, run_program, write_settings

from polydriver.drivers.mock import MockDriver
from polydriver.testing.server import MockServer

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def mock(folder: Path, *replies: str, more: str = "") -> Path:
    return write_settings(folder, f'driver = "mock"\nreplies = [{", ".join(replies)}]\n{more}')


@pytest.fixture
def server(tmp_path: Path) -> Any:
    """A server that answers `Hi there`, its mock, and settings for it."""
    driver = MockDriver({}).when("", "Hi there")
    with MockServer(driver) as url:
        path = write_settings(
            tmp_path, f'driver = "openai"\napi_key = "{KEY}"\nbase_url = "{url}"\ndefault_model = "gpt-4o-mini"'
        )
        yield driver, path


def last(driver: MockDriver) -> Any:
    return driver.calls[-1]


def test_the_answer_alone_is_on_stdout(tmp_path: Path) -> None:
    result = run("--config", mock(tmp_path, '"Hello\\nworld"'), "ask", "hi")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "Hello\nworld\n", "")


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("more", [[], ["--no-stream"]])
def test_escapes_of_the_model_are_shown_however_they_are_cut(tmp_path: Path, size: int, more: list[str]) -> None:
    settings = mock(tmp_path, r'"a\u001b]0;x\u0007\u009b31m\u202eb\rc"', more=f"chunk_size = {size}")
    result = run("--config", settings, "ask", *more, "hi")
    assert result.stdout == "a␛]0;x␇<U+009B>31m<U+202E>b␍c\n"


def test_json_is_one_object_with_everything(tmp_path: Path) -> None:
    reply = r'{content = "x\u001b[31m\u009b", reasoning = "hmm", usage = {input_tokens = 1000, output_tokens = 500}}'
    result = run("ask", "--config", mock(tmp_path, reply), "--json", "hi")
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert "\x9b" not in result.stdout
    value = json.loads(result.stdout)
    assert value["content"] == "x\x1b[31m\x9b"
    assert value["usage"] == {"input_tokens": 1000, "output_tokens": 500, "total_tokens": 1500}
    assert Decimal(value["cost"]["total"]) == Decimal("0.002")
    assert (value["model"], value["finish_reason"], value["reasoning"]) == ("mock", "stop", "hmm")
    assert value["tool_calls"] == value["warnings"] == []


def test_tool_calls_are_told(tmp_path: Path) -> None:
    reply = '{tool_calls = [{name = "look", arguments = {place = "here"}}]}'
    settings = mock(tmp_path, reply)
    result = run("ask", "--config", settings, "--json", "hi")
    [call] = json.loads(result.stdout)["tool_calls"]
    assert (call["name"], call["arguments"]) == ("look", {"place": "here"})
    assert "the model calls look({'place': 'here'})" in run("ask", "--config", settings, "hi").stderr


def test_reasoning_is_shown_on_request(tmp_path: Path) -> None:
    settings = mock(tmp_path, '{content = "yes", reasoning = "hmm"}')
    assert run("ask", "--config", settings, "hi").stdout == "yes\n"
    assert run("ask", "--config", settings, "--reasoning", "hi").stdout == "hmm\n\nyes\n"
    assert run("ask", "--config", settings, "--reasoning", "--no-stream", "hi").stdout == "hmm\n\nyes\n"


def test_a_cut_answer_is_told(tmp_path: Path) -> None:
    result = run("ask", "--config", mock(tmp_path, '{content = "Once", finish_reason = "length"}'), "hi")
    assert result.exit_code == 0
    assert "token limit" in result.stderr


def test_options_reach_the_request(server: Any) -> None:
    driver, settings = server
    options = ("--temperature", "0", "--max-tokens", "7", "-o", "stop=END", "-o", "top-p=0.5", "-o", 'extra={"x": 1}')
    result = run("--config", settings, "ask", "-m", "gpt-4o", "-s", "Be brief.", *options, "What", "now?")
    assert result.stdout == "Hi there\n"
    call = last(driver)
    assert call.model == "gpt-4o"
    assert [message["role"] for message in call.messages] == ["system", "user"]
    assert call.text == "What now?"
    assert call.stream
    sent = call.options
    assert (sent["temperature"], sent["max_completion_tokens"], sent["stop"]) == (0, 7, ["END"])
    assert (sent["top_p"], sent["x"]) == (0.5, 1)


def test_piped_text_goes_before_the_words(server: Any) -> None:
    driver, settings = server
    run("--config", settings, "ask", "--no-stream", "Sum it up.", input="a\nb\n")
    assert last(driver).text == "a\nb\n\nSum it up."
    assert not last(driver).stream
    run("--config", settings, "ask", input="only this")
    assert last(driver).text == "only this"
    run("--config", settings, "ask", input=b"not \xff utf-8")
    assert last(driver).text == "not \ufffd utf-8"


def test_files_and_images_are_attached(server: Any, tmp_path: Path) -> None:
    driver, settings = server
    (tmp_path / "notes.py").write_text("print('ü')\n")
    (tmp_path / "a.png").write_bytes(PIXEL)
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.4 x")
    attached = ["-f", tmp_path / "notes.py", "-f", tmp_path / "b.pdf", "-f", tmp_path / "a.png"]
    attached += ["-i", tmp_path / "a.png", "-i", "https://host.example/c.jpg"]
    assert run("--config", settings, "ask", *attached, "Look").exit_code == 0
    parts = last(driver).messages[-1]["content"]
    assert [part["type"] for part in parts] == ["text", "file", "image_url", "image_url", "image_url", "text"]
    assert "--- notes.py ---\nprint('ü')\n--- end of notes.py ---" in parts[0]["text"]
    assert parts[2]["image_url"]["url"].startswith("data:image/png;base64,")
    assert parts[4]["image_url"]["url"] == "https://host.example/c.jpg"
    assert parts[5]["text"] == "Look"


def test_a_schema_gives_checked_json(server: Any, tmp_path: Path) -> None:
    driver, settings = server
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}')
    driver.script.reset()
    driver.reply('{"n": 3}', '{"n": 3}', '{"n": "three"}')
    result = run("--config", settings, "ask", "--schema", schema, "How many?")
    assert json.loads(result.stdout) == {"n": 3}
    assert last(driver).options["response_format"]["type"] == "json_schema"
    result = run("--config", settings, "ask", "--schema", schema, "--json", "How many?")
    assert json.loads(result.stdout)["parsed"] == {"n": 3}
    result = run("--config", settings, "ask", "--schema", schema, "How many?")
    assert result.exit_code == 1
    assert "does not have the form" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ask"], "there is no prompt"),
        (["ask", "-o", "nonsense", "hi"], "not of the form name=value"),
        (["ask", "-f", "absent.txt", "hi"], "does not exist"),
        (["ask", "-i", "absent.png", "hi"], "cannot be read"),
        (["ask", "--temperature", "warm", "hi"], "not a valid float"),
        (["ask", "--schema", "settings.toml", "hi"], "not JSON"),
        (["ask", "--unknown"], "No such option"),
    ],
)
def test_wrong_usage(arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("--config", mock(tmp_path), *arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ('{error = "credentials"}', "Incorrect API key"),
        ('{error = "rate_limit", retry_after = 99}', "retry after 99 s"),
        (r'{error = "invalid_request", message = "no\u001b[2J"}', "no␛[2J"),
    ],
)
def test_an_error_is_told_without_a_traceback(reply: str, said: str, tmp_path: Path) -> None:
    result = run("--config", mock(tmp_path, reply), "ask", "hi")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: ")
    assert said in result.stderr
    assert "\nhint: " in result.stderr
    assert "\x1b" not in result.stderr


def test_a_cut_stream_keeps_what_came(tmp_path: Path) -> None:
    result = run("--config", mock(tmp_path, '{error = "cut", text = "Once upon a time", after = 2}'), "ask", "hi")
    assert (result.exit_code, result.stdout) == (1, "Once upon a time\n")
    assert result.stderr.startswith("error: ")


def test_an_unknown_option_names_the_nearest(tmp_path: Path) -> None:
    result = run("--config", mock(tmp_path), "ask", "-o", "temperatur=1", "hi")
    assert result.exit_code == 1
    assert "Did you mean 'temperature'?" in result.stderr


def test_without_a_connection_the_way_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("ask", "-m", "x", "hi")
    assert result.exit_code == 1
    assert "OPENAI_API_KEY" in result.stderr


def test_the_only_key_in_the_environment_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    result = run("ask", "hi")
    assert result.exit_code == 1
    assert "no model is named for groq" in result.stderr
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    result = run("ask", "hi")
    assert "several connections can be used (groq, openai)" in result.stderr


def test_as_a_program(tmp_path: Path) -> None:
    done = run_program("--config", mock(tmp_path, '"Grüße"'), "ask", folder=tmp_path, input="hi")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Grüße\n", "")


def test_an_encoding_that_lacks_a_letter_is_no_failure(tmp_path: Path) -> None:
    env = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "iso8859-1"}
    done = run_program("--config", mock(tmp_path, r'"a\u2713b"'), "ask", "hi", folder=tmp_path, env=env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "a?b\n", "")
