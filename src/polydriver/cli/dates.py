"""Spans of days, as options name them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import click

from .terminal import neutralise

__all__ = ["Span", "date_options"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def date_options(function: Decorated) -> Decorated:
    """Add `--month`, `--since`, `--until` and `--time-zone`."""
    month = click.option("--month", metavar="YYYY-MM", help="That month.")
    since = click.option("--since", metavar="DATE", help="From that day on: YYYY-MM-DD, or `all`.")
    until = click.option("--until", metavar="DATE", help="Up to the end of that day.")
    zone = click.option(
        "--time-zone",
        default="UTC",
        show_default=True,
        metavar="NAME",
        help="Whose calendar counts: Europe/Berlin, ...",
    )
    return month(since(until(zone(function))))


class Span(NamedTuple):
    """The days that are meant, both included; `None` is no bound. `is_open`: nothing was said of its beginning."""

    since: date | None
    until: date | None
    zone: str
    is_open: bool

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Span:
        """The span that the options of a command name. Raises click's errors for what is not a date, or a zone."""
        month, since, until, zone = (options[name] for name in ("month", "since", "until", "time_zone"))
        try:
            ZoneInfo(zone)
        except (OSError, ValueError, KeyError):
            raise click.BadParameter(
                f"{neutralise(zone)!r} is not a time zone: write an IANA name", param_hint="--time-zone"
            ) from None
        if month is not None:
            if since is not None or until is not None:
                raise click.UsageError("--month stands alone, without --since and --until")
            first = _date(f"{month}-01", month, "--month", "YYYY-MM")
            return cls(first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1), zone, False)
        last = None if until is None else _date(until, until, "--until", "YYYY-MM-DD")
        first_day = None if since in (None, "all") else _date(since, since, "--since", "YYYY-MM-DD")
        return cls(first_day, last, zone, since is None and until is None)

    def this_month(self) -> date | None:
        """Where a report begins of whose days nothing was said."""
        if not self.is_open:
            return None
        return datetime.now(UTC).astimezone(ZoneInfo(self.zone)).date().replace(day=1)

    def moments(self) -> tuple[datetime | None, datetime | None]:
        """When the span begins, and when it is over."""
        from ..storage.windows import day_start

        zone = ZoneInfo(self.zone)
        return (
            None if self.since is None else day_start(self.since, zone),
            None if self.until is None else day_start(self.until + timedelta(days=1), zone),
        )


def _date(text: str, given: str, option: str, form: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{neutralise(given)!r} is not a date: write {form}", param_hint=option) from None
