"""From what a caller of an operation writes to the record that its hook takes, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from ..data.operation_kinds import OPERATIONS, OperationKind
from ..data.operation_requests import (
    BatchPrompt,
    BatchRequest,
    EmbeddingRequest,
    FileUpload,
    ImageEditRequest,
    ImageRequest,
    ItemRequest,
    ModerationRequest,
    OCRRequest,
    OperationRequest,
    PageRequest,
    RerankRequest,
    SpeechRequest,
    TranscriptionRequest,
)
from ..data.prompt import Prompt
from ..errors import ConfigurationError
from ..prompting import CALL_LIMITS, build_prompt, check_number, unknown_option
from . import inputs

if TYPE_CHECKING:
    from ..contract import DriverHooks

__all__ = ["Work", "prepare"]

REQUESTS: dict[str, type[OperationRequest]] = {
    "embed": EmbeddingRequest,
    "moderate": ModerationRequest,
    "generate_image": ImageRequest,
    "edit_image": ImageEditRequest,
    "speak": SpeechRequest,
    "transcribe": TranscriptionRequest,
    "translate": TranscriptionRequest,
    "rerank": RerankRequest,
    "ocr": OCRRequest,
    "upload_file": FileUpload,
    "list_files": PageRequest,
    "get_file": ItemRequest,
    "delete_file": ItemRequest,
    "download_file": ItemRequest,
    "get_batch": ItemRequest,
    "list_batches": PageRequest,
    "cancel_batch": ItemRequest,
    "get_batch_results": ItemRequest,
    "get_response": ItemRequest,
    "cancel_response": ItemRequest,
}

_MODELLED = ("embed", "generate_image", "edit_image", "speak", "transcribe", "translate", "rerank", "ocr")
_NUMBERS = ("timeout", "deadline", "retry_attempts", "n", "dimensions", "top_n", "limit", "speed")
_NOT_OPTIONS = ("options", "warnings")

_INPUTS: dict[str, Callable[[Any], Any]] = {
    "document": inputs.read_document,
    "documents": inputs.read_documents,
    "audio": inputs.read_audio,
    "images": inputs.read_images,
    "mask": inputs.read_image,
    "timestamps": inputs.read_timestamps,
}


class Work(msgspec.Struct, frozen=True):
    """An operation that is ready to be performed: its kind, what its hooks take, and the limits of the call."""

    kind: OperationKind
    request: OperationRequest | Prompt
    limits: dict[str, Any]

    @property
    def model(self) -> str | None:
        """The model that is asked for, where the operation has one."""
        if isinstance(self.request, BatchRequest):
            models = {entry.prompt.model for entry in self.request.prompts}
            return models.pop() if len(models) == 1 else None
        return self.request.model or None


def prepare(driver: DriverHooks, method: str, fields: dict[str, Any], options: Mapping[str, Any]) -> Work:
    """The work of one call of `method`: `fields` are the method's own arguments, `options` what was given beyond them.

    Raises `UnsupportedFeatureError` when the driver lacks the hooks, `UnknownOptionError` for an unknown option, and
    `ConfigurationError` for values that cannot work.
    """
    kind = OPERATIONS[method]
    if not kind.is_offered(driver):
        raise driver.unsupported(kind.title)
    if method == "count_tokens":
        prompt, limits = build_prompt(driver, fields["messages"], options)
        return Work(kind, prompt, limits)
    if method == "create_batch":
        return _prepare_batch(driver, kind, fields, options)
    if method == "embed":
        fields["input"] = inputs.read_embedding_input(fields["input"])
    elif method == "moderate":
        fields["input"] = inputs.read_moderation_input(fields["input"])
    elif method == "upload_file":
        fields = {**inputs.read_upload(**fields), "purpose": fields["purpose"]}
    request_class = REQUESTS[method]
    limits, own = _sort(driver, method, options, fields, request_class)
    for name in _NUMBERS:
        if (value := {**limits, **fields}.get(name)) is not None:
            check_number(name, value)
    given = {
        name: _INPUTS[name](value) if name in _INPUTS else value for name, value in fields.items() if value is not None
    }
    _check_texts(driver, method, given)
    return Work(kind, request_class(**given, options=own), limits)


def _sort(
    driver: DriverHooks,
    method: str,
    options: Mapping[str, Any],
    fields: dict[str, Any],
    request_class: type[OperationRequest],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The call's limits, and the options that only the driver has. Those of the request go into `fields`."""
    known = {name for name in request_class.__struct_fields__ if name not in _NOT_OPTIONS}
    driver_options = driver.operation_options.get(method, frozenset())
    limits: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for name, value in options.items():
        if name in CALL_LIMITS:
            limits[name] = value
        elif name in known:
            fields[name] = value
        elif name in driver_options:
            own[name] = value
        else:
            raise unknown_option(driver, name, {*known, *CALL_LIMITS, *driver_options})
    return limits, own


def _check_texts(driver: DriverHooks, method: str, given: Mapping[str, Any]) -> None:
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
    if not model and method in _MODELLED:
        raise ConfigurationError(
            f"no model is given for {OPERATIONS[method].title}: pass model=... to {method}() "
            f"(the default model of {driver.config.name} is for chat)"
        )


def _prepare_batch(
    driver: DriverHooks, kind: OperationKind, fields: dict[str, Any], options: Mapping[str, Any]
) -> Work:
    prompts = list(fields["prompts"])
    if not prompts:
        raise ConfigurationError("there is no prompt in the batch: give at least one")
    ids = fields["custom_ids"]
    ids = [f"prompt-{number}" for number in range(len(prompts))] if ids is None else list(ids)
    if len(ids) != len(prompts) or len(set(ids)) != len(ids):
        raise ConfigurationError(f"custom_ids must be {len(prompts)} different strings, one for each prompt")
    driver_options = driver.operation_options.get(kind.method, frozenset())
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
        metadata=dict(labels) if labels is not None else None,
        options=own,
        extra_headers=dict(entries[0].prompt.extra_headers),
        warnings=list(dict.fromkeys(warning for entry in entries for warning in entry.prompt.warnings)),
    )
    return Work(kind, request, limits)
