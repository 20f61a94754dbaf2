"""What a prompt is made of: words, piped text, files and images, and options of any name."""

from __future__ import annotations

import json
import mimetypes
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..data.messages import AIMessage, Part

__all__ = ["make_message", "parse_option", "piped_text", "read_file", "read_image", "read_schema"]

_MEDIA = ("audio/", "image/", "video/")


def parse_option(text: str) -> tuple[str, Any]:
    """`name=value` with a JSON value, or text when it is none: `temperature=0.2`, `stop=END`.

    Raises `click.BadParameter` for anything else.
    """
    name, separator, value = text.partition("=")
    name = name.strip().replace("-", "_")
    if not separator or not name.isidentifier():
        raise click.BadParameter(f"{text!r} is not of the form name=value")
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError):
        return name, value


def piped_text() -> str:
    """What is piped into the program; empty when its input is a terminal."""
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        return ""
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def read_file(path: str | Path) -> Part:
    """A file as a part: text is quoted into the prompt, so every model can read it; the rest is attached by its type.

    Raises `OSError` when it can't be read.
    """
    from ..data.messages import Audio, Document, Image, Text, Video

    path = Path(path)
    kind = mimetypes.guess_type(path.name)[0] or ""
    if kind.startswith("image/") and kind != "image/svg+xml":
        return Image.from_path(path)
    if kind.startswith("audio/"):
        return Audio.from_path(path)
    if kind.startswith("video/"):
        return Video.from_path(path)
    data = path.read_bytes()
    if kind != "application/pdf" and b"\0" not in data:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            pass
        else:
            return Text(f"--- {path.name} ---\n{text.rstrip()}\n--- end of {path.name} ---\n\n")
    return Document.from_bytes(data, kind or "application/octet-stream", name=path.name)


def read_image(place: str) -> Part:
    """An image from a path or a URL. Raises `OSError` or `ValueError` when it can't be read."""
    from ..data.messages import Image

    if place.startswith(("http://", "https://", "data:")):
        return Image.from_url(place)
    return Image.from_path(place)


def read_schema(path: Path) -> dict[str, Any]:
    """A JSON schema from a file. Raises `click.UsageError` for anything else."""
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise click.UsageError(f"--schema {path}: it is not JSON ({error})") from None
    if not isinstance(schema, dict):
        raise click.UsageError(f"--schema {path}: a JSON schema is an object, not {type(schema).__name__}")
    return schema


def make_message(words: Sequence[str], piped: str, parts: Iterable[Part]) -> AIMessage:
    """The user's message: what is attached, then the piped text, then the words. Raises `click.UsageError` when there
    is nothing."""
    from ..data.messages import AIMessage, Text

    text = "\n\n".join(piece for piece in (piped.strip("\n"), " ".join(words).strip()) if piece.strip())
    found = list(parts)
    if not text and not found:
        raise click.UsageError("there is no prompt: give it as words, or pipe it in")
    if not found:
        return AIMessage.user(text)
    return AIMessage.user([*found, Text(text)] if text else found)
