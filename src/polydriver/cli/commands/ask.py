"""`polydriver ask`: one question, one answer."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from ..answers import Printer, print_remarks, show_retries
from ..asking import FILE, Asked, asking_options, read_asked
from ..documents import Document, keep
from ..inputs import make_message, piped_text, read_schema
from ..options import common_options, examples, json_option
from ..output import print_json, say
from ..session import Session

if TYPE_CHECKING:
    from ...conversation import Conversation
    from ...data.messages import AIMessage
    from ...data.responses import AIResponse

__all__ = ["command"]


@click.command(
    "ask",
    short_help="Ask once; the answer streams to the terminal.",
    epilog=examples(
        "polydriver ask -m gpt-4o-mini 'Why is the sky blue?'",
        "polydriver ask -c 'And why is it red in the evening?'",
        "git diff | polydriver ask -s 'You review code.' 'What can break?'",
        "polydriver ask -i cat.png --schema animal.json --json 'What is this?'",
    ),
)
@click.argument("prompt", nargs=-1)
@asking_options
@click.option("--schema", type=FILE, help="Ask for JSON of the schema in this file, and check it.")
@click.option("--no-stream", is_flag=True, help="Wait for the whole answer.")
@json_option
@common_options
@click.pass_obj
def command(session: Session, /, prompt: tuple[str, ...], **given: Any) -> None:
    """Ask once. Piped text becomes part of the prompt.

    Control characters in the answer are shown, not sent to the terminal; --json keeps them, escaped. The conversation
    is kept, so that -c can go on with it.
    """
    schema = None if given["schema"] is None else read_schema(given["schema"])
    asked = read_asked(session, given)
    message = make_message(prompt, piped_text(), [part for _, part in asked.parts])
    conversation = _conversation(session, asked, schema)
    show_retries(session.ai)
    if given["as_json"]:
        from ...workers.outcomes import as_object

        response = conversation.send(message)
        show = partial(print_json, as_object(response, parsed=schema is not None))
    elif schema is not None:
        response = conversation.send(message)
        show = partial(_print_value, response)
    else:
        response = _print_answer(
            conversation, message, Printer(reasoning=given["reasoning"], plain=given["plain"]), given["no_stream"]
        )
        show = partial(print_remarks, response)
    keep(Document(asked.provider, asked.model, asked.system, conversation.history))
    show()


def _conversation(session: Session, asked: Asked, schema: dict[str, Any] | None) -> Conversation:
    """A conversation with everything that the options say. Raises `ConfigurationError` when no model is named."""
    from ...errors import ConfigurationError

    if not asked.model:
        raise ConfigurationError(
            f"no model is named for {asked.provider}",
            hint=f"Name one with -m (`polydriver models {asked.provider}` lists them), or set its default_model.",
        )
    conversation = session.ai.conversation(provider=asked.provider).model(asked.model).system(asked.system)
    conversation.options(**asked.options)
    if schema is not None:
        conversation.response_format(schema)
    if asked.earlier is not None:
        conversation.history.extend(asked.earlier.messages)
    return conversation


def _print_value(response: AIResponse) -> None:
    say(json.dumps(response.parsed, indent=2, ensure_ascii=False))
    print_remarks(response)


def _print_answer(conversation: Conversation, message: AIMessage, printer: Printer, whole: bool) -> AIResponse:
    """Print an answer, and return it. What came before Ctrl-C or a failure stays printed, its line ended."""
    try:
        if whole:
            response = conversation.send(message)
            printer.whole(response)
            return response
        with conversation.stream(message) as stream:
            for chunk in stream:
                printer(chunk)
        return stream.response
    finally:
        printer.end()
