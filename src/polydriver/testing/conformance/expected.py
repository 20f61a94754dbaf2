"""Checks of what answers mean: compared with what people who know the API expect, whole and streamed, in full."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ...data.http import Simulated
from ...data.json import decode_json, encode_json
from ...data.responses import AIResponse
from ...errors import AIError
from ..replies import ANSWERS, ExpectedAnswer
from .base import JSON_HEADERS, STREAM_HEADERS, ConformanceBase
from .mutations import changed_json, json_leaves
from .slices import events_of

__all__ = ["ExpectedChecks"]

_COUNTS = ("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens", "reasoning_tokens")


class ExpectedChecks(ConformanceBase):
    """Whether answers are read as what they are."""

    def test_answers_are_read_as_expected(self) -> None:
        """Text, reasoning, calls, finish reason, usage, cost and provider data are those that the fixtures name."""
        for name, wanted, body in self._expectations():
            told = wanted.differences(self._read_answer(name, body))
            assert not told, f"{name}: {'; '.join(told)}"

    def test_answers_reach_callers_as_expected(self) -> None:
        """Through the whole pipeline, callers of both colours get what the fixtures name."""
        for name, wanted, body in self._expectations():
            stream = "stream" in name
            reply = Simulated(headers=STREAM_HEADERS if stream else JSON_HEADERS, chunks=[body])
            for who, got in self.outcomes(reply, stream=stream):
                assert not isinstance(got, AIError), f"{name}: {who} gets {type(got).__name__}: {got}"
                told = wanted.differences(got)
                assert not told, f"{name}: {who} gets another answer: {'; '.join(told)}"

    def test_stream_means_what_the_whole_means(self) -> None:
        """A stream and a whole reply with the same text and calls agree in all that both tell."""
        compared = False
        for whole_name, stream_name in zip(ANSWERS[::2], ANSWERS[1::2], strict=True):
            whole, stream = getattr(self.replies, whole_name), getattr(self.replies, stream_name)
            if not (whole and stream and self.subject.supports_streaming()):
                continue
            told, streamed = self.parse(whole), self.decode(stream).build()
            if (told.content, told.tool_calls) != (streamed.content, streamed.tool_calls):
                continue
            compared = True
            for field in ("reasoning", "refusal", "finish_reason", "raw_finish_reason", "model"):
                first, second = getattr(told, field), getattr(streamed, field)
                assert first == second, (
                    f"{whole_name} and {stream_name}: {field} is {first!r} whole, {second!r} streamed"
                )
            order = [_kinds(answer) for answer in (told, streamed)]
            assert order[0] == order[1], f"{whole_name} has the parts {order[0]}, {stream_name} {order[1]}"
            kept = [ExpectedAnswer.of(answer).provider_data for answer in (told, streamed)]
            assert kept[0] == kept[1], f"{whole_name} and {stream_name} keep other provider data: {kept}"
        if not compared:
            self.skip("the fixtures have no whole and streamed answer with the same text")

    def test_unknown_endings_are_other(self) -> None:
        """A finish reason that did not exist when the driver was written is `other`, and keeps the provider's word."""
        tried = False
        for name in ("whole_reply", "stream_reply"):
            body = getattr(self.replies, name)
            if not body or ("stream" in name and not self.subject.supports_streaming()):
                continue
            word = self._read_answer(name, body).raw_finish_reason
            strange = _strange(word or "")
            changed = re.sub(rb'"%b"' % re.escape((word or "").encode()), b'"%b"' % strange.encode(), body)
            if not word or changed == body:
                continue
            try:
                answer = self._read_answer(name, changed)
            except (AIError, AssertionError):
                continue  # the bytes have a checksum, or the word stands for more than the end
            if answer.raw_finish_reason != strange:
                continue
            tried = True
            assert answer.finish_reason == "other", (
                f"{name}: a finish reason that nobody knows ({strange!r}) becomes {answer.finish_reason!r}, not 'other'"
            )
        if not tried:
            self.skip("the word for the end cannot be changed in these fixtures")

    def test_repeated_meters_do_not_add_up(self) -> None:
        """Usage that a stream tells several times is the last of them, not their sum."""
        self.needs("streaming")
        tried = False
        for name in ANSWERS[1::2]:
            body = getattr(self.replies, name)
            if not body:
                continue
            wanted = self.decode(body).build().usage
            events = events_of(self.decoder(), body)
            for place in self._meters(events):
                repeated = self.decode(b"".join([*events[: place + 1], *events[place:]]))
                if repeated.failure is not None or not repeated.complete:
                    continue
                tried = True
                got = repeated.build().usage
                assert _counts(got) == _counts(wanted), f"{name}: usage that comes twice becomes {got}, not {wanted}"
        if not tried:
            self.skip("no event of these fixtures tells usage before the end")

    def test_missing_counts_stay_unknown(self) -> None:
        """A count that the provider does not tell is `None`, and not 0."""
        body = self.needs_fixture("whole_reply")
        payload, before = decode_json(body), self.parse(body).usage
        for path, value in json_leaves(payload):
            if type(value) is not int:
                continue
            try:
                after = self.parse(encode_json(changed_json(payload, path))).usage
            except AIError:
                continue
            for name in _COUNTS if before and after else ():
                lost = getattr(before, name) and getattr(after, name) == 0
                assert not lost, f"without {'.'.join(map(str, path))} in the reply, {name} is 0: it is unknown, None"

    def test_nothing_is_a_count_and_a_cost(self) -> None:
        """A count of 0 and a reported cost of 0 are known: they are not `None`."""
        body = self.needs_fixture("whole_reply")
        payload, before = decode_json(body), self.parse(body)
        for path, value in json_leaves(payload):
            told = before.cost is not None and str(value) == str(before.cost.total)
            if type(value) is not int and not told:
                continue
            try:
                after = self.parse(encode_json(changed_json(payload, path, type(value)(0))))
            except AIError:
                continue
            where = ".".join(map(str, path))
            if told:
                assert after.cost is not None, f"a cost of 0 at {where} is taken for none"
                assert after.cost.total == 0, f"a cost of 0 at {where} is {after.cost}"
            for name in _COUNTS if before.usage else ():
                lost = getattr(before.usage, name) == value and after.usage and getattr(after.usage, name) is None
                assert not lost, f"with 0 at {where} in the reply, {name} is None: it is 0"

    def test_blanks_are_text(self) -> None:
        """A piece of a stream that is blank belongs to the text as any other does."""
        self.needs("streaming")
        stream, decoder = self.needs_fixture("stream_reply"), self.decoder()
        pieces = [chunk.content for chunk in [*decoder.feed(stream), *decoder.finish()] if chunk.content]
        content, tried = decoder.build().content, False
        for piece in pieces:
            written = encode_json(piece)[1:-1]
            if stream.count(written) != 1 or content.count(piece) != 1:
                continue
            changed = self.decode(stream.replace(written, b" " * len(written)))
            if changed.failure is not None:
                continue  # the bytes have a checksum
            tried = True
            wanted, got = content.replace(piece, " " * len(written)), changed.build().content
            assert got == wanted, f"a blank piece of the text is lost: {got!r}, not {wanted!r}"
        if not tried:
            self.skip("no piece of the text of this stream can be changed alone")

    def _expectations(self) -> Iterator[tuple[str, ExpectedAnswer, bytes]]:
        found = [
            (name, self.replies.expected[name], getattr(self.replies, name))
            for name in ANSWERS
            if name in self.replies.expected and getattr(self.replies, name)
        ]
        if not found:
            self.skip("the fixtures do not say what is `expected` of their answers")
        streams = self.subject.supports_streaming()
        for name, wanted, body in found:
            if ("stream" in name and not streams) or ("tool" in name and not self.subject.supports_function_calling()):
                continue
            yield name, wanted, body

    def _read_answer(self, name: str, body: bytes) -> AIResponse:
        if "stream" not in name:
            answer = self.parse(body)
        else:
            decoder = self.decoder()
            chunks = [*decoder.feed(body), *decoder.finish()]
            assert decoder.failure is None, f"{name} fails: {decoder.failure}"
            assert decoder.complete, f"{name} is read to its end, but the decoder is not complete"
            answer = decoder.build()
            for field in ("content", "reasoning"):
                together = "".join(getattr(chunk, field) for chunk in chunks if chunk.index == 0)
                assert together == getattr(answer, field), (
                    f"{name}: the chunks together are not the {field}: {together!r}"
                )
            handed_out = [call for chunk in chunks for call in chunk.tool_calls if chunk.index == 0]
            assert handed_out == answer.tool_calls, f"{name}: the chunks hold other calls than the answer: {handed_out}"
        if answer.finish_reason == "stop" and answer.tool_calls:
            answer.finish_reason = "tool_calls"  # as the engine has it, for wires whose word does not tell
        return answer

    def _meters(self, events: list[bytes]) -> list[int]:
        """The places of the events that change the usage."""
        decoder = self.decoder()
        found, before = [], None
        for place, event in enumerate(events):
            decoder.feed(event)
            after = decoder.build().usage
            if after != before:
                found.append(place)
            before = after
        return found


def _strange(word: str) -> str:
    """A word that means nothing, of the same length: there may be a length before it."""
    return "".join("qzx"[place % 3] if letter.isalpha() else letter for place, letter in enumerate(word))


def _counts(usage: Any) -> Any:
    return usage and {name: getattr(usage, name) for name in (*_COUNTS, "total_tokens")}


def _kinds(answer: AIResponse) -> list[str]:
    """The kinds of the parts, in order, each run of one kind as one."""
    kinds = [type(part).__name__ for part in answer.parts]
    return [kind for place, kind in enumerate(kinds) if place == 0 or kinds[place - 1] != kind]
