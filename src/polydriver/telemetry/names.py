"""The one table of names: of spans, attributes and metrics.

They are those of the GenAI semantic conventions of OpenTelemetry, which are still in development, as of
semantic-conventions 1.41 (April 2026), the edition that dashboards and back ends read:
https://github.com/open-telemetry/semantic-conventions/tree/v1.41.0/docs/gen-ai. The first release of the repository
that they moved to since, https://github.com/open-telemetry/semantic-conventions-genai (v0.1.0), renames the metrics of
operations (`gen_ai.client.inference.*`) and some attributes; following it takes new texts in this table. What the
conventions have no name for begins with `polydriver.`.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

__all__ = ["METRICS", "OPERATIONS", "PROVIDERS", "SCHEMA_URL", "Metric"]

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.41.0"
SCOPE: Final = "polydriver"

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_ID: Final = "gen_ai.response.id"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
CONVERSATION_ID: Final = "gen_ai.conversation.id"
OUTPUT_TYPE: Final = "gen_ai.output.type"
STREAM: Final = "gen_ai.request.stream"
TOKEN_TYPE: Final = "gen_ai.token.type"
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_TYPE: Final = "gen_ai.tool.type"
TOOL_CALL_ID: Final = "gen_ai.tool.call.id"
TOOL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
TOOL_RESULT: Final = "gen_ai.tool.call.result"
ERROR_TYPE: Final = "error.type"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
STATUS_CODE: Final = "http.response.status_code"
RESEND_COUNT: Final = "http.request.resend_count"

CONNECTION: Final = "polydriver.connection"
CALL_ID: Final = "polydriver.call.id"
CALL_OUTCOME: Final = "polydriver.call.outcome"
ABANDONED: Final = "polydriver.stream.abandoned"
ATTEMPTS: Final = "polydriver.call.attempts"
CACHED: Final = "polydriver.call.cached"
ATTEMPT_NUMBER: Final = "polydriver.attempt.number"
HEDGE: Final = "polydriver.attempt.hedge"
ATTEMPT_OUTCOME: Final = "polydriver.attempt.outcome"
WAITED: Final = "polydriver.attempt.waited"
REQUEST_ID: Final = "polydriver.request.id"
COST: Final = "polydriver.cost"
CURRENCY: Final = "polydriver.cost.currency"
ESTIMATED: Final = "polydriver.usage.estimated"
ATTEMPT_USAGE: Final = {
    "input_tokens": "polydriver.usage.input_tokens",
    "output_tokens": "polydriver.usage.output_tokens",
}
"""Of attempts: the conventions' own names are on the span of the call, so that nobody counts them twice."""

PARAMETERS: Final = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "top_k": "gen_ai.request.top_k",
    "max_tokens": "gen_ai.request.max_tokens",
    "stop": "gen_ai.request.stop_sequences",
    "seed": "gen_ai.request.seed",
    "n": "gen_ai.request.choice.count",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
}
"""Options of prompts that a span tells."""

USAGE: Final = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cached_input_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_write_tokens": "gen_ai.usage.cache_creation.input_tokens",
    "reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
}
"""Fields of `TokenUsage` that a span tells. Cached input is a part of the input, reasoning of the output."""

TOKEN_TYPES: Final = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cached_input_tokens": "cache_read",
    "cache_write_tokens": "cache_write",
    "reasoning_tokens": "reasoning",
}
"""Types of tokens in the metric. The conventions have `input` and `output`; the others are parts of those."""

OPERATIONS: Final = {"chat": "chat", "embed": "embeddings", "get_response": "fetch_response"}
"""What the conventions call our methods; the others keep their names."""

TOOL_LOOP: Final = "invoke_agent"
EXECUTE_TOOL: Final = "execute_tool"

PROVIDERS: Final = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "bedrock_mantle": "aws.bedrock",
    "gemini": "gcp.gemini",
    "vertexai": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "xai": "x_ai",
}
"""What the conventions call the providers of our drivers; the others keep their names."""

CIRCUIT_STATES: Final = {"closed": 0, "half_open": 1, "open": 2}

_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)


class Metric(NamedTuple):
    """A metric: its name, kind, unit (UCUM), what it says, and the borders of its buckets."""

    name: str
    kind: Literal["histogram", "counter", "gauge"]
    unit: str
    description: str
    buckets: tuple[float, ...] = ()

    @property
    def prometheus(self) -> tuple[str, ...]:
        """The names that it has in Prometheus, by the rules of the collector's exporter: with unit and kind.

        https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
        """
        unit = {"s": "_seconds"}.get(self.unit, "")
        name = self.name.replace(".", "_") + unit
        if self.kind == "histogram":
            return tuple(f"{name}_{part}" for part in ("bucket", "count", "sum"))
        return (f"{name}_total",) if self.kind == "counter" else (name,)


METRICS: Final = {
    "duration": Metric(
        "gen_ai.client.operation.duration", "histogram", "s", "Time of a whole call, with all its attempts.", _SECONDS
    ),
    "first_chunk": Metric(
        "gen_ai.client.operation.time_to_first_chunk",
        "histogram", "s", "Time from the request to the first chunk of a stream.", _SECONDS,
    ),
    "per_chunk": Metric(
        "gen_ai.client.operation.time_per_output_chunk",
        "histogram", "s", "Time for each chunk of a stream after its first.", _SECONDS,
    ),
    "tokens": Metric(
        "gen_ai.client.token.usage", "histogram", "{token}", "Tokens that an attempt used, by type.", _TOKENS
    ),
    "attempt": Metric(
        "polydriver.client.attempt.duration", "histogram", "s", "Time of an attempt, waiting included.", _SECONDS
    ),
    "cost": Metric("polydriver.client.cost", "counter", "{currency}", "Money spent, by currency."),
    "retries": Metric("polydriver.client.retries", "counter", "{retry}", "Attempts that failed and were repeated."),
    "hedges": Metric("polydriver.client.hedges", "counter", "{request}", "Requests that were sent a second time."),
    "waited": Metric(
        "polydriver.client.waiting.time", "histogram", "s", "Time that an attempt waited to be admitted.", _SECONDS
    ),
    "circuit": Metric(
        "polydriver.client.circuit.state", "gauge", "1", "The circuit: 0 is closed, 1 half-open, 2 open."
    ),
}  # fmt: skip
