"""Which prompts are equal: a digest of all that decides an answer.

That is the whole prompt (model, messages with the bytes of what is attached, options, tools, the wanted form, what is
passed through, and whether it is streamed), for whom it is, and what the connection adds: the driver and its version,
the address, the settings and headers, and the account. An account is told by its credentials, which go into the digest
and can not be read from it; connections of one `share` have their answers in common whatever their credentials are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from operator import attrgetter
from typing import Any

import msgspec

from ...config import CacheConfig, Secret, looks_secret
from ...contract import DriverHooks
from ...data.json import as_plain
from ...data.messages import AIMessage
from ...data.prompt import OutputFormat, Prompt, ToolSpec
from ...typed import prepare
from ...version import __version__
from ..calls import Call

__all__ = ["FORMAT", "Keys", "digest"]

FORMAT = 1
"""Of keys and entries; a higher one leaves alone what was kept before."""

prepare(AIMessage)
_encode = msgspec.msgpack.Encoder(enc_hook=as_plain).encode
_encode_sorted = msgspec.msgpack.Encoder(enc_hook=as_plain, order="deterministic").encode
_APART = ("messages", "tools", "response_format", "warnings", "options", "extra", "extra_headers", "logit_bias")
_plain = attrgetter(*(name for name in Prompt.__struct_fields__ if name not in _APART))


class Keys:
    """Makes the keys of a connection's prompts."""

    __slots__ = ("_base", "_tenant")

    def __init__(self, driver: DriverHooks, config: CacheConfig) -> None:
        self._base = digest(driver, config)
        self._tenant = config.tenant

    def of(self, prompt: Prompt, call: Call) -> str | None:
        """The key of a prompt, 64 hex digits; `None` where something in it cannot be written as plain data."""
        found = self._base.copy()
        try:
            tools = _tools(prompt) if prompt.tools else None
            form = None if prompt.response_format is None else _form(prompt.response_format)
            found.update(_encode((_plain(prompt), prompt.messages, tools, form)))
            if prompt.options or prompt.extra or prompt.extra_headers or prompt.logit_bias:
                found.update(
                    _encode_sorted((prompt.options, prompt.extra, dict(prompt.extra_headers), prompt.logit_bias))
                )
        except (TypeError, ValueError, OverflowError, RecursionError):
            return None
        metadata = call.metadata
        if metadata and self._tenant:
            owner = [None if (name := metadata.get(of)) is None else str(name) for of in self._tenant]
            if any(name is not None for name in owner):
                found.update(repr(owner).encode("utf-8", "backslashreplace"))
        key: str = found.hexdigest()
        return key


def digest(driver: DriverHooks, config: CacheConfig, what: str = "chat") -> Any:
    """A digest of what a connection adds to its prompts, or to something else that is asked, to be gone on with."""
    kind, given = type(driver), driver.config
    keeps_secrets = config.share is None
    facts = [
        FORMAT,
        __version__,
        what,
        f"{kind.__module__}.{kind.__qualname__}",
        given.driver,
        given.base_url,
        config.share,
        _fact(given.api_key, secret=keeps_secrets) if given.api_key is not None else None,
        _fact(given.settings, secret=keeps_secrets),
        _fact(given.headers, secret=keeps_secrets),
    ]
    return hashlib.blake2b(repr(facts).encode("utf-8", "backslashreplace"), digest_size=32)


def _fact(value: Any, *, secret: bool) -> Any:
    """A setting as plain data; without what is secret where that does not tell accounts apart."""
    if isinstance(value, Secret):
        return hashlib.sha256(value.reveal().encode("utf-8", "surrogatepass")).hexdigest() if secret else None
    if isinstance(value, Mapping):
        return sorted(
            (str(name), _fact(Secret(str(item)) if looks_secret(name) and item else item, secret=secret))
            for name, item in value.items()
        )
    if isinstance(value, list | tuple):
        return [_fact(item, secret=secret) for item in value]
    return value if isinstance(value, bool | int | float | type(None)) else str(value)


def _tools(prompt: Prompt) -> Any:
    return [
        (tool.name, tool.description, tool.parameters, tool.strict) if isinstance(tool, ToolSpec) else tool.data
        for tool in prompt.tools
    ]


def _form(form: OutputFormat) -> Any:
    return form.name, form.schema, form.description, form.strict
