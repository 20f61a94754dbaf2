"""Speech and transcription in OpenAI's form. https://platform.openai.com/docs/api-reference/audio"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from ...data.http import Reply, Request
from ...data.json import as_dict, as_int, as_list, as_str, decode_json
from ...data.messages import Audio
from ...data.multipart import FormFile
from ...operations.kinds import SPEAK, TRANSCRIBE, TRANSLATE
from ...operations.requests import SpeechRequest, TranscriptionRequest
from ...operations.results import SpeechResponse, Transcript, TranscriptSegment, TranscriptWord
from .base import OperationHooks

__all__ = ["Speech", "Transcription", "Translation"]

_TEXT_FORMATS = ("text", "srt", "vtt")
_AUDIO_TYPES = {"mp3": "audio/mpeg", "opus": "audio/ogg", "pcm": "audio/pcm"}


class Speech(OperationHooks, kw_only=True, eq=False):
    """Speaks texts.

    - `path`: where to post.
    - `default_voice`: for APIs that must be told one, the voice when the caller names none.
    """

    kinds = (SPEAK,)
    own_fields: ClassVar[Mapping[str, str | None]] = {
        "voice": "voice",
        "format": "response_format",
        "speed": "speed",
        "instructions": "instructions",
    }
    path: str = "audio/speech"
    default_voice: str | None = None

    def build_speech(self, request: SpeechRequest) -> Request:
        """The request for one text."""
        body: dict[str, Any] = {"model": request.model, "input": request.text}
        if self.default_voice is not None and request.voice is None:
            body["voice"] = self.default_voice
        body = self.put_fields(body, request)
        return self.build_post(self.path, body, headers=request.extra_headers)

    def parse_speech(self, reply: Reply, request: SpeechRequest) -> SpeechResponse:
        """The sound, which is the reply's whole body. Raises a mapped error when it is JSON instead."""
        kind = reply.headers.get("content-type", "").split(";", 1)[0].strip().lower()
        if kind.endswith("json"):
            raise self.map_payload(self.decode_any(reply))
        if not reply.body:
            raise self.invalid_response("it has no sound")
        wanted = request.format or "mp3"
        if not kind.startswith("audio/"):
            kind = _AUDIO_TYPES.get(wanted, f"audio/{wanted}")
        return SpeechResponse(audio=Audio.from_bytes(reply.body, kind), units={"characters": len(request.text)})


class _Transcripts(OperationHooks, kw_only=True, eq=False):
    """Builds and reads transcriptions and translations alike. `timestamps_format`: the format that has times in it."""

    timestamps_format: str | None = "verbose_json"

    def _build_transcript(self, path: str, request: TranscriptionRequest) -> Request:
        audio = request.audio
        if audio.data is None:
            raise self.unsupported("sound by URL or id; give the bytes (Audio.from_path or from_bytes)")
        kind = audio.media_type or "audio/wav"
        body: dict[str, Any] = {"file": FormFile(audio.data, audio.name or f"audio.{audio.format}", kind)}
        body["model"] = request.model
        if request.timestamps and request.response_format is None and self.timestamps_format:
            body["response_format"] = self.timestamps_format
        return self.build_form(path, self.put_fields(body, request), request)

    def _read_transcript(self, reply: Reply, request: TranscriptionRequest) -> Transcript:
        kind = reply.headers.get("content-type", "")
        if request.response_format in _TEXT_FORMATS and not kind.startswith("application/json"):
            text = reply.body.decode("utf-8", "replace")
            return Transcript(text=text.strip("\n") if request.response_format == "text" else text)
        payload = self._decode_transcript(reply)
        spoken = payload.get("text")
        if not isinstance(spoken, str):
            raise self.invalid_response("it has no text", reply.body)
        usage = as_dict(payload.get("usage"))
        duration = _seconds(payload.get("duration"))
        return Transcript(
            text=spoken,
            segments=[_read_segment(item) for item in as_list(payload.get("segments")) if isinstance(item, dict)],
            words=[_read_word(item) for item in as_list(payload.get("words")) if isinstance(item, dict)],
            language=as_str(payload.get("language")),
            duration=duration,
            usage=self.parse_operation_usage(usage),
            units=_billed_seconds(usage, duration),
            model=as_str(payload.get("model")),
            id=as_str(as_dict(payload.get("x_groq")).get("id")),
            raw=payload,
        )

    def _decode_transcript(self, reply: Reply) -> dict[str, Any]:
        """An object; a bare string is a text without anything around it."""
        try:
            payload = decode_json(reply.body)
        except ValueError as error:
            raise self.invalid_response(str(error), reply.body) from None
        if isinstance(payload, str):
            return {"text": payload}
        return self.decode_success(reply)


class Transcription(_Transcripts, kw_only=True, eq=False):
    """Writes down what is said."""

    kinds = (TRANSCRIBE,)
    path: str = "audio/transcriptions"
    own_fields: ClassVar[Mapping[str, str | None]] = {
        "language": "language",
        "prompt": "prompt",
        "response_format": "response_format",
        "temperature": "temperature",
        "timestamps": "timestamp_granularities",
    }

    def build_transcription(self, request: TranscriptionRequest) -> Request:
        """The request for one recording."""
        return self._build_transcript(self.path, request)

    def parse_transcription(self, reply: Reply, request: TranscriptionRequest) -> Transcript:
        """What was said, as JSON of any kind, plain text or subtitles."""
        return self._read_transcript(reply, request)


class Translation(_Transcripts, kw_only=True, eq=False):
    """Writes down in English what is said in any language."""

    kinds = (TRANSLATE,)
    path: str = "audio/translations"
    own_fields: ClassVar[Mapping[str, str | None]] = {
        "language": None,
        "prompt": "prompt",
        "response_format": "response_format",
        "temperature": "temperature",
        "timestamps": None,
    }

    def build_translation(self, request: TranscriptionRequest) -> Request:
        """The request for one recording."""
        return self._build_transcript(self.path, request)

    def parse_translation(self, reply: Reply, request: TranscriptionRequest) -> Transcript:
        """What was said, in English."""
        return self._read_transcript(reply, request)


def _read_segment(item: dict[str, Any]) -> TranscriptSegment:
    number = as_int(item.get("id"))
    return TranscriptSegment(
        text=as_str(item.get("text")) or "",
        start=_seconds(item.get("start")),
        end=_seconds(item.get("end")),
        id=as_str(item.get("id")) or (str(number) if number is not None else None),
        speaker=as_str(item.get("speaker")),
    )


def _read_word(item: dict[str, Any]) -> TranscriptWord:
    return TranscriptWord(
        word=as_str(item.get("word")) or "", start=_seconds(item.get("start")), end=_seconds(item.get("end"))
    )


def _seconds(value: object) -> float | None:
    """A time in seconds; it can come as a number or as its digits."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 1e9 else None


def _billed_seconds(usage: dict[str, Any], duration: float | None) -> dict[str, int | Decimal]:
    """The length that is billed: what the usage says, else the length of the sound when no tokens are counted."""
    for name in ("seconds", "prompt_audio_seconds"):
        if (seconds := _seconds(usage.get(name))) is not None:
            return {"audio_seconds": Decimal(str(seconds))}
    if usage or duration is None:
        return {}
    return {"audio_seconds": Decimal(str(duration))}
