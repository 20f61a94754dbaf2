"""Listing models, and what can be told from it: whether the credentials work and the provider is well."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, TypeVar

import msgspec

from ..contract import DriverHooks
from ..data.http import Reply, Request
from ..data.models import AIModel, CredentialReport
from ..errors import (
    AIError,
    ConfigurationError,
    InvalidRequestError,
    ModelNotFoundError,
    UnsupportedFeatureError,
    error_branch,
)
from ..logger import logger
from ..prices.catalog import find
from .caching.lists import find_models, find_valid_credentials, keep_models, keep_valid_credentials
from .pipeline import Pipeline
from .routes import leads_on

__all__ = [
    "Fetched",
    "enrich",
    "fetch_models",
    "find_model",
    "first_to_answer",
    "list_models",
    "reach",
    "sum_up_credentials",
    "validate_credentials",
]

T = TypeVar("T")
_log = logger()
_MAX_PAGES = 200


class Fetched(NamedTuple):
    """The models of all pages that were read, and whether those are all that there are."""

    models: list[AIModel]
    is_complete: bool


async def first_to_answer(pipelines: Sequence[Pipeline[Any]], ask: Callable[[Pipeline[Any]], Awaitable[T]]) -> T:
    """What the first of several says; the next one is asked after an error that leads to another target."""
    for pipeline in pipelines[:-1]:
        try:
            return await ask(pipeline)
        except AIError as error:
            if not leads_on(error, ()):
                raise
    return await ask(pipelines[-1])


async def list_models(pipeline: Pipeline[Any], *, refresh: bool = False, attempts: int | None = None) -> list[AIModel]:
    """All models, all pages; from the connection, or the store of its cache, while that is younger than
    `models_ttl`."""
    cache, now = pipeline.connection.models, pipeline.port.now()
    if cache.models is not None and not refresh and now - cache.listed_at < pipeline.target.config.models_ttl:
        return list(cache.models)
    if not refresh and (kept := await find_models(pipeline.connection, pipeline.port)) is not None:
        cache.models, cache.listed_at = kept[0], now - kept[1]
        return list(kept[0])
    return (await fetch_models(pipeline, attempts=attempts)).models


async def fetch_models(pipeline: Pipeline[Any], *, attempts: int | None = None) -> Fetched:
    """All models, all pages, asked for anew."""
    cache, driver = pipeline.connection.models, pipeline.target.driver
    call = pipeline.connection.call({} if attempts is None else {"retry_attempts": attempts})
    call.operation = "get_available_models"
    models: dict[str, AIModel] = {}

    async def list_pages() -> bool:
        request: Request | None = driver.models_request()
        seen: set[str] = set()
        while request is not None and request.url not in seen and len(seen) < _MAX_PAGES:
            seen.add(request.url)
            page, request = await pipeline.exchange(call, pipeline.target.build(partial(_same, request)), read_page)
            for model in page:
                models.setdefault(model.id, enrich(model, driver))
        if request is not None:
            _log.warning(
                "%s: the list of models ends after %d pages, since %s",
                pipeline.connection.name,
                len(seen),
                "the next page is one that was read before" if request.url in seen else "there are more than are read",
            )
        return request is None

    def read_page(reply: Reply) -> tuple[list[AIModel], Request | None]:
        return driver.parse_models(reply), driver.next_page(reply)

    is_complete = await pipeline.perform(call, None, list_pages)
    cache.models, cache.listed_at = list(models.values()), pipeline.port.now()
    if is_complete:
        await keep_models(pipeline.connection, cache.models, pipeline.port)
    return Fetched(list(models.values()), is_complete)


async def _ask(pipeline: Pipeline[Any], request: Request, parse: Callable[[Reply], T], limits: dict[str, Any]) -> T:
    """One exchange that is a call of its own."""
    call = pipeline.connection.call(limits)
    call.operation = "check"

    async def exchange() -> T:
        return await pipeline.exchange(call, pipeline.target.build(lambda: request), parse)

    return await pipeline.perform(call, None, exchange)


def _same(request: Request) -> Request:
    return request


def enrich(model: AIModel, driver: DriverHooks) -> AIModel:
    """Fill in the provider, and from the catalog what its record does not tell."""
    if model.provider is None:
        model = msgspec.structs.replace(model, provider=driver.name)
    entry = find(driver.catalog_name or driver.name, model.id)
    if entry is None:
        return model
    facts = {
        "name": entry.name,
        "type": entry.type,
        "context_length": entry.context_window,
        "max_output_tokens": entry.max_output_tokens,
        "input_modalities": entry.input_modalities,
        "output_modalities": entry.output_modalities,
        "supports_function_calling": entry.tools,
        "supports_structured_output": entry.structured_output,
        "supports_reasoning": entry.reasoning,
        "deprecated": entry.deprecated,
    }
    missing = {key: value for key, value in facts.items() if value is not None and getattr(model, key) is None}
    return msgspec.structs.replace(model, **missing) if missing else model


async def find_model(pipeline: Pipeline[Any], model_id: str) -> AIModel:
    """One model: as the provider describes or lists it, else as the catalog knows it.

    Raises `ModelNotFoundError` when neither does.
    """
    if not isinstance(model_id, str):
        raise ConfigurationError(f"get_model() takes the id of a model as text, not {model_id!r}")
    driver = pipeline.target.driver
    request = driver.model_request(model_id)
    if request is not None:
        model = await _ask(pipeline, request, lambda reply: driver.parse_model_reply(reply, model_id), {})
        return enrich(model, driver)
    listed: list[AIModel] = []
    with suppress(UnsupportedFeatureError):
        listed = await list_models(pipeline)
    for model in listed:
        if model.id == model_id:
            return model
    catalog = driver.catalog_name or driver.name
    if find(catalog, model_id) is not None:
        return enrich(AIModel(id=model_id), driver)
    kind = error_branch(driver.error_prefix)[ModelNotFoundError]
    raise kind(
        f"neither {pipeline.connection.name} nor the catalog knows a model {model_id!r}",
        provider=pipeline.connection.name,
    )


async def validate_credentials(pipeline: Pipeline[Any]) -> CredentialReport:
    """Ask the provider once whether it takes the credentials. A refusal is a report, not an error.

    With `cache.credentials_ttl` those that were found valid are not checked again for so long.
    """
    known_valid = await find_valid_credentials(pipeline.connection, pipeline.port)
    if known_valid is not None:
        return known_valid
    started = pipeline.port.now()
    settings = pipeline.target.config.settings
    known: dict[str, Any] = {"organization": settings.get("organization"), "project": settings.get("project")}
    try:
        found = await reach(pipeline)
    except AIError as error:
        return CredentialReport(
            valid=False,
            errors=[str(error)],
            error_type=type(error).__name__,
            response_time=pipeline.port.now() - started,
            **known,
        )
    elapsed = pipeline.port.now() - started
    report = CredentialReport(valid=True, available_models=found, response_time=elapsed, **known)
    await keep_valid_credentials(pipeline.connection, report, pipeline.port)
    return report


def sum_up_credentials(reports: Mapping[str, CredentialReport]) -> CredentialReport:
    """What the members of a pool, by name, say of their credentials: valid where all are."""
    first, wrong = next(iter(reports.values())), [report for report in reports.values() if not report.valid]
    return msgspec.structs.replace(
        wrong[0] if wrong else first,
        errors=[f"{name}: {error}" for name, report in reports.items() for error in report.errors],
        available_models=first.available_models,
        response_time=sum(report.response_time or 0.0 for report in reports.values()),
    )


async def reach(pipeline: Pipeline[Any]) -> int | None:
    """Reach the provider once with the credentials; the number of models where it lists them."""
    request = pipeline.target.driver.probe_request()
    if request is None:
        return len(await list_models(pipeline, refresh=True, attempts=1))
    with suppress(InvalidRequestError):  # it complains of the request, so it took the key
        await _ask(pipeline, request, lambda reply: None, {"retry_attempts": 1})
    return None
