"""Reading what a person types or pastes, over several lines if wanted."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress

__all__ = ["Reader", "make_reader"]

_QUOTES = '"""'
_PAUSE = 0.05
"""Seconds within which the next line of a paste is there; nobody types that fast."""


class Reader:
    """Reads messages line by line from `read_line(prompt)`, which raises `EOFError` at the end.

    A line that ends in a backslash goes on in the next one. A line that begins with three double quotes begins a
    block, which goes on to the next three. Lines that are there at once, as `more_waits` tells, were pasted: they are
    one message, and what follows their last line break is typed to its end. A command is a line by itself.
    """

    def __init__(self, read_line: Callable[[str], str], more_waits: Callable[[], bool] = lambda: False) -> None:
        self._read_line = read_line
        self._more_waits = more_waits

    def read(self, prompt: str = "> ") -> str:
        """The next message. Raises `EOFError` at the end of the input, and `KeyboardInterrupt` for Ctrl-C."""
        line = self._read_line(prompt)
        if line.lstrip().startswith(_QUOTES) and "\n" not in line:
            return self._block(line.lstrip().removeprefix(_QUOTES))
        lines = [line]
        is_command = line.startswith("/") and not line.startswith("//")
        while lines[-1].endswith("\\") or (not is_command and self._more_waits()):
            lines[-1] = lines[-1].removesuffix("\\")
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


def make_reader(complete: Callable[[str], list[str]] | None = None) -> Reader:
    """A reader of the terminal, with line editing where Python has it, or of what is piped in, without prompts.

    `complete` returns what a line may go on as, for the Tab key.
    """
    if sys.stdin.isatty() and sys.stdout.isatty():
        with suppress(ImportError):
            _edit_lines(complete)
        return Reader(input, _more_is_typed)
    return Reader(_piped_line)


def _edit_lines(complete: Callable[[str], list[str]] | None) -> None:
    """Have `input` edit lines, keep a history, complete, and take a paste as a whole. Raises `ImportError`."""
    import readline

    def match(text: str, state: int) -> str | None:
        begun = readline.get_line_buffer()[: readline.get_endidx()]
        found = [] if complete is None else complete(begun)
        return found[state] if state < len(found) else None

    readline.set_completer_delims(" \t\n")
    readline.set_completer(match)
    if "libedit" in (readline.__doc__ or ""):
        readline.parse_and_bind("bind ^I rl_complete")
    else:
        readline.parse_and_bind("tab: complete")
        readline.parse_and_bind("set enable-bracketed-paste on")


def _more_is_typed() -> bool:
    """Whether more input waits already."""
    if sys.platform == "win32":
        import msvcrt

        return msvcrt.kbhit()
    import select

    return bool(select.select([sys.stdin], [], [], _PAUSE)[0])


def _piped_line(prompt: str) -> str:
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\r\n")
