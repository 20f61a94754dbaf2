"""Telling a demonstration: the title of a step, its code, what it printed, and what was checked."""

from __future__ import annotations

import ast
import inspect
import io
import sys
import textwrap
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

from ..output import say

__all__ = ["DemoError", "Narrator", "source_of"]


class DemoError(Exception):
    """Something is not as the demonstration says."""


class Narrator:
    """Prints a demonstration to the terminal, step by step. `printed` is what the last code that ran has printed."""

    def __init__(self) -> None:
        self._number = 0
        self.printed = ""

    def step(self, title: str, told: str, source: str) -> None:
        """Begin a step: its title, a sentence, and its code."""
        self._number += 1
        say(f"\n{self._number}. {title}", bold=True, fg="cyan")
        say(f"   {told}\n")
        _show_code(source)
        say()

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run the code of the step; what it prints is set off from the rest."""
        output = _MarkedLines(sys.stdout)
        with redirect_stdout(output):
            result = function(*arguments)
        output.end()
        self.printed = "".join(output.pieces)
        return result

    def check(self, condition: bool, what: str) -> None:
        """Say what was checked. Raises `DemoError` when it does not hold."""
        if not condition:
            raise DemoError(f"step {self._number}: not true: {what}")
        say("   ✓ ", end="", fg="green")
        say(what, dim=True)


def source_of(function: Callable[..., Any]) -> str:
    """The body of a function, without what is there for the demonstration alone: its docstring, its last `return`,
    and what is said to the type checker."""
    source = textwrap.dedent(inspect.getsource(function))
    [definition] = ast.parse(source).body
    assert isinstance(definition, ast.FunctionDef)
    body = textwrap.dedent("\n".join(source.splitlines()[definition.body[1].lineno - 1 :])).splitlines()
    kept = [line.partition("  # type:")[0] for line in body if not line.startswith(("return ", "assert "))]
    return "\n".join(kept).rstrip()


def _show_code(source: str) -> None:
    if not sys.stdout.isatty():
        say(textwrap.indent(source, "     "))
        return
    from rich.console import Console
    from rich.padding import Padding
    from rich.syntax import Syntax

    code = Syntax(source, "python", theme="ansi_dark", background_color="default", word_wrap=True)
    Console(highlight=False).print(Padding(code, (0, 0, 0, 5)))


class _MarkedLines(io.TextIOBase):
    """Puts a mark in front of every line that is written."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self._fresh = True
        self.pieces: list[str] = []

    def write(self, text: str) -> int:
        """Write a piece of a line, or several lines."""
        self.pieces.append(text)
        for piece in text.splitlines(keepends=True):
            with redirect_stdout(self._target):
                if self._fresh and piece != "\n":
                    say("   │ ", end="", fg="cyan")
                say(piece, end="")
            self._fresh = piece.endswith("\n")
        return len(text)

    def flush(self) -> None:
        """Bring out what was written."""
        self._target.flush()

    def end(self) -> None:
        """End the line, if one was begun."""
        if not self._fresh:
            self.write("\n")
