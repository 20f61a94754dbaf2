"""Conversations in files: what `/save` writes, `/load` reads, and `-c` goes on with."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ..data.messages import AIMessage

__all__ = ["Document", "keep", "last", "read_document", "state_folder", "write_document"]


class Document(NamedTuple):
    """A conversation: who answered it (`None`: not known), its instructions, and its messages."""

    provider: str | None
    model: str | None
    system: str | None
    messages: Sequence[AIMessage]


def write_document(document: Document) -> bytes:
    """The conversation as JSON: provider, model, system, and the messages with all their parts."""
    from ..data.plain_messages import dump_messages

    values = {**document._asdict(), "messages": dump_messages(document.messages)}
    text = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a character, which only escapes can carry
        return json.dumps(values, indent=2).encode() + b"\n"


def read_document(data: bytes) -> Document:
    """The conversation in a file: of `write_document`, or a list of messages as OpenAI writes them.

    Raises `ValueError` for anything else.
    """
    from ..data.openai_messages import load_messages

    try:
        values: Any = json.loads(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"it is not JSON ({error})") from None
    if isinstance(values, list):
        values = {"messages": values}
    if not isinstance(values, Mapping) or "messages" not in values:
        raise ValueError("it has no messages: give what /save wrote as .json, or a list of messages")
    provider, model, system = (values.get(name) for name in ("provider", "model", "system"))
    for value in (provider, model, system):
        if not isinstance(value, str | None):
            raise ValueError("provider, model and system must be text")
    return Document(provider, model, system, load_messages(values["messages"]))


def state_folder() -> Path:
    """The folder for what is kept between runs: `POLYDRIVER_STATE`, else where the system keeps such things.

    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    if named := os.environ.get("POLYDRIVER_STATE", "").strip():
        return Path(named).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "polydriver"
    given = os.environ.get("XDG_STATE_HOME", "")
    return (Path(given) if os.path.isabs(given) else Path.home() / ".local" / "state") / "polydriver"


def keep(document: Document) -> None:
    """Keep a conversation as the last one, for its owner's eyes only. What cannot be kept is left: no answer is lost.

    Nothing is kept with `POLYDRIVER_STATE=off`.
    """
    if os.environ.get("POLYDRIVER_STATE", "").strip().lower() == "off":
        return
    try:
        folder = state_folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        data = write_document(document)
        handle, name = tempfile.mkstemp(dir=folder, prefix=".last-")  # only its owner may read it
    except (OSError, ValueError, RuntimeError):
        return
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, folder / "last.json")
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(name)


def last() -> Document:
    """The conversation that was kept last. Raises `ConfigurationError` when there is none."""
    from ..errors import ConfigurationError

    try:
        return read_document((state_folder() / "last.json").read_bytes())
    except FileNotFoundError:
        raise ConfigurationError(
            "there is no conversation to go on with",
            hint="Ask without -c first; each `ask` and `chat` keeps its conversation, unless POLYDRIVER_STATE is off.",
        ) from None
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigurationError(f"the last conversation cannot be read: {error}") from error
