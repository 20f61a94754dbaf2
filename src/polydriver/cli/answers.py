"""Showing an answer: streamed to the terminal as it comes, or whole."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .markdown import MarkdownStyler, Piece
from .output import footer, note, say, shows_styles
from .terminal import neutralise

if TYPE_CHECKING:
    from ..data.responses import AIChunk, AIResponse
    from ..manager import AI

__all__ = ["Printer", "print_remarks", "show_retries"]


class Printer:
    """Prints the chunks of one answer: its Markdown styled on a terminal, reasoning dimmed and only when asked for.

    `plain`: the text as it is, on a terminal as well.
    """

    def __init__(self, *, reasoning: bool = False, plain: bool = False) -> None:
        self._reasoning = reasoning
        self._styler = None if plain or not shows_styles() else MarkdownStyler()
        self._kind = ""
        self._last = ""

    def __call__(self, chunk: AIChunk) -> None:
        """Print what is new in the answer's first choice."""
        if chunk.index:
            return
        if self._reasoning:
            self._print("reasoning", chunk.reasoning, dim=True)
        self._print("content", chunk.content)
        self._print("refusal", chunk.refusal)

    def whole(self, response: AIResponse) -> None:
        """Print an answer that came in one piece."""
        if self._reasoning:
            self._print("reasoning", response.reasoning, dim=True)
        self._print("content", response.content)
        self._print("refusal", response.refusal)

    def end(self) -> None:
        """End the line, if one was begun."""
        self._flush()
        if self._last and not self._last.endswith("\n"):
            say()
        self._last = ""

    def _print(self, kind: str, text: str, **style: Any) -> None:
        if not text:
            return
        if self._kind and kind != self._kind:
            self._flush()
            say("" if self._last.endswith("\n") else "\n")
        self._kind, self._last = kind, text
        if kind == "content" and self._styler is not None:
            self._show(self._styler.feed(neutralise(text)))
        else:
            say(text, end="", **style)
        sys.stdout.flush()

    def _flush(self) -> None:
        if self._styler is not None:
            self._show(self._styler.end())

    def _show(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            say(piece.text, end="", **piece.style)


def print_remarks(response: AIResponse) -> None:
    """What has to be known of an answer beside its text, on stderr; the footer only on a terminal."""
    for warning in response.warnings:
        note(f"warning: {warning}")
    for call in response.tool_calls:
        note(f"the model calls {call.name}({call.arguments if call.is_complete else call.arguments_text})")
    if response.finish_reason == "length":
        note("the answer was cut at the token limit (--max-tokens)")
    elif response.finish_reason not in ("stop", "tool_calls", None):
        note(f"the answer ended early: {response.raw_finish_reason or response.finish_reason}")
    if sys.stderr.isatty():
        note(footer(response))


def show_retries(ai: AI) -> None:
    """On a terminal, say when a request is tried again, and when."""
    from ..events import RequestRetried

    if sys.stderr.isatty():
        ai.on(RequestRetried, lambda event: note(f"({event.error.message}; again in {event.delay:.1f} s)"))
