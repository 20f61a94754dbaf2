from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver.cli.chatting.reader import Reader


def messages(lines: Iterable[str]) -> list[str]:
    rest = iter(lines)

    def read_line(prompt: str) -> str:
        for line in rest:
            return line
        raise EOFError

    reader, found = Reader(read_line), []
    while True:
        try:
            found.append(reader.read())
        except EOFError:
            return found


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["a", "b"], ["a", "b"]),
        (["a\\", "b\\", "c", "d"], ["a\nb\nc", "d"]),
        (["a\\"], ["a\n"[:1]]),
        (['"""', "a", "", "b", '"""', "c"], ["a\n\nb", "c"]),
        (['"""a', 'b"""', "c"], ["a\nb", "c"]),
        (['"""a"""', "b"], ["a", "b"]),
        (['"""a', "b\\"], ["a\nb\\"]),
        (["", "a"], ["", "a"]),
    ],
)
def test_messages_over_several_lines(lines: list[str], expected: list[str]) -> None:
    assert messages(lines) == expected


@given(st.lists(st.text(st.characters(exclude_characters="\n\r")).filter(lambda line: '"""' not in line)))
def test_a_block_keeps_every_line(lines: list[str]) -> None:
    assert messages(['"""', *lines, '"""']) == ["\n".join(lines).strip("\n")]


@given(st.lists(st.text(st.sampled_from('ab"\\ \t'), max_size=6)))
def test_any_input_ends(lines: list[str]) -> None:
    assert len(messages(lines)) <= len(lines)


def pasted(*pastes: str) -> list[str]:
    """The messages of pastes: the lines of one are there at once."""
    lines = [(line, number) for number, paste in enumerate(pastes) for line in paste.split("\n")]
    place = 0

    def read_line(prompt: str) -> str:
        nonlocal place
        if place == len(lines):
            raise EOFError
        place += 1
        return lines[place - 1][0]

    def more_waits() -> bool:
        return place < len(lines) and lines[place][1] == lines[place - 1][1]

    reader, found = Reader(read_line, more_waits), []
    while True:
        try:
            found.append(reader.read())
        except EOFError:
            return found


def test_a_paste_is_one_message() -> None:
    assert pasted("a\n\nb\nc", "d") == ["a\n\nb\nc", "d"]
    assert pasted("a\\\nb", "c") == ["a\nb", "c"]
    assert pasted('"""\na\n"""', "b") == ["a", "b"]


def test_a_pasted_command_is_a_line_by_itself() -> None:
    assert pasted("/model x\n/system y\nhello\nyou") == ["/model x", "/system y", "hello\nyou"]
    assert pasted("//not\na command") == ["//not\na command"]
