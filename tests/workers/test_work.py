"""The work of one item: plain data in, plain data out; what is put off, and what stands for an item."""

from __future__ import annotations

import dataclasses
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.workers.provider import wait_until

from polydriver import AI, ConfigurationError, ProviderClosedError, RateLimitError, errors
from polydriver.testing import no_waiting
from polydriver.workers import BulkWork, Postponed
from polydriver.workers.outcomes import FATAL, TRANSIENT, pause_before

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def make(*replies: Any, **options: Any) -> tuple[BulkWork, Any]:
    ai = AI.fake(list(replies) or None, provider="openai", retry_attempts=1)
    return BulkWork(lambda: ai, provider="openai", **{"model": "gpt-4o-mini", **options}), ai


@dataclasses.dataclass
class City:
    """A structured answer."""

    name: str


@pytest.mark.parametrize(
    ("item", "custom_id", "text"),
    [
        ("Hi", None, "Hi"),
        ([{"role": "user", "content": "Hi"}], None, "Hi"),
        ({"id": 7, "prompt": "Hi"}, "7", "Hi"),
        ({"custom_id": "a", "url": "/v1/chat/completions", "body": {"messages": [{"role": "user", "content": "Hi"}]}},
         "a", "Hi"),
        ({"custom_id": "b", "url": "/v1/responses", "body": {"input": "Hi", "model": "gpt-4o"}}, "b", "Hi"),
    ],
)  # fmt: skip
def test_each_form_of_an_item_is_answered(item: Any, custom_id: str | None, text: str) -> None:
    work, ai = make("Hello!")
    outcome: Any = work.answer(item)
    assert outcome["content"] == "Hello!"
    assert outcome["usage"]["output_tokens"] > 0
    assert json.loads(json.dumps(outcome)) == outcome
    assert custom_id is None or outcome["custom_id"] == custom_id
    ai.assert_sent(text, provider="openai")


def test_a_structured_answer_is_plain() -> None:
    work, _ = make('{"name": "Oslo"}', response_format=City)
    outcome: Any = work.answer("Where?")
    assert outcome["parsed"] == {"name": "Oslo"}


@pytest.mark.parametrize("name", sorted(name for name in errors.__all__ if isinstance(getattr(errors, name), type)))
def test_every_error_is_an_outcome_or_puts_the_item_off(name: str) -> None:
    kind = getattr(errors, name)
    work, _ = make(*[kind("it did not work")] * 2)
    if kind is ProviderClosedError:
        with pytest.raises(ProviderClosedError):
            work.answer("Hi")
        return
    found: Any = work.attempt("Hi", waited=599.5)
    assert found["error"]["type"].endswith("Error")
    if issubclass(kind, TRANSIENT):
        assert found["error"]["type"].endswith(name), "there is no patience left"
        assert work.attempt("Hi") == Postponed(1.0)
    assert json.loads(json.dumps(found)) == found


def test_an_item_is_put_off_as_long_as_the_provider_says() -> None:
    work, _ = make(RateLimitError("slow down", retry_after=42.0))
    assert work.attempt("Hi") == Postponed(42.0)
    assert [pause_before(tries, RateLimitError("")) for tries in (1, 2, 3, 7, 2000)] == [1.0, 2.0, 4.0, 60.0, 60.0]
    assert not set(TRANSIENT) & set(FATAL)


def test_who_waits_is_answered_in_the_end() -> None:
    busy = RateLimitError("slow down", retry_after=42.0)
    work, ai = make(busy, busy, "Hello!")
    with no_waiting() as waits:
        assert work.answer("Hi")["content"] == "Hello!"
        assert waits == [42.0, 42.0]
    ai.assert_done()
    impatient, _ = make(*[busy] * 3, patience=100.0)
    with no_waiting() as waits:
        assert impatient.answer("Hi")["error"]["retry_after"] == 42.0
        assert waits == [42.0, 42.0]


def test_a_wait_ends_when_the_worker_is_closed() -> None:
    work, ai = make(RateLimitError("slow down", retry_after=300.0))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(work.answer, "Hi")
        wait_until(lambda: len(ai.calls) == 1, "it was refused")
        work.close(0.0)
        with pytest.raises(ProviderClosedError):
            waiting.result(60)


@pytest.mark.parametrize("item", [7, None, {}, {"prompt": "Hi", "messages": []}, {"url": "/v1/other", "body": {}}])
def test_what_cannot_be_sent_says_why(item: Any) -> None:
    work, ai = make()
    outcome: Any = work.answer(item)
    assert outcome["error"]["type"] in ("InvalidLine", "ConfigurationError")
    ai.assert_nothing_sent()


def test_closed_work_sends_nothing() -> None:
    work, _ = make()
    work.answer("Hi")
    work.close(0.0)
    with pytest.raises(ProviderClosedError):
        work.answer("Hi")
    unused, _ = make()
    unused.close(0.0)
    with pytest.raises(ProviderClosedError):
        unused.answer("Hi")


@settings(max_examples=50)
@given(JSON, JSON)
def test_the_same_item_has_the_same_key_and_another_one_another(first: Any, second: Any) -> None:
    work = BulkWork()
    again = json.loads(json.dumps(first))
    assert work.key(first, "night") == work.key(again, "night")
    same = json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)
    assert (work.key(first, "night") == work.key(second, "night")) == same


def test_the_key_depends_on_all_that_changes_the_answer() -> None:
    work, _ = make()
    others = [make(max_tokens=5)[0], make(model="gpt-4o")[0], make(response_format=City)[0], BulkWork(provider="x")]
    keys = [work.key("Hi", "night"), work.key("Hi", "day"), work.key({"prompt": "Hi"}, "night")]
    keys += [work.key({"id": "1", "prompt": "Hi"}, "night"), *(other.key("Hi", "night") for other in others)]
    assert len(set(keys)) == len(keys)
    with pytest.raises(ConfigurationError, match="plain data"):
        work.key({"prompt": b"bytes"}, "night")


def test_errors_of_outcomes_can_be_told_apart() -> None:
    work, _ = make(RateLimitError("slow down", retry_after=4.0, status=429, code="busy"))
    outcome: Any = work.attempt("Hi", waited=600.0)
    assert outcome["error"]["status"] == 429
    assert outcome["error"]["code"] == "busy"
    assert outcome["error"]["retry_after"] == 4.0
    assert pickle.loads(pickle.dumps(outcome)) == outcome
