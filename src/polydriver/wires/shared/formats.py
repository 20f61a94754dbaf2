"""Asking for JSON where a service lacks a form of it: JSON mode with the schema in words, or words alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from ...contract import Wire
from ...data.json import encode_json
from ...data.messages import AIMessage
from ...data.prompt import OutputFormat, Prompt
from ...prices.catalog import find

__all__ = ["JSON_WORDS", "FormatRules", "ask_in_words", "fit_format"]

JSON_WORDS = "Answer with one JSON object and nothing else: no other text, no code fence."
"""What asks for JSON where a form does not, or where the form is refused without the word."""


class FormatRules(msgspec.Struct, frozen=True, kw_only=True):
    """What a service takes of `response_format`.

    - `schemas`: with which models a JSON schema works: "all", those of which the "catalog" says so, or "none".
    - `beside_tools`: whether any form works in a request with tools; `schemas_streamed`: whether schemas do in streams.
    - `says_json`: whether JSON mode is refused as long as no message has the word.
    """

    schemas: Literal["all", "catalog", "none"] = "all"
    beside_tools: bool = True
    schemas_streamed: bool = True
    says_json: bool = True


def fit_format(
    wire: Wire, prompt: Prompt, rules: FormatRules, is_sayable: Callable[[OutputFormat], bool] = lambda wanted: True
) -> Prompt:
    """The prompt with a form that the service takes: the one given, JSON mode, or none; the rest is said in words.

    `is_sayable` says whether the wire can express a schema.
    """
    wanted = prompt.response_format
    if wanted is None:
        return prompt
    is_free = rules.beside_tools or not prompt.tools
    if wanted.schema is not None and is_free and is_sayable(wanted) and _takes_schemas(wire, prompt, rules):
        return prompt
    if is_free and wanted.schema is None and (not rules.says_json or _says_json(prompt)):
        return prompt
    fitted = ask_in_words(prompt, wanted)
    fitted.response_format = msgspec.structs.replace(wanted, schema=None) if is_free else None
    return fitted


def ask_in_words(prompt: Prompt, wanted: OutputFormat) -> Prompt:
    """The prompt without its form, and with a system message that asks for it, behind the first ones."""
    words = JSON_WORDS
    if wanted.description:
        words += f" It is: {wanted.description}"
    if wanted.schema is not None:
        words += f"\nThe object must match this JSON schema:\n{encode_json(wanted.schema).decode()}"
    place = next(
        (place for place, message in enumerate(prompt.messages) if message.role not in ("system", "developer")),
        len(prompt.messages),
    )
    messages = [*prompt.messages[:place], AIMessage.system(words), *prompt.messages[place:]]
    return msgspec.structs.replace(prompt, messages=messages, response_format=None)


def _takes_schemas(wire: Wire, prompt: Prompt, rules: FormatRules) -> bool:
    if prompt.stream and not rules.schemas_streamed:
        return False
    if rules.schemas != "catalog":
        return rules.schemas == "all"
    entry = find(wire.driver.catalog_name or wire.name, prompt.model)
    return entry is not None and entry.structured_output is True


def _says_json(prompt: Prompt) -> bool:
    return any("json" in message.text.lower() for message in prompt.messages)
