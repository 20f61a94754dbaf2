"""Checks of what is beyond chat: the pages of the model list, prices, embeddings."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

from ...data.http import Reply, Simulated
from ...data.json import decode_json, encode_json
from ...data.usage import TokenUsage
from ...errors import AIError
from .base import JSON_HEADERS, ConformanceBase, only_our_errors
from .mutations import HOSTILE_BODIES, mutated_json

__all__ = ["ServiceChecks"]

_MILLION = 1_000_000
_MUTATIONS = 300
_NO_LISTS = (b"null", b"7", b'"no"', b'{"error": "no"}', b'{"error": {"message": "no"}}', b"<html></html>")


class ServiceChecks(ConformanceBase):
    """Whether models, prices and embeddings are those of the service."""

    def test_models_are_as_expected(self) -> None:
        """All pages of the model list are read, each once, and the models are those that the fixtures name."""
        if not self.lists_models():
            self.skip(f"{self.driver.name} lists no models")
        pages = [self.needs_fixture("models_reply"), *self.replies.models_pages]
        for who, models, sent in self._list(pages):
            known = self.replies.models_pages or self.replies.expected_models
            assert sent == len(pages) or not known, f"{who} reads {sent} of the {len(pages)} pages of the model list"
            for path, request in zip(self.replies.models_paths, self.sent, strict=False):
                assert request.url.endswith(path), f"{who} asks {request.url}, which does not end with {path}"
            assert all(model.provider for model in models), "a model does not name its provider"
            for wanted, got in zip(self.replies.expected_models, models, strict=False):
                for name, value in wanted.items():
                    found = getattr(got, name)
                    assert found == value, f"{who}: {name} of {got.id} is {found!r}, not {value!r}"
            ids = [model.id for model in models]
            if self.replies.expected_models:
                assert ids == [wanted["id"] for wanted in self.replies.expected_models], f"{who} gets the models {ids}"

    def test_models_are_synced(self) -> None:
        """`sync_models` adds the models of all pages, for callers of both colours, and finds nothing new after that."""
        if not self.lists_models():
            self.skip(f"{self.driver.name} lists no models")
        pages = [self.needs_fixture("models_reply"), *self.replies.models_pages]
        replies = [Simulated(headers=JSON_HEADERS, chunks=[page]) for page in pages]
        blocking, other = self.connected(*replies, *replies), self.connected(*replies, *replies)

        async def sync() -> Any:
            provider = other.asynchronous()
            try:
                return [await provider.sync_models(force) for force in (False, False, True)]
            finally:
                await provider.aclose()

        ids = sorted({model.id for model in self.connected(*replies).get_available_models()})
        for reports in ([blocking.sync_models(force) for force in (False, False, True)], asyncio.run(sync())):
            first, fresh, forced = reports
            assert (first.status, first.added) == ("success", ids), f"the first sync is {first}"
            assert (fresh.status, fresh.unchanged) == ("skipped", ids), f"a fresh sync is not skipped: {fresh}"
            assert (forced.status, forced.unchanged) == ("success", ids), f"a second sync finds changes: {forced}"

    def test_errors_in_a_model_list_are_raised(self) -> None:
        """An error in a model list is raised, and is not an empty list."""
        if not self.lists_models():
            self.skip(f"{self.driver.name} lists no models")
        failures = [(status, body) for status, body, *_ in self.replies.error_replies]
        for status, body in [*failures, *((200, body) for body in _NO_LISTS)]:
            driver = self.connected(Simulated(status=status, headers=JSON_HEADERS, chunks=[body]))
            try:
                models = driver.get_available_models()
            except AIError:
                continue
            raise AssertionError(f"HTTP {status} with {body!r} is taken for a list of models: {models}")

    def test_prices_are_known_or_unknown(self) -> None:
        """Prices are exact; those of the settings come first, and for what is unknown there is none."""
        table = {"conformance-priced": {"input": "2.5", "cached_input": "0.25", "output": "10"}}
        driver, usage = self.make(prices=table), TokenUsage(2 * _MILLION, 2 * _MILLION, cached_input_tokens=_MILLION)
        cost = driver.calculate_cost(usage, "conformance-priced")
        assert cost is not None and cost.total == Decimal("22.75"), (  # noqa: PT018
            f"a million tokens at $2.5, cached at $0.25 and two at $10 cost {cost}: the settings' prices do not count"
        )
        assert driver.calculate_cost(None, "conformance-priced") is None, "a cost is worked out without a usage"
        known = self.replies.expected_prices if self.has("build_request") and self.fixtures_or_none() else {}
        for model, (first, second) in known.items():
            pricing = self.subject.pricing(model)
            assert pricing is not None, f"the price of {model} is not known"
            found = (pricing.input, pricing.output)
            assert found == (first, second), f"{model} costs {found} per million tokens, not {(first, second)}"
            assert all(isinstance(price, Decimal) for price in found), (
                f"the prices of {model} are not Decimals: {found}"
            )
            tier = self.subject.pricing(model, "conformance-tier")
            assert tier is None, f"{model} has a price at a tier that nobody knows: {tier}"
        guess = self.subject.pricing("conformance-unknown-model-2099")
        assert guess is None or not (guess.input or guess.output), f"the price of an unknown model is guessed: {guess}"

    def test_embeddings_are_as_expected(self) -> None:
        """Vectors come in the order of the texts, as the fixtures name them, for callers of both colours."""
        self.needs("embeddings")
        fixtures = self.fixtures_or_none()
        if fixtures is None or not fixtures.embeddings_reply:
            self.skip("the fixtures have no embeddings_reply")
        texts = [f"conformance-text-{number}" for number, _ in enumerate(fixtures.expected_vectors)]
        driver = self.connected(Simulated(headers=JSON_HEADERS, chunks=[fixtures.embeddings_reply]))

        async def embed() -> Any:
            provider = driver.asynchronous()
            try:
                return await provider.embed(texts, model=self.model)
            finally:
                await provider.aclose()

        for got in (driver.embed(texts, model=self.model), asyncio.run(embed())):
            wanted = [list(vector) for vector in fixtures.expected_vectors]
            assert got.embeddings == wanted, f"the vectors are {got.embeddings}, not {wanted}"
            assert all(type(number) is float for vector in got.embeddings for number in vector), "not all are floats"
            if b"usage" in fixtures.embeddings_reply or b"meter" in fixtures.embeddings_reply:
                assert got.usage is not None, "the usage of the embeddings is lost"
        for request in self.sent:
            body = request.body or b""
            for text in (*texts, self.model):
                assert text.encode() in body or text in request.url, f"{text!r} is not in the request for embeddings"

    def test_embedding_options_are_sent_or_told(self) -> None:
        """No option of embeddings disappears."""
        self.needs("embeddings")
        plain = self._embedding_request()
        for text in ("conformance-a", "conformance-b"):
            assert text in str(plain[0]), f"of two texts to embed, {text!r} is not in the request"
        for name, value in {"dimensions": 7, "input_type": "query", "user": "conformance-user"}.items():
            request = self._embedding_request(**{name: value})
            assert request != plain, f"{name} of embeddings is dropped without a warning"
        assert self._embedding_request(extra={"conformance_extra": 0}) != plain, "`extra` of embeddings is not sent"
        headers = self._embedding_request(extra_headers={"x-conformance": "1"})[1]
        assert headers.get("x-conformance") == "1", "`extra_headers` of embeddings are not sent"

    def test_hostile_embeddings_raise_our_errors(self) -> None:
        """Replies that hold no vectors raise our errors, and are never vectors."""
        self.needs("embeddings")
        fixtures = self.fixtures_or_none()
        good = fixtures.embeddings_reply if fixtures else b""
        bodies = [*HOSTILE_BODIES, *map(encode_json, mutated_json(decode_json(good), _MUTATIONS) if good else ())]
        for body in bodies:
            driver = self.connected(Simulated(headers=JSON_HEADERS, chunks=[body]))
            only_our_errors("parse_embeddings", lambda: driver.embed(["a", "b"], model=self.model), body)  # noqa: B023
            if body in HOSTILE_BODIES:
                try:
                    got = driver.embed(["a", "b"], model=self.model)
                except AIError:
                    continue
                raise AssertionError(f"{body[:100]!r} is taken for embeddings: {got}")

    def _embedding_request(self, **options: Any) -> tuple[Any, dict[str, str], list[str]]:
        """Body, headers and warnings of a request for embeddings; the error in their place when it is refused."""
        from ...engine.splitting import split
        from ...operations.kinds import EMBED
        from ...operations.requests import EmbeddingRequest

        request = EmbeddingRequest(input=["conformance-a", "conformance-b"], model=self.model, **options)
        build = getattr(self.subject.operation(EMBED), "build_embeddings", None)
        if build is None:
            self.skip(f"{self.driver.name} makes several requests for embeddings")
        try:
            built = [build(piece) for piece in split(self.subject.operation(EMBED), request)]
        except AIError as error:
            return str(error), dict.fromkeys(("x-conformance",), "1"), []
        return [(one.url, one.body) for one in built], built[0].headers, request.warnings

    def _list(self, pages: list[bytes]) -> Any:
        """The models as callers of both colours get them, and how many requests it took."""
        replies = [Simulated(headers=JSON_HEADERS, chunks=[page]) for page in pages]
        driver = self.connected(*replies)
        models = driver.get_available_models()
        asked = [(request.url, request.body) for request in self.sent]
        twice = len(set(asked)) < len(asked)
        assert not twice or len(pages) == 1, f"two pages of the model list are asked for in the same way: {asked}"
        yield "a blocking caller", models, len(self.sent)
        driver = self.connected(*replies)

        async def list_models() -> Any:
            provider = driver.asynchronous()
            try:
                return await provider.get_available_models()
            finally:
                await provider.aclose()

        yield "an async caller", asyncio.run(list_models()), len(self.sent)
        for page in pages:
            first, second = (self.subject.parse_models(Reply(status=200, body=page)) for _ in range(2))
            assert first == second, "a page of the model list is read otherwise the second time"
