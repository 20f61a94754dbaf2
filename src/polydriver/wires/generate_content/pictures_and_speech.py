"""Pictures and speech: by Gemini's own models over generateContent, and by Imagen over predict.

https://ai.google.dev/gemini-api/docs/image-generation, .../speech-generation, .../imagen
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping
from typing import Any

import msgspec

from ...contract import OperationPart
from ...data.http import Reply, Request
from ...data.json import as_dict, as_list, as_str, merge
from ...data.messages import AIMessage, Audio, Image, Part, Text
from ...data.prompt import Prompt
from ...data.responses import AIResponse
from ...errors import ContentFilterError, ProviderError, error_branch
from ...operations.kinds import EDIT_IMAGE, GENERATE_IMAGE, SPEAK
from ...operations.requests import ImageEditRequest, ImageRequest, OperationRequest, SpeechRequest
from ...operations.results import ImageResponse, SpeechResponse
from .models import bare_id
from .names import camel, with_camel_names
from .wire import GenerateContent

__all__ = ["ContentMedia"]

_PIXELS = re.compile(r"(\d{2,5})x(\d{2,5})")
_RATE = re.compile(r"rate=(\d+)")
_SAMPLE_RATE = 24000


class ContentMedia(OperationPart, kw_only=True, eq=False):
    """Pictures and speech, by models of either kind."""

    kinds = (GENERATE_IMAGE, EDIT_IMAGE, SPEAK)
    options: Mapping[str, frozenset[str]] = msgspec.field(
        default_factory=lambda: {
            "generate_image": frozenset({"negative_prompt", "person_generation", "safety_filter_level", "language"}),
            "speak": frozenset({"speech_config"}),
        }
    )

    @property
    def wire(self) -> GenerateContent:
        """The wire of Gemini's models."""
        found: GenerateContent = getattr(self.driver.wire, "gemini", self.driver.wire)
        return found

    def build_image(self, request: ImageRequest) -> Request:
        """The request for pictures; models called `imagen...` are asked over predict."""
        for name in ("quality", "style", "background", "user"):
            if getattr(request, name) is not None:
                request.warn(f"{self.name} does not support {name}; it was left out.")
        if bare_id(request.model).startswith("imagen"):
            return self._build_imagen(request)
        if request.format is not None:
            request.warn(f"{self.name} does not support format with {request.model}; it was left out.")
        return self._build_generation(request, [Text(request.prompt)], self._image_config(request))

    def parse_image(self, reply: Reply, request: ImageRequest) -> ImageResponse:
        """The pictures. Raises `ContentFilterError` when all were held back, `InvalidResponseError` without any."""
        payload = with_camel_names(self.decode(reply))
        if "predictions" in payload or bare_id(request.model).startswith("imagen"):
            return self._parse_imagen(payload, reply)
        answer = self._parse_generation(reply, request)
        choices = [answer, *answer.alternatives]
        images = [part for choice in choices for part in choice.parts if isinstance(part, Image)]
        if not images:
            raise self._missing(answer, "picture", reply)
        return ImageResponse(images=images, usage=answer.usage, model=answer.model, id=answer.id, raw=answer.raw)

    def build_image_edit(self, request: ImageEditRequest) -> Request:
        """The request to change pictures, which models of Gemini's own do."""
        if request.mask is not None:
            raise self.unsupported("masks; describe in the prompt what to change")
        if bare_id(request.model).startswith("imagen"):
            raise self.unsupported(f"editing with {request.model}; use one of Gemini's image models")
        return self._build_generation(request, [*request.images, Text(request.prompt)], self._image_config(request))

    def parse_image_edit(self, reply: Reply, request: ImageEditRequest) -> ImageResponse:
        """The changed pictures; see `parse_image`."""
        return self.parse_image(reply, request)

    def build_speech(self, request: SpeechRequest) -> Request:
        """The request to speak a text; instructions on how to speak are put before it."""
        if request.speed is not None:
            request.warn(f"{self.name} does not support speed; say in the instructions how fast to speak.")
        if request.format not in (None, "wav", "pcm"):
            request.warn(f"{self.name} speaks wav and pcm only, not {request.format}; wav was taken.")
        config: dict[str, Any] = {"responseModalities": ["AUDIO"]}
        if request.voice is not None:
            config["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": request.voice}}}
        if "speech_config" in request.options:
            config["speechConfig"] = request.options["speech_config"]
        text = f"{request.instructions}: {request.text}" if request.instructions else request.text
        return self._build_generation(request, [Text(text)], config)

    def parse_speech(self, reply: Reply, request: SpeechRequest) -> SpeechResponse:
        """The sound: plain samples as they come for the format pcm, else as a WAV file."""
        answer = self._parse_generation(reply, request)
        sound = next((part for part in answer.parts if isinstance(part, Audio)), None)
        if sound is None or sound.data is None:
            raise self._missing(answer, "sound", reply)
        kind = (sound.media_type or "").lower()
        if request.format != "pcm" and kind.startswith(("audio/l16", "audio/pcm")):
            rate = _RATE.search(kind)
            data = _wav(sound.data, int(rate[1]) if rate else _SAMPLE_RATE)
            sound = Audio(data=data, media_type="audio/wav")
        return SpeechResponse(audio=sound, usage=answer.usage, model=answer.model, id=answer.id)

    def _image_config(self, request: ImageRequest) -> dict[str, Any]:
        config: dict[str, Any] = {"responseModalities": ["TEXT", "IMAGE"]}
        if request.n is not None:
            config["candidateCount"] = request.n
        if request.seed is not None:
            config["seed"] = request.seed
        if size := _size(request.size):
            config["imageConfig"] = size
        return config

    def _build_generation(self, request: OperationRequest, parts: list[Part], config: dict[str, Any]) -> Request:
        prompt = Prompt(messages=[AIMessage(parts)], model=request.model, extra={"generationConfig": config})
        body = merge(self.wire.render_prompt(prompt), request.extra)
        return self.build_post(
            f"{self.wire.model_path(request.model)}:generateContent", body, headers=request.extra_headers
        )

    def _parse_generation(self, reply: Reply, request: OperationRequest) -> AIResponse:
        return self.wire.parse_response(reply, Prompt(messages=[], model=request.model))

    def _build_imagen(self, request: ImageRequest) -> Request:
        parameters: dict[str, Any] = {"sampleCount": request.n if request.n is not None else 1}
        size = _size(request.size)
        if "imageSize" in size:
            size["sampleImageSize"] = size.pop("imageSize")
        parameters |= size
        if request.seed is not None:
            parameters |= {"seed": request.seed, "addWatermark": False}  # a seed and a watermark exclude each other
        if request.format is not None:
            parameters["outputOptions"] = {"mimeType": f"image/{request.format}"}
        parameters |= {camel(name): value for name, value in request.options.items()}
        body = merge({"instances": [{"prompt": request.prompt}], "parameters": parameters}, request.extra)
        return self.build_post(f"{self.wire.model_path(request.model)}:predict", body, headers=request.extra_headers)

    def _parse_imagen(self, payload: dict[str, Any], reply: Reply) -> ImageResponse:
        if payload.get("error"):
            raise self.map_payload(payload)
        found = [as_dict(item) for item in as_list(payload.get("predictions"))]
        images = []
        for item in found:
            if data := as_str(item.get("bytesBase64Encoded")):
                try:
                    images.append(Image.from_base64(data, as_str(item.get("mimeType")) or "image/png"))
                except ValueError:
                    raise self.invalid_response("a picture is not base64") from None
        if not images:
            reason = next((text for item in found if (text := as_str(item.get("raiFilteredReason")))), None)
            if reason or not payload:  # an empty object is all that comes when everything was held back
                raise self._filtered(reason or "no picture came back")
            raise self.invalid_response("it has no picture", reply.body)
        revised = as_str(found[0].get("prompt"))
        return ImageResponse(images=images, units={"images": len(images)}, revised_prompt=revised)

    def _missing(self, answer: AIResponse, what: str, reply: Reply) -> ProviderError:
        """The error for an answer without what was asked for."""
        if answer.finish_reason == "content_filter":
            return self._filtered(answer.raw_finish_reason or "")
        return self.invalid_response(f"it has no {what}: {answer.content[:200]!r}", reply.body)

    def _filtered(self, reason: str) -> ProviderError:
        kind = error_branch(self.driver.error_prefix)[ContentFilterError]
        return kind(f"{self.name} held back what it made: {reason}", provider=self.name)


def _size(size: str | None) -> dict[str, Any]:
    """Google's `aspectRatio` and `imageSize` for "16:9", "2K", or a size in pixels such as "1024x1024"."""
    if size is None:
        return {}
    if found := _PIXELS.fullmatch(size):
        width, height = int(found[1]), int(found[2])
        shared = math.gcd(width, height) or 1
        return {"aspectRatio": f"{width // shared}:{height // shared}"}
    return {"aspectRatio": size} if ":" in size else {"imageSize": size}


def _wav(samples: bytes, rate: int) -> bytes:
    """A WAV file of 16-bit mono samples."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    data = struct.pack("<4sI", b"data", len(samples)) + samples
    return struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(data), b"WAVE") + form + data
