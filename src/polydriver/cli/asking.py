"""What `ask` and `chat` share: the options for the connection, the model, the messages and the call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from .completing import complete_model
from .documents import Document, last
from .inputs import parse_option, read_file, read_image
from .options import provider_option
from .session import Session, default_model

if TYPE_CHECKING:
    from ..data.messages import Part

__all__ = ["FILE", "Asked", "asking_options", "prompt_options", "read_asked", "read_options"]

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_PROMPT_OPTIONS = (
    provider_option,
    click.option(
        "-m",
        "--model",
        metavar="MODEL",
        shell_complete=complete_model,
        help="The model; by default the connection's.",
    ),
    click.option("-s", "--system", metavar="TEXT", help="Instructions for the model."),
    click.option("--temperature", type=float, help="How freely the model picks its words."),
    click.option("--max-tokens", type=int, help="The most tokens an answer may have."),
    click.option("--reasoning-effort", metavar="WORD", help="How long to think: none, minimal, low, medium, high, ..."),
    click.option(
        "--cache/--no-cache",
        "response_cache",
        default=None,
        help="Whether answers may be ones that were kept, and are kept; by default as the connection's settings say.",
    ),
    click.option(
        "-o",
        "--option",
        "more",
        multiple=True,
        type=parse_option,
        metavar="NAME=VALUE",
        help="Any other option; repeatable.",
    ),
)

_OPTIONS = (
    *_PROMPT_OPTIONS[:2],
    click.option("-c", "--continue", "again", is_flag=True, help="Go on with the last conversation, of ask or chat."),
    _PROMPT_OPTIONS[2],
    click.option("-f", "--file", "files", multiple=True, type=FILE, help="Attach a file; repeatable."),
    click.option("-i", "--image", "images", multiple=True, metavar="FILE|URL", help="Attach an image; repeatable."),
    *_PROMPT_OPTIONS[3:],
    click.option("--plain", is_flag=True, help="Print the text as it is; on a terminal, Markdown is styled otherwise."),
    click.option("--reasoning", is_flag=True, help="Show the model's reasoning too."),
)


class Asked(NamedTuple):
    """What the options say: `parts` are attached to the first message, `earlier` is the conversation to go on with."""

    provider: str
    model: str | None
    system: str | None
    options: dict[str, Any]
    parts: list[tuple[str, Part]]
    earlier: Document | None


def asking_options(function: Decorated) -> Decorated:
    """Add the options that `ask` and `chat` share."""
    return _with_options(function, _OPTIONS)


def prompt_options(function: Decorated) -> Decorated:
    """Add those of them that say whom to ask, and how."""
    return _with_options(function, _PROMPT_OPTIONS)


def _with_options(function: Decorated, options: Sequence[Any]) -> Decorated:
    for option in reversed(options):
        function = option(function)
    return function


def read_options(given: dict[str, Any]) -> dict[str, Any]:
    """The options of the call that were given, the model among them."""
    names = ("model", "temperature", "max_tokens", "reasoning_effort", "response_cache")
    options = dict(given["more"]) | {name: given[name] for name in names if given[name] is not None}
    return {name: value for name, value in options.items() if value is not None}


def read_asked(session: Session, given: dict[str, Any]) -> Asked:
    """What the options say.

    The conversation that `-c` goes on with says whom to ask, unless another connection is named. Raises
    `click.UsageError` for an attachment that cannot be read, `ConfigurationError` when it is not clear whom to ask.
    """
    options = read_options(given)
    model = options.pop("model", None)
    provider, system = given["provider"], given["system"]
    earlier = last() if given["again"] else None
    if earlier is not None:
        system = system or earlier.system
        if provider in (None, earlier.provider):
            provider, model = earlier.provider, model or earlier.model
    provider = session.provider_name(provider)
    model = model or default_model(session.ai.provider(provider))
    return Asked(provider, model, system, options, _attachments(given), earlier)


def _attachments(given: dict[str, Any]) -> list[tuple[str, Part]]:
    try:
        files: list[tuple[str, Part]] = [(str(path), read_file(path)) for path in given["files"]]
        return files + [(place, read_image(place)) for place in given["images"]]
    except (OSError, ValueError) as error:
        raise click.UsageError(f"an attachment cannot be read: {error}") from None
