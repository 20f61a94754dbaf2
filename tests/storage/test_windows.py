"""Days, weeks and months of every time zone follow each other without a gap."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from polydriver.storage.windows import day_start, local_date, window_of

ZONES = st.sampled_from(sorted(available_timezones() - {"localtime"})).map(ZoneInfo)
MOMENTS = st.floats(3.2e7, 2.1e9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(ZONES, MOMENTS, st.sampled_from(["day", "week", "month"]))
@example(ZoneInfo("Pacific/Apia"), datetime(2011, 12, 30, 10, tzinfo=UTC), "day")
@example(ZoneInfo("America/Havana"), datetime(2026, 11, 1, 4, 30, tzinfo=UTC), "day")
def test_windows_follow_each_other(zone: ZoneInfo, moment: datetime, period: Any) -> None:
    window = window_of(period, zone, moment)
    assert window.end is not None
    assert window.start <= moment < window.end
    assert window_of(period, zone, window.start) == window
    following = window_of(period, zone, window.end)
    assert following.start == window.end
    assert following != window


@given(ZONES, MOMENTS)
def test_the_days_of_a_month_are_the_month(zone: ZoneInfo, moment: datetime) -> None:
    month = window_of("month", zone, moment)
    assert month.end is not None
    at, days = month.start, 0
    while at < month.end:
        end = window_of("day", zone, at).end
        assert end is not None
        at, days = end, days + 1
    assert at == month.end
    assert 27 <= days <= 31


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("America/New_York", date(2026, 3, 8), 23),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Asia/Beirut", date(2026, 3, 29), 23),
        ("America/Havana", date(2026, 11, 1), 25),
        ("Asia/Kolkata", date(2026, 10, 25), 24),
    ],
)
def test_a_day_of_the_change(zone: str, day: date, hours: float) -> None:
    place = ZoneInfo(zone)
    assert day_start(day + timedelta(days=1), place) - day_start(day, place) == timedelta(hours=hours)
    assert local_date(day_start(day, place), place) == day


def test_a_week_begins_on_monday_and_all_time_has_no_end() -> None:
    moment = datetime(2026, 11, 29, 23, 30, tzinfo=UTC)  # a Sunday, and Monday in Berlin
    assert window_of("week", ZoneInfo("UTC"), moment).start == datetime(2026, 11, 23, tzinfo=UTC)
    assert window_of("week", ZoneInfo("Europe/Berlin"), moment).start == datetime(2026, 11, 29, 23, tzinfo=UTC)
    assert window_of("total", ZoneInfo("UTC"), moment).end is None
