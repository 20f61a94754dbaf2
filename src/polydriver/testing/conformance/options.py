"""Checks of what becomes of the options of a prompt."""

from __future__ import annotations

from typing import Any

import msgspec

from ...data.json import decode_json
from ...data.messages import AIMessage
from ...data.prompt import OPTIONS, OutputFormat, Prompt, ToolSpec
from ...errors import AIError
from ...prompting import build_prompt
from ..rules import judge_request
from .base import ConformanceBase
from .mutations import json_leaves

__all__ = ["SCHEMA", "TOOL", "OptionChecks", "option_values"]

SCHEMA = {
    "type": "object",
    "properties": {"conformance_field": {"type": "string"}},
    "required": ["conformance_field"],
    "additionalProperties": False,
}
TOOL = ToolSpec(name="conformance_tool", description="A tool for checking", parameters=SCHEMA)
# Two values for each type of option; the first is false in Python but means something, where there is such a value.
_BY_TYPE: dict[str, tuple[Any, Any]] = {
    "float": (0.0, 0.5),
    "int": (0, 7),
    "bool": (False, True),
    "str": ("conformance", "conformance-2"),
    "list[str]": (["conformance"], ["conformance", "conformance-2"]),
    "dict[str, float]": ({"7": 0.0}, {"7": 5.0}),
    "dict[str, Any]": ({"voice": "alloy", "format": "wav"}, {"voice": "echo", "format": "wav"}),
}
# Options whose values are words of their own, or that need a certain value to mean anything.
_BY_NAME: dict[str, tuple[Any, Any]] = {
    "max_tokens": (64, 128),
    "n": (2, 3),
    "reasoning_budget": (2048, 4096),
    "reasoning_effort": ("low", "high"),
    "response_format": (OutputFormat(), OutputFormat(name="conformance", schema=SCHEMA)),
    "service_tier": ("flex", "priority"),
    "modalities": (["text"], ["text", "audio"]),
    "tool_choice": ("required", "conformance_tool"),
    "tools": ([TOOL], [TOOL]),
}
# Options that every API takes as they are, if it takes them.
_PLAIN: dict[str, tuple[Any, Any]] = {
    "temperature": (0.0, 0.37),
    "top_p": (0.83, 0.91),
    "top_k": (17, 23),
    "max_tokens": (64, 129),
    "stop": (["conformance-stop"], ["conformance-stop", "conformance-stop-2"]),
    "seed": (0, 4711),
    "presence_penalty": (0.0, 0.41),
    "frequency_penalty": (0.0, 0.43),
    "user": ("conformance-user", "conformance-user-2"),
}
# An API that lists what an answer is to include has no other way to say `False`.
_FALSE_MEANS_ABSENT = ("logprobs",)
_WITH_TOOLS = ("tool_choice", "parallel_tool_calls")


def option_values() -> dict[str, tuple[Any, Any]]:
    """Two values for every option of `Prompt`, by its name or else by its type."""
    types = {name: str(kind).removesuffix(" | None") for name, kind in Prompt.__annotations__.items()}
    return {name: _BY_NAME.get(name) or _BY_TYPE[types[name]] for name in OPTIONS}


class OptionChecks(ConformanceBase):
    """Whether options arrive as they were given, are told of, or are refused."""

    def test_every_option_is_sent_warned_of_or_refused(self) -> None:
        """No option of `Prompt` disappears, and 0 and `False` are not taken for absent."""
        for name, (first, second) in option_values().items():
            if name in (*_WITH_TOOLS, "tools") and not self.subject.supports_function_calling():
                continue
            effects = self._effect(name, first), self._effect(name, second)
            if name not in _FALSE_MEANS_ABSENT:
                assert effects != ("dropped", "sent"), f"{name}={first!r} is taken for absent"
            assert effects != ("dropped", "dropped"), f"{name} is dropped without a warning"

    def test_options_are_sent_as_they_are(self) -> None:
        """Numbers, texts and stop strings arrive as they were given: two values make two requests."""
        self.needs_chat()
        for name, values in _PLAIN.items():
            bodies = []
            for value in values:
                built = self._built(**{name: value})
                if built is None or built[1]:
                    break  # refused, or told of
                bodies.append(built[0])
                leaves = [leaf for _, leaf in json_leaves(built[0])]
                for item in value if isinstance(value, list) else [value]:
                    found = any(leaf == item and isinstance(leaf, bool) == isinstance(item, bool) for leaf in leaves)
                    assert found or str(item) in leaves, f"{name}={value!r} is sent, but {item!r} is not in the body"
            assert len(bodies) < 2 or bodies[0] != bodies[1], (
                f"{name} is sent the same for {values[0]!r} and {values[1]!r}"
            )

    def test_options_have_places_of_their_own(self) -> None:
        """Each option is in a place of its own in the body, the one that the fixtures name."""
        self.needs_chat()
        plain = dict(json_leaves(decode_json(self.subject.build_request(self.prompt()).body or b"")))
        taken: dict[Any, str] = {}
        for name, (value, _) in _PLAIN.items():
            built = self._built(**{name: value})
            if built is None or built[1]:
                continue
            changed = [path for path, leaf in json_leaves(built[0]) if path not in plain or plain[path] != leaf]
            for path in changed:
                other = taken.setdefault(path, name)
                assert other == name, f"{name} and {other} are sent in one place, {'.'.join(map(str, path))}"
        fixtures = self.fixtures_or_none()
        for name, place in (fixtures.option_places if fixtures else {}).items():
            value = _PLAIN.get(name, option_values()[name])[1]
            built = self._built(**{name: value})
            found: Any = built and built[0]
            for step in place.split("."):
                found = found.get(step) if isinstance(found, dict) else None
            assert found == value, f"{name}={value!r} is not in the body at {place}: {found!r}"

    def test_own_options_are_sent(self) -> None:
        """The options that the driver has beyond those of all are in the body, or refused."""
        self.needs_chat()
        names = self.subject.option_names
        if not names:
            self.skip(f"{self.driver.name} has no options of its own")
        turns = [AIMessage.system("a"), AIMessage("b"), AIMessage.assistant("c"), AIMessage.system("d"), AIMessage("e")]
        base: dict[str, Any] = {"tools": [TOOL]} if self.subject.supports_function_calling() else {}
        base["messages"] = turns
        plain = self.subject.build_request(self.prompt(**base))
        for name in sorted(names):
            kept = []
            for value in (True, 7, "conformance", [TOOL.name], {"conformance": "x"}):
                prompt = self.prompt(options={name: value}, **base)
                try:
                    request = self.subject.build_request(prompt)
                except Exception:  # noqa: BLE001 - a value of the wrong kind for this option
                    continue
                same = (request.url, request.body, request.headers) == (plain.url, plain.body, plain.headers)
                kept.append(not same or bool(prompt.warnings))
            assert any(kept) or not kept, f"the option {name} of {self.driver.name} is dropped"

    def test_tool_choices_are_distinct(self) -> None:
        """`auto`, `none`, `required` and the name of a tool are four different requests, or told of."""
        self.needs("function_calling")
        seen: dict[str, str] = {}
        tools = [TOOL, msgspec.structs.replace(TOOL, name="conformance_tool_2")]
        for choice in ("auto", "none", "required", "conformance_tool", "conformance_tool_2"):
            built = self._built(tools=tools, tool_choice=choice)
            if built is None or built[1]:
                continue
            text = repr(built[0])
            assert text not in seen, f"tool_choice={choice!r} is sent as {seen.get(text)!r} is"
            seen[text] = choice

    def _effect(self, name: str, value: Any) -> str:
        """What becomes of an option: sent, warned (of), refused or dropped."""
        self.needs_chat()
        base: dict[str, Any] = {"tools": [TOOL]} if name in _WITH_TOOLS else {}
        plain, given = self.prompt(**base), self.prompt(**{**base, name: value})
        try:
            before, after = self.subject.build_request(plain), self.subject.build_request(given)
        except AIError:
            return "refused"
        if before.body != after.body:
            return "sent"
        return "warned" if set(given.warnings) - set(plain.warnings) else "dropped"

    def test_requests_break_no_rule(self) -> None:
        """No request, with any option, is one that the provider is known to refuse (`polydriver.testing.rules`)."""
        for name, values in option_values().items():
            for value in values:
                base: dict[str, Any] = {"tools": [TOOL]} if name in _WITH_TOOLS else {}
                given = {"model": self.model, **self.options, **base, name: value}
                try:
                    prompt, _ = build_prompt(self.subject, "Hello", given)
                    request = self.subject.build_request(prompt)
                except AIError:
                    continue
                broken = judge_request(self.subject.name, request, prompt.model)
                assert not broken, f"{name}={value!r}: " + "; ".join(map(str, broken))

    def _built(self, **fields: Any) -> tuple[Any, list[str]] | None:
        """The body of a request and the warnings that building it made; `None` when it is refused."""
        self.needs_chat()
        plain, given = self.prompt(), self.prompt(**fields)
        try:
            self.subject.build_request(plain)
            body = decode_json(self.subject.build_request(given).body or b"")
        except AIError:
            return None
        return body, [text for text in given.warnings if text not in plain.warnings]
