"""What became of one attempt of a call."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from .billing import BillingFacts
from .cost import Cost
from .usage import TokenUsage

__all__ = ["AttemptOutcome", "AttemptReport", "PaidItem"]

AttemptOutcome: TypeAlias = Literal["success", "failure", "interrupted", "abandoned", "cancelled"]
"""How an attempt ended: `success` (a whole answer), `failure` (an error, and no content), `interrupted` (an error after
some content), `abandoned` (its reader left the stream), `cancelled` (its caller stopped waiting, or the other of two
requests answered first)."""


class AttemptReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request of a call to one target, and how it ended.

    - `number`: from 1, over all targets of the call; `provider`: the connection's name; `model`: as requested.
    - `latency`: seconds from the start of the attempt to its end; `time_to_first_content`: seconds to the first content
      of a stream, or to the whole answer.
    - `usage` and `cost`: of what was delivered, where that is known or could be estimated.
    - `error`: the name of the error's class; `status`: of the HTTP reply; `request_id`: the provider's id.
    - `may_be_billed`: whether the provider may charge for it: whether the request reached the provider and was not
      refused.
    - `redialed`: whether a kept connection had been closed by the server, so that the request went out again on a new
      one.
    - `waited`: seconds that it waited to be admitted, for its turn within the limits.
    - `hedge`: whether it was sent beside the attempt before it, since that one's first content was late.
    """

    number: int
    provider: str
    model: str | None = None
    outcome: AttemptOutcome
    latency: float
    time_to_first_content: float | None = None
    usage: TokenUsage | None = None
    cost: Cost | None = None
    error: str | None = None
    status: int | None = None
    request_id: str | None = None
    may_be_billed: bool = True
    redialed: bool = False
    waited: float = 0.0
    hedge: bool = False


class PaidItem(msgspec.Struct, frozen=True):
    """What one of several things that are paid for together used and cost: an answer of a batch, by its id."""

    id: str
    usage: TokenUsage | None
    cost: Cost | None
    billing: BillingFacts | None = None
