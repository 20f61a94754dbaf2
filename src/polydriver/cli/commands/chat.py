"""`polydriver chat`: a conversation in the terminal."""

from __future__ import annotations

import sys

import click

from ..answers import tell_retries
from ..options import common_options, examples, provider_option
from ..output import note
from ..session import Session

__all__ = ["command"]


@click.command(
    "chat",
    short_help="Talk with a model; /help lists the commands.",
    epilog=examples("polydriver chat -p openai -m gpt-4o-mini"),
)
@provider_option
@click.option("-m", "--model", metavar="MODEL", help="The model; by default the connection's.")
@click.option("-s", "--system", metavar="TEXT", help="Instructions for the model.")
@click.option("--reasoning", is_flag=True, help="Show the model's reasoning too.")
@common_options
@click.pass_obj
def command(session: Session, provider: str | None, model: str | None, system: str | None, reasoning: bool) -> None:
    """Talk with a model. Ctrl-C stops an answer, Ctrl-D leaves; /help lists the commands.

    What came of a stopped answer stays in the conversation; a message that failed does not.
    """
    from ..chatting.loop import run_chat
    from ..chatting.reader import make_reader
    from ..chatting.state import Chat

    chat = Chat(session, session.provider_name(provider), model, system)
    tell_retries(session.ai)
    named = chat.model_in_use or "no model yet: name one with /model"
    if sys.stdin.isatty():
        note(f"{chat.provider} · {named} · /help for help")
    run_chat(chat, make_reader(), reasoning=reasoning)
