from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from tests.cli.helpers import KEY, run, write_settings

from polydriver.cli.chatting.slash import is_command
from polydriver.drivers.mock import MockDriver
from polydriver.testing.server import MockServer


@pytest.fixture
def server(tmp_path: Path) -> Any:
    """A mock on a server, and settings with two connections to it."""
    driver = MockDriver({})
    with MockServer(driver) as url:
        body = f'driver = "openai"\napi_key = "{KEY}"\nbase_url = "{url}"\nretry_attempts = 1\n'
        path = write_settings(
            tmp_path, body + 'default_model = "one"', "[providers.other]", body + 'default_model = "two"'
        )
        yield driver, path


def talk(settings: Path, *lines: str) -> Result:
    result = run("--config", settings, "chat", input="".join(f"{line}\n" for line in lines))
    assert result.exit_code == 0, result.output
    return result


def sent(driver: MockDriver) -> list[list[tuple[str, Any]]]:
    return [[(message["role"], message["content"]) for message in call.messages] for call in driver.calls]


def test_the_history_goes_along(server: Any) -> None:
    driver, settings = server
    driver.reply("A", "B")
    result = talk(settings, "first", "", "second")
    assert result.stdout == "A\nB\n"
    assert sent(driver)[1] == [("user", "first"), ("assistant", "A"), ("user", "second")]


def test_several_lines_are_one_message(server: Any) -> None:
    driver, settings = server
    talk(settings, "a\\", "b", '"""', "c", "", "d", '"""', "//e")
    assert [call.text for call in driver.calls] == ["a\nb", "c\n\nd", "/e"]


def test_model_and_provider_change_in_the_middle(server: Any) -> None:
    driver, settings = server
    result = talk(settings, "a", "/model three", "b", "/provider other", "c", "/provider nowhere", "d", "/model")
    assert [call.model for call in driver.calls] == ["one", "three", "two", "two"]
    assert len(driver.calls[-1].messages) == 7
    assert "no provider 'nowhere'" in result.stderr
    assert result.stderr.endswith("model: two\n")


def test_system(server: Any) -> None:
    driver, settings = server
    talk(settings, "/system Be brief.", "a", "/system off", "b")
    assert [call.messages[0]["role"] for call in driver.calls] == ["system", "user"]


def test_errors_end_nothing_and_leave_no_trace(server: Any) -> None:
    driver, settings = server
    driver.reply("A").fail("server_error").reply("B")
    result = talk(settings, "first", "lost", "second")
    assert result.stdout == "A\nB\n"
    assert "error: " in result.stderr
    assert sent(driver)[-1] == [("user", "first"), ("assistant", "A"), ("user", "second")]


def test_attachments_wait_for_an_answer(server: Any, tmp_path: Path) -> None:
    driver, settings = server
    (tmp_path / "n.txt").write_text("inside")
    driver.fail("server_error")
    talk(settings, f"/attach {tmp_path / 'n.txt'}", "look", "look again", "and", f"/attach {tmp_path / 'none.txt'}")
    assert "inside" in str(driver.calls[0].messages[-1])
    assert "inside" in str(driver.calls[1].messages[-1])
    assert sent(driver)[2][-1] == ("user", "and")


def test_fork_and_back(server: Any) -> None:
    driver, settings = server
    talk(settings, "a", "/fork", "b", "/back", "c", "/back")
    assert [message[1] for message in sent(driver)[2] if message[0] == "user"] == ["a", "c"]


def test_clear(server: Any) -> None:
    driver, settings = server
    talk(settings, "a", "/clear", "b")
    assert sent(driver)[1] == [("user", "b")]


def test_history_and_cost(server: Any) -> None:
    _, settings = server
    result = talk(settings, "/history", "/cost", "hello", "/history", "/cost", "/model gpt-4o-mini", "more", "/cost")
    assert "nothing was said yet" in result.stderr
    assert "  1 user: hello\n  2 assistant: hello\n" in result.stdout
    assert "cost unknown" in result.stdout
    assert "total unknown" in result.stdout


def test_save(server: Any, tmp_path: Path) -> None:
    driver, settings = server
    driver.reply("x\x1b[31m")
    table, text = tmp_path / "c.json", tmp_path / "c.md"
    (tmp_path / "mine").write_text("keep")
    result = talk(settings, "hi", f"/save {table}", f"/save {text}", f"/save {table}", f"/save {tmp_path / 'mine'}")
    saved = json.loads(table.read_text())
    assert [message["role"] for message in saved["messages"]] == ["user", "assistant"]
    assert saved["messages"][1]["content"] == [{"type": "text", "text": "x\x1b[31m"}]
    assert "**user**\n\nhi\n\n**assistant**\n\nx␛[31m" in text.read_text()
    assert (tmp_path / "mine").read_text() == "keep"
    assert "exists" in result.stderr


def test_commands_that_do_not_exist(server: Any) -> None:
    _, settings = server
    result = talk(settings, "/modle x", "/zzz", "/help", "/exit", "never read")
    assert "Did you mean /model?" in result.stderr
    assert "/help lists" in result.stderr
    assert "/attach PATH" in result.stdout


def test_escapes_are_shown(server: Any) -> None:
    driver, settings = server
    driver.reply("a\x1b]0;x\x07")
    assert talk(settings, "hi", "/history").stdout == "a␛]0;x␇\n  1 user: hi\n  2 assistant: a␛]0;x␇\n"


def test_a_cut_answer_is_no_end_of_the_program(server: Any) -> None:
    driver, settings = server
    driver.fail("cut", text="Once upon a time", after=2).reply("B")
    result = talk(settings, "a", "b")
    assert result.stdout.startswith("Once")
    assert result.stdout.endswith("\nB\n")
    assert sent(driver)[1] == [("user", "b")]


def test_options_and_files_of_the_command_line(server: Any, tmp_path: Path) -> None:
    driver, settings = server
    (tmp_path / "n.txt").write_text("inside")
    options = ("-o", "top_p=0.5", "--temperature", "0", "--max-tokens", "9", "-f", tmp_path / "n.txt", "-m", "three")
    result = run("--config", settings, "chat", *options, input="look\nand\n")
    assert result.exit_code == 0, result.output
    first, second = ({**call.options, "model": call.model} for call in driver.calls)
    assert "inside" in str(driver.calls[0].messages[-1])
    assert sent(driver)[1][-1] == ("user", "and")
    for body in (first, second):
        assert (body["top_p"], body["temperature"], body["model"]) == (0.5, 0.0, "three")


def test_retry_replaces_the_answer(server: Any) -> None:
    driver, settings = server
    driver.reply("A", "B", "C", "D")
    result = talk(settings, "/retry", "first", "second", "/retry", "third", "/cost")
    assert "nothing to ask again" in result.stderr
    assert sent(driver)[2] == sent(driver)[1]
    assert [text for _, text in sent(driver)[3]] == ["first", "A", "second", "C", "third"]
    assert "  4 " in result.stdout


def test_retry_sends_what_failed_with_its_files(server: Any, tmp_path: Path) -> None:
    driver, settings = server
    (tmp_path / "n.txt").write_text("inside")
    driver.reply("A").fail("server_error").reply("B", "C")
    talk(settings, "first", f"/attach {tmp_path / 'n.txt'}", "lost", "/retry", "/retry", "next")
    assert sent(driver)[2] == sent(driver)[1] == sent(driver)[3]
    assert [role for role, _ in sent(driver)[4]] == ["user", "assistant", "user", "assistant", "user"]


def test_a_retry_that_fails_leaves_the_old_answer(server: Any) -> None:
    driver, settings = server
    driver.reply("A").fail("server_error").reply("B", "C")
    talk(settings, "first", "/retry", "second", "/history")
    assert [text for _, text in sent(driver)[2]] == ["first", "A", "second"]


def test_cost_says_what_it_leaves_out(server: Any, tmp_path: Path) -> None:
    driver, settings = server
    driver.reply("A", "B").fail("cut").reply("C")
    lines = ["a", "/fork", "b", "/back", "broken", "/save " + str(tmp_path / "c.json"), "/clear", "c", "/cost"]
    said = talk(settings, *lines).stderr
    assert "left out, though they may be paid for: 1 answer in forks, 1 failed answer, 1 answer before /clear" in said
    said = talk(settings, "/load " + str(tmp_path / "c.json"), "/cost").stderr
    assert "1 answer of an earlier run" in said


def test_answers_of_this_run_are_counted_once_when_they_are_loaded_again(server: Any, tmp_path: Path) -> None:
    driver, settings = server
    driver.reply("A", "B")
    file = tmp_path / "c.json"
    said = talk(settings, "a", f"/save {file}", f"/load {file}", "b", "/cost").stderr
    assert "1 answer before /clear" in said
    assert "earlier run" not in said


def test_a_text_that_begins_with_a_path_is_a_message() -> None:
    assert is_command("/model x")
    assert is_command("/system Be brief.\nAnd kind.")
    assert not is_command("/etc/hosts\n127.0.0.1 localhost")
    assert not is_command("//model")


@pytest.mark.parametrize(("name", "driver"), [("claude", "anthropic"), ("google", "gemini"), ("OpenAI", "m")])
def test_providers_are_found_by_what_they_are_called(server: Any, name: str, driver: str) -> None:
    _, settings = server
    text = settings.read_text().partition("[providers.other]")[0]
    settings.write_text(
        f'{text}\n[providers.anthropic]\napi_key = "k-12345678"\n[providers.gemini]\napi_key = "k-12345678"'
    )
    assert f"provider: {driver}" in talk(settings, f"/provider {name}").stderr


def test_a_full_disk_keeps_no_piece(server: Any, tmp_path: Path) -> None:
    _, settings = server
    said = talk(settings, "a", f"/save {tmp_path / 'no' / 'c.json'}", f"/save {tmp_path}/n\0l.json").stderr
    assert "cannot write" in said
