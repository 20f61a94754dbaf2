"""Under which budgets an attempt falls, what is reserved for it, and what it counts with in the end."""

from __future__ import annotations

from decimal import Decimal

from ..config.budgets import BudgetConfig
from ..data.cost import Cost
from ..data.usage import TokenUsage
from ..engine.attempts import Attempt
from ..engine.policies import Outcome
from ..errors import BudgetExceededError
from .budget_rows import Claim
from .columns import to_pico
from .estimates import Estimate
from .ledger_rows import Owner

__all__ = ["reserved_for", "spent_of", "subjects_of"]


def subjects_of(budget: BudgetConfig, connection: str, owner: Owner) -> list[str]:
    """Under whose budgets an attempt falls: none, one, or one for each of its tags."""
    if budget.scope == "all":
        return [""]
    if budget.scope == "connection":
        names: list[str | None] = [connection]
    elif budget.scope == "tag":
        names = [*dict.fromkeys(owner.tags or ())]
    else:
        names = [getattr(owner, budget.scope)]
    return [name for name in names if name is not None and budget.subject in (None, name)]


def reserved_for(budget: BudgetConfig, estimate: Estimate | None, attempt: Attempt) -> int | None:
    """What is reserved for an attempt; `None` for one that is free, or that passes unpriced."""
    if estimate is None:
        return None
    cost = estimate.cost
    if cost is not None and cost.currency == budget.currency:
        return to_pico(cost.total) or None
    if cost is None and estimate.is_priced and attempt.prompt is None:
        return 0  # by what it is billed is known only afterwards: it needs a budget that is not used up
    if budget.unknown_price == "allow":
        return None
    if isinstance(budget.unknown_price, Decimal):
        return to_pico(budget.unknown_price)
    raise BudgetExceededError(
        f"the price of {attempt.model!r} in {budget.currency} is not known, and the budget {budget.name!r} refuses "
        "what has none; nothing was sent",
        provider=attempt.provider,
        details={"budget": budget.name, "model": attempt.model},
        hint=f"Give `prices` for the model, or set budgets.{budget.name}.unknown_price to 'allow' or to an amount.",
    )


def spent_of(claim: Claim, outcome: Outcome) -> int:
    """What an attempt counts with."""
    if outcome.kind == "refused":
        return 0
    if outcome.items:
        return sum(_worth(claim.budget, item.cost, item.usage) for item in outcome.items)
    if outcome.cost is not None and outcome.cost.currency == claim.budget.currency:
        return to_pico(outcome.cost.total)
    if claim.amount is None:
        return _worth(claim.budget, outcome.cost, outcome.usage) if outcome.paid_for is not None else 0
    return claim.amount if outcome.may_be_billed else 0


def _worth(budget: BudgetConfig, cost: Cost | None, usage: TokenUsage | None) -> int:
    """What something counts with that was made before it is asked for: what is assumed
    where its price is not known."""
    if cost is not None and cost.currency == budget.currency:
        return to_pico(cost.total)
    is_made = cost is not None or usage is not None
    return to_pico(budget.unknown_price) if is_made and isinstance(budget.unknown_price, Decimal) else 0
