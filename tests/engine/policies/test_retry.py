"""The retry policy: delays, what the server says, the budget."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver.engine.policies.retry import (
    backoff,
    parse_duration,
    parse_retry_after,
    retry_delay,
    should_retry_header,
)
from polydriver.errors import RateLimitError

NOW = 1_700_000_000.0


@given(st.integers(1, 10_000), st.floats(0, 100), st.floats(0, 1000), st.floats(0, 1, exclude_max=True))
def test_backoff_never_exceeds_the_cap_and_never_falls_below_the_plain_delay(
    attempt: int, base: float, cap: float, random: float
) -> None:
    delay = backoff(attempt, base, cap, random)
    assert min(cap, base * 2.0 ** min(attempt - 1, 60)) <= delay <= cap


def test_backoff_doubles_and_adds_up_to_a_tenth() -> None:
    assert [backoff(attempt, 1.0, 30.0, 0.0) for attempt in (1, 2, 3, 4, 5, 6)] == [1, 2, 4, 8, 16, 30]
    assert backoff(2, 1.0, 30.0, 0.5) == pytest.approx(2.1)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("20ms", 0.02), ("6m0s", 360.0), ("1h2m3.5s", 3723.5), ("7", 7.0), ("0.25", 0.25), ("1d", 86400.0), (" 3s ", 3.0)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "soon", "-1", "1e9", "nan", "inf", "6m0", "٣s", "1" * 40, "s", "5 s"])
def test_what_is_no_duration(text: str) -> None:
    assert parse_duration(text) is None


@given(st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms", "x-ratelimit-reset-tokens"]), st.text()))
def test_garbage_in_headers_is_harmless(headers: dict[str, str]) -> None:
    seconds = parse_retry_after(headers, NOW)
    assert seconds is None or seconds >= 0


def test_milliseconds_go_before_seconds_and_dates_count_from_now() -> None:
    assert parse_retry_after({"retry-after-ms": "1500", "retry-after": "9"}, NOW) == 1.5
    later = format_datetime(datetime.fromtimestamp(NOW + 42, UTC), usegmt=True)
    assert parse_retry_after({"retry-after": later}, NOW) == 42.0
    earlier = format_datetime(datetime.fromtimestamp(NOW - 42, UTC), usegmt=True)
    assert parse_retry_after({"retry-after": earlier}, NOW) == 0.0


def test_the_reset_of_the_limit_that_is_used_up_counts() -> None:
    headers = {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "2s",
        "x-ratelimit-remaining-tokens": "1000",
        "x-ratelimit-reset-tokens": "6m0s",
    }
    assert parse_retry_after(headers, NOW) == 2.0
    assert parse_retry_after(headers, NOW, limited=False) is None
    assert parse_retry_after({"x-ratelimit-reset-tokens": "1700000000"}, NOW) is None, "an epoch time is not a duration"


def test_a_wait_above_the_cap_is_not_made() -> None:
    error = RateLimitError("slow down", retry_after=31.0)
    assert retry_delay(error, 1, 1.0, 30.0, 0.0) is None
    error.retry_after = 20.0
    assert retry_delay(error, 1, 1.0, 30.0, 0.0) == 20.0
    error.retry_after = 0.1
    assert retry_delay(error, 3, 1.0, 30.0, 0.0) == 4.0, "the server's word is a minimum"


@pytest.mark.parametrize(("value", "wanted"), [("true", True), ("FALSE", False), ("maybe", None), ("", None)])
def test_should_retry(value: str, wanted: bool | None) -> None:
    assert should_retry_header({"x-should-retry": value}) is wanted
