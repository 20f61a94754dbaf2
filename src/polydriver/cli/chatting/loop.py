"""The loop of a chat: read, answer, go on, whatever happens."""

from __future__ import annotations

import sys

from ...data.messages import AIMessage
from ...errors import AIError
from ..answers import Printer, print_remarks
from ..output import note, report, say
from .reader import Reader
from .slash import is_command, run_slash
from .state import Chat

__all__ = ["run_chat"]


def run_chat(chat: Chat, reader: Reader, *, reasoning: bool = False, plain: bool = False) -> None:
    """Talk until the input ends or `/exit`. Errors are shown and the loop goes on; Ctrl-C stops an answer, or a
    line."""
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
            message: AIMessage | None
            if is_command(text):
                done = run_slash(chat, text)
                if not done:
                    return
                message = done if isinstance(done, AIMessage) else None
            else:
                message = chat.message(text[1:] if text.startswith("//") else text)
            if message is not None:
                _answer(chat, message, Printer(reasoning=reasoning, plain=plain))
        except AIError as error:
            report(error)
        except KeyboardInterrupt:
            say()


def _answer(chat: Chat, message: AIMessage, printer: Printer) -> None:
    try:
        response = chat.answer(message, printer)
    except KeyboardInterrupt:
        printer.end()
        kept = any(said is message for said in chat.conversation.history[-2:])
        note("(stopped; " + ("what came stays in the conversation)" if kept else "nothing came, nothing is recorded)"))
    else:
        printer.end()
        print_remarks(response)
    finally:
        printer.end()
