"""The loop of a chat: read, answer, go on, whatever happens."""

from __future__ import annotations

import sys

from ...errors import AIError
from ..answers import Printer, print_remarks
from ..output import note, report, say
from .reader import Reader
from .slash import run_slash
from .state import Chat

__all__ = ["run_chat"]


def run_chat(chat: Chat, reader: Reader, *, reasoning: bool = False) -> None:
    """Talk until the input ends or `/exit`. Errors are told and end nothing; Ctrl-C stops an answer, or a line."""
    while True:
        try:
            text = reader.read()
        except EOFError:
            if sys.stdin.isatty():
                say()
            return
        except KeyboardInterrupt:
            say()
            note("(Ctrl-D or /exit leaves)")
            continue
        text = text.strip("\n")
        if not text.strip():
            continue
        try:
            if text.startswith("/") and not text.startswith("//"):
                if not run_slash(chat, text):
                    return
            else:
                _answer(chat, text[1:] if text.startswith("//") else text, reasoning)
        except AIError as error:
            report(error)
        except KeyboardInterrupt:
            say()


def _answer(chat: Chat, text: str, reasoning: bool) -> None:
    printer = Printer(reasoning=reasoning)
    before = len(chat.conversation.history)
    try:
        response = chat.answer(text, printer)
    except KeyboardInterrupt:
        printer.end()
        kept = len(chat.conversation.history) > before
        note("(stopped; " + ("what came stays in the conversation)" if kept else "nothing came, nothing is recorded)"))
    else:
        printer.end()
        print_remarks(response)
    finally:
        printer.end()
