"""What of a conversation's content is stored, and in which form: all of it, redacted, encrypted, or nothing.

A redaction hook is a function of a text. It is given every text of a message: what was said, thought and refused,
results and arguments of tools, citations and whatever else a provider sent, the system prompt and the title. Files, and
what only a provider can read (100 characters and more of base64: signatures, encrypted thoughts), are stored as they
are. What it changes loses what the provider said of it (signatures, citations), which would not fit any more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from ..config.storage import StorageConfig, decode_key
from ..data.messages import AIMessage, Media, Part, ProviderPart, Reasoning, Refusal, Text, ToolCall, ToolResult
from ..errors import ConfigurationError
from .columns import pack_json, unpack_json
from .vault import Vault

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["OPTION", "Privacy", "make_privacy", "privacy_of"]

T = TypeVar("T")
Redact = Callable[[str], str]
OPTION = "polydriver_privacy"
"""The execution option of connections that holds the rules."""

_TEXTS_OF_MEDIA = ("transcript", "title", "context")
_OPAQUE = re.compile(r"[A-Za-z0-9+/_=\n-]{100,}")


class Privacy:
    """The rules of one storage.

    - `stores`: whether content is stored at all; without it there are roles, usage and costs alone.
    - `redact`: the hook, if there is one; `vault` encrypts, if there is one.
    """

    def __init__(self, *, stores: bool = True, redact: Redact | None = None, vault: Vault | None = None) -> None:
        self.stores = stores
        self.redact = redact
        self.vault = vault

    @property
    def can_search(self) -> bool:
        """Whether the words of messages may be stored as they are."""
        return self.stores and self.vault is None

    def check_search(self) -> None:
        """Raise `ConfigurationError` where nothing can be found, since it is not there or cannot be read."""
        if not self.stores:
            raise ConfigurationError("the content of conversations is not stored (storage.content): there is no search")
        if self.vault is not None:
            raise ConfigurationError("the content of conversations is encrypted: it cannot be searched")

    def message(self, message: AIMessage) -> AIMessage:
        """A message as it may be stored."""
        if self.redact is None:
            return message
        content = message.content
        new = self.redact(content) if isinstance(content, str) else _redacted_parts(content, self.redact)
        return _without_stale_data(msgspec.structs.replace(message, content=new), self.redact)

    def pack(self, id: str, content: dict[str, Any]) -> tuple[dict[str, Any], bytes | None]:
        """The columns `content` and `sealed` of a message's row; which files it has stays readable."""
        files = [[*place, self.file_name(digest)] for *place, digest in content.get("files", ())]
        rest: dict[str, Any] = {"files": files} if files and self.stores else {}
        if not self.stores:
            return {}, None
        if self.vault is None:
            return {"message": content["message"], **rest}, None
        return self.seal_message(id, {**content, **rest})

    def seal_message(self, id: str, content: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
        """The same, encrypted; the names of files stay as they are."""
        sealed = self._vault().seal(pack_json(content["message"]).encode(), f"message:{id}")
        return {"files": content["files"]} if content.get("files") else {}, sealed

    def unpack(self, id: str, content: Mapping[str, Any] | None, sealed: bytes | None) -> dict[str, Any] | None:
        """What `pack` was given; `None` where the content was not stored."""
        found = dict(content or {})
        if sealed is not None:
            found["message"] = unpack_json(self._vault().open(sealed, f"message:{id}").decode())
        return found if "message" in found else None

    def header(self, id: str, title: str | None, settings: dict[str, Any]) -> dict[str, Any]:
        """The columns of a conversation that have content."""
        if not self.stores:
            return {"title": None, "settings": None, "search": None, "sealed": None}
        if self.redact is not None:
            title = None if title is None else self.redact(title)
            settings = _redacted_values(settings, self.redact)
        if self.vault is None:
            search = None if title is None else title.casefold()
            return {"title": title, "settings": settings, "search": search, "sealed": None}
        return self.seal_header(id, title, settings)

    def seal_header(self, id: str, title: str | None, settings: Any) -> dict[str, Any]:
        """The same, encrypted."""
        sealed = self._vault().seal(pack_json([title, settings]).encode(), f"conversation:{id}")
        return {"title": None, "settings": None, "search": None, "sealed": sealed}

    def open_header(self, id: str, sealed: bytes) -> tuple[str | None, dict[str, Any]]:
        """Title and settings of a conversation."""
        title, settings = unpack_json(self._vault().open(sealed, f"conversation:{id}").decode())
        return title, settings

    def file_name(self, digest: str) -> str:
        """Under which name a file is stored."""
        return digest if self.vault is None else self.vault.name(digest)

    def pack_file(self, name: str, data: bytes) -> tuple[bytes, bool]:
        """The columns `data` and `sealed` of a file's row."""
        return (data, False) if self.vault is None else (self.vault.seal(data, f"file:{name}"), True)

    def unpack_file(self, name: str, data: bytes, *, sealed: bool | None) -> bytes:
        """What `pack_file` was given."""
        return self._vault().open(data, f"file:{name}") if sealed else data

    def _vault(self) -> Vault:
        if self.vault is None:
            raise ConfigurationError("what is stored is encrypted: give its key in storage.encryption_keys")
        return self.vault


def privacy_of(connection: Connection) -> Privacy:
    """The rules of the storage that a connection belongs to."""
    found: Privacy = connection.get_execution_options().get(OPTION, _OPEN)
    return found


_OPEN = Privacy()


def make_privacy(config: StorageConfig) -> Privacy:
    """The rules that the settings give. Raises `ConfigurationError` for a hook that is not there."""
    keys = [decode_key(key.reveal()) for key in config.encryption_keys]
    vault = Vault([key for key in keys if key is not None]) if keys else None
    hook = _find_hook(config.redact) if isinstance(config.redact, str) else config.redact
    return Privacy(stores=config.content, redact=hook, vault=vault)


def _find_hook(name: str) -> Redact:
    from importlib import import_module

    module, _, path = name.partition(":")
    try:
        found: Any = import_module(module)
        for step in path.split("."):
            found = getattr(found, step)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"storage.redact: there is no {name!r}: {error}") from error
    if not callable(found):
        raise ConfigurationError(f"storage.redact: {name!r} is not a function")
    hook: Redact = found
    return hook


def _redacted_parts(parts: list[Part], redact: Redact) -> list[Part]:
    return [_redacted_part(part, redact) for part in parts]


def _redacted_part(part: Part, redact: Redact) -> Part:
    replace: Callable[..., Any] = msgspec.structs.replace
    changed: Part = part
    if isinstance(part, ProviderPart):
        return ProviderPart(part.provider, part.kind, _redacted_values(part.data, redact, sent=True))
    if isinstance(part, Text | Reasoning | Refusal):
        text = redact(part.text)
        if text != part.text:  # what the provider said of the text, such as its signature, does not fit any more
            changed = type(part)(text)
    elif isinstance(part, ToolCall):
        arguments, raw = _redacted_values(part.arguments, redact), part.arguments_text
        if arguments is None and raw is not None:
            changed = replace(part, arguments_text=redact(raw))
        elif arguments != part.arguments:
            changed = ToolCall(part.id, part.name, arguments)
    elif isinstance(part, ToolResult):
        content = part.content
        content = redact(content) if isinstance(content, str) else _redacted_parts(content, redact)
        changed = replace(part, content=content)
    elif isinstance(part, Media):
        texts = {name: getattr(part, name) for name in _TEXTS_OF_MEDIA if getattr(part, name, None)}
        changed = replace(part, **{name: redact(text) for name, text in texts.items()}) if texts else part
    if isinstance(changed, Text) and changed.citations:
        changed = replace(changed, citations=_redacted_values(changed.citations, redact, sent=True))
    return _without_stale_data(changed, redact)


def _without_stale_data(of: T, redact: Redact) -> T:
    """A part or a message, without its provider data where something in that is to be redacted."""
    told: Any = getattr(of, "provider_data", None)
    is_stale = bool(told) and told != _redacted_values(told, redact, sent=True)
    replace: Callable[..., T] = msgspec.structs.replace
    return replace(of, provider_data={}) if is_stale else of


def _redacted_values(value: Any, redact: Redact, *, sent: bool = False) -> Any:
    """Plain data with every text in it redacted; names stay, and what only a provider can read in what it `sent`."""
    if isinstance(value, str):
        return value if sent and _is_opaque(value) else redact(value)
    if isinstance(value, Mapping):
        return {name: _redacted_values(item, redact, sent=sent) for name, item in value.items()}
    return [_redacted_values(item, redact, sent=sent) for item in value] if isinstance(value, list | tuple) else value


def _is_opaque(text: str) -> bool:
    return _OPAQUE.fullmatch(text) is not None
