"""What goes into a prompt and comes back in an answer: messages and their parts.

Every part and message can carry `provider_data`: opaque data (signatures, encrypted reasoning, item ids) under the name
of the provider that it came from. It goes back to that provider only.
"""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

import msgspec

from .json import decode_json

__all__ = [
    "AIMessage",
    "Audio",
    "Document",
    "Image",
    "Media",
    "Part",
    "ProviderData",
    "ProviderPart",
    "Reasoning",
    "Refusal",
    "Role",
    "Text",
    "ToolCall",
    "ToolResult",
    "Video",
]

_TEXT_TYPES = ("application/json", "application/xml", "application/yaml")

Role: TypeAlias = Literal["system", "developer", "user", "assistant", "tool"]
ProviderData: TypeAlias = dict[str, dict[str, Any]]


class Text(msgspec.Struct, frozen=True, tag="text", omit_defaults=True):
    """A piece of text. `citations` are the provider's own records of its sources, as it sent them."""

    text: str
    citations: list[dict[str, Any]] = []
    provider_data: ProviderData = {}


class Media(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What images, audio, video and documents share: the content as `data` (bytes), `url`, or a provider's `file_id`.

    `media_type` is a MIME type such as `image/png`. Make one with `from_path`, `from_bytes`, `from_base64`,
    `from_url` or `from_id`. A URL is handed to the provider as it is; polydriver does not fetch it.
    """

    data: bytes | None = None
    url: str | None = None
    file_id: str | None = None
    media_type: str | None = None
    name: str | None = None
    provider_data: ProviderData = {}

    @classmethod
    def from_path(cls, path: str | Path, media_type: str | None = None, **fields: Any) -> Self:
        """Read a file now.

        The MIME type is told from the name when not given. Raises `OSError` when it can't be read.
        """
        path = Path(path)
        guessed = media_type or mimetypes.guess_type(path.name)[0]
        return cls(data=path.read_bytes(), media_type=guessed, **{"name": path.name, **fields})

    @classmethod
    def from_bytes(cls, data: bytes, media_type: str, **fields: Any) -> Self:
        """Take bytes that are in memory already."""
        return cls(data=data, media_type=media_type, **fields)

    @classmethod
    def from_base64(cls, data: str, media_type: str, **fields: Any) -> Self:
        """Take base64 text. Raises `ValueError` (`binascii.Error`) when it is not base64."""
        return cls(data=base64.b64decode(data, validate=True), media_type=media_type, **fields)

    @classmethod
    def from_url(cls, url: str, media_type: str | None = None, **fields: Any) -> Self:
        """Refer to a URL that the provider will fetch; `data:` URLs are read at once."""
        if url.startswith("data:"):
            head, _, payload = url[5:].partition(",")
            kind = head.split(";", 1)[0] or "text/plain"
            return cls.from_base64(payload, media_type or kind, **fields)
        return cls(url=url, media_type=media_type or mimetypes.guess_type(url.split("?", 1)[0])[0], **fields)

    @classmethod
    def from_id(cls, file_id: str, media_type: str | None = None, **fields: Any) -> Self:
        """Refer to a file that was uploaded to the provider before."""
        return cls(file_id=file_id, media_type=media_type, **fields)

    @property
    def base64(self) -> str:
        """The content as base64 text. Raises `ValueError` when the part holds a URL or a file id only."""
        if self.data is None:
            raise ValueError(
                f"this {type(self).__name__} has no bytes of its own (it refers to {self.url or self.file_id})"
            )
        return base64.b64encode(self.data).decode("ascii")

    def data_url(self, default_type: str) -> str:
        """The content as a `data:` URL, with `default_type` when the MIME type is unknown."""
        return f"data:{self.media_type or default_type};base64,{self.base64}"


class Image(Media, frozen=True, tag="image", omit_defaults=True, kw_only=True):
    """An image. `detail` ("low", "high", "auto") is OpenAI's hint on how closely to look."""

    detail: str | None = None


class Audio(Media, frozen=True, tag="audio", omit_defaults=True, kw_only=True):
    """Sound. `transcript` is what is said in it, where a provider tells (its own spoken answers)."""

    transcript: str | None = None

    @property
    def format(self) -> str:
        """The short name of the format that some APIs want: "wav", "mp3", ..."""
        kind = (self.media_type or "audio/wav").split(";", 1)[0].split("/", 1)[-1]
        return {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav", "mp4": "m4a", "x-m4a": "m4a"}.get(
            kind, kind
        )


class Video(Media, frozen=True, tag="video", omit_defaults=True, kw_only=True):
    """A video."""


class Document(Media, frozen=True, tag="document", omit_defaults=True, kw_only=True):
    """A document: PDF, plain text, ...

    `title` and `context` go to providers that take them; `citations` asks for some.
    """

    title: str | None = None
    context: str | None = None
    citations: bool = False

    @property
    def plain_text(self) -> str | None:
        """The text of a document of plain text (`text/...`, JSON, XML, YAML) whose bytes are here; else `None`."""
        kind = self.media_type or ""
        if self.data is None or not (kind.startswith("text/") or kind in _TEXT_TYPES):
            return None
        return self.data.decode("utf-8", "replace")


class Reasoning(msgspec.Struct, frozen=True, tag="reasoning", omit_defaults=True):
    """The model's reasoning, as far as the provider shows it. Signatures and encrypted forms are in `provider_data`."""

    text: str = ""
    provider_data: ProviderData = {}


class Refusal(msgspec.Struct, frozen=True, tag="refusal", omit_defaults=True):
    """The model's own words for refusing, where a provider sends them apart from the answer's text."""

    text: str
    provider_data: ProviderData = {}


class ToolCall(msgspec.Struct, frozen=True, tag="tool_call", omit_defaults=True):
    """The model's wish to have a tool called.

    `arguments` is the parsed object; it is `None` when what came is not a JSON object (cut off by the token limit, or
    malformed), and then `arguments_text` has the raw text and `is_complete` is false: such a call must not be run.
    Beside arguments the text is there when a number in it has more digits than a float holds; see `exact_arguments`.
    """

    id: str
    name: str
    arguments: dict[str, Any] | None = {}
    arguments_text: str | None = None
    provider_data: ProviderData = {}

    @property
    def is_complete(self) -> bool:
        """Whether the arguments came whole, as a JSON object."""
        return self.arguments is not None

    @property
    def exact_arguments(self) -> dict[str, Any]:
        """The arguments with all digits that the model wrote: numbers with a fraction are `Decimal`s where a float does
        not hold one of them. Empty when they did not come whole."""
        if self.arguments is None or self.arguments_text is None:
            return self.arguments or {}
        try:
            exact = decode_json(self.arguments_text, exact=True)
        except ValueError:
            return self.arguments
        return exact if isinstance(exact, dict) else self.arguments


class ToolResult(msgspec.Struct, frozen=True, tag="tool_result", omit_defaults=True):
    """What a tool gave back: text or parts. `name` is the tool's, for wires that answer by name."""

    tool_call_id: str
    content: str | list[Part] = ""
    name: str | None = None
    is_error: bool = False
    provider_data: ProviderData = {}

    @property
    def text(self) -> str:
        """The content's text, without its images and documents."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, Text))


class ProviderPart(msgspec.Struct, frozen=True, tag="provider", omit_defaults=True):
    """Something that only one provider knows: a built-in tool's call or result, a compaction item, ...

    `kind` is the provider's own word for it, `data` the object as it came. Goes back to `provider` alone.
    """

    provider: str
    kind: str
    data: dict[str, Any] = {}


Part: TypeAlias = Text | Image | Audio | Video | Document | Reasoning | Refusal | ToolCall | ToolResult | ProviderPart


class AIMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """One turn of a conversation: `content` is text or a list of parts, `role` who says it.

    Roles: system, developer, user, assistant, tool. `name` tells speakers of one role apart, where a wire can.
    """

    content: str | list[Part]
    role: Role = "user"
    name: str | None = None
    provider_data: ProviderData = {}

    @classmethod
    def system(cls, content: str) -> Self:
        """Instructions for the model."""
        return cls(content, "system")

    @classmethod
    def user(cls, content: str | Sequence[Part | str]) -> Self:
        """What the user says: text, or a list of parts and strings."""
        return cls(_parts(content), "user")

    @classmethod
    def assistant(cls, content: str | Sequence[Part | str] = "", tool_calls: Sequence[ToolCall] = ()) -> Self:
        """What the model said, with the tool calls that it made."""
        if not tool_calls:
            return cls(_parts(content), "assistant")
        parts = _parts(content)
        text: list[Part] = ([Text(parts)] if parts else []) if isinstance(parts, str) else parts
        return cls([*text, *tool_calls], "assistant")

    @classmethod
    def tool(
        cls, tool_call_id: str, content: str | Sequence[Part | str], *, name: str | None = None, is_error: bool = False
    ) -> Self:
        """The result of one tool call."""
        return cls([ToolResult(tool_call_id, _parts(content), name, is_error)], "tool")

    @property
    def parts(self) -> list[Part]:
        """The content as parts; a plain text is one `Text`, an empty one no part."""
        if isinstance(self.content, str):
            return [Text(self.content)] if self.content else []
        return self.content

    @property
    def text(self) -> str:
        """The text of all text parts, without separators."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, Text))

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tool calls among the parts."""
        return [part for part in self.parts if isinstance(part, ToolCall)]


def _parts(content: str | Sequence[Part | str]) -> str | list[Part]:
    if isinstance(content, str):
        return content
    return [Text(part) if isinstance(part, str) else part for part in content]
