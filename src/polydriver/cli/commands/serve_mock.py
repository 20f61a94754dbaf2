"""`polydriver serve-mock`: the mock driver behind a real server, in the forms of several APIs."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import click

from ..options import common_options, examples
from ..output import say

__all__ = ["command"]

_KEY = "sk-mock"


@click.command(
    "serve-mock",
    short_help="Serve scripted answers over OpenAI's API, Anthropic's and Gemini's.",
    epilog=examples(
        'polydriver serve-mock --port 8123 --reply \'Hello!\' --reply \'{"error": "rate_limit", "retry_after": 2}\'',
        "polydriver serve-mock --script replies.toml --chunk-size 4 --delay 0.05",
        "curl $OPENAI_BASE_URL/chat/completions -H 'x-mock-script: cut' -d '{\"model\": \"mock\", ...}'",
    ),
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The port; a free one by default.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--script",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML or JSON: replies, patterns, default, models, ...; or a JSON list of replies.",
)
@click.option("--reply", "replies", multiple=True, help="A reply: text, or JSON as in a script; repeatable.")
@click.option("--chunk-size", type=click.IntRange(min=1), help="Characters in a piece of a stream.")
@click.option("--delay", type=click.FloatRange(min=0), help="Seconds before each piece.")
@click.option("--strict", is_flag=True, help="Answer 400 to requests that the real service is known to refuse.")
@common_options
@click.pass_context
def command(ctx: click.Context, /, host: str, port: int, strict: bool, **given: Any) -> None:
    """Serve until Ctrl-C. Without a script each answer repeats the last message.

    OpenAI's API (Chat Completions, Responses and the rest) is at /v1, Anthropic's at the same address without a path,
    Gemini's at /v1beta.

    A client gets a failure by the model's name (mock-error-429, mock-error-cut, ...) or by the header x-mock-script.
    """
    from ...drivers.mock import MockDriver
    from ...testing.server import serve

    driver = MockDriver(_settings(given))
    try:
        serve(host, port, driver, strict=strict, on_ready=_tell)
    except OSError as error:
        say(f"error: cannot listen on {host}:{port}: {error.strerror or error}", err=True)
        ctx.exit(1)


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    """The mock's settings: the script's, with what the options say instead or behind."""
    settings = _read_script(given["script"]) if given["script"] is not None else {}
    replies = [*_as_list(settings.get("replies")), *map(_reply, given["replies"])]
    if replies:
        settings["replies"] = replies
    for name in ("chunk_size", "delay"):
        if given[name] is not None:
            settings[name] = given[name]
    return settings


def _read_script(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        script = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise click.UsageError(f"--script {path}: {error}") from None
    if isinstance(script, list):
        return {"replies": script}
    if not isinstance(script, dict):
        raise click.UsageError(f"--script {path}: it must hold a table (object) or a list, not {type(script).__name__}")
    return script


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _reply(text: str) -> Any:
    """An object or a list in JSON is a reply as in a script; anything else is the text of an answer."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, dict | list) else text


def _tell(url: str) -> None:
    root = url.removesuffix("/v1")
    say(f"the mock serves OpenAI's API at {url} and Anthropic's and Gemini's at {root} (Ctrl-C ends it)\n")
    say(f"export OPENAI_BASE_URL={url}")
    say(f"export OPENAI_API_KEY={_KEY}")
    say("export OPENAI_DEFAULT_MODEL=mock")
    for name in ("ANTHROPIC", "GEMINI"):
        say(f"export {name}_BASE_URL={root}")
        say(f"export {name}_API_KEY={_KEY}")
