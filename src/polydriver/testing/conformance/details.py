"""Checks of what is lost in silence: tools and media that a service does not take, the order of tools, words for the
end, what a signature covers, the service's own numbers, errors in replies of operations."""

from __future__ import annotations

from typing import Any

import msgspec

from ... import errors as tree
from ...data.http import Request, Simulated
from ...data.json import decode_json
from ...data.messages import AIMessage, Audio, Document, Image, Text, Video
from ...data.prompt import ProviderTool
from ...errors import AIError
from ...prompting import build_prompt
from .base import JSON_HEADERS, ConformanceBase
from .options import TOOL

__all__ = ["DetailChecks"]

_MOMENT = 1_800_000_000.0
_ADDRESS = "https://media.invalid/conformance-address"
_MEDIA: tuple[Image | Document | Audio | Video, ...] = (
    Image.from_url(f"{_ADDRESS}.png"),
    Image.from_id("conformance-file"),
    Document.from_bytes(b"%PDF-1.7 conformance", "application/pdf", name="conformance.pdf"),
    Document.from_url(f"{_ADDRESS}.pdf"),
    Audio.from_bytes(b"RIFF conformance", "audio/wav"),
    Video.from_bytes(b"\x00\x00\x00\x18ftyp conformance", "video/mp4"),
)


class DetailChecks(ConformanceBase):
    """Whether small things arrive, too."""

    def test_tools_of_the_provider_are_not_lost(self) -> None:
        """A tool that the provider runs is sent, told of or refused."""
        self.needs_chat()
        plain, given = self.prompt(), self.prompt(tools=[ProviderTool(data={"type": "conformance_search"})])
        try:
            before, after = self.subject.build_request(plain), self.subject.build_request(given)
        except AIError:
            return
        told = set(given.warnings) - set(plain.warnings)
        assert b"conformance_search" in (after.body or b"") or told, "a tool of the provider's own is dropped"
        assert before.body != after.body or told, "a tool of the provider's own is dropped"

    def test_media_are_not_lost(self) -> None:
        """Media of every kind are sent, told of or refused, and never dropped."""
        self.needs_chat()
        plain = self.subject.build_request(self.prompt(messages=[AIMessage([Text("Look")])]))
        for part in _MEDIA:
            given = {"model": self.model, **self.options}
            try:
                prompt, _ = build_prompt(self.subject, [AIMessage([Text("Look"), part])], given)
                request = self.subject.build_request(prompt)
            except AIError:
                continue
            kind = f"{type(part).__name__} by {'address' if part.url else 'id' if part.file_id else 'bytes'}"
            assert prompt.warnings or request.body != plain.body, f"a {kind} is dropped without a word"

    def test_tools_keep_their_order(self) -> None:
        """All tools are offered, in the order in which they were given: prompt caches depend on it."""
        self.needs("function_calling")
        names = [f"conformance_tool_{letter}" for letter in "bca"]
        tools = [msgspec.structs.replace(TOOL, name=name) for name in names]
        body = (self.subject.build_request(self.prompt(tools=tools)).body or b"").decode()
        places = [body.find(name) for name in names]
        assert -1 not in places, f"of three tools {names[places.index(-1)]!r} is not in the body"
        assert places == sorted(places), "the tools are in another order than they were given in"

    def test_nothing_is_sent_unasked(self) -> None:
        """An option that nobody gave is not in the request: the service's own default counts.

        A limit of tokens may be one that the service insists on."""
        fixtures = self.fixtures_or_none()
        if fixtures is None or not fixtures.option_places:
            self.skip("the fixtures have no option_places")
        self.needs_chat()
        body: Any = decode_json(self.subject.build_request(self.prompt()).body or b"")
        for name, place in fixtures.option_places.items():
            if name == "max_tokens" or name in self.options or self.subject.config.options.get(name) is not None:
                continue
            found: Any = body
            for step in place.split("."):
                found = found.get(step) if isinstance(found, dict) else None
            assert found is None, f"{name} is sent as {found!r}, though nobody gave it"

    def test_known_endings_are_read(self) -> None:
        """The service's words for the end, which the fixtures name, become the finish reasons that they stand for."""
        fixtures = self.fixtures_or_none()
        if fixtures is None or not fixtures.finish_words:
            self.skip("the fixtures have no finish_words")
        word = self.parse(self.needs_fixture("whole_reply")).raw_finish_reason or ""
        for other, wanted in fixtures.finish_words.items():
            changed = fixtures.whole_reply.replace(b'"%b"' % word.encode(), b'"%b"' % other.encode())
            assert other == word or changed != fixtures.whole_reply, f"the word {word!r} is not in the whole_reply"
            answer = self.parse(changed)
            assert answer.finish_reason == wanted, f"{other!r} becomes {answer.finish_reason!r}, not {wanted!r}"
            assert answer.raw_finish_reason == other, f"the service's word {other!r} is not kept"

    def test_signatures_cover_the_request(self) -> None:
        """A signature depends on the key and on what the fixtures name (`signed`), and takes no header away."""
        self.needs_chat()
        plain = self.subject.build_request(self.prompt(extra_headers={"x-conformance": "1"}))
        first = self.subject.sign(plain, _MOMENT)
        if first == plain:
            self.skip(f"{self.driver.name} does not sign")
        lost = set(plain.headers) - set(first.headers)
        assert not lost, f"sign() takes headers away: {', '.join(sorted(lost))}"
        fixtures, mark = self.fixtures_or_none(), "&" if "?" in plain.url else "?"
        others = {
            "method": self.subject.sign(msgspec.structs.replace(plain, method="GET"), _MOMENT),
            "path": self.subject.sign(msgspec.structs.replace(plain, url=plain.url + "/x"), _MOMENT),
            "query": self.subject.sign(msgspec.structs.replace(plain, url=f"{plain.url}{mark}a=1"), _MOMENT),
        }
        covered: dict[str, Request] = {what: others[what] for what in (fixtures.signed if fixtures else ())}
        if self.subject.config.api_key is not None:
            covered["key"] = self.make(api_key=f"{self.key}-another").sign(plain, _MOMENT)
        for what, other in covered.items():
            assert _added(plain, other) != _added(plain, first), f"the signature does not depend on the {what}"

    def test_errors_in_operations_are_raised(self) -> None:
        """Failed replies, and errors inside successes, are what the fixtures name for embeddings, too."""
        self.needs("embeddings")
        fixtures = self.fixtures_or_none()
        for status, body, name, *_ in fixtures.error_replies if fixtures else ():
            driver = self.connected(Simulated(status=status, headers=JSON_HEADERS, chunks=[body]))
            outcome: Any
            try:
                outcome = driver.embed(["a", "b"], model=self.model)
            except AIError as error:
                outcome = error
            found = type(outcome).__name__
            assert isinstance(outcome, getattr(tree, name)), (
                f"HTTP {status} with {body[:100]!r} is {found} for embeddings, not {name}"
            )

    def test_embeddings_tell_what_they_cost(self) -> None:
        """Model, usage and cost of embeddings are those that the fixtures name."""
        self.needs("embeddings")
        fixtures = self.fixtures_or_none()
        if fixtures is None or not fixtures.expected_embeddings:
            self.skip("the fixtures have no expected_embeddings")
        texts = [f"conformance-text-{number}" for number, _ in enumerate(fixtures.expected_vectors)]
        driver = self.connected(Simulated(headers=JSON_HEADERS, chunks=[fixtures.embeddings_reply]))
        got = driver.embed(texts, model=self.model)
        told: dict[str, Any] = {
            "model": got.model,
            "input_tokens": got.usage and got.usage.input_tokens,
            "cost": got.cost and str(got.cost.total),
        }
        for name, wanted in fixtures.expected_embeddings.items():
            assert told[name] == wanted, f"{name} of embeddings is {told[name]!r}, not {wanted!r}"


def _added(plain: Request, signed: Request) -> dict[str, str]:
    """What signing added to the headers."""
    return {name: value for name, value in signed.headers.items() if plain.headers.get(name) != value}
