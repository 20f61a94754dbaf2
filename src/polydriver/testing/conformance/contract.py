"""Checks of the contract itself: names, methods, hooks, claims, purity of the modules."""

from __future__ import annotations

import ast
import inspect
import sys
from typing import Any

from ...driver import Driver
from ...operations.kinds import OPERATIONS
from ...provider import AsyncProvider, Provider
from .base import ConformanceBase

__all__ = ["ContractChecks"]

METHODS = (
    "send_message",
    "send_messages",
    "send_streaming_message",
    "send_streaming_messages",
    "get_available_models",
    "sync_models",
    "validate_credentials",
    "calculate_cost",
    "get_capabilities",
    "get_config",
    "get_name",
    "supports_streaming",
    "supports_function_calling",
    "supports_vision",
)
FORBIDDEN = frozenset(
    [
        "aiohttp",
        "asyncio",
        "http",
        "httpx",
        "httpx2",
        "multiprocessing",
        "random",
        "requests",
        "secrets",
        "select",
        "selectors",
        "socket",
        "ssl",
        "subprocess",
        "threading",
        "time",
        "urllib3",
    ]
)
_IMPURE = frozenset(
    [
        "date.today",
        "datetime.now",
        "datetime.utcnow",
        "getenv",
        "input",
        "open",
        "os.environ",
        "os.getenv",
        "os.urandom",
        "print",
        "uuid.uuid1",
        "uuid.uuid4",
        "uuid1",
        "uuid4",
    ]
)
_PAIRS = (("build_request", "parse_response"), ("models_request", "parse_models"))
_ONLY_ONE_COLOUR = {"close", "aclose"}


class ContractChecks(ConformanceBase):
    """Whether the class is a driver at all, and claims what it does."""

    def test_is_named(self) -> None:
        """It is a driver, with a name, a title and a docstring."""
        assert issubclass(self.driver, Driver), f"{self.driver.__name__} is not a subclass of Driver"
        assert self.driver.name, "the driver has no `name`"
        assert self.driver.title, "the driver has no `title`"
        assert self.subject.get_name(), "get_name() is empty"
        assert self.driver.__doc__, "the driver has no docstring"

    def test_methods_keep_their_signatures(self) -> None:
        """The fourteen methods take what `Provider` says."""
        for name in METHODS:
            theirs, ours = _parameters(getattr(self.driver, name)), _parameters(getattr(Provider, name))
            assert theirs == ours, f"{name} has other parameters than Provider.{name}: {theirs}, not {ours}"

    def test_async_twin_is_the_same(self) -> None:
        """The async provider has the same methods with the same parameters."""
        twin = type(self.subject.asynchronous())
        assert issubclass(twin, AsyncProvider), "asynchronous() gives no AsyncProvider"
        for name in _public_methods(Provider) & _public_methods(twin) - _ONLY_ONE_COLOUR:
            blocking, asynchronous = _parameters(getattr(Provider, name)), _parameters(getattr(twin, name))
            assert blocking == asynchronous, f"{name} differs: {blocking} when blocking, {asynchronous} when async"
        missing = {name for name in METHODS if not callable(getattr(twin, name, None))}
        assert not missing, f"the async provider lacks {', '.join(sorted(missing))}"

    def test_hooks_are_whole_or_absent(self) -> None:
        """Every operation has both of its hooks, or neither."""
        for build, parse in _PAIRS:
            has = [self.has(hook) for hook in (build, parse)]
            assert has[0] == has[1], f"only one of {build} and {parse} is there: an operation is whole or absent"
        for kind in OPERATIONS.values():
            part = self.subject.operation(kind) or self.driver
            pair = [callable(getattr(part, hook, None)) for hook in (kind.build, kind.parse)]
            assert pair[0] == pair[1], (
                f"only one of {kind.build} and {kind.parse} is there: an operation is whole or absent"
            )

    def test_claims_agree_with_hooks(self) -> None:
        """`get_capabilities()` claims what there are hooks for, and `supports_*` agree."""
        capabilities = self.subject.get_capabilities()
        assert self.subject.supports_streaming() == capabilities.streaming
        assert self.subject.supports_function_calling() == capabilities.function_calling
        assert self.subject.supports_vision() == capabilities.vision
        assert len(capabilities.as_dict()) == 12, "as_dict() has other than the twelve keys"
        offered: dict[str, bool] = {}
        for kind in OPERATIONS.values():
            offered[kind.capability] = offered.get(kind.capability, False) or self.subject.operation(kind) is not None
        for capability, is_offered in offered.items():
            claimed = capabilities.supports(capability)
            assert claimed == is_offered, (
                f"{capability} is {'claimed' if claimed else 'not claimed'}, but its hooks are"
                f" {'there' if is_offered else 'not there'}"
            )

    def test_streaming_claim_holds(self) -> None:
        """There is a decoder exactly when streaming is claimed, and a new one for each stream."""
        self.needs_chat()
        has = self.has("decoder")
        assert has == self.subject.supports_streaming(), (
            f"streaming is {'not ' if has else ''}claimed, but there is a decoder: {has}"
        )
        if has:
            first, second = self.decoder(), self.decoder()
            assert first is not second, "decoder() gives the same object twice: each stream needs one of its own"
            assert not first.complete, "a new decoder is complete before it has read anything"

    def test_modules_do_no_io(self) -> None:
        """The modules of the driver import nothing that waits, reads a clock or draws random numbers."""
        for module in sorted({kind.__module__ for kind in self.driver.__mro__}):
            if _is_core(module):
                continue
            tree = _tree(module)
            found = _imports(tree) & FORBIDDEN
            assert not found, f"{module} imports {', '.join(sorted(found))}: a driver does no I/O and reads no clock"
            called = sorted(_calls(tree))
            assert not called, f"{module} calls {', '.join(called)}: a driver does no I/O and reads no clock"


def _is_core(module: str) -> bool:
    return module in ("builtins", "abc", "typing") or (
        module.startswith("polydriver.") and not module.startswith("polydriver.drivers")
    )


def _tree(module: str) -> ast.Module:
    try:
        return ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, TypeError, KeyError):  # made at run time: there is no source
        return ast.Module([], [])


def _imports(tree: ast.Module) -> set[str]:
    """The top-level names of what a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names


def _calls(tree: ast.Module) -> set[str]:
    """What a module calls, or reads, that depends on more than its arguments."""
    found: set[str] = set()
    settings_are_read = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "__init__"
    ]
    allowed = {id(node) for made in settings_are_read for node in ast.walk(made)}
    for node in ast.walk(tree):
        if id(node) in allowed:
            continue
        if isinstance(node, ast.Attribute):
            text = ast.unparse(node)
            found |= {name for name in _IMPURE if "." in name and (text == name or text.endswith(f".{name}"))}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _IMPURE:
            found.add(node.func.id)
    return found


def _public_methods(kind: type) -> set[str]:
    return {
        name
        for name in dir(kind)
        if not name.startswith("_") and inspect.isfunction(inspect.getattr_static(kind, name))
    }


def _parameters(function: Any) -> list[tuple[str, str, Any]]:
    return [
        (parameter.name, parameter.kind.name, parameter.default)
        for parameter in inspect.signature(function).parameters.values()
    ]
