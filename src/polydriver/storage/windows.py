"""Days, weeks and months of a time zone as spans of time, over changes of daylight saving: each follows the last one.

A day begins with the first moment that has its date. Where midnight does not exist, that is the moment of the change;
where it comes twice, the first one. A week begins on Monday (ISO 8601).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ..config.budgets import BudgetPeriod

__all__ = ["Window", "day_start", "local_date", "window_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Window(NamedTuple):
    """From `start` on, up to and without `end`; both in UTC. `end` is `None` for a window that never ends."""

    start: datetime
    end: datetime | None


@lru_cache(4096)
def day_start(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def local_date(moment: datetime, zone: ZoneInfo) -> date:
    """The date of a moment: that of the day whose span it is in.

    It is the date that a clock shows, but where a clock that goes back over midnight shows a date twice.
    """
    day = moment.astimezone(zone).date()
    following = day + timedelta(days=1)
    return following if moment >= day_start(following, zone) else day


def window_of(period: BudgetPeriod, zone: ZoneInfo, moment: datetime) -> Window:
    """The window that a moment is in."""
    if period == "total":
        return Window(_EPOCH, None)
    day = local_date(moment, zone)
    if period == "day":
        first, following = day, day + timedelta(days=1)
    elif period == "week":
        first = day - timedelta(days=day.weekday())
        following = first + timedelta(days=7)
    else:
        first = day.replace(day=1)
        following = (first + timedelta(days=32)).replace(day=1)
    return Window(day_start(first, zone), day_start(following, zone))
