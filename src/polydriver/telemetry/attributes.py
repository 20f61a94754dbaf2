"""What spans tell of errors, and of what was used and paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.trace import Span, Status, StatusCode

from .. import errors
from ..data.cost import Cost
from ..data.usage import TokenUsage
from . import names

if TYPE_CHECKING:
    pass

__all__ = ["error_type", "set_error", "tell_spending"]


def error_type(error: BaseException) -> str:
    """The value of `error.type`: the class of the common tree, which is the same for all providers; of other errors
    the whole name."""
    kind = type(error)
    for base in kind.__mro__:
        if base.__module__ == errors.__name__ and base.__name__ in errors.__all__:
            return base.__name__
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def set_error(span: Span, error: BaseException, text: str | None = None) -> None:
    """Have a span say that it failed; `text` says more, where content may be told."""
    kind = error_type(error)
    span.set_attribute(names.ERROR_TYPE, kind)
    span.set_status(Status(StatusCode.ERROR, f"{kind}: {text}" if text else kind))


def tell_spending(told: dict[str, Any], usage: TokenUsage | None, cost: Cost | None, fields: dict[str, str]) -> None:
    """Add what was used and paid to the attributes of a span."""
    if usage is not None:
        for field, name in fields.items():
            if (count := getattr(usage, field)) is not None:
                told[name] = count
        if usage.estimated:
            told[names.ESTIMATED] = True
    if cost is not None:
        told[names.COST], told[names.CURRENCY] = float(cost.total), cost.currency
