"""Data that is nested so deeply that no recursion follows it: errors of ours, of the right kind."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

import polydriver
from polydriver import AI, AIError, ConfigurationError
from polydriver.drivers import driver_class
from polydriver.errors import InvalidRequestError
from polydriver.testing.conformance.base import example_config

from .server import AGAIN, READ, Server, reply

_BODIES = {
    "a list": ("[", '"x"', "]"),
    "errors": ('{"error":', '"x"', "}"),
    "details": ('{"error":{"message":"m","details":[', "1", "]}}"),
    "names": ('{"detail":[{"a_b":', "1", "}]}"),
    "messages": ('{"message":', '"m"', "}"),
    "lists of messages": ('{"detail":[', '"m"', "]}"),
}
_OWN = {("rules", "facts.py"), ("demo", "server.py"), ("storage", "columns.py"), ("storage", "privacy.py")}
"""What reads only what we wrote ourselves."""
_PARSERS = {("json", "loads"), ("json", "load"), ("tomllib", "loads"), ("tomllib", "load")}


@pytest.mark.parametrize("depth", [30, 100, 330, 900, 20_000])
@pytest.mark.parametrize("body", _BODIES)
@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini", "bedrock", "cohere", "ollama", "mistral"])
def test_error_bodies(name: str, body: str, depth: int) -> None:
    before, middle, after = _BODIES[body]
    nested = (before * depth + middle + after * depth).encode()
    kind = driver_class(name)
    with Server([READ, reply(nested, status=400), AGAIN]) as server:
        provider = kind({**example_config(kind), "base_url": server.url, "retry_attempts": 1})
        with pytest.raises(InvalidRequestError) as caught, provider:
            _below(300, lambda: provider.send_message("Hi", model="m"))
    assert len(repr(caught.value)) < 5000
    assert len(repr(caught.value.details)) < 300_000


def _below(frames: int, act: Any) -> Any:
    """Call `act` from deep within other code, as frameworks do."""
    return act() if frames == 0 else _below(frames - 1, act)


@pytest.mark.parametrize("text", ["a = " + "[" * 5000 + "]" * 5000, "[" + ".".join("a" * 5000) + "]"])
def test_settings(tmp_path: Path, text: str) -> None:
    path = tmp_path / "polydriver.toml"
    path.write_text(text)
    with pytest.raises(AIError) as caught:
        AI(path).provider("openai")
    assert isinstance(caught.value, ConfigurationError)


def test_every_parser_of_foreign_text_is_ready_for_it() -> None:
    unready = []
    for path in Path(polydriver.__path__[0]).rglob("*.py"):
        if path.parts[-2:] in _OWN:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        guarded = {id(node) for block in ast.walk(tree) if _is_guard(block) for node in ast.walk(block)}
        unready += [
            f"{path.name}:{node.lineno}" for node in ast.walk(tree) if _parses(node) and id(node) not in guarded
        ]
    assert unready == []


def _parses(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    owner = node.func.value
    return isinstance(owner, ast.Name) and (owner.id, node.func.attr) in _PARSERS


def _is_guard(node: ast.AST) -> bool:
    if not isinstance(node, ast.Try):
        return False
    caught = {name.id for handler in node.handlers for name in ast.walk(handler) if isinstance(name, ast.Name)}
    return bool(caught & {"RecursionError", "Exception"})
