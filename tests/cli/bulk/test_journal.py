"""The output of a batch, cut anywhere; and the lines of its input."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver import ConfigurationError
from polydriver.cli.bulk.journal import Journal
from polydriver.cli.bulk.lines import read_lines, read_request

OUTCOMES: list[tuple[str, dict[str, Any]]] = [
    ("a", {"content": "é\u2028\n and \ud800", "cost": None}),
    ("b", {"error": {"type": "ServerError", "message": "no"}}),
    ("line-3", {"content": "x" * 100}),
]


def fill(path: Path) -> bytes:
    with Journal(path) as journal:
        for custom_id, values in OUTCOMES:
            journal.add(custom_id, f"digest of {custom_id}", values)
    return path.read_bytes()


def test_a_torn_end_is_mended_wherever_it_was_torn(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    whole = fill(path)
    lines = whole.splitlines(keepends=True)
    for cut in range(len(whole) + 1):
        for rest in (b"", b"\0\0\0"):
            path.write_bytes(whole[:cut] + rest)
            ends = [len(b"".join(lines[: number + 1])) for number in range(3)]
            kept = sum(end - (not rest) <= cut for end in ends)  # what lacks its end of line only is whole
            with Journal(path) as journal:
                assert list(journal.done) == [custom_id for custom_id, _ in OUTCOMES[:kept]], cut
                journal.add("new", "d", {"content": "n"})
            assert path.read_bytes().splitlines(keepends=True)[:-1] == lines[:kept]


def test_it_counts_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    fill(path)
    with Journal(path) as journal:
        assert journal.done == {custom_id: f"digest of {custom_id}" for custom_id, _ in OUTCOMES}
        assert (journal.answered, journal.failed, dict(journal.errors)) == (2, 1, {"ServerError": 1})


def test_failures_are_dropped_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    whole = fill(path).splitlines(keepends=True)
    path.chmod(0o640)
    with Journal(path, drops_failed=True) as journal:
        assert list(journal.done) == ["a", "line-3"]
        with pytest.raises(ConfigurationError, match="another run writes"):
            Journal(path)
        journal.add("b", "d", {"content": "yes"})
    assert path.read_bytes().splitlines(keepends=True)[:2] == [whole[0], whole[2]]
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["out.jsonl"]


def test_after_a_write_that_failed_nothing_more_is_written(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with Journal(path) as journal:
        with pytest.raises(TypeError):
            journal.add("a", "d", {"content": object()})
        journal.add("b", "d", {"content": "fine"})  # nothing of the first was written
    if not Path("/dev/full").exists():
        pytest.skip("there is no device that is full")
    with Journal(path) as journal:
        kept, journal._file.number = journal._file.number, os.open("/dev/full", os.O_WRONLY)
        for _ in range(2):
            with pytest.raises(OSError, match=rf"No space .*{path.name}|could not be written"):
                journal.add("c", "d", {"content": "no"})
        os.close(kept)
    assert [json.loads(line)["custom_id"] for line in path.read_text().splitlines()] == ["b"]


def test_an_output_that_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path(os.devnull)):
        with pytest.raises(ConfigurationError, match="is not a regular file"):
            Journal(path)


@given(st.binary(max_size=60))
def test_a_line_of_any_bytes_is_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(read_request(data).messages, list)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_OPENAI = st.fixed_dictionaries(
    {"url": st.sampled_from(["/v1/responses", "/v1/chat/completions", "/v1/embeddings"]) | _JSON},
    optional={
        "body": st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(
                ("messages", "input", "text", "reasoning", "instructions", "max_output_tokens"), _JSON
            ),
        ),
        "custom_id": _JSON,
    },
)


@given(_JSON | _OPENAI)
def test_any_json_is_read_or_refused(value: Any) -> None:
    data = json.dumps(value).encode()
    try:
        request = read_request(data)
    except ValueError:
        return
    assert isinstance(request.messages, list)
    assert "messages" not in request.options


def test_the_options_of_openai_have_our_names() -> None:
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "a"}],
        "max_completion_tokens": 5,
        "temperature": 0.1,
        "stream": True,
        "stop": None,
        "some_new_option": {"a": 1},
    }
    line = {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": body}
    request = read_request(json.dumps(line).encode())
    assert request.messages == body["messages"]
    assert request.options == {
        "model": "m", "max_tokens": 5, "temperature": 0.1, "extra": {"some_new_option": {"a": 1}}
    }  # fmt: skip
    body = {
        "model": "m",
        "input": "a",
        "instructions": "b",
        "max_output_tokens": 5,
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"format": {"type": "json_object"}},
    }
    request = read_request(json.dumps({"url": "/v1/responses", "body": body}).encode())
    assert request.messages == [{"role": "system", "content": "b"}, "a"]
    assert request.options == {
        "model": "m", "max_tokens": 5, "reasoning_effort": "low", "response_format": {"type": "json_object"},
        "extra": {"reasoning": {"summary": "auto"}},
    }  # fmt: skip


def test_lines_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'"a"\r\n\n {"id": "x", "model": "m"} \n{"id": true}\n{"id": ""}\nnope\n{"custom_id": 5, "id": 6}')
    lines = list(read_lines(path))
    assert [(line.number, line.custom_id, line.names_model) for line in lines] == [
        (1, "line-1", False), (3, "x", True), (4, "line-4", False), (5, "line-5", False), (6, "line-6", True),
        (7, "5", False),
    ]  # fmt: skip
    assert lines[0].data == b'"a"'
