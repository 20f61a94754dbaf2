"""`run_batch`: split, followed, sent again where it expired, and gone on with by another process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.faults.server import HANG, READ, Script, Server
from tests.operations.asking import Colour, ask, json_reply, one_by_one
from tests.wires.operations.test_batches import KEYS, MODELS, NO_COUNTS, both, connect, each, has_batches, more

from polydriver import (
    APIConnectionError,
    BatchProgress,
    ConfigurationError,
    InvalidCredentialsError,
    InvalidRequestError,
    InvalidResponseError,
    MockDriver,
    UnsupportedFeatureError,
)
from polydriver.driver import Driver
from polydriver.drivers import driver_class
from polydriver.operations.kinds import CREATE_BATCH
from polydriver.testing import MockServer, no_waiting


@pytest.fixture(autouse=True)
def at_once() -> Iterator[None]:
    with no_waiting():
        yield


@both
@each
def test_from_beginning_to_end(name: str, colour: Colour) -> None:
    seen: list[BatchProgress] = []
    with MockServer(MockDriver({"replies": ["one", {"error": 400}, "three"]})) as url:
        given = {"custom_ids": ["b", "c", "a"], "model": MODELS[name], "on_progress": seen.append}
        results = ask(colour, connect(name, url), "run_batch", (text for text in "xyz"), **given)
    assert [item.custom_id for item in results.items] == ["b", "c", "a"]
    assert [item.response and item.response.content for item in results.items] == ["one", None, "three"]
    assert isinstance(results["c"].error, InvalidRequestError)
    assert results.provider == name
    assert (seen[-1].total, seen[-1].answered, seen[-1].failed, seen[-1].running) == (3, 2, 1, 0)


@dataclass
class Sum:
    total: int


@both
@each
def test_structured_answers(name: str, colour: Colour) -> None:
    with MockServer(MockDriver({"replies": ['{"total": 4}', "four"]})) as url:
        given = {"custom_ids": ["a", "b"], "model": MODELS[name], "response_format": Sum}
        results = ask(colour, connect(name, url), "run_batch", ["2 + 2?", "2 + 2?"], **given)
    assert results["a"].response.parsed == Sum(4)
    assert isinstance(results["b"].error, InvalidResponseError)
    assert results["b"].error.partial.content == "four"
    assert results.cost == results["a"].response.cost + results["b"].error.partial.cost


def bounded(name: str, url: str, **bounds: int) -> Driver:
    """A driver whose batches hold less."""

    class Bounded(driver_class(name)):  # type: ignore[misc]
        operations = tuple(
            msgspec.structs.replace(part, **bounds) if CREATE_BATCH in part.kinds else part
            for part in driver_class(name).operations
        )

    settings = connect(name, url).config
    return Bounded({"api_key": KEYS[name], "base_url": settings.base_url, **more(name, url)})  # type: ignore[no-any-return]


@both
@each
def test_many_prompts_are_several_batches(name: str, colour: Colour) -> None:
    prompts = [str(number) for number in range(7)]
    with MockServer() as url:
        results = ask(colour, bounded(name, url, max_prompts=3), "run_batch", prompts, model=MODELS[name])
        batches = connect(name, url).list_batches()
    assert [item.response.content for item in results.items] == prompts
    assert sorted(batch.counts.total or 0 for batch in batches) == ([0, 0, 0] if name in NO_COUNTS else [1, 3, 3])
    assert len(results.id.split(", ")) == 3


@pytest.mark.parametrize("name", sorted(KEYS))
def test_large_prompts_are_batches_of_their_own(name: str) -> None:
    prompts = ["a" * 2000, "b" * 2000, "c" * 5000, "d"]
    with MockServer() as url:
        results = bounded(name, url, max_bytes=3000).run_batch(prompts, model=MODELS[name])
        batches = connect(name, url).list_batches()
    assert [item.response.content if item.response else None for item in results.items] == [*prompts[:2], None, "d"]
    assert isinstance(results["prompt-2"].error, InvalidRequestError)
    assert "a batch 3,000 at most" in str(results["prompt-2"].error)
    assert len(batches) == 2


def test_what_cannot_be_sent_is_an_error_in_its_place() -> None:
    with MockServer() as url:
        results = connect("openai", url).run_batch(["a", None, "b"], model="gpt-4o-mini")
    assert isinstance(results["prompt-1"].error, ConfigurationError)
    assert [item.error is None for item in results.items] == [True, False, True]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"prompts": []}, "there is no prompt"), ({"prompts": "abc"}, "takes an iterable of messages"),
        ({"custom_ids": ["a"]}, "custom_ids must be 2"), ({"custom_ids": ["a", "a"]}, "custom_ids must be 2"),
        ({"poll_interval": -1}, "poll_interval must be"), ({"rounds": 0}, "rounds must be"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        connect("openai", "http://127.0.0.1:9/v1").run_batch(**{"prompts": ["a", "b"], "model": "m", **given})


def test_a_provider_without_batches_says_so() -> None:
    assert not has_batches("ollama")
    with pytest.raises(UnsupportedFeatureError):
        driver_class("ollama")({}).run_batch(["a"], model="m")


def answer_line(custom_id: str, text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 1000, "completion_tokens": 1000, "total_tokens": 2000}
    body = {
        "model": "gpt-4o-mini",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": usage,
    }
    return {"custom_id": custom_id, "response": {"status_code": 200, "body": body}}


def expired_line(custom_id: str) -> dict[str, Any]:
    return {"custom_id": custom_id, "response": None, "error": {"code": "batch_expired", "message": "too late"}}


def lines(*records: dict[str, Any]) -> bytes:
    text = "".join(json.dumps(record) + "\n" for record in records)
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(text) + text.encode()


def state(batch_id: str, status: str, **more: Any) -> bytes:
    return json_reply({"id": batch_id, "status": status, "output_file_id": None, "error_file_id": None, **more})


UPLOADED = json_reply({"id": "file-1"})
PENDING = state("b1", "validating")
EXPIRED = state("b1", "expired", output_file_id="good", error_file_id="bad")
DONE = state("b2", "completed", output_file_id="more")
FIRST = [UPLOADED, PENDING, state("b1", "in_progress"), EXPIRED]
RESULTS = [EXPIRED, lines(answer_line("x", "1")), lines(expired_line("y"), expired_line("z"))]
MADE_AGAIN = [UPLOADED, state("b2", "validating")]
ANSWERED = [DONE, DONE, lines(answer_line("y", "2"), answer_line("z", "3"))]


def sent_ids(server: Server) -> list[list[str]]:
    """The ids in each file that was uploaded."""
    return [
        [json.loads(line)["custom_id"] for line in request.body.splitlines() if line.startswith(b'{"custom_id"')]
        for request in server.requests
        if request.target == "/v1/files"
    ]


@both
def test_what_expired_is_sent_again_alone(colour: Colour) -> None:
    given = {"custom_ids": ["x", "y", "z"], "model": "gpt-4o-mini", "api": "chat"}
    with Server(*one_by_one(*FIRST, *RESULTS, *MADE_AGAIN, *ANSWERED)) as server:
        results = ask(colour, connect("openai", f"{server.url}/v1"), "run_batch", ["a", "b", "c"], **given)
        assert sent_ids(server) == [["x", "y", "z"], ["y", "z"]]
    assert [item.response.content for item in results.items] == ["1", "2", "3"]
    (price,) = {item.response.cost.total for item in results.items}
    assert results.cost.total == 3 * price


def test_what_expires_each_time_is_given_up() -> None:
    nothing = state("b1", "expired")
    once = [UPLOADED, PENDING, nothing, nothing]
    with Server(*one_by_one(*once, *once)) as server:
        results = connect("openai", f"{server.url}/v1").run_batch(["a"], model="gpt-4o-mini", api="chat", rounds=2)
        assert len(sent_ids(server)) == 2
    assert results.items[0].unsent
    assert "expired before this prompt" in str(results.items[0].error)


def test_what_was_cancelled_is_not_sent_again() -> None:
    cancelled = state("b1", "cancelled", output_file_id="f")
    replies = [UPLOADED, PENDING, cancelled, cancelled, lines(answer_line("x", "1"))]
    with Server(*one_by_one(*replies)) as server:
        driver = connect("openai", f"{server.url}/v1")
        results = driver.run_batch(["a", "b"], custom_ids=["x", "y"], model="m", api="chat")
        assert len(server.requests) == 5
    assert results["x"].response is not None
    assert "was cancelled before this prompt" in str(results["y"].error)


def test_a_batch_that_is_refused_as_a_whole_is_the_error_of_its_prompts() -> None:
    problem = {"data": [{"code": "invalid_json_line", "message": "Line 1 is not valid", "line": 1}]}
    failed = state("b1", "failed", errors=problem)
    with Server(*one_by_one(UPLOADED, PENDING, failed, failed)) as server:
        results = connect("openai", f"{server.url}/v1").run_batch(["a", "b"], model="m", api="chat")
        assert len(server.requests) == 4
    assert all("Line 1 is not valid" in str(item.error) for item in results.items)


def test_a_look_that_fails_for_a_passing_reason_is_looked_over() -> None:
    busy = json_reply({"error": {"message": "busy"}}, 503)
    replies = [UPLOADED, state("b1", "validating"), busy, state("b1", "completed", output_file_id="f"), busy,
               state("b1", "completed", output_file_id="f"), state("b1", "completed", output_file_id="f"),
               lines(answer_line("prompt-0", "1"))]  # fmt: skip
    with Server(*one_by_one(*replies)) as server:
        results = connect("openai", f"{server.url}/v1").run_batch(["a"], model="m", api="chat")
    assert results.items[0].response is not None


def test_an_error_that_ends_it_names_what_is_on_its_way() -> None:
    refused = json_reply({"error": {"message": "no"}}, 401)
    with Server(*one_by_one(UPLOADED, PENDING, refused)) as server, pytest.raises(InvalidCredentialsError) as caught:
        connect("openai", f"{server.url}/v1").run_batch(["a"], model="m", api="chat")
    assert caught.value.__notes__ == ["batches that are on their way: b1"]


PROGRAM = """
import sys
from polydriver import AI
settings = {"api_key": "sk-mock", "base_url": sys.argv[1], "retry_attempts": 1}
provider = AI({"providers": {"openai": settings}}, env={}).provider("openai")
given = {"custom_ids": ["x", "y", "z"], "model": "gpt-4o-mini", "api": "chat"}
provider.run_batch(["a", "b", "c"], state=sys.argv[2], poll_interval=0.01, **given)
"""
GIVEN: dict[str, Any] = {"custom_ids": ["x", "y", "z"], "model": "gpt-4o-mini", "api": "chat"}


def killed(server: Server, path: Path, requests: int) -> None:
    """Run it in another process, which is killed when so many requests have come."""
    command = [sys.executable, "-c", PROGRAM, f"{server.url}/v1", str(path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    assert server.wait_requests(requests, 60)
    process.kill()
    process.communicate()


@pytest.mark.parametrize("colour", ["blocking", "async"])
def test_another_process_goes_on(colour: Colour, tmp_path: Path) -> None:
    """The first is killed when what expired is on its way again."""
    path = tmp_path / "night"
    first: list[Script] = one_by_one(*FIRST, *RESULTS, *MADE_AGAIN)
    rest = one_by_one(*FIRST[3:], *RESULTS, *ANSWERED)
    with Server(*first, [READ, HANG], *rest) as server:
        killed(server, path, 10)
        results = ask(colour, connect("openai", f"{server.url}/v1"), "run_batch", ["a", "b", "c"], state=path, **GIVEN)
        assert sent_ids(server) == [["x", "y", "z"], ["y", "z"]]
    assert [item.response.content for item in results.items] == ["1", "2", "3"]


def test_a_batch_that_was_made_and_not_noted_is_found_by_its_label(tmp_path: Path) -> None:
    path = tmp_path / "night"
    with Server(*one_by_one(UPLOADED), [READ, HANG]) as server:
        killed(server, path, 2)
        label = json.loads(server.requests[1].body)["metadata"]["polydriver"]
    other = {"id": "other", "status": "completed"}
    mine = {"id": "b1", "status": "in_progress", "metadata": {"polydriver": label}}
    listed = {"data": [other, mine]}
    done = [state("b1", "completed", output_file_id="f"), state("b1", "completed", output_file_id="f")]
    answers = lines(answer_line("x", "1"), answer_line("y", "2"), answer_line("z", "3"))
    with Server(*one_by_one(json_reply(listed), *done, answers)) as server:
        results = connect("openai", f"{server.url}/v1").run_batch(["a", "b", "c"], state=path, **GIVEN)
        assert sent_ids(server) == []
    assert all(item.response is not None for item in results.items)


def not_noted(path: Path) -> None:
    """Leave in a file what stands there when its process is killed before the batch's id is known."""
    head, begun, *_ = (json.loads(line) for line in path.read_bytes().splitlines())
    assert begun["is"] == "begun"
    begun["at"] = 0.0  # the mock's batches are all made at the same time, long ago
    path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in (head, begun)))


@each
def test_a_batch_that_was_made_and_not_noted_is_found_at_every_provider(name: str, tmp_path: Path) -> None:
    """Beside others of the same size, and of the same ids."""
    given: dict[str, Any] = {"custom_ids": ["x", "y/z ä"], "model": MODELS[name]}
    path = tmp_path / "night"
    with MockServer() as url:
        driver = connect(name, url)
        other = {**given, "custom_ids": ["x", "y"]}
        driver.run_batch(["3", "4"], **other)
        driver.run_batch(["1", "2"], state=path, **given)
        driver.run_batch(["5", "6"], state=tmp_path / "day", **other)
        not_noted(path)
        results = driver.run_batch(["1", "2"], state=path, **given)
        assert len(driver.list_batches()) == 3
        assert [(item.custom_id, item.response and item.response.content) for item in results.items] == [
            ("x", "1"), ("y/z ä", "2"),
        ]  # fmt: skip


def test_what_is_not_known_yet_is_waited_for(tmp_path: Path) -> None:
    """Anthropic keeps no labels: a batch is known by the ids in its results, once it has ended."""
    path = tmp_path / "night"
    given: dict[str, Any] = {"custom_ids": ["x"], "model": MODELS["anthropic"]}
    with MockServer() as url:
        connect("anthropic", url).run_batch(["1"], state=path, **given)
    label = json.loads(path.read_bytes().splitlines()[0])["token"] + "-0"
    not_noted(path)
    path.write_bytes(path.read_bytes().replace(b'"at":0.0', b'"at":1700000000.0'))

    def batch(batch_id: str, status: str, prompts: int = 1, created: str = "2100-01-01T00:00:00Z") -> dict[str, Any]:
        counts = {"processing": 0, "succeeded": prompts, "errored": 0, "canceled": 0, "expired": 0}
        return {"id": batch_id, "processing_status": status, "request_counts": counts, "created_at": created}

    message = {
        "id": "m", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "1"}], "usage": {"input_tokens": 1, "output_tokens": 1},
    }  # fmt: skip
    result = {"type": "succeeded", "message": message}
    passed = [batch("old", "ended", created="2020-01-01T00:00:00Z"), batch("large", "ended", 2)]
    first = {"data": [*passed, batch("theirs", "ended"), batch("mine", "in_progress")], "has_more": False}
    second = {"data": [*passed, batch("theirs", "ended"), batch("mine", "ended")], "has_more": False}
    theirs = lines({"custom_id": "x", "result": result})
    mine = lines({"custom_id": f"{label}-0", "result": result})
    replies = [json_reply(first), theirs, json_reply(first), json_reply(first), json_reply(second), mine,
               json_reply(batch("mine", "ended")), mine]  # fmt: skip
    with Server(*one_by_one(*replies)) as server:
        results = connect("anthropic", server.url).run_batch(["1"], state=path, **given)
        assert [request.method for request in server.requests] == ["GET"] * len(replies)
    assert results["x"].response is not None


def test_a_batch_that_is_not_listed_yet_is_looked_for_again(tmp_path: Path) -> None:
    """The provider is at work on the request of a process that was killed."""
    path = tmp_path / "night"
    with Server(*one_by_one(UPLOADED), [READ, HANG]) as server:
        killed(server, path, 2)
        label = json.loads(server.requests[1].body)["metadata"]["polydriver"]
    nothing, mine = {"data": []}, {"data": [{"id": "b1", "status": "in_progress", "metadata": {"polydriver": label}}]}
    done = state("b1", "completed", output_file_id="f")
    answers = lines(answer_line("x", "1"), answer_line("y", "2"), answer_line("z", "3"))
    with (
        no_waiting() as waits,
        Server(*one_by_one(json_reply(nothing), json_reply(mine), done, done, answers)) as server,
    ):
        results = connect("openai", f"{server.url}/v1").run_batch(["a", "b", "c"], state=path, **GIVEN)
        assert sent_ids(server) == []
        assert waits == [30.0]
    assert all(item.response is not None for item in results.items)


def test_a_batch_that_was_never_made_is_made(tmp_path: Path) -> None:
    path = tmp_path / "night"
    with Server([READ, HANG]) as server:
        killed(server, path, 1)
    listed = json_reply({"data": []})
    done = state("b1", "completed", output_file_id="f")
    answers = lines(answer_line("x", "1"), answer_line("y", "2"), answer_line("z", "3"))
    with Server(*one_by_one(listed, listed, UPLOADED, PENDING, done, done, answers)) as server:
        results = connect("openai", f"{server.url}/v1").run_batch(["a", "b", "c"], state=path, **GIVEN)
        assert sent_ids(server) == [["x", "y", "z"]]
    assert all(item.response is not None for item in results.items)


def test_a_file_belongs_to_its_prompts_and_to_one_process(tmp_path: Path) -> None:
    path = tmp_path / "night"
    with Server(*one_by_one(UPLOADED, PENDING), [READ, HANG]) as server:
        command = [sys.executable, "-c", PROGRAM, f"{server.url}/v1", str(path)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        assert server.wait_requests(3, 60)
        driver = connect("openai", f"{server.url}/v1")
        with pytest.raises(ConfigurationError, match="another run writes"):
            driver.run_batch(["a", "b", "c"], state=path, **GIVEN)
        process.kill()
        process.communicate()
        for prompts, given in ((["a", "b", "d"], GIVEN), (["a", "b", "c"], {**GIVEN, "temperature": 1})):
            with pytest.raises(ConfigurationError, match="belongs to other prompts"):
                driver.run_batch(prompts, state=path, **given)
    path.write_text("my thesis\n")
    with pytest.raises(ConfigurationError, match="is not a file of `run_batch`"):
        driver.run_batch(["a", "b", "c"], state=path, **GIVEN)
    assert path.read_text() == "my thesis\n"


def test_a_torn_end_of_the_file_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "night"
    with MockServer() as url:
        driver = connect("anthropic", url)
        wanted = {"custom_ids": ["x", "y"], "model": MODELS["anthropic"]}
        driver.run_batch(["a", "b"], state=path, **wanted)
        whole = path.read_bytes()
        for cut in range(len(whole)):
            path.write_bytes(whole[:cut])
            results = driver.run_batch(["a", "b"], state=path, **wanted)
            assert [item.response.content for item in results.items] == ["a", "b"]
            assert path.read_bytes().count(b'"is":"made"') == 1


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(APIConnectionError):
        connect("openai", "http://127.0.0.1:9/v1").run_batch(["a"], model="m", state=tmp_path / "night")
