"""The route of a call that has more than one target: who is asked in which order, and which errors lead on.

A target is tried with its own settings: retries come first, then the next target. Before one is tried, what it can do
is compared with what the call needs, and its request is built anew from what the caller gave: a target that cannot is
passed over, and named.

Errors of the provider and of the way to it lead on (`FALLBACK_ERRORS`). The caller's own mistakes do not, nor does the
verdict of a content filter, unless `fallback_on` names it. A request that is too long goes on to a model that is known
to read more.

After a stream's first content its targets are others, those that were named to go on from what came.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..data.http import Request
from ..data.prompt import Prompt
from ..data.responses import AIResponse
from ..errors import (
    AIError,
    APIConnectionError,
    APITimeoutError,
    BudgetExceededError,
    CircuitOpenError,
    ContentFilterError,
    ContextLengthError,
    InvalidCredentialsError,
    InvalidResponseError,
    LimitReachedError,
    ProviderClosedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
    UnsupportedFeatureError,
)
from .continuing import can_go_on
from .fitness import find_misfit, find_window, takes_prefill
from .targets import Target

__all__ = ["FALLBACK_ERRORS", "Leg", "Route", "leads_on"]

FALLBACK_ERRORS: tuple[type[AIError], ...] = (
    ServerError,
    APITimeoutError,
    APIConnectionError,
    RateLimitError,
    QuotaExceededError,
    InvalidCredentialsError,
    InvalidResponseError,
    CircuitOpenError,
    LimitReachedError,
    BudgetExceededError,
    ProviderClosedError,
    StreamInterruptedError,
)
"""The errors that lead to the next target: the provider, the way to it or the account there is at fault."""


def leads_on(error: AIError, asked: Sequence[type[AIError]]) -> bool:
    """Whether another target is asked after this error; `asked` are the classes that were named beyond the usual."""
    if isinstance(error, ContentFilterError):
        return any(issubclass(kind, ContentFilterError) and isinstance(error, kind) for kind in asked)
    return isinstance(error, (*FALLBACK_ERRORS, ContextLengthError, *asked))


class Leg:
    """One target of a route, with the prompt and the request for it.

    - `make` builds the prompt anew, from what the caller gave; `make(came=...)` one that goes on from such a text.
    - `request`: what `build` made of the prompt.
    - `repeats`: whether a failed attempt is repeated here before the next target is asked. In a pool it is not, but at
      the last member: the others can do the same at once.
    """

    __slots__ = ("make", "model", "prompt", "repeats", "request", "target")

    def __init__(
        self, target: Target, model: str | None, make: Callable[..., Any], prompt: Prompt | None = None
    ) -> None:
        self.target = target
        self.model = model
        self.make = make
        self.prompt = prompt
        self.request: Request | None = None
        self.repeats = True

    @property
    def name(self) -> str:
        """The name of the connection."""
        return self.target.connection.name

    def __str__(self) -> str:
        return f"{self.name} ({self.model})" if self.model else self.name

    @property
    def asked_model(self) -> str | None:
        """The model that is asked for."""
        return self.prompt.model if self.prompt is not None else self.model

    def prepare(self) -> None:
        """Make the prompt for this target anew."""
        self.prompt = self.make()

    def build(self) -> None:
        """Build the request for this target."""
        driver, prompt = self.target.driver, self.prompt
        assert prompt is not None
        self.request = self.target.build(lambda: driver.build_request(prompt))

    def needs_prefill(self) -> bool:
        """Whether the model is to go on from the start of an answer."""
        return self.prompt is not None and takes_prefill(self.target.driver, self.prompt)

    def find_misfit(self, *, exceeded: int | None, prefill: bool, is_first: bool) -> str | None:
        """Why this target cannot do what the call needs (see `fitness.find_misfit`)."""
        assert self.prompt is not None
        return find_misfit(self.target.connection, self.prompt, exceeded=exceeded, prefill=prefill, is_first=is_first)


class Route:
    """The targets of one call, and how far it has come.

    `limits` are those that were given with the call; `asked` are further classes of errors that lead on. `later` are
    those who go on from what came, where a stream breaks in its middle. `passed` tells who was passed over, `warnings`
    all that the answer tells of the way to it.
    """

    __slots__ = ("asked", "later", "legs", "limits", "needs_prefill", "passed", "place", "warnings")

    def __init__(
        self,
        legs: Sequence[Leg],
        limits: dict[str, Any],
        asked: Sequence[type[AIError]],
        later: Sequence[Leg] = (),
    ) -> None:
        self.legs = list(legs)
        self.later = list(later)
        self.limits = limits
        self.asked = tuple(asked)
        self.place = 0
        self.passed: list[str] = []
        self.warnings: list[str] = []
        self.needs_prefill = False

    @property
    def leg(self) -> Leg:
        """The target that is asked now."""
        return self.legs[self.place]

    def start(self) -> None:
        """Come to the first target that can do what the call needs, and build its request.

        Where none can, the error of the first is raised.
        """
        first = self.leg
        if self.place:
            first.build()
            return
        self.needs_prefill = first.needs_prefill()
        refusal: AIError | None = None
        try:
            if (reason := self._misfit(first, None)) is None:
                first.build()
                return
        except UnsupportedFeatureError as error:
            reason, refusal = error.message, error
        if self._next(None, f"{first} was passed over: {reason}"):
            return
        if refusal is not None:
            raise refusal
        self.passed.clear()
        self.warnings.clear()
        first.build()

    def skip(self, refusal: AIError) -> bool:
        """Pass over the first target, for which nothing can be built; false where nobody else can either."""
        return self._next(None, f"{self.leg} was passed over: {refusal.message}")

    def has_next(self) -> bool:
        """Whether there is a target after the present one."""
        return self.place + 1 < len(self.legs)

    def after(self, error: AIError) -> bool:
        """Move on to the next target that can do what the call needs, and build its request.

        False where the error does not lead on, or nobody is left; the place is the same then.
        """
        if not leads_on(error, self.asked):
            return False
        return self._next(error, f"{self.leg} failed with {type(error).__name__}")

    @property
    def can_go_on(self) -> bool:
        """Whether somebody may go on where a stream breaks in its middle."""
        return bool(self.later)

    def go_on(self, error: AIError, came: AIResponse) -> Route | None:
        """The route of those who go on from what came, at the first of them who can.

        `None` where the stream was stopped, where what broke it does not lead on, where what came cannot be gone on
        from, or where nobody is left.
        """
        prompt, cause = self.leg.prompt, error.__cause__
        is_broken = isinstance(error, StreamInterruptedError)  # and was not stopped, by a budget for instance
        leads = not isinstance(cause, AIError) or leads_on(cause, self.asked)
        if prompt is None or not is_broken or not leads or not can_go_on(came, prompt):
            return None
        legs = [Leg(leg.target, leg.model, partial(leg.make, came=came.content)) for leg in self.later]
        for leg, known in zip(legs, self.later, strict=True):
            leg.repeats = known.repeats
        route = Route(legs, self.limits, self.asked)
        route.place = -1
        if not route._next(None, f"{self.leg} broke off after {len(came.content)} characters ({error.message})"):
            self.passed += route.passed
            return None
        route.passed.pop(0)
        route.later = self.later[route.place + 1 :]
        return route

    def _next(self, error: AIError | None, why: str) -> bool:
        passed = len(self.passed)
        found = self._search(error, why, only_known=True)
        if not found and isinstance(error, ContextLengthError):
            del self.passed[passed:]
            found = self._search(error, why, only_known=False)
        return found

    def _search(self, error: AIError | None, why: str, *, only_known: bool) -> bool:
        passed = len(self.passed)
        for place in range(self.place + 1, len(self.legs)):
            leg = self.legs[place]
            try:
                leg.prepare()
                reason = self._misfit(leg, error, only_known=only_known)
                if reason is None:
                    leg.build()
            except AIError as refusal:
                reason = refusal.message
            if reason is not None:
                self.passed.append(f"{leg} was passed over: {reason}")
                continue
            self.place = place
            self.warnings += [why + f"; {leg} was asked instead", *self.passed[passed:]]
            if error is None:
                self.passed.insert(passed, why)
            return True
        return False

    def _misfit(self, leg: Leg, error: AIError | None, *, only_known: bool = True) -> str | None:
        """Why a target cannot do what the call needs; `None` where nothing is known to stand against it.

        After a request that was too long, `only_known` asks for a context that is known to be larger.
        """
        exceeded, failed = None, self.leg
        model, failed_model = leg.asked_model, failed.asked_model
        if isinstance(error, ContextLengthError) and model is not None and failed_model is not None:
            window = find_window(leg.target.connection, model)
            if window is not None or only_known or model == failed_model:
                exceeded = find_window(failed.target.connection, failed_model) or 0
        return leg.find_misfit(exceeded=exceeded, prefill=self.needs_prefill, is_first=leg is self.legs[0])

    def explain(self, error: AIError) -> None:
        """Say in the notes and details of the final error what was tried, and who was passed over."""
        if len(error.attempts) < 2 and not self.passed:
            return
        tried = [
            f"attempt {report.number}: {report.provider} ({report.model}): {report.error or report.outcome}"
            for report in error.attempts
        ]
        for line in (*tried, *self.passed):
            if line not in getattr(error, "__notes__", ()):
                error.add_note(line)
        if self.passed:
            error.details = {**error.details, "passed_over": list(self.passed)}
