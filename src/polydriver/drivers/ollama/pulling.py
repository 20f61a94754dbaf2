"""Pulling a model: a download whose progress comes as JSON lines. https://docs.ollama.com/api/pull"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ...contract import StreamDecoder
from ...data.http import Request
from ...data.json import as_int, as_str, decode_json
from ...data.messages import ProviderPart
from ...data.prompt import Prompt
from ...data.responses import AIChunk
from ...wires.ollama import OllamaChat
from ...wires.ollama.stream import AnswerLines

__all__ = ["PULL_OPTIONS", "PullDecoder", "PullProgress", "PullingOllama", "pull_options", "read_progress"]

PULL_OPTIONS = frozenset({"insecure", "pull"})
"""`pull=True` makes a streamed call a pull; `insecure` allows a registry without TLS."""

_KIND = "pull_progress"


class PullProgress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a pull has come: `status` in Ollama's words ("pulling manifest", ..., "success").

    While a layer is downloaded, `digest` names it and `total` and `completed` are its bytes.
    """

    status: str = ""
    digest: str | None = None
    total: int | None = None
    completed: int | None = None

    @property
    def fraction(self) -> float | None:
        """How much of the layer has come, from 0 to 1, when that is known."""
        return min(1.0, (self.completed or 0) / self.total) if self.total else None


def pull_options(model: str, insecure: bool | None, limits: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the streamed call that a pull is. There is no deadline, since a download takes as long as it
    takes, and ten minutes of silence are allowed, while the server checks what came."""
    own = {} if insecure is None else {"insecure": insecure}
    return {"model": model, "pull": True, "deadline": None, "idle_timeout": 600.0, **own, **limits}


def _is_pull(prompt: Prompt) -> bool:
    """Whether the call is a pull."""
    return prompt.options.get("pull") is True


def _build_pull(wire: OllamaChat, prompt: Prompt) -> Request:
    """The request for a pull. Raises `UnsupportedFeatureError` when it is not streamed."""
    if not prompt.stream:
        raise wire.unsupported("pulling a model without a stream; use pull_model()")
    body = {"model": prompt.model, "stream": True, **prompt.options}
    del body["pull"]
    return wire.build_post("api/pull", body, stream=True, headers={"accept": "application/x-ndjson"})


def read_progress(chunk: AIChunk) -> list[PullProgress]:
    """The progress in a chunk of a pull's stream."""
    return [PullProgress(**part.data) for part in chunk.parts if isinstance(part, ProviderPart)]


class PullDecoder(StreamDecoder[OllamaChat]):
    """Reads the progress of a pull until `success`. Each line is a part of its own; the whole answer keeps none."""

    framing = AnswerLines

    def parse_event(self, event: bytes, chunks: list[AIChunk]) -> None:
        """See `StreamDecoder.parse_event`."""
        try:
            line = decode_json(event)
        except ValueError as error:
            raise self.wire.invalid_response(f"a line of the pull is {error}", event) from None
        if not isinstance(line, dict) or line.get("error"):
            raise self.wire.map_payload(line)
        progress = {
            "status": as_str(line.get("status")) or "",
            "digest": as_str(line.get("digest")),
            "total": as_int(line.get("total")),
            "completed": as_int(line.get("completed")),
        }
        chunks.append(AIChunk(parts=[ProviderPart(self.wire.origin, _KIND, progress)]))
        if progress["status"] == "success":
            self.answer.first.finish_reason = "stop"
            self.complete = self.closed = True


class PullingOllama(OllamaChat, kw_only=True, eq=False):
    """Ollama's wire, with the streamed calls that download models."""

    def build_request(self, prompt: Prompt) -> Request:
        """The request for a prompt, or for a pull."""
        return _build_pull(self, prompt) if _is_pull(prompt) else super().build_request(prompt)

    def decoder(self, prompt: Prompt) -> StreamDecoder[Any]:
        """A new decoder for one stream."""
        return PullDecoder(self, prompt) if _is_pull(prompt) else super().decoder(prompt)
