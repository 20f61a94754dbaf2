"""The cache beside what else a call passes: budgets, pools, telemetry, conversations, hedging, the log."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from tests.engine.caching.helpers import HOWS, ask, cached, heard

from polydriver import AI, BudgetExceededError, CacheHit, MockDriver

CACHE = {"cache": {"enabled": True}}


def settings(tmp_path: Path, **more: Any) -> dict[str, Any]:
    url = f"sqlite:///{tmp_path}/ai.db"
    return {"providers": {"mock": CACHE}, "storage": {"url": url, "ledger": "write-behind"}, **more}


def test_what_costs_nothing_needs_no_budget_and_spends_none(tmp_path: Path) -> None:
    with AI(settings(tmp_path, budgets={"all": {"limit": "0.0001", "period": "total"}})) as ai:
        provider = ai.provider("mock")
        long = "x " * 20
        provider.send_message(long, max_tokens=40)
        for _ in range(20):
            assert provider.send_message(long, max_tokens=40).cached
        with pytest.raises(BudgetExceededError):
            provider.send_batch([f"{long} {number}" for number in range(20)], max_tokens=40)
        assert provider.send_message(long, max_tokens=40).cached


def test_members_of_a_pool_that_share_have_their_answers_in_common() -> None:
    member = {"driver": "mock", "cache": {"enabled": True, "share": "both"}}
    with AI({"providers": {"a": member, "b": member, "pool": {"targets": ["a", "b"]}}}) as ai:
        events = heard(ai)
        answers = [ai.provider("pool").send_message("Hi") for _ in range(6)]
        assert [answer.cached for answer in answers] == [False, True, True, True, True, True]
        assert {answer.provider for answer in answers} == {"a", "b"}
        assert sum(isinstance(event, CacheHit) for event in events) == 5


@pytest.mark.parametrize("how", HOWS)
def test_a_call_that_may_be_hedged_is_kept_as_any(how: str) -> None:
    hedging = {"enabled": True, "minimum_calls": 1, "max_ratio": 1.0}
    with cached("one", "two", hedging=hedging) as mock:
        assert [ask(how, mock)[0].content for _ in range(3)] == ["one"] * 3
        assert len(mock.calls) == 1


def test_tokens_of_a_conversation_are_counted_once(tmp_path: Path) -> None:
    with AI(settings(tmp_path)) as ai:
        for _ in range(2):
            ai.conversation(provider="mock").send("Hi")
        first, second = sorted(ai.conversations.list(), key=lambda found: found.created_at)
        assert (first.input_tokens > 0, second.input_tokens) == (True, 0)
        assert (first.cost > 0, second.cost) == (True, 0)


def test_the_log_tells_of_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "polydriver")
    with cached("one") as mock:
        mock.send_message("Hi")
        mock.send_message("Hi")
    first, second = (record for record in caplog.records if "answered" in record.message)
    assert "answered: " in first.message
    assert "answered from the cache: " in second.message
    assert second.ai["cached"] is True  # type: ignore[attr-defined]


def test_a_span_tells_of_it_and_counts_no_tokens() -> None:
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from polydriver.telemetry import instrument

    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    with AI({"providers": {"mock": CACHE}}) as ai:
        instrument(ai, tracer_provider=provider)
        for _ in range(2):
            ai.provider("mock").send_message("Hi")
    calls = [span for span in kept.get_finished_spans() if not span.name.endswith("attempt")]
    asked, hit = (dict(span.attributes or {}) for span in calls)
    assert "polydriver.call.cached" not in asked
    assert hit["polydriver.call.cached"] is True
    assert "gen_ai.usage.input_tokens" in asked
    assert "gen_ai.usage.input_tokens" not in hit
    provider.shutdown()


def test_a_driver_whose_cache_was_never_used_closes_as_ever() -> None:
    with MockDriver() as mock:
        mock.send_message("Hi")
    assert mock.connection.cache is None
