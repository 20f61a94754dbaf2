"""What a tool is: a function (or a type, or a schema) with the name and description that a model sees."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Concatenate, Generic, Protocol, Self, TypeAlias, overload

import msgspec

from ..data.prompt import ProviderTool, ToolSpec
from ..errors import ConfigurationError
from ..schema import (
    ReadError,
    Schema,
    adapt,
    find_problems,
    merge_root_ref,
    parse_docstring,
    plain_numbers,
    reader_for,
)
from .signature import Signature, ToolArgumentsError, signature_of

if TYPE_CHECKING:
    from typing_extensions import ParamSpec, TypeVar  # type checkers know it without installing it

    P = ParamSpec("P", default=...)
    R = TypeVar("R", default=Any)
else:
    from typing import ParamSpec, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")

P2 = ParamSpec("P2")
R2 = TypeVar("R2")
S = TypeVar("S")

__all__ = ["Tool", "ToolLike", "make_tools", "tool"]

ToolLike: TypeAlias = ToolSpec | ProviderTool | Callable[..., Any] | type | dict[str, Any]
"""What can be offered as a tool: see `make_tools`."""

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class Tool(ToolSpec, Generic[P, R], kw_only=True, weakref=True, eq=False):
    """A tool that can be run here. Calling it calls the plain function, whose parameters and result are `P` and `R`.

    `function` is what runs (`None`: the tool is only offered, its calls are for the application); `timeout`
    in seconds; `requires_approval` keeps it from running unless the approval hook agrees; `type` is the class
    that the tool was made of, if it was: then `read` gives an instance of it. Made by hand with a function and
    no `parameters`, a tool takes these, and its description, from the function.
    """

    function: Callable[P, R] | None = None
    timeout: float | None = None
    requires_approval: bool = False
    type: Any = None
    signature: Signature | None = None

    def __post_init__(self) -> None:
        if self.function is not None and self.signature is None and not self.parameters:
            self.signature = signature_of(self.function)
            self.parameters = self.signature.schema
            self.description = self.description or self.signature.doc.summary

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function as it was written, without validation. Raises `TypeError` when there is none."""
        if self.function is None:
            raise TypeError(f"the tool {self.name!r} has no function")
        return self.function(*args, **kwargs)

    @overload
    def __get__(self, instance: None, owner: Any = None) -> Self: ...
    @overload
    def __get__(self: Tool[Concatenate[S, P2], R2], instance: S, owner: Any = None) -> Tool[P2, R2]: ...
    @overload
    def __get__(self, instance: object, owner: Any = None) -> Self: ...

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None or self.function is None or self.signature is None or not self.signature.needs_instance:
            return self
        method = self.function.__get__(instance, owner)
        return msgspec.structs.replace(self, function=method, signature=signature_of(method))

    def bind(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The Python values for a call's JSON arguments, by name. Raises `ToolArgumentsError` naming each
        problem.
        """
        value = self.read(arguments)
        if self.type is None:
            return dict(value)
        if isinstance(value, dict):
            return value
        return {name: getattr(value, name) for name in arguments if hasattr(value, name)}

    def read(self, arguments: dict[str, Any]) -> Any:
        """Like `bind`, but an instance of the type when the tool was made of one."""
        try:
            if self.type is not None:
                return reader_for(self.type).read(arguments)
            if self.signature is not None:
                return self.signature.read(arguments)
            return _checked(plain_numbers(arguments, self.parameters), self.parameters)
        except (ReadError, ToolArgumentsError) as error:
            raise ToolArgumentsError(f"Invalid arguments for {self.name}: {error}") from error

    def run(self, arguments: dict[str, Any]) -> Any:
        """Validate the arguments and call the function; an async function gives its coroutine.

        Raises `ToolArgumentsError`, `TypeError` without a function, and what the function raises.
        """
        values = self.bind(arguments)
        function: Callable[..., Any] | None = self.function
        if function is None:
            raise TypeError(f"the tool {self.name!r} has no function")
        return self.signature.call(function, values) if self.signature else function(**values)


class _Decorator(Protocol):
    """What `tool(name=...)` returns."""

    def __call__(self, function: Callable[P2, R2], /) -> Tool[P2, R2]: ...


@overload
def tool(function: Callable[P2, R2], /) -> Tool[P2, R2]: ...


@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    strict: bool | None = None,
    timeout: float | None = None,
    requires_approval: bool = False,
    parameters: Schema | None = None,
) -> _Decorator: ...


def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    strict: bool | None = None,
    timeout: float | None = None,
    requires_approval: bool = False,
    parameters: Schema | None = None,
) -> Tool | _Decorator:
    """Make a tool of a function: `@tool`, or `@tool(name=..., timeout=10)`. Methods can be decorated, too.

    The schema comes from the signature and its type hints; descriptions from the docstring (Google, NumPy or
    reST style), `Annotated[str, "text"]`, `msgspec.Meta` or pydantic's `Field`. `parameters` gives the schema
    outright instead. Raises `ConfigurationError` for a name no provider takes and for types that JSON can't
    carry.
    """

    def decorate(function: Callable[P2, R2], /) -> Tool[P2, R2]:
        signature = signature_of(function) if parameters is None else None
        doc = signature.doc if signature else parse_docstring(function.__doc__)
        return Tool(
            name=_checked_name(name or _name_of(function)),
            description=doc.summary if description is None else description,
            parameters=signature.schema if signature else parameters or {},
            strict=strict,
            function=function,
            timeout=timeout,
            requires_approval=requires_approval,
            signature=signature,
        )

    return decorate if function is None else decorate(function)


def make_tools(items: Iterable[ToolLike] | ToolLike) -> list[ToolSpec | ProviderTool]:
    """The tools for a list of anything that can be one.

    - a `Tool`, `ToolSpec` or `ProviderTool`, as it is;
    - a function, plain or async: also methods, partials (what they fix stays hidden) and callable objects;
    - a pydantic model, msgspec Struct, dataclass or TypedDict: a tool without a function, whose arguments are
      its fields;
    - `{"type": "function", "function": {...}}`, or a dict with a `name` and `parameters`, `input_schema` or
      `inputSchema`;
    - any other dict with a `type`: a tool that the provider runs itself.

    What is made of functions and types is kept as long as they are in use. Raises `ConfigurationError` for
    anything else, and for a name that is given twice or that no provider takes.
    """
    if isinstance(items, ToolSpec | ProviderTool | dict) or callable(items):
        items = [items]
    if isinstance(items, str | bytes) or not isinstance(items, Iterable):
        raise ConfigurationError(f"tools must be a list of functions, types or dicts, not {items!r}")
    tools = [_make_tool(item) for item in items]
    seen: set[str] = set()
    for made in tools:
        if isinstance(made, ToolSpec):
            if made.name in seen:
                raise ConfigurationError(
                    f"two tools are called {made.name!r}. Give one another name with @tool(name=...).",
                )
            seen.add(made.name)
    return tools


def _make_tool(item: ToolLike) -> ToolSpec | ProviderTool:
    if isinstance(item, Tool):
        if item.signature is not None and item.signature.needs_instance:
            raise _needs_instance(item.name)
        return item
    if isinstance(item, ToolSpec):
        _checked_name(item.name)
        return item
    if isinstance(item, ProviderTool):
        return item
    if isinstance(item, dict):
        return _from_dict(item)
    if isinstance(item, type):
        return _from_type(item)
    if callable(item):
        made = tool(item)
        if made.signature is not None and made.signature.needs_instance:
            raise _needs_instance(made.name)
        return made
    raise ConfigurationError(f"{item!r} is not a tool. Give a function, a type, or a dict with a name and a schema.")


@functools.lru_cache(maxsize=256)
def _from_type(kind: type) -> Tool:
    schema = merge_root_ref(reader_for(kind).schema)
    if "properties" not in schema:
        raise ConfigurationError(
            f"the type {kind.__name__} cannot be a tool: it has no fields. Use a class that has some."
        )
    description = schema.pop("description", "")
    return Tool(name=_checked_name(kind.__name__), description=description, parameters=schema, type=kind)


def _from_dict(item: dict[str, Any]) -> ToolSpec | ProviderTool:
    inner = item.get("function") if item.get("type") == "function" and "function" in item else item
    is_function = item.get("type") in (None, "function", "custom") and isinstance(inner, dict)
    schema_key = next((key for key in ("parameters", "input_schema", "inputSchema") if key in (inner or ())), None)
    if not is_function or (item.get("type") == "custom" and schema_key is None):
        if isinstance(item.get("type"), str):
            return ProviderTool(data=item)
        raise ConfigurationError(f'the tool {item!r} has no form that is known. Give "name" and "parameters".')
    if not isinstance(inner, dict) or "name" not in inner:
        if len(item) == 1 and schema_key is None and "type" not in item:
            # Gemini declares its own tools as {"google_search": {}}.
            return ProviderTool(data=item)
        raise ConfigurationError(f'the tool {item!r} has no name. Put one under "name".')
    schema = inner.get(schema_key) if schema_key else None
    if schema is not None and not isinstance(schema, dict):
        raise ConfigurationError(f"the schema of tool {inner['name']!r} is not a JSON object: {schema!r}")
    return Tool(
        name=_checked_name(inner["name"]),
        description=inner.get("description") or "",
        parameters=schema or {"type": "object", "properties": {}},
        strict=inner.get("strict"),
    )


def _checked(arguments: dict[str, Any], schema: Schema) -> dict[str, Any]:
    if not find_problems(arguments, schema, limit=1):
        return arguments
    adapted = adapt(arguments, schema)
    problems = find_problems(adapted, schema)
    if problems:
        raise ToolArgumentsError("; ".join(problems))
    return dict(adapted)


def _name_of(function: Any) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    name = getattr(function, "__name__", None) if inspect.isroutine(function) else None
    return str(name or type(function).__name__)


def _checked_name(name: Any) -> str:
    if isinstance(name, str) and _NAME.fullmatch(name):
        return name
    suggestion = re.sub(r"[^a-zA-Z0-9_-]+", "_", str(name))[:64].strip("_") or "my_tool"
    raise ConfigurationError(
        f"{name!r} cannot be a tool's name: providers take 1 to 64 letters, digits, _ and -. "
        f'Name it with @tool(name="{suggestion}") or in the dict.'
    )


def _needs_instance(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"the tool {name!r} is a method without its object. Pass it from an instance, not from the class."
    )
