"""`ask -c` and `chat -c` go on with the last conversation; `/load` with a saved one."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from tests.cli.helpers import KEY, run, run_program, write_settings

from polydriver import AIMessage, dump_messages, load_messages
from polydriver.cli.documents import state_folder
from polydriver.drivers.mock import MockDriver
from polydriver.testing.server import MockServer


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A mock on a server, settings with two connections to it, and a place for the state."""
    monkeypatch.setenv("POLYDRIVER_STATE", str(tmp_path / "state"))
    driver = MockDriver({})
    with MockServer(driver) as url:
        body = f'driver = "openai"\napi_key = "{KEY}"\nbase_url = "{url}"\nretry_attempts = 1\n'
        yield (
            driver,
            write_settings(
                tmp_path, body + 'default_model = "one"', "[providers.other]", body + 'default_model = "two"'
            ),
        )


def ask(settings: Path, *arguments: object) -> str:
    result = run("--config", settings, "ask", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def texts(driver: MockDriver) -> list[tuple[str, Any]]:
    return [(message["role"], message["content"]) for message in driver.calls[-1].messages]


def test_ask_goes_on(server: Any) -> None:
    driver, settings = server
    driver.reply("A", "B", "C")
    ask(settings, "-p", "other", "-m", "three", "-s", "Be brief.", "first")
    ask(settings, "-c", "second")
    ask(settings, "-c", "--json", "third")
    assert driver.calls[-1].model == "three"
    assert texts(driver) == [
        ("system", "Be brief."),
        ("user", "first"),
        ("assistant", "A"),
        ("user", "second"),
        ("assistant", "B"),
        ("user", "third"),
    ]


def test_another_connection_takes_the_history_along(server: Any) -> None:
    driver, settings = server
    driver.reply("A", "B")
    ask(settings, "-m", "three", "first")
    ask(settings, "-c", "-p", "other", "second")
    assert driver.calls[-1].model == "two"
    assert texts(driver)[0] == ("user", "first")


def test_without_c_a_conversation_begins(server: Any) -> None:
    driver, settings = server
    ask(settings, "first")
    ask(settings, "second")
    assert texts(driver) == [("user", "second")]


def test_chat_and_ask_go_on_with_each_other(server: Any) -> None:
    driver, settings = server
    driver.reply("A", "B", "C")
    run("--config", settings, "chat", input="first\n")
    ask(settings, "-c", "second")
    result = run("--config", settings, "chat", "-c", input="third\n")
    assert result.exit_code == 0
    assert [text for _, text in texts(driver)] == ["first", "A", "second", "B", "third"]


def test_a_failed_answer_is_not_kept(server: Any) -> None:
    driver, settings = server
    driver.reply("A").fail("server_error").reply("B")
    ask(settings, "first")
    assert run("--config", settings, "ask", "-c", "lost").exit_code == 1
    ask(settings, "-c", "second")
    assert [text for _, text in texts(driver)] == ["first", "A", "second"]


def test_nobody_else_can_read_what_is_kept(server: Any) -> None:
    _, settings = server
    ask(settings, "first")
    assert stat.S_IMODE(state_folder().stat().st_mode) == 0o700
    (kept,) = state_folder().iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert KEY not in kept.read_text()


@pytest.mark.parametrize("content", [None, "{", "[1]", '{"messages": 1}', '{"messages": [], "model": 1}', "[" * 10**5])
def test_what_cannot_be_gone_on_with_is_told(server: Any, content: str | None) -> None:
    _, settings = server
    if content is not None:
        state_folder().mkdir()
        (state_folder() / "last.json").write_text(content)
    result = run("--config", settings, "ask", "-c", "hi")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "conversation" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_place_that_cannot_be_written_costs_no_answer(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver, settings = server
    driver.reply("A")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("POLYDRIVER_STATE", str(tmp_path / "file" / "state"))
    assert ask(settings, "hi") == "A\n"


def test_nothing_is_kept_when_it_is_off(server: Any, tmp_path: Path) -> None:
    _, settings = server
    env = {"POLYDRIVER_STATE": "off", "XDG_STATE_HOME": str(tmp_path / "xdg")}
    run_program("--config", settings, "ask", "hi", folder=tmp_path, env=env)
    assert not (tmp_path / "xdg").exists()
    del env["POLYDRIVER_STATE"]
    run_program("--config", settings, "ask", "hi", folder=tmp_path, env={**env, "POLYDRIVER_STATE": ""})
    assert (tmp_path / "xdg" / "polydriver" / "last.json").exists()


def test_a_saved_conversation_is_loaded(server: Any, tmp_path: Path) -> None:
    driver, settings = server
    driver.reply("A", "B")
    saved = tmp_path / "c.json"
    talked = run("--config", settings, "chat", "-s", "Be brief.", input=f"/model three\nfirst\n/save {saved}\n")
    assert talked.exit_code == 0, talked.output
    result = run("--config", settings, "chat", "-p", "other", input=f"/load {saved}\nsecond\n")
    assert "loaded 2 messages; m · three" in result.stderr
    assert driver.calls[-1].model == "three"
    assert [role for role, _ in texts(driver)] == ["system", "user", "assistant", "user"]


def test_messages_as_openai_writes_them_are_loaded(server: Any, tmp_path: Path) -> None:
    driver, settings = server
    file = tmp_path / "c.json"
    file.write_text('[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]')
    result = run("--config", settings, "chat", input=f"/load {file}\nBye\n/load {tmp_path / 'none'}\n/load\n/load .\n")
    assert [text for _, text in texts(driver)] == ["Hi", "Hello", "Bye"]
    assert "cannot read" in result.stderr
    assert "name a file" in result.stderr


def test_the_form_in_files_is_that_of_dump_messages(server: Any, tmp_path: Path) -> None:
    _, settings = server
    run("--config", settings, "chat", input=f"Hi\n/save {tmp_path / 'c.json'}\n")
    values = json.loads((tmp_path / "c.json").read_text())
    messages = load_messages(values["messages"])
    assert messages[0] == AIMessage("Hi")
    assert dump_messages(messages) == values["messages"]
