"""How each family of APIs is spoken: requests rendered, replies and streams parsed. Pure: no I/O, no clock.

Each package is one wire, with the same files: `wire.py` (the class), `options.py` (what it does with each option of a
prompt, and what services can set), `history.py` (messages), `request.py` (the body), `reply.py`, `usage.py` (tokens,
and what else is billed) and `stream.py` (the decoder). Where there is more to say, other files have the same names,
too: `events.py` (the events of a stream, decoded), `models.py` (what its models differ in), `reasoning.py` (how long a
model may think), `media.py`, `schemas.py`, `caching.py`. `WIRES` is the one list of them: the scaffold, the fixtures of
the testing kit, the documentation's tables and the tests that loop over all wires are made from it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["WIRES", "wire_class"]

WIRES: dict[str, str] = {
    "chat_completions": "ChatCompletions",
    "responses": "Responses",
    "messages": "Messages",
    "generate_content": "GenerateContent",
    "converse": "Converse",
    "cohere": "CohereChat",
    "ollama": "OllamaChat",
}
"""The packages of the wires, with the names of their classes."""


def wire_class(name: str) -> Any:
    """The class of the wire in a package. Raises `KeyError` for a name that is not one of `WIRES`."""
    return getattr(import_module(f"{__name__}.{name}"), WIRES[name])
