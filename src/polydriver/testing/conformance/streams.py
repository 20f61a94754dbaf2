"""Checks of how streams are decoded, wherever their bytes are split and wherever they end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from ...data.http import Simulated
from ...data.responses import AIChunk, AIResponse
from .base import STREAM_HEADERS, ConformanceBase, digest, only_our_errors
from .mutations import HOSTILE_BODIES, mutated_bytes, mutated_events, mutated_stream
from .replies import FINISH_REASONS, check_calls, check_usage
from .slices import events_of

__all__ = ["StreamChecks"]

_MUTATIONS = 200
_STREAMS = ("stream_reply", "tool_stream_reply", "reasoning_stream_reply")
_PIECE = 7
_SMALLEST_EVENT = 64 * 1024
_ENDLESS = 8


class StreamChecks(ConformanceBase):
    """Whether streams become the answers that they hold, and broken ones never do."""

    def test_stream_is_read(self) -> None:
        """Text, chunks, finish reason and usage of a stream are read."""
        decoder, chunks = self._decode_whole("stream_reply")
        response = decoder.build()
        assert response.content, "the streamed answer has no text"
        assert "".join(chunk.content for chunk in chunks) == response.content, "the chunks together are not the text"
        assert response.finish_reason in FINISH_REASONS, f"{response.finish_reason!r} is not a finish reason of ours"
        assert response.model or b'"model' not in self.replies.stream_reply, "the model that answered is missing"
        assert response.usage is not None, "the usage is missing"
        check_usage(response.usage)

    def test_stream_equals_whole_reply(self) -> None:
        """A stream ends as a whole answer does."""
        streamed = self._decode_whole("stream_reply")[0].build()
        whole = self.parse(self.needs_fixture("whole_reply"))
        assert streamed.finish_reason == whole.finish_reason, (
            f"{streamed.finish_reason!r} streamed, {whole.finish_reason!r} whole"
        )
        assert type(streamed.usage) is type(whole.usage), "only one of stream and whole reply has usage"

    def test_tool_stream_is_read(self) -> None:
        """Streamed tool calls are put together, and handed out once."""
        self.needs("function_calling")
        decoder, chunks = self._decode_whole("tool_stream_reply")
        check_calls(decoder.build())
        handed_out = [call for chunk in chunks for call in chunk.tool_calls]
        assert handed_out == decoder.build().tool_calls, f"the chunks hold other calls than the response: {handed_out}"

    def test_every_split_gives_the_same(self) -> None:
        """Bytes that are split at any place, or come singly, give the same answer."""
        for name in _STREAMS:
            stream = self._stream(name)
            expected = digest(self.decode(stream).build()) if stream else None
            for position in range(1, len(stream)):
                decoder = self.decode(stream[:position], stream[position:])
                assert decoder.failure is None, f"{name} split at byte {position} fails: {decoder.failure}"
                found = digest(decoder.build())
                assert found == expected, f"{name} split at byte {position} gives {found}, not {expected}"
            singly = self.decode(*(stream[n : n + 1] for n in range(len(stream)))) if stream else None
            assert singly is None or digest(singly.build()) == expected, f"{name} byte by byte gives another answer"

    def test_a_cut_stream_is_never_a_success(self) -> None:
        """A stream that ends early is not complete, unless nothing of the answer is lost."""
        for name in _STREAMS:
            stream = self._stream(name)
            expected = _said(self.decode(stream).build()) if stream else None
            for position in range(len(stream)):
                decoder = self.decode(stream[:position])
                if decoder.failure is None and decoder.complete:
                    found = _said(decoder.build())
                    assert found == expected, (
                        f"{name} cut at byte {position} counts as complete with {found}, not {expected}"
                    )

    def test_streams_share_nothing(self) -> None:
        """Streams that are read at the same time, or one after a broken one, do not change each other."""
        self.needs("streaming")
        self.needs_chat()
        streams = [body for name in _STREAMS if (body := self._stream(name, needed=False))]
        alone = [digest(self.decode(body).build()) for body in streams]
        decoders = [self.decoder() for _ in streams]
        for place in range(0, max(map(len, streams), default=0), _PIECE):
            for decoder, body in zip(decoders, streams, strict=True):
                decoder.feed(body[place : place + _PIECE])
        for decoder, wanted in zip(decoders, alone, strict=True):
            decoder.finish()
            found = digest(decoder.build())
            assert found == wanted, f"streams read side by side give {found}, not {wanted}: decoders share something"
        for body, wanted in zip(streams, alone, strict=True):
            for cut in range(0, len(body), max(1, len(body) // 20)):
                self.decode(body[:cut])
            found = digest(self.decode(body).build())
            assert found == wanted, f"after others that broke, a stream gives {found}, not {wanted}"

    def test_framing_is_bounded(self) -> None:
        """An event that never ends is refused at `max_event_bytes`, and not kept."""
        self.needs("streaming")
        self.needs_chat()
        driver = self.make(max_event_bytes=_SMALLEST_EVENT)
        stream = self._stream("stream_reply")
        for start in (b"", stream[:1], stream[: len(stream) // 2], b"data: ", b"{", b'{"a": "', b"\x00\x7f\xff\xff"):
            decoder = driver.decoder(self.prompt(stream=True))
            decoder.feed(start)
            for _ in range(_ENDLESS):
                decoder.feed(b"a" * _SMALLEST_EVENT)
                if decoder.failure is not None or decoder.closed:
                    break
            kept = sum(len(value) for value in _held(getattr(decoder, "frames", decoder)))
            assert decoder.failure is not None or decoder.closed or kept <= 2 * _SMALLEST_EVENT, (
                f"after {start!r}, an event without an end is kept: {kept} bytes, with a limit of {_SMALLEST_EVENT}"
            )

    def test_hostile_streams_raise_our_errors(self) -> None:
        """Streams that hold no answer raise our errors only."""
        self.needs("streaming")
        self.needs_chat()
        for body in HOSTILE_BODIES:
            for stream in (body, b"data: " + body + b"\n\n"):
                self._check_hostile(stream)

    def test_mutated_streams_raise_our_errors(self) -> None:
        """Streams with any value or byte changed raise our errors only."""
        for name in _STREAMS:
            if stream := self._stream(name):
                for changed in mutated_stream(stream, _MUTATIONS):
                    self._check_hostile(changed)
                for changed in mutated_events(events_of(self.decoder(), stream), _MUTATIONS):
                    self._check_hostile(changed)
                for changed in mutated_bytes(stream, _MUTATIONS // 2):
                    self._check_hostile(changed)

    def test_streams_reach_callers_of_both_colours(self) -> None:
        """Through the whole pipeline, blocking and async callers get the stream."""
        stream = self.needs_fixture("stream_reply")
        half = len(stream) // 2
        driver = self.connected(Simulated(headers=STREAM_HEADERS, chunks=[stream[:half], stream[half:]]))
        expected = digest(self._decode_whole("stream_reply")[0].build())
        with driver.send_streaming_message("Hello", model=self.model, **self.options) as answer:
            text = "".join(chunk.content for chunk in answer)
        assert digest(answer.response) == expected
        assert text == expected["content"]

        async def run() -> AIResponse:
            provider = driver.asynchronous()
            try:
                async with provider.send_streaming_message("Hello", model=self.model, **self.options) as answer:
                    return await answer.until_done()
            finally:
                await provider.aclose()

        assert digest(asyncio.run(run())) == expected

    def _stream(self, name: str, *, needed: bool = True) -> bytes:
        self.needs("streaming")
        found: bytes = getattr(self.replies, name)
        if not found and needed and name == "stream_reply":
            self.skip(f"the fixtures have no {name}")
        return found

    def _decode_whole(self, name: str) -> tuple[Any, list[AIChunk]]:
        self.needs("streaming")
        stream = self.needs_fixture(name)
        decoder = self.decoder()
        chunks = [*decoder.feed(stream), *decoder.finish()]
        assert decoder.failure is None, f"{name} fails: {decoder.failure}"
        assert decoder.complete, f"{name} is read to its end, but the decoder is not complete"
        return decoder, chunks

    def _check_hostile(self, stream: bytes) -> None:
        def run() -> None:
            decoder = self.decode(stream)
            if decoder.failure is not None:
                raise decoder.failure
            digest(decoder.build())

        only_our_errors("the decoder", run, stream)


def _held(frames: Any) -> Iterator[bytes | bytearray]:
    """The bytes that a framing keeps, as far as its own attributes show them."""
    names = {*getattr(frames, "__dict__", ()), *(name for kind in type(frames).__mro__ for name in _slots(kind))}
    for name in names:
        value = getattr(frames, name, None)
        yield from (
            item for item in (value if isinstance(value, list) else [value]) if isinstance(item, bytes | bytearray)
        )


def _slots(kind: type) -> tuple[str, ...]:
    names = vars(kind).get("__slots__", ())
    return (names,) if isinstance(names, str) else tuple(names)


def _said(response: AIResponse) -> tuple[str, str, list[Any]]:
    calls = [(call.name, call.arguments) for call in response.tool_calls]
    return response.content, response.reasoning, calls
