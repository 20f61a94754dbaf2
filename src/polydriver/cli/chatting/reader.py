"""Reading what a person types, over several lines if wanted."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress

__all__ = ["Reader", "make_reader"]

_QUOTES = '"""'


class Reader:
    """Reads messages line by line from `read_line(prompt)`, which raises `EOFError` at the end.

    A line that ends in a backslash goes on in the next one. A line that begins with three double quotes begins a
    block, which goes on to the next three.
    """

    def __init__(self, read_line: Callable[[str], str]) -> None:
        self._read_line = read_line

    def read(self, prompt: str = "> ") -> str:
        """The next message. Raises `EOFError` at the end of the input, and `KeyboardInterrupt` for Ctrl-C."""
        line = self._read_line(prompt)
        if line.lstrip().startswith(_QUOTES):
            return self._block(line.lstrip().removeprefix(_QUOTES))
        lines = [line]
        while lines[-1].endswith("\\"):
            lines[-1] = lines[-1][:-1]
            try:
                lines.append(self._read_line("… "))
            except EOFError:
                break
        return "\n".join(lines)

    def _block(self, first: str) -> str:
        lines: list[str] = []
        line = first
        while _QUOTES not in line:
            lines.append(line)
            try:
                line = self._read_line("… ")
            except EOFError:
                return "\n".join(lines).strip("\n")
        before, _, after = line.partition(_QUOTES)
        return "\n".join([*lines, before + after]).strip("\n")


def make_reader() -> Reader:
    """A reader of the terminal, with line editing where Python has it, or of what is piped in, without prompts."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        with suppress(ImportError):
            import readline  # noqa: F401 - importing it gives `input` line editing and a history
        return Reader(input)
    return Reader(_piped_line)


def _piped_line(prompt: str) -> str:
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\r\n")
