"""The rows of the ledger, as values ready for the database's driver: they are written for every attempt.

Who an attempt was for is read from the call's `metadata`: `project`, `key` and `user` (texts), `tags` (a list of texts)
have columns of their own; the rest stands together in `metadata`. Where it names no user, the option `user` does.
"""

from __future__ import annotations

import hashlib
from copy import copy
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from ..data.attempts import AttemptReport, PaidItem
from ..data.prompt import Prompt
from ..data.usage import TokenUsage
from ..engine.attempts import Attempt
from ..engine.calls import Call
from ..engine.policies import Outcome
from .columns import pack_json, pack_text, to_pico
from .estimates import estimate_attempt
from .ids import new_id
from .owners import LONGEST, short_name, tag_names
from .writer import Row, Statement

__all__ = [
    "ATTEMPT",
    "CALL",
    "RENEW",
    "SETTLE",
    "UNROLL",
    "UNROLL_SINCE",
    "Entry",
    "Hit",
    "Owner",
    "call_values",
    "conversation_key",
    "end_values",
    "hit_values",
    "intent_values",
    "item_values",
    "owner_of",
    "owner_values",
]

_OWNER = ("project", "key", "user", "tags", "metadata")
_CALL = ("id", "request_id", "operation", "provider", "model", "conversation_id", "started_at", *_OWNER)
_INTENT = (
    "id", "call_id", "number", "kind", "operation", "provider", "model", "conversation_id", "started_at", "expires_at",
    "estimate", *_OWNER,
)  # fmt: skip
_END = (
    "answered_model", "ended_at", "outcome", "status", "error", "provider_request_id", "latency_us", "first_content_us",
    "may_be_billed", "input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens",
    "usage", "estimated", "cost", "currency", "cost_items", "cost_source", "reported_cost",
    "calculated_cost", "price_known",
    "facts",
)  # fmt: skip
_ID, _CURRENCY = 32, 8


def _insert(order: int, table: str, columns: tuple[str, ...]) -> Statement:
    names = ", ".join(f'"{name}"' for name in columns)
    places = ", ".join("?" * len(columns))
    return Statement(order, f"INSERT INTO {table} ({names}) VALUES ({places}) ON CONFLICT (id) DO NOTHING")


CALL = _insert(1, "ai_calls", _CALL)
ATTEMPT = _insert(2, "ai_attempts", (*_INTENT, *_END))
SETTLE = Statement(
    3,
    f"UPDATE ai_attempts SET {', '.join(f'{name} = ?' for name in _END)} "
    "WHERE id = ? AND (outcome IS NULL OR outcome = 'unknown')",
)
RENEW = Statement(4, "UPDATE ai_attempts SET expires_at = ? WHERE id = ? AND outcome IS NULL")
UNROLL = Statement(5, "DELETE FROM ai_rolled_days WHERE day = ? AND final IS NULL")
UNROLL_SINCE = Statement(6, "DELETE FROM ai_rolled_days WHERE day >= ? AND final IS NULL")
_OPEN = (None,) * len(_END)
_NOBODY = (None,) * len(_OWNER)


class Entry:
    """What the ledger knows of one attempt: all of it at its end."""

    __slots__ = (
        "attempt", "call_id", "ended_at", "expires", "id", "is_ended", "outcome", "report", "row", "started_at",
    )  # fmt: skip

    def __init__(self, attempt: Attempt, call_id: str, now: float, expires: float) -> None:
        self.id = new_id()
        self.attempt = attempt
        self.call_id = call_id
        self.started_at = now
        self.expires = expires
        self.row: Row | None = None
        self.is_ended = False
        self.ended_at = 0.0
        self.outcome: Outcome | None = None
        self.report: AttemptReport | None = None


class Hit:
    """A call that was answered without a request: it has a row like an attempt, of the kind "cached"."""

    __slots__ = ("call", "prompt", "provider")

    def __init__(self, call: Call, prompt: Prompt, provider: str) -> None:
        self.call = call
        self.prompt = prompt
        self.provider = provider


def call_values(attempt: Attempt | Hit, id: str, now: float) -> tuple[Any, ...]:
    """The values of the row of a call that `attempt` is the first of."""
    call = attempt.call
    return (
        id,
        call.id,
        call.operation,
        pack_text(call.provider),
        _text(call.model),
        conversation_key(call.conversation_id),
        int(now * 1e6),
        *owner_values(attempt),
    )


def intent_values(entry: Entry) -> tuple[Any, ...]:
    """The values of an attempt's row: those of its end, too, when it has one by now."""
    attempt = entry.attempt
    call = attempt.call
    is_open = entry.outcome is None or entry.outcome.counts_once
    return (
        entry.id,
        entry.call_id,
        attempt.number,
        "attempt",
        call.operation,
        pack_text(attempt.provider),
        _text(attempt.model),
        conversation_key(call.conversation_id),
        int(entry.started_at * 1e6),
        int(entry.expires * 1e6),
        _estimate(attempt) if is_open else None,
        *owner_values(attempt),
        *(_OPEN if is_open else end_values(entry)[:-1]),
    )


def item_values(entry: Entry, item: PaidItem, number: int) -> tuple[Any, ...]:
    """The values of the row of one answer of a batch, whose id stands where attempts have the provider's."""
    part = copy(entry)
    part.id, part.report = new_id(), None
    part.outcome = Outcome(kind="success", usage=item.usage, cost=item.cost, billing=item.billing)
    values = dict(zip((*_INTENT, *_END), intent_values(part), strict=True))
    values |= {"kind": "batch_item", "number": entry.attempt.number + number, "provider_request_id": _text(item.id)}
    return tuple(values.values())


def hit_values(hit: Hit, id: str, now: float, number: int, currency: str) -> tuple[Any, ...]:
    """The values of the row of a hit: it cost nothing, and used nothing."""
    call, moment = hit.call, int(now * 1e6)
    end = dict.fromkeys(_END)
    end |= {"ended_at": moment, "outcome": "success", "may_be_billed": False, "estimated": False, "cost": 0}
    end |= {"currency": currency[:_CURRENCY], "cost_source": "response cache"}
    intent: dict[str, Any] = {
        "id": id,
        "call_id": call.row_id,
        "number": number,
        "kind": "cached",
        "operation": call.operation,
        "provider": pack_text(hit.provider),
        "model": _text(hit.prompt.model),
        "conversation_id": conversation_key(call.conversation_id),
        "started_at": moment,
        "expires_at": None,
        "estimate": None,
        **dict(zip(_OWNER, owner_values(hit), strict=True)),
    }
    return (*(intent[name] for name in _INTENT), *end.values())


def end_values(entry: Entry) -> tuple[Any, ...]:
    """The values of an attempt's end, and its id."""
    outcome, report = entry.outcome, entry.report
    assert outcome is not None
    usage = outcome.usage or TokenUsage()
    cost = outcome.cost
    reported = cost.total if cost is not None and cost.is_reported else None
    calculated = None if cost is None else cost.by_our_prices
    picos = None if cost is None else to_pico(cost.total)
    return (
        _text(usage.model or (cost.model if cost is not None else None)),
        int(entry.ended_at * 1e6),
        outcome.kind,
        report.status if report is not None else None,
        report.error if report is not None else None,
        _text(report.request_id) if report is not None else None,
        int(report.latency * 1e6) if report is not None else None,
        _micros(report.time_to_first_content) if report is not None else None,
        outcome.may_be_billed,
        usage.input_tokens,
        usage.cached_input_tokens,
        usage.cache_write_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
        _usage(outcome.usage),
        usage.estimated,
        picos,
        None if cost is None else cost.currency[:_CURRENCY],
        None if cost is None else pack_json({name: str(amount) for name, amount in cost.items.items()}),
        None if cost is None else _text(cost.source),
        None if reported is None else picos,
        picos if cost is not None and calculated is cost.total else _picos(calculated),
        None if outcome.usage is None else cost is not None,
        _facts(entry.attempt, outcome) if cost is None and outcome.usage is not None else None,
        entry.id,
    )


def owner_values(attempt: Attempt | Hit) -> tuple[Any, ...]:
    """Project, key, user, tags and the rest of the metadata. What is not plain data is written as text."""
    metadata, prompt = attempt.call.metadata, attempt.prompt
    if not metadata and (prompt is None or prompt.user is None):
        return _NOBODY
    owner = owner_of(attempt)
    rest = {str(name): value for name, value in metadata.items() if name not in _OWNER[:-1]}
    return (
        *(_text(name) for name in owner[:3]),
        None if owner.tags is None else pack_json(owner.tags),
        _json(rest) if rest else None,
    )


class Owner(NamedTuple):
    """Who a call is for."""

    project: str | None
    key: str | None
    user: str | None
    tags: list[str] | None


def owner_of(attempt: Attempt | Hit) -> Owner:
    """Who an attempt is for, as the ledger writes it: from the metadata of its call; its user else from the option."""
    metadata = attempt.call.metadata
    project, key, user = (short_name(metadata.get(name)) for name in _OWNER[:3])
    if user is None and attempt.prompt is not None:
        user = short_name(attempt.prompt.user)
    return Owner(project, key, user, tag_names(metadata.get("tags")))


def conversation_key(id: str | None) -> str | None:
    """The id of a conversation as the ledger writes it: ours as the row of the conversation has it. Of a longer one
    only the beginning stays, with 16 digits that tell it from others."""
    if id is None:
        return None
    id = id.removeprefix("conv_")
    packed = pack_text(id)
    return packed if len(packed) <= _ID else f"{ascii(id)[1:16]}~{hashlib.sha256(packed.encode()).hexdigest()[:16]}"


def _json(value: Any) -> str:
    try:
        return pack_json(value)
    except (TypeError, ValueError, RecursionError):
        return pack_json({str(name): str(item) for name, item in value.items()})


def _text(value: object) -> str | None:
    return None if value is None else pack_text(str(value)[:LONGEST])


def _picos(amount: Decimal | None) -> int | None:
    return None if amount is None else to_pico(amount)


def _micros(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1e6)


def _usage(usage: TokenUsage | None) -> str | None:
    if usage is None:
        return None
    fields = msgspec.structs.asdict(usage)
    return pack_json({name: value for name, value in fields.items() if value not in (None, False)})


def _facts(attempt: Attempt, outcome: Outcome) -> str | None:
    """What decides the price beside the usage, for attempts that are priced later."""
    facts: dict[str, Any] = {}
    if outcome.billing is not None:
        facts["billing"] = msgspec.to_builtins(outcome.billing)
    if attempt.prompt is not None and attempt.prompt.service_tier is not None:
        facts["asked_tier"] = attempt.prompt.service_tier
    return pack_json(facts) if facts else None


def _estimate(attempt: Attempt) -> str | None:
    """What the attempt would cost if nothing more is heard of it."""
    found = estimate_attempt(attempt)
    if found is None:
        return None
    usage, cost, _ = found
    return pack_json(
        {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cost": None if cost is None else to_pico(cost.total),
            "currency": None if cost is None else cost.currency,
        }
    )
