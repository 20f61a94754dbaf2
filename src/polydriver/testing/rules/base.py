"""What a rule is, what breaks it, and how the judges of all wires are built."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import msgspec

__all__ = ["Rule", "RuleBook", "SentRequest", "Violation", "child", "dicts", "duplicates", "texts"]


class Violation(msgspec.Struct, frozen=True):
    """A rule that a request breaks: `rule` is its id, `at` where in the body or with what, `source` the page that
    says so. `documented` tells whether that page is the provider's, or a report of users."""

    rule: str
    reason: str
    source: str
    at: str = ""
    documented: bool = True

    def __str__(self) -> str:
        """One line: place, reason, id of the rule and source."""
        return f"{self.at}: {self.reason} [{self.rule}; {self.source}]".removeprefix(": ")


class SentRequest(msgspec.Struct, frozen=True):
    """A request as a provider gets it: `path` may have a query; `headers` are in lower case; `body` is the JSON."""

    provider: str
    model: str
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def family(self) -> str:
        """The model without the prefixes of routers and regions: `gpt-5` for `openai/gpt-5`."""
        return self.model.rpartition("/")[2].lower()


MALFORMED = "the body does not have the form of this API"
"""The place of a rule that cannot read a body, such as one with a number where a list belongs."""

Check: TypeAlias = Callable[[SentRequest], Iterable[str]]


class Rule(msgspec.Struct, frozen=True):
    """One rule: `check` gives the places of a request that break it."""

    id: str
    reason: str
    source: str
    documented: bool
    check: Check


class RuleBook:
    """The rules of one wire, in the order in which they are written down.

    ::

        @RULES.rule("acme.one-stop", "one stop sequence at most", "https://acme.example/docs")
        def _one_stop(sent: SentRequest) -> Iterator[str]:
            if len(sent.body.get("stop") or ()) > 1:
                yield "stop"
    """

    def __init__(self, *parents: RuleBook, read: Callable[[Any], Any] | None = None) -> None:
        """`parents`: rules that hold here, too. `read`: brings the body into the one form that the rules know."""
        self._read = read
        self.rules: list[Rule] = [rule for parent in parents for rule in parent.rules]

    def rule(self, rule_id: str, reason: str, source: str, *, documented: bool = True) -> Callable[[Check], Check]:
        """Add the decorated function as the check of a rule."""

        def add(check: Check) -> Check:
            self.rules.append(Rule(rule_id, reason, source, documented, check))
            return check

        return add

    def without(self, *ids: str) -> RuleBook:
        """The same rules except some, for a service that is compatible but takes more."""
        book = RuleBook()
        book.rules = [rule for rule in self.rules if rule.id not in ids]
        return book

    def judge(self, sent: SentRequest) -> Iterator[Violation]:
        """Everything that the request breaks. A body of another form than the API's breaks the rules that cannot
        read it."""
        if self._read is not None:
            sent = msgspec.structs.replace(sent, body=self._read(sent.body))
        for rule in self.rules:
            try:
                places = list(rule.check(sent))
            except (AttributeError, TypeError, ValueError):  # a number where a list belongs, a list as a name, ...
                places = [MALFORMED]
            for place in places:
                yield Violation(rule.id, rule.reason, rule.source, place, rule.documented)


def child(value: Any, *keys: str) -> Any:
    """What stands at these keys, or `None` where there is no such thing."""
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def dicts(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list; nothing when it is not a list."""
    return [inner for inner in value if isinstance(inner, Mapping)] if isinstance(value, list) else []


def texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value, the names of members left out."""
    stack = [value]
    while stack:
        inner = stack.pop()
        if isinstance(inner, str):
            yield inner
        elif isinstance(inner, Mapping):
            stack.extend(inner.values())
        elif isinstance(inner, list):
            stack.extend(inner)


def duplicates(values: Iterable[Any]) -> list[str]:
    """The texts that come more than once, each named once, in the order of their second coming."""
    seen: set[str] = set()
    found: dict[str, None] = {}
    for value in values:
        if not isinstance(value, str):
            continue
        if value in seen:
            found[value] = None
        seen.add(value)
    return list(found)
