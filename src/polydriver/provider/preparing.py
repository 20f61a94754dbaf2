"""From what a caller of an operation writes to the record that its hook takes, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import uuid4

import msgspec

from ..contract import DriverHooks
from ..errors import ConfigurationError
from ..operations import inputs
from ..operations.kinds import COUNT_TOKENS, CREATE_BATCH, UPLOAD_FILE, OperationKind
from ..operations.requests import BatchPrompt, BatchRequest
from ..operations.work import Work
from ..prompting import CALL_LIMITS, WORK_LIMITS, build_prompt, check_number, unknown_option

__all__ = ["prepare"]

R = TypeVar("R")

_NUMBERS = ("timeout", "deadline", "retry_attempts", "n", "dimensions", "top_n", "limit", "speed")
_NOT_OPTIONS = ("options", "warnings")


def prepare(
    driver: DriverHooks,
    kind: OperationKind[R],
    fields: dict[str, Any],
    options: Mapping[str, Any],
    left_out: list[str] | None = None,
) -> Work[R]:
    """The work of one call: `fields` are the method's own arguments, `options` what was given beyond them.

    With `left_out` an option that this driver does not know is left out, and its name added there. Raises
    `UnsupportedFeatureError` when the driver does not have the operation, `UnknownOptionError` for an unknown option,
    and `ConfigurationError` for values that cannot work.
    """
    if driver.operation(kind) is None:
        raise driver.unsupported(kind.title)
    if kind is COUNT_TOKENS:
        prompt, limits = build_prompt(driver, fields["messages"], options, left_out=left_out)
        return Work(kind, prompt, limits)
    if kind is CREATE_BATCH:
        return _prepare_batch(driver, kind, fields, options)
    if kind is UPLOAD_FILE:
        fields = {**inputs.read_upload(**fields), "purpose": fields["purpose"]}
    request_class: Any = kind.request
    limits, own = _sort(driver, kind, options, fields, left_out)
    for name in _NUMBERS:
        if (value := {**limits, **fields}.get(name)) is not None:
            check_number(name, value)
    required = {field.name for field in msgspec.structs.fields(request_class) if field.required}
    given = {
        name: kind.readers[name](value) if name in kind.readers else value
        for name, value in fields.items()
        if value is not None or name in required
    }
    _check_texts(driver, kind, given)
    return Work(kind, request_class(**given, options=own), limits)


def _sort(
    driver: DriverHooks,
    kind: OperationKind[Any],
    options: Mapping[str, Any],
    fields: dict[str, Any],
    left_out: list[str] | None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The call's limits, and the options that only the driver has. Those of the request go into `fields`."""
    known = {name for name in kind.request.__struct_fields__ if name not in _NOT_OPTIONS}
    driver_options = driver.operation_option_names(kind)
    limits: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for name, value in options.items():
        if name in CALL_LIMITS:
            limits[name] = value
        elif name in known:
            fields[name] = value
        elif name in driver_options:
            own[name] = value
        elif left_out is not None:
            left_out.append(name)
        else:
            more = WORK_LIMITS if kind.is_stateless else ()
            raise unknown_option(driver, name, {*known, *CALL_LIMITS, *more, *driver_options})
    return limits, own


def _check_texts(driver: DriverHooks, kind: OperationKind[Any], given: Mapping[str, Any]) -> None:
    """The model and the texts that must be there are strings with something in them."""
    for name in ("prompt", "text", "query", "id", "name"):
        value = given.get(name)
        if value is not None and not isinstance(value, str):
            raise ConfigurationError(f"{name} must be a string, not {type(value).__name__}")
        if value == "" and name != "prompt":
            raise ConfigurationError(f"{name} is empty: give it some text")
    model = given.get("model")
    if model is not None and not isinstance(model, str):
        raise ConfigurationError(f"model must be a string, not {type(model).__name__}")
    if not model and kind.needs_model:
        raise ConfigurationError(
            f"no model is given for {kind.title}: pass model=... to {kind.method}() "
            f"(the default model of {driver.config.name} is for chat)"
        )


def _prepare_batch(
    driver: DriverHooks, kind: OperationKind[R], fields: dict[str, Any], options: Mapping[str, Any]
) -> Work[R]:
    prompts = list(fields["prompts"])
    if not prompts:
        raise ConfigurationError("there is no prompt in the batch: give at least one")
    ids = fields["custom_ids"]
    ids = [f"prompt-{number}" for number in range(len(prompts))] if ids is None else list(ids)
    if len(ids) != len(prompts) or len(set(ids)) != len(ids):
        raise ConfigurationError(f"custom_ids must be {len(prompts)} different strings, one for each prompt")
    driver_options = driver.operation_option_names(kind)
    own = {name: value for name, value in options.items() if name in driver_options}
    shared = {name: value for name, value in options.items() if name not in driver_options}
    entries = []
    limits: dict[str, Any] = {}
    for custom_id, messages in zip(ids, prompts, strict=True):
        prompt, limits = build_prompt(driver, messages, shared)
        entries.append(BatchPrompt(custom_id=custom_id, prompt=prompt))
    labels = fields["labels"]
    request = BatchRequest(
        prompts=entries,
        name=f"polydriver-{uuid4().hex}",
        metadata=dict(labels) if labels is not None else None,
        options=own,
        extra_headers=dict(entries[0].prompt.extra_headers),
        warnings=list(dict.fromkeys(warning for entry in entries for warning in entry.prompt.warnings)),
    )
    return Work(kind, request, limits)
