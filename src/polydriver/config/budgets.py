"""The settings of budgets: how much money may be spent, by whom and until when."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, TypeAlias, get_args

import msgspec

from .problems import Problems

__all__ = ["BudgetConfig", "BudgetPeriod", "BudgetScope", "read_budgets"]

BudgetScope: TypeAlias = Literal["all", "connection", "project", "key", "user", "tag"]
BudgetPeriod: TypeAlias = Literal["day", "week", "month", "total"]

_SCOPES = tuple(scope for scope in get_args(BudgetScope) if scope != "all")
_PERIODS = get_args(BudgetPeriod)
_EACH = "*"
_OTHERS = ("limit", "period", "time_zone", "warn_at", "unknown_price", "stop_streams", "currency")


class BudgetConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A budget: so much money for what falls under it, in each period.

    - `limit`: the money, in `currency`.
    - `scope` and `subject`: what falls under it: all calls, or those of a connection, project, key, user or tag. With
      a scope and no subject, each one of that kind has a budget of its own.
    - `period`: "day", "week" (from Monday on), "month" or "total", by the calendar of `time_zone` (an IANA name).
    - `warn_at`: the parts of the limit at which `BudgetWarning` is emitted, ascending.
    - `unknown_price`: what happens to an attempt whose price is not known: "refuse", "allow", or an amount that it is
      assumed to cost.
    - `stop_streams`: whether a stream is stopped when there is no money for more of it.
    """

    name: str
    limit: Decimal
    scope: BudgetScope = "all"
    subject: str | None = None
    period: BudgetPeriod = "month"
    time_zone: str = "UTC"
    warn_at: tuple[float, ...] = (0.8,)
    unknown_price: Literal["refuse", "allow"] | Decimal = "refuse"
    stop_streams: bool = False
    currency: str = "USD"


def read_budgets(given: Any, file: Any, problems: Problems) -> tuple[BudgetConfig, ...]:
    """The table `budgets` of the settings: a table for each by its name; those of a dict replace those of a file."""
    tables: dict[str, Any] = {}
    for layer in (file, given):
        if not isinstance(layer, Mapping):
            problems.add("budgets", f"is not a table (dict) of budgets by name but {type(layer).__name__}")
            continue
        tables.update(layer)
    found = [_read_one(str(name), table, problems) for name, table in tables.items()]
    return tuple(budget for budget in found if budget is not None)


def _read_one(name: str, table: Any, problems: Problems) -> BudgetConfig | None:
    place = f"budgets.{name}"
    if not isinstance(table, Mapping):
        problems.add(place, "is not a table (dict); write {limit = 10, period = 'day'}")
        return None
    values: dict[str, Any] = {}
    sound = True
    for key, value in table.items():
        if key in _SCOPES:
            continue
        if key not in _READERS:
            problems.unknown(f"{place}.{key}", {f"{place}.{known}" for known in (*_OTHERS, *_SCOPES)}, None)
            continue
        try:
            values[key] = _READERS[key](value)
        except ValueError as error:
            problems.add(f"{place}.{key}", str(error))
            sound = False
    scopes = {key: table[key] for key in _SCOPES if table.get(key) is not None}
    for key, subject in scopes.items():
        if not isinstance(subject, str) or not subject:
            problems.add(f"{place}.{key}", "is not a name; '*' gives each one a budget of its own")
            sound = False
    if len(scopes) > 1:
        problems.add(place, f"is for {' and '.join(scopes)} at once: make a budget for each")
        sound = False
    if "limit" not in table:
        problems.add(f"{place}.limit", "is missing: how much may be spent")
        sound = False
    if not sound:
        return None
    for scope, subject in scopes.items():
        values |= {"scope": scope, "subject": None if subject == _EACH else subject}
    return BudgetConfig(name=name, **values)


def _amount(value: object) -> Decimal:
    if isinstance(value, str | int | float | Decimal) and not isinstance(value, bool):
        try:
            amount = Decimal(str(value).strip())
        except InvalidOperation:
            amount = Decimal("NaN")
        if amount.is_finite() and 0 <= amount <= 1_000_000:
            return amount
    raise ValueError("is not an amount of money, from 0 to 1,000,000")


def _period(value: object) -> str:
    if value not in _PERIODS:
        raise ValueError(f"is not one of {', '.join(_PERIODS)}")
    return str(value)


def _time_zone(value: object) -> str:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(str(value)).key
    except (OSError, ValueError, KeyError):  # `ZoneInfoNotFoundError` is a `KeyError`
        raise ValueError(
            "is not a time zone that this machine knows; use an IANA name such as Europe/Berlin (Windows needs "
            "`pip install tzdata`)"
        ) from None


def _shares(value: Any) -> tuple[float, ...]:
    items = value if isinstance(value, list | tuple) else [value]
    for item in items:
        if isinstance(item, bool) or not isinstance(item, int | float) or not 0 < item <= 1:
            raise ValueError("is not a list of parts of the limit, each more than 0 and at most 1")
    return tuple(sorted(float(item) for item in items))


def _unknown_price(value: object) -> Any:
    return value if value in ("refuse", "allow") else _amount(value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("is neither true nor false")
    return value


def _currency(value: object) -> str:
    if not isinstance(value, str) or len(value) != 3 or not value.isalpha():
        raise ValueError("is not a currency's three letters, such as USD")
    return value.upper()


_READERS: dict[str, Any] = {
    "limit": _amount,
    "period": _period,
    "time_zone": _time_zone,
    "warn_at": _shares,
    "unknown_price": _unknown_price,
    "stop_streams": _flag,
    "currency": _currency,
}
