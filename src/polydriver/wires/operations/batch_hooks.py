"""What the batches of all services share: their bounds, and the error of a batch that has no results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...data.http import Reply, Request
from ...data.json import as_dict, decode_json, encode_json
from ...data.prompt import Prompt
from ...errors import AIError, ConfigurationError, InvalidRequestError, ProviderError, error_branch
from ...operations.files import ResultFile
from ...operations.kinds import CANCEL_BATCH, CREATE_BATCH, GET_BATCH, GET_BATCH_RESULTS, LIST_BATCHES
from ...operations.requests import BatchPrompt
from ...operations.results import Batch, BatchItem, BatchProblem
from .base import OperationHooks

__all__ = ["BatchHooks", "labels_in_name", "name_for_labels", "render_body"]


def render_body(body: bytes | None) -> dict[str, Any]:
    """A prompt's request as it stands in a batch whose model is said once."""
    rendered = as_dict(decode_json(body or b"{}"))
    return {name: value for name, value in rendered.items() if name not in ("model", "stream")}


def name_for_labels(labels: dict[str, str] | None) -> str:
    """The name of a batch of a service that keeps nothing but a name: the labels, as JSON."""
    return encode_json(labels).decode() if labels else "polydriver"


def labels_in_name(name: object) -> dict[str, Any]:
    """The labels that `name_for_labels` has put into a name; the name itself, if it is another."""
    if not isinstance(name, str):
        return {}
    try:
        found = decode_json(name.encode("utf-8", "replace"))
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"name": name}


class BatchHooks(OperationHooks, kw_only=True, eq=False):
    """Prompts that are answered later, whatever the form.

    - `max_prompts`, `max_bytes`: what one batch may hold at most, by the provider's documentation.
    - `max_id`: how many characters an id of a prompt may have.
    - `keeps_labels`: whether labels are kept with a batch, and told in a list of batches.
    """

    kinds = (CREATE_BATCH, GET_BATCH, LIST_BATCHES, CANCEL_BATCH, GET_BATCH_RESULTS)
    max_prompts: int | None = None
    max_bytes: int | None = None
    max_id: int | None = None
    keeps_labels: bool = False

    def measure(self, prompt: Prompt) -> int:
        """The bytes of a prompt in a batch, about: those of its request."""
        return len(self.driver.build_request(prompt).body or b"")

    def one_model(self, prompts: list[BatchPrompt]) -> str:
        """The model of all prompts. Raises `ConfigurationError` when there are several."""
        models = {entry.prompt.model for entry in prompts}
        if len(models) != 1:
            raise ConfigurationError(f"a batch of {self.name} has one model, not {len(models)}: make one for each")
        return models.pop()

    def result_file(self, request: Request, read: Callable[[dict[str, Any]], BatchItem]) -> ResultFile:
        """A file of results, for a flow to yield: `read` makes an item of the object on a line.

        Reading raises `InvalidResponseError` for a line that is not JSON.
        """

        def read_line(line: bytes) -> BatchItem:
            try:
                record = as_dict(decode_json(line))
            except ValueError as error:
                raise self.invalid_response(f"a line of the results is {error}", line) from None
            return read(record)

        return ResultFile(request, read_line)

    def read_answer(self, custom_id: str, reply: Reply, model: str) -> BatchItem:
        """The outcome of a prompt from the reply that its request would have had; one that does not name its model has
        `model`."""
        try:
            response = self.driver.parse_response(reply, Prompt(messages=[], model=model))
        except AIError as error:
            return BatchItem(custom_id=custom_id, error=error)
        response.model = response.model or model or None
        return BatchItem(custom_id=custom_id, response=response)

    def check_done(self, batch: Batch) -> None:
        """Raise `InvalidRequestError` for a batch that is not done yet, or failed as a whole."""
        if not batch.done:
            kind = error_branch(self.driver.error_prefix)[InvalidRequestError]
            raise kind(f"the batch {batch.id} has no results yet: it is {batch.raw_status}", provider=self.name)
        if batch.status == "failed" and batch.output_id is batch.error_id is None:
            raise self._failure(batch)

    def _failure(self, batch: Batch) -> ProviderError:
        """The error of a batch that failed as a whole, such as one whose file is not valid: it has no results."""
        said = [
            f"{problem.message} (line {problem.line})" if problem.line else problem.message for problem in batch.errors
        ]
        more = f"; and {len(said) - 5} more" if len(said) > 5 else ""
        why = "; ".join(said[:5]) + more if said else "the provider does not say why"
        first = batch.errors[0] if batch.errors else BatchProblem(message="")
        kind = error_branch(self.driver.error_prefix)[InvalidRequestError]
        details = {"body": batch.raw, "param": first.param} if first.param else {"body": batch.raw}
        return kind(f"the batch {batch.id} failed: {why}", provider=self.name, code=first.code, details=details)
