from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.cli.helpers import COMMAND, KEY, environment, on_terminal, sse, write_settings
from tests.faults.server import AGAIN, CLOSE, HANG, READ, Server

HELLO = '{"id":"c","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"Hel\\u001b[31mlo"}}]}'
END = '{"id":"c","model":"gpt-4o-mini","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
USAGE = (
    '{"id":"c","model":"gpt-4o-mini","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}'
)

STUCK = [READ, sse(HELLO), HANG]
SILENT = [READ, HANG]
WHOLE = [READ, sse(HELLO, END, USAGE, "[DONE]") + b"0\r\n\r\n", CLOSE]


def settings(folder: Path, url: str) -> Path:
    body = f'driver = "openai"\napi_key = "{KEY}"\nbase_url = "{url}/v1"\ndefault_model = "gpt-4o-mini"'
    return write_settings(folder, body)


def test_an_answer_has_a_footer_on_a_terminal(tmp_path: Path) -> None:
    with (
        Server(WHOLE) as server,
        on_terminal("--config", settings(tmp_path, server.url), "ask", "hi", folder=tmp_path) as t,
    ):
        assert t.end() == 0
    assert "Hel␛[31mlo\n" in t.screen
    assert "gpt-4o-mini · 10 in + 5 out tokens · $0.0000045 ·" in t.screen


def test_ctrl_c_stops_a_question(tmp_path: Path) -> None:
    with (
        Server(STUCK) as server,
        on_terminal("--config", settings(tmp_path, server.url), "ask", "hi", folder=tmp_path) as t,
    ):
        t.wait_for("lo")
        t.interrupt("stopped")
        assert t.end() == 130
        assert server.wait_hung_up()
    assert "Traceback" not in t.screen


@pytest.mark.parametrize("command", ["ask", "check", "models"])
def test_ctrl_c_stops_waiting(command: str, tmp_path: Path) -> None:
    arguments = ["--config", settings(tmp_path, ""), command, *(["hi"] if command == "ask" else [])]
    with Server(SILENT) as server:
        settings(tmp_path, server.url)
        with on_terminal(*arguments, folder=tmp_path) as t:
            assert server.wait_requests(1, 20)
            assert t.stop() == 130
    assert "Traceback" not in t.screen


def test_ctrl_c_stops_an_answer_and_not_the_chat(tmp_path: Path) -> None:
    with Server(STUCK, SILENT, WHOLE) as server:
        with on_terminal("--config", settings(tmp_path, server.url), "chat", folder=tmp_path) as t:
            t.wait_for("> ")
            t.type("hi\r")
            t.wait_for("lo")
            t.interrupt("what came stays in the conversation")
            t.wait_for("> ")
            t.type("again\r")
            assert server.wait_requests(2)
            t.interrupt("nothing is recorded")
            t.wait_for("> ")
            t.type("half a line")
            t.wait_for("half a line")
            t.interrupt("Ctrl-D")
            t.wait_for("> ")
            t.type("more\r")
            t.wait_for("tokens")
            t.wait_for("> ")
            t.type("/history\r")
            t.wait_for("4 assistant")
            t.wait_for("> ")
            t.type("\x04")
            assert t.end() == 0
        body = server.requests[2].body.decode()
    assert '"content":"hi"' in body
    assert '"content":"Hel\\u001b[31mlo"' in body
    assert '"content":"more"' in body
    assert "again" not in body
    assert "Traceback" not in t.screen


def test_lines_can_be_edited(tmp_path: Path) -> None:
    pytest.importorskip("readline")
    with Server([*WHOLE[:-1], AGAIN]) as server:
        with on_terminal("--config", settings(tmp_path, server.url), "chat", folder=tmp_path) as t:
            t.wait_for("> ")
            t.type("wrold\x7f\x7f\x7f\x7forld\r")
            t.wait_for("tokens")
            t.wait_for("> ")
            t.type("\x1b[A!\r")
            t.wait_for("tokens")
            t.wait_for("> ")
            t.type("\x04")
            assert t.end() == 0
        sent = [request.body.decode() for request in server.requests]
    assert '"content":"world"' in sent[0]
    assert '"content":"world!"' in sent[1]


def test_a_table_is_drawn_on_a_terminal(tmp_path: Path) -> None:
    path = write_settings(
        tmp_path,
        r"""driver = "mock"
models = ["evil\u001b]0;title\u0007"]""",
    )
    with on_terminal("--config", path, "models", folder=tmp_path) as t:
        assert t.end() == 0
    assert "───" in t.screen
    assert "evil␛]0;title␇" in t.screen
    with on_terminal("--config", path, "models", folder=tmp_path, NO_COLOR="1", TERM="dumb") as t:
        assert t.end() == 0
    assert "\x1b" not in t.screen


@pytest.mark.parametrize(
    "keys", ["\x1b[200~one\ntwo\n\nthree\x1b[201~\r", "one\ntwo\n\nthree\n"], ids=["marked", "raw"]
)
def test_a_paste_is_one_message(keys: str, tmp_path: Path) -> None:
    pytest.importorskip("readline")
    with Server([*WHOLE[:-1], AGAIN]) as server:
        with on_terminal("--config", settings(tmp_path, server.url), "chat", folder=tmp_path) as t:
            t.wait_for("> ")
            t.type(keys)
            t.wait_for("tokens")
            t.wait_for("> ")
            t.type("\x04")
            assert t.end() == 0
        (request,) = server.requests
    assert '"content":"one\\ntwo\\n\\nthree"' in request.body.decode()


@pytest.mark.parametrize(
    ("extra", "env"), [([], {}), (["--plain"], {}), ([], {"NO_COLOR": "1"}), ([], {"TERM": "dumb"})]
)
def test_markdown_is_styled_on_a_terminal(extra: list[str], env: dict[str, str], tmp_path: Path) -> None:
    path = write_settings(tmp_path, 'driver = "mock"\nreplies = ["# Head\\n**b** `c`"]\nchunk_size = 100')
    with on_terminal("--config", path, "ask", *extra, "hi", folder=tmp_path, **env) as t:
        assert t.end() == 0
    if extra or env:
        assert "# Head\n**b** `c`\n" in t.screen
    else:
        assert "\x1b[1m\x1b[4mHead\x1b[0m\n\x1b[1mb\x1b[0m \x1b[36mc\x1b[0m\n" in t.screen


def test_tabs_complete_names(tmp_path: Path) -> None:
    pytest.importorskip("readline")
    path = write_settings(tmp_path, 'driver = "mock"\ndefault_model = "one"', '[providers.mine]\ndriver = "mock"')
    with on_terminal("--config", path, "chat", folder=tmp_path) as t:
        t.wait_for("> ")
        t.type("/prov\tmine\t\r")
        t.wait_for("provider: mine")
        t.wait_for("> ")
        t.type("\x04")
        assert t.end() == 0


@pytest.mark.parametrize("columns", [20, 60, 120])
def test_ids_are_never_wrapped(columns: int, tmp_path: Path) -> None:
    name = "a-vendor/a-model-with-a-long-name-2026-01-01"
    path = write_settings(tmp_path, f'driver = "mock"\nmodels = ["{name}", "short"]')
    with on_terminal("--config", path, "models", folder=tmp_path, COLUMNS=str(columns)) as t:
        assert t.end() == 0
    assert name in t.screen


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("arguments", [("ask", "hi"), ("ask", "--json", "hi"), ("models",), ("providers",)])
def test_a_full_disk_is_one_line(arguments: tuple[str, ...], tmp_path: Path) -> None:
    path = write_settings(tmp_path, 'driver = "mock"')
    command = [*COMMAND, "--config", str(path), *arguments]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment(), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "error: No space left on device\n")
