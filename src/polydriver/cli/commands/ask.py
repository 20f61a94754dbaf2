"""`polydriver ask`: one question, one answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..answers import Printer, as_object, print_remarks, tell_retries
from ..inputs import make_message, parse_option, piped_text, read_file, read_image, read_schema
from ..options import common_options, examples, json_option, provider_option
from ..output import note, print_json, say
from ..session import Session, default_model

if TYPE_CHECKING:
    from ...conversation import Conversation
    from ...data.messages import AIMessage
    from ...data.responses import AIResponse

__all__ = ["command"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    "ask",
    short_help="Ask once; the answer streams to the terminal.",
    epilog=examples(
        "polydriver ask -m gpt-4o-mini 'Why is the sky blue?'",
        "git diff | polydriver ask -s 'You review code.' 'What can break?'",
        "polydriver ask -i cat.png --schema animal.json --json 'What is this?'",
    ),
)
@click.argument("prompt", nargs=-1)
@provider_option
@click.option("-m", "--model", metavar="MODEL", help="The model; by default the connection's.")
@click.option("-s", "--system", metavar="TEXT", help="Instructions for the model.")
@click.option("-f", "--file", "files", multiple=True, type=_FILE, help="Attach a file; repeatable.")
@click.option("-i", "--image", "images", multiple=True, metavar="FILE|URL", help="Attach an image; repeatable.")
@click.option("--temperature", type=float, help="How freely the model picks its words.")
@click.option("--max-tokens", type=int, help="The most tokens the answer may have.")
@click.option("--reasoning-effort", metavar="WORD", help="How long to think: none, minimal, low, medium, high, ...")
@click.option(
    "-o",
    "--option",
    "more",
    multiple=True,
    type=parse_option,
    metavar="NAME=VALUE",
    help="Any other option; repeatable.",
)
@click.option("--schema", type=_FILE, help="Ask for JSON of the schema in this file, and check it.")
@click.option("--reasoning", is_flag=True, help="Show the model's reasoning too.")
@click.option("--no-stream", is_flag=True, help="Wait for the whole answer.")
@json_option
@common_options
@click.pass_obj
def command(session: Session, /, prompt: tuple[str, ...], **given: Any) -> None:
    """Ask once. Piped text becomes part of the prompt.

    Control characters in the answer are shown, not sent to the terminal; --json keeps them, escaped.
    """
    message = _message(prompt, given)
    conversation = _conversation(session, given)
    tell_retries(session.ai)
    if given["as_json"]:
        print_json(as_object(conversation.send(message), parsed=given["schema"] is not None))
    elif given["schema"] is not None:
        response = conversation.send(message)
        say(json.dumps(response.parsed, indent=2, ensure_ascii=False))
        print_remarks(response)
    else:
        print_remarks(_print_answer(conversation, message, Printer(reasoning=given["reasoning"]), given["no_stream"]))


def _message(prompt: tuple[str, ...], given: dict[str, Any]) -> AIMessage:
    try:
        parts = [*map(read_file, given["files"]), *map(read_image, given["images"])]
    except (OSError, ValueError) as error:
        raise click.UsageError(f"an attachment cannot be read: {error}") from None
    return make_message(prompt, piped_text(), parts)


def _conversation(session: Session, given: dict[str, Any]) -> Conversation:
    """A conversation with everything that the options say. Raises `ConfigurationError` when no model is named."""
    from ...errors import ConfigurationError

    name = session.provider_name(given["provider"])
    options = {"temperature": given["temperature"], "max_tokens": given["max_tokens"]}
    options |= {"reasoning_effort": given["reasoning_effort"], **dict(given["more"])}
    model = given["model"] or options.pop("model", None) or default_model(session.ai.provider(name))
    if not model:
        raise ConfigurationError(
            f"no model is named for {name}",
            hint=f"Name one with -m (`polydriver models {name}` lists them), or set its default_model.",
        )
    conversation = session.ai.conversation(name).model(model).system(given["system"]).options(**options)
    if given["schema"] is not None:
        conversation.response_format(read_schema(given["schema"]))
    return conversation


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
    except KeyboardInterrupt:
        printer.end()
        note("stopped")
        raise
    finally:
        printer.end()
