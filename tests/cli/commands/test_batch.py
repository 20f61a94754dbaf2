"""`polydriver batch`: what it reads and writes, what it survives, and what it tells."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.cli.helpers import COMMAND, KEY, Result, environment, on_terminal, run, write_settings
from tests.engine.test_batches import answer
from tests.faults.server import AGAIN, HANG, READ, Script, Server, reply
from tests.operations.asking import one_by_one
from tests.provider.test_batch_runs import PENDING, UPLOADED, answer_line, lines, state

from polydriver import AI
from polydriver.cli.bulk.progress import PlainLines
from polydriver.data.batches import BatchProgress
from polydriver.testing import MockServer, no_waiting

PRICES = '[providers.m.prices.m]\ninput = "1"\noutput = "1"'
PATHS = {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}
MOCK = f'driver = "mock"\ndefault_model = "m"\n{PRICES}'


def write(folder: Path, *lines: Any) -> Path:
    path = folder / "in.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def outcomes(folder: Path) -> dict[str, Any]:
    """The lines of the output by their ids, each of which is there once."""
    lines = [json.loads(line) for line in (folder / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    found = {line["custom_id"]: line for line in lines}
    assert len(found) == len(lines)
    return found


def batch(folder: Path, *arguments: object, settings: str = MOCK) -> Result:
    config = write_settings(folder, settings)
    return run("--config", config, "batch", folder / "in.jsonl", folder / "out.jsonl", *arguments)


def test_every_form_of_a_line_is_answered(tmp_path: Path) -> None:
    text = "the words of it"
    message = {"role": "user", "content": text}
    openai = {"method": "POST", "url": "/v1/chat/completions", "body": {"model": "m", "messages": [message]}}
    responses = {"method": "POST", "url": "/v1/responses", "body": {"model": "m", "input": text, "instructions": "x"}}
    write(
        tmp_path, text, [message], {"prompt": text}, {"messages": [message], "id": 7, "temperature": 0.5},
        {"custom_id": "a", "prompt": text, "system": "Be short.", "model": "other"},
        {"custom_id": "b", **openai}, {"custom_id": "c", **responses},
    )  # fmt: skip
    result = batch(tmp_path)
    assert result.exit_code == 0, result.output
    found = outcomes(tmp_path)
    assert sorted(found) == ["7", "a", "b", "c", "line-1", "line-2", "line-3"]
    assert {line["content"] for line in found.values()} == {text}
    assert found["a"]["model"] == "other"
    assert found["b"]["cost"]["total"]
    assert "7 of 7 lines answered, 0 failed" in result.stdout


def test_what_cannot_be_sent_is_an_error_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(b'\xef\xbb\xbf"good"\n\n{oh no\n5\n{"id": "x"}\n{"prompt": "a", "bogus": 1}\n')
    result = batch(tmp_path)
    assert result.exit_code == 2
    found = outcomes(tmp_path)
    assert found["line-1"]["content"] == "good"
    assert {name: line["error"]["type"] for name, line in found.items() if "error" in line} == {
        "line-3": "InvalidLine", "line-4": "InvalidLine", "x": "InvalidLine", "line-6": "UnknownOptionError",
    }  # fmt: skip
    assert "1 of 5 lines answered, 4 failed" in result.stdout
    assert "failed: 3 InvalidLine, 1 UnknownOptionError" in result.stdout


def test_failures_stay_until_they_are_to_be_tried_again(tmp_path: Path) -> None:
    write(tmp_path, "a", "b", "c")
    refusing = f'driver = "mock"\ndefault_model = "m"\nreplies = ["1", {{error = 400}}, "3"]\n{PRICES}'
    one_by_one = ("--concurrency", 1)
    assert batch(tmp_path, *one_by_one, settings=refusing).exit_code == 2
    before = (tmp_path / "out.jsonl").read_bytes()
    assert outcomes(tmp_path)["line-2"]["error"]["status"] == 400

    again = batch(tmp_path, "--json")
    assert again.exit_code == 2
    assert (tmp_path / "out.jsonl").read_bytes() == before
    told = json.loads(again.stdout)
    assert {name: told[name] for name in ("total", "answered", "failed", "left", "earlier")} == {
        "total": 3, "answered": 2, "failed": 1, "left": 0, "earlier": 3
    }  # fmt: skip
    assert list(told["errors"].values()) == [1]

    tried = batch(tmp_path, "--retry-failed", "--json")
    assert tried.exit_code == 0
    assert json.loads(tried.stdout)["earlier"] == 2
    assert {name: line["content"] for name, line in outcomes(tmp_path).items()} == {
        "line-1": "1", "line-2": "b", "line-3": "3"
    }  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl", "settings.toml"]


def test_nothing_worked(tmp_path: Path) -> None:
    write(tmp_path, {"id": "x"})
    assert batch(tmp_path).exit_code == 1


def test_nothing_to_do(tmp_path: Path) -> None:
    write(tmp_path)
    assert batch(tmp_path).exit_code == 0
    write(tmp_path, "a")
    assert batch(tmp_path).exit_code == 0
    result = batch(tmp_path)
    assert result.exit_code == 0
    assert "1 of 1 lines answered, 0 failed (1 before this run)" in result.stdout


def test_an_input_may_grow_and_not_change(tmp_path: Path) -> None:
    write(tmp_path, "a", {"id": "x", "prompt": "b"})
    assert batch(tmp_path).exit_code == 0
    write(tmp_path, "a", {"id": "x", "prompt": "b"}, "c")
    assert batch(tmp_path).exit_code == 0
    assert sorted(outcomes(tmp_path)) == ["line-1", "line-3", "x"]
    before = (tmp_path / "out.jsonl").read_bytes()

    for changed, words in (
        (["other", {"id": "x", "prompt": "b"}, "c"], "line 1 of"),
        (["a", {"id": "x", "prompt": "other"}, "c"], "(x) is not what it was"),
        (["a", {"id": "x", "prompt": "b"}], "has an outcome of 'line-3', which is not in"),
        (["a", {"id": "line-1", "prompt": "b"}], "the id 'line-1' is on line 1"),
    ):
        write(tmp_path, *changed)
        result = batch(tmp_path)
        assert result.exit_code == 1
        assert words in result.stderr
        assert (tmp_path / "out.jsonl").read_bytes() == before
    assert batch(tmp_path, "--no-resume").exit_code == 1  # the id that is there twice
    assert (tmp_path / "out.jsonl").read_bytes() == before
    write(tmp_path, "new")
    assert batch(tmp_path, "--no-resume").exit_code == 0
    assert sorted(outcomes(tmp_path)) == ["line-1"]


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    source = write(tmp_path, "a")
    assert run("batch", source, source).exit_code == 2
    for content in (b"my thesis", b"my thesis\n", b'{"a": 1}\n', b'{"custom_id": 5}\n'):
        (tmp_path / "out.jsonl").write_bytes(content)
        result = batch(tmp_path)
        assert result.exit_code == 1
        assert "is not an outcome of `polydriver batch`" in result.stderr
        assert (tmp_path / "out.jsonl").read_bytes() == content


def test_a_line_without_a_model_is_seen_before_anything_is_sent(tmp_path: Path) -> None:
    write(tmp_path, {"prompt": "a", "model": "x"}, "b")
    with Server([READ, answer("no"), AGAIN]) as server:
        body = f'driver = "groq"\napi_key = "gsk_0123456789abcdef"\nbase_url = "{server.url}/v1"'
        result = batch(tmp_path, settings=body)
        assert result.exit_code == 1
        assert "no model is named for line 2" in result.stderr
        assert not server.requests
    assert not (tmp_path / "out.jsonl").exists()


def test_what_passes_by_itself_is_waited_for(tmp_path: Path) -> None:
    write(tmp_path, "a")
    failures = ", ".join(['{error = "rate_limit", retry_after = 30}'] * 3)
    limited = f'driver = "mock"\ndefault_model = "m"\nretry_attempts = 1\nreplies = [{failures}, "done"]'
    with no_waiting() as waits:
        assert batch(tmp_path, settings=limited).exit_code == 0
        assert waits == [30.0, 30.0, 30.0]
    assert outcomes(tmp_path)["line-1"]["content"] == "done"
    with no_waiting():
        assert batch(tmp_path, "--no-resume", "--patience", 70, settings=limited).exit_code == 1
    assert outcomes(tmp_path)["line-1"]["error"]["type"].endswith("RateLimitError")


def test_an_open_circuit_is_waited_for(tmp_path: Path) -> None:
    write(tmp_path, *map(str, range(40)))
    failures = ", ".join(["{error = 500}"] * 10)
    broken = f'driver = "mock"\ndefault_model = "m"\nretry_attempts = 1\nreplies = [{failures}]\nstrict = false'
    with no_waiting():
        assert batch(tmp_path, "--concurrency", 1, "--json", settings=broken).exit_code == 2
    failed = [line["error"]["type"] for line in outcomes(tmp_path).values() if "error" in line]
    assert "CircuitOpenError" not in failed
    assert 1 <= len(failed) <= 10


def settings_for(url: str) -> str:
    return (
        f'driver = "openai"\napi_key = "{KEY}"\nbase_url = "{url}/v1"\ndefault_model = "gpt-4o-mini"\n'
        'options = {api = "chat"}'
    )


def test_what_every_line_would_meet_ends_it(tmp_path: Path) -> None:
    write(tmp_path, *map(str, range(100)))
    with Server([READ, reply(b"{}", status="401 No"), AGAIN]) as server:
        result = batch(tmp_path, "--concurrency", 3, settings=settings_for(server.url))
        assert len(server.requests) <= 6
    assert result.exit_code == 1
    assert "HTTP 401" in result.stderr
    assert outcomes(tmp_path) == {}


class Program:
    """A run as a program, against a server."""

    def __init__(self, folder: Path, server: Server, *arguments: object) -> None:
        config = write_settings(folder, settings_for(server.url))
        command = [*COMMAND, "--config", config, "batch", "in.jsonl", "out.jsonl", *arguments]
        self.process = subprocess.Popen(
            list(map(str, command)), cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=environment(**PATHS),
        )  # fmt: skip

    def end(self) -> tuple[int, str, str]:
        output, errors = self.process.communicate(timeout=120)
        return self.process.returncode, output, errors


def test_killed_again_and_again_it_repeats_nothing_that_is_done(tmp_path: Path) -> None:
    count, kills, concurrency = 240, 5, 8
    prompts = [f"prompt {number}" for number in range(count)]
    write(tmp_path, *prompts)
    dice = random.Random(20)
    with Server([READ, answer("done"), AGAIN]) as server:
        for _ in range(kills):
            before = len(server.requests)
            program = Program(tmp_path, server, "--concurrency", concurrency)
            assert server.wait_requests(before + dice.randint(1, count // (kills + 1)), 60)
            program.process.kill()
            program.end()
        status, output, errors = Program(tmp_path, server, "--concurrency", concurrency).end()
        assert (status, errors.count("Traceback")) == (0, 0), errors
        asked = Counter(json.loads(request.body)["messages"][0]["content"] for request in server.requests)
    assert f"{count} of {count} lines answered, 0 failed" in output
    assert sorted(outcomes(tmp_path)) == sorted(f"line-{number + 1}" for number in range(count))
    assert sorted(asked) == sorted(prompts)
    assert asked.total() <= count + concurrency * kills


def test_two_runs_on_one_output_refuse_each_other(tmp_path: Path) -> None:
    write(tmp_path, "a", "b")
    with Server([READ, HANG]) as server:
        first = Program(tmp_path, server)
        assert server.wait_requests(2, 60)
        for more in ((), ("--no-resume",), ("--retry-failed",)):
            result = batch(tmp_path, *more, settings=settings_for(server.url))
            assert result.exit_code == 1
            assert "another run writes" in result.stderr
        assert len(server.requests) == 2
        first.process.kill()
        first.end()
    assert batch(tmp_path).exit_code == 0
    assert len(outcomes(tmp_path)) == 2


@pytest.mark.parametrize(("how", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_it_says_what_is_done_and_goes_on(how: signal.Signals, status: int, tmp_path: Path) -> None:
    write(tmp_path, *map(str, range(9)))
    with Server([READ, answer("done"), READ, answer("done"), READ, HANG]) as server:
        program = Program(tmp_path, server, "--concurrency", 1)
        assert server.wait_requests(3, 60)
        program.process.send_signal(how)
        found, output, errors = program.end()
    assert (found, "Traceback" in errors) == (status, False), errors
    assert "2 of 9 lines answered, 0 failed" in output
    assert "7 lines are left" in errors
    assert batch(tmp_path).exit_code == 0
    assert len(outcomes(tmp_path)) == 9


def test_a_bar_on_a_terminal(tmp_path: Path) -> None:
    write(tmp_path, *map(str, range(30)))
    with Server([READ, answer("done"), AGAIN]) as server:
        config = write_settings(tmp_path, settings_for(server.url))
        with on_terminal("--config", config, "batch", "in.jsonl", "out.jsonl", folder=tmp_path, **PATHS) as terminal:
            assert terminal.end() == 0
    assert "━" in terminal.screen
    assert "30/30" in terminal.screen
    assert "30 of 30 lines answered, 0 failed: out.jsonl" in terminal.screen


def test_ctrl_c_on_a_terminal(tmp_path: Path) -> None:
    write(tmp_path, *map(str, range(9)))
    with Server([READ, HANG]) as server:
        config = write_settings(tmp_path, settings_for(server.url))
        with on_terminal("--config", config, "batch", "in.jsonl", "out.jsonl", folder=tmp_path, **PATHS) as terminal:
            assert server.wait_requests(8, 60)
            assert terminal.stop() == 130
    assert "0 of 9 lines answered" in terminal.screen
    assert "Traceback" not in terminal.screen


@pytest.mark.parametrize(
    ("driver", "path"), [("openai", "/v1"), ("anthropic", ""), ("gemini", "/v1beta"), ("mistral", "/v1")]
)
def test_by_the_batches_of_a_provider(driver: str, path: str, tmp_path: Path) -> None:
    write(tmp_path, "a", {"id": "x", "prompt": "b", "temperature": 0.5}, {"id": "bad"}, "c")
    with MockServer() as url, no_waiting():
        base_url = url.removesuffix("/v1") + path
        body = f'driver = "{driver}"\napi_key = "sk-mock-0123456789abcdef012345678901"\nbase_url = "{base_url}"'
        result = batch(tmp_path, "--provider-batch", "--json", settings=body)
        assert result.exit_code == 2, result.output
        again = batch(tmp_path, "--provider-batch", settings=body)
        assert "3 of 4 lines answered, 1 failed (4 before this run)" in again.stdout
        made = AI(tmp_path / "settings.toml").provider("m").list_batches()
    found = outcomes(tmp_path)
    assert {name: line.get("content") for name, line in found.items()} == {
        "line-1": "a", "x": "b", "bad": None, "line-4": "c"
    }  # fmt: skip
    assert found["x"]["cost"]["total"]
    assert len(made) == 2  # one for each set of options
    assert not (tmp_path / "out.jsonl.batches").exists()


def test_batches_of_a_provider_are_gone_on_with(tmp_path: Path) -> None:
    write(tmp_path, {"id": "x", "prompt": "a"}, {"id": "y", "prompt": "b"})
    done = state("b1", "completed", output_file_id="f")
    results = lines(answer_line("x", "1"), answer_line("y", "2"))
    pending: list[Script] = one_by_one(UPLOADED, PENDING)
    with Server(*pending, [READ, HANG], *one_by_one(done, done, results)) as server:
        program = Program(tmp_path, server, "--provider-batch")
        assert server.wait_requests(3, 60)
        program.process.kill()
        program.end()
        settings = settings_for(server.url)
        ordinary = batch(tmp_path, settings=settings)
        assert ordinary.exit_code == 1
        assert "are on their way" in ordinary.stderr
        assert batch(tmp_path, "--provider-batch", settings=settings).exit_code == 0
        assert len(server.requests) == 6
    assert {name: line["content"] for name, line in outcomes(tmp_path).items()} == {"x": "1", "y": "2"}
    assert not (tmp_path / "out.jsonl.batches").exists()


def test_plain_lines_come_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([0.0, 4.0, 10.0, 12.0, 21.0])
    lines = PlainLines(1000, 200, every=10.0, clock=lambda: next(times))
    lines.begin()
    for answered in (100, 200, 300, 400):
        lines(BatchProgress(total=800, begun=500, answered=answered, failed=2, input_tokens=5000, seconds=10.0))
    assert capsys.readouterr().err.splitlines() == [
        "1,000 lines, 200 of them done before",
        "402 of 1,000 lines: 2 failed · 20.2/s · 5,000 tokens · 0:30 left",
        "602 of 1,000 lines: 2 failed · 40.2/s · 5,000 tokens · 0:10 left",
    ]
