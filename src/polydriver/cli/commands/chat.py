"""`polydriver chat`: a conversation in the terminal."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import click

from ..answers import show_retries
from ..asking import asking_options, read_asked
from ..options import common_options, examples
from ..output import note
from ..session import Session

__all__ = ["command"]


@click.command(
    "chat",
    short_help="Talk with a model; /help lists the commands.",
    epilog=examples("polydriver chat -p openai -m gpt-4o-mini"),
)
@asking_options
@common_options
@click.pass_obj
def command(session: Session, /, **given: Any) -> None:
    """Talk with a model. Ctrl-C stops an answer, Ctrl-D leaves; /help lists the commands.

    What came of a stopped answer stays in the conversation; a message that failed does not. Attached files go with
    the first message. The conversation is kept, so that -c can go on with it.
    """
    from ..chatting.completing import complete_line
    from ..chatting.loop import run_chat
    from ..chatting.reader import make_reader
    from ..chatting.state import Chat

    asked = read_asked(session, given)
    chat = Chat(session, asked)
    show_retries(session.ai)
    named = chat.model_in_use or "no model yet: name one with /model"
    if sys.stdin.isatty():
        note(f"{chat.provider} · {named} · /help for help")
        if chat.conversation.history:
            note(f"going on after {len(chat.conversation.history)} messages; /history shows them")
    run_chat(chat, make_reader(partial(complete_line, chat)), reasoning=given["reasoning"], plain=given["plain"])
