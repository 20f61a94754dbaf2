"""What a mock was asked, and assertions on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from .calls import MockCall

if TYPE_CHECKING:
    from .script import Script

__all__ = ["CallLog"]

_SHOWN = 8


class CallLog:
    """Assertions on the calls of a script; part of `MockDriver` and of `AI.fake()`. All raise
    `AssertionError`."""

    script: Script

    @property
    def calls(self) -> list[MockCall]:
        """The requests that came, in order."""
        return list(self.script.calls)

    def assert_sent(self, wanted: str | Callable[[MockCall], bool] | None = None, **facts: Any) -> MockCall:
        """Fail unless a call says `wanted` (in any message), or satisfies it, and has these `facts`. Returns
        the first that does.

        Facts are fields of `MockCall` or options: `assert_sent("Hi", model="gpt-4o", temperature=0)`.
        """
        found = self._matching(wanted, facts)
        if not found:
            raise AssertionError(f"no call {_describe(wanted, facts)}. {self._summary()}")
        return found[0]

    def assert_not_sent(self, wanted: str | Callable[[MockCall], bool] | None = None, **facts: Any) -> Self:
        """Fail if any call says `wanted` and has these facts."""
        if found := self._matching(wanted, facts):
            raise AssertionError(f"a call {_describe(wanted, facts)}, and none should: {found[0]}")
        return self

    def assert_nothing_sent(self) -> Self:
        """Fail if there was any call."""
        return self.assert_count(0)

    def assert_count(self, count: int, **facts: Any) -> Self:
        """Fail unless there were exactly so many calls (with these facts); each attempt counts."""
        found = self._matching(None, facts)
        if len(found) != count:
            which = f" that {_describe(None, facts)}" if facts else ""
            raise AssertionError(f"expected {count} call(s){which}, but there were {len(found)}. {self._summary()}")
        return self

    def assert_tool_offered(self, name: str) -> MockCall:
        """Fail unless a call offered the tool `name`. Returns the first that did."""
        for call in self.script.calls:
            if name in call.tool_names:
                return call
        offered = sorted({tool for call in self.script.calls for tool in call.tool_names})
        known = f"offered were {', '.join(offered)}" if offered else "no tool was offered"
        raise AssertionError(f"the tool {name!r} was never offered: {known}. {self._summary()}")

    def assert_done(self) -> Self:
        """Fail if scripted replies were not used, or calls came for which there was none."""
        left, missing = self.script.left, self.script.unanswered
        if missing:
            raise AssertionError(f"{len(missing)} call(s) came without a reply for them: {missing[0]}")
        if left:
            raise AssertionError(
                f"{left} scripted repl{'y was' if left == 1 else 'ies were'} not used. {self._summary()}"
            )
        return self

    def _matching(self, wanted: str | Callable[[MockCall], bool] | None, facts: dict[str, Any]) -> list[MockCall]:
        def fits(call: MockCall) -> bool:
            if isinstance(wanted, str):
                if not call.says(wanted):
                    return False
            elif wanted is not None and not wanted(call):
                return False
            return all(_fact(call, name) == value for name, value in facts.items())

        return [call for call in self.script.calls if fits(call)]

    def _summary(self) -> str:
        calls = self.script.calls
        if not calls:
            return "There was no call at all."
        shown = "; ".join(str(call) for call in calls[:_SHOWN])
        return f"The calls were: {shown}" + (f"; and {len(calls) - _SHOWN} more" if len(calls) > _SHOWN else "")


def _fact(call: MockCall, name: str) -> Any:
    return getattr(call, name) if name in MockCall.__struct_fields__ else call.options.get(name)


def _describe(wanted: object, facts: dict[str, Any]) -> str:
    words = [f"says {wanted!r}"] if isinstance(wanted, str) else []
    if wanted is not None and not isinstance(wanted, str):
        words.append(f"satisfies {getattr(wanted, '__name__', wanted)!r}")
    words += [f"has {name}={value!r}" for name, value in facts.items()]
    return " and ".join(words) or "was made"
