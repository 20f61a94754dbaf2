"""The options of a call, as type checkers know them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, _SpecialForm

from ..data.prompt import OutputFormat, ReasoningEffort, ToolSpec
from ..data.responses import ParsedT
from ..errors import AIError
from .routing import FallbackTargets

if TYPE_CHECKING:
    from ..tools import ToolLike

__all__ = [
    "AllOptions",
    "CallOptions",
    "DriverOptions",
    "MostDriverOptions",
    "ResponseFormat",
    "SendOptions",
    "SharedOptions",
]

MYPY = False  # mypy takes a variable of this name as true, as it does `TYPE_CHECKING`; nobody else does

if MYPY:
    # mypy works out the class only if nothing else in the union is wide enough for it.
    ResponseFormat: TypeAlias = (
        type[ParsedT] | dict[str, Any] | Literal["json", "json_object"] | OutputFormat | UnionType | _SpecialForm | None
    )
else:
    # Pyright works out the class all the same, and knows no narrower type for `Literal[...]` and `Annotated[...]`.
    ResponseFormat: TypeAlias = type[ParsedT] | object
"""What `response_format` takes: a class `T`, whose instance is then `response.parsed`; any other type, such as
`A | B`; a JSON schema; or `"json"`. See `polydriver.structured.make_output`."""


class SharedOptions(TypedDict, total=False):
    """`CallOptions` without `response_format`, which the sending methods have by name."""

    model: str | None
    temperature: float | None
    top_p: float | None
    top_k: int | None
    max_tokens: int | None
    stop: str | Sequence[str] | None
    seed: int | None
    n: int | None
    presence_penalty: float | None
    frequency_penalty: float | None
    logprobs: bool | int | None
    top_logprobs: int | None
    logit_bias: Mapping[str, float] | Mapping[int, float] | None
    reasoning_effort: ReasoningEffort | str | None
    reasoning_budget: int | None
    tools: Sequence[ToolLike] | ToolLike | None
    tool_choice: str | ToolSpec | Mapping[str, Any] | None
    parallel_tool_calls: bool | None
    user: str | None
    service_tier: str | None
    prompt_cache_key: str | None
    store: bool | None
    modalities: Sequence[str] | None
    audio: Mapping[str, Any] | None
    extra: Mapping[str, Any] | None
    extra_headers: Mapping[str, str] | None
    timeout: float | None
    idle_timeout: float | None
    deadline: float | None
    first_content_timeout: float | None
    hedging: bool | None
    fallback: FallbackTargets | None
    fallback_on: Sequence[type[AIError] | str] | None
    continue_with: FallbackTargets | None
    retry_attempts: int | None
    metadata: Mapping[str, Any] | None
    conversation_id: str | None
    queue: Literal["interactive", "batch"] | None
    response_cache: bool | Literal["refresh"] | None


class CallOptions(SharedOptions, total=False):
    """The options that the sending methods of all providers have: those of `Prompt`, `model`, the limits of the call.

    For functions that hand options on, which are then checked by type checkers like calls of ours::

        from typing import Unpack

        def ask(question: str, **options: Unpack[CallOptions]) -> str:
            return provider.send_message(question, **options).content

    - See `Prompt` for the options that are sent.
    - `timeout`, `idle_timeout` and `deadline` are in seconds; `retry_attempts` is the number of attempts, the first
      included. `metadata` and `conversation_id` label events; with `queue` "batch" a call waits behind
      others for its turn within the limits.
    - `fallback` are the targets that are asked where this one fails, `fallback_on` further errors that lead to them;
      `continue_with` are those that go on where a stream breaks in the middle of its text;
      `first_content_timeout` is in seconds; `hedging` says whether a second request may be sent where that is late.
      `response_cache`: whether the answer may be one that was kept, and is kept itself; "refresh" asks for a new one.
    - `None` is the same as leaving an option out.
    """

    response_format: Any


class MostDriverOptions(TypedDict, total=False):
    """Options that only some of our drivers have, in the forms of their providers' documentation.

    A driver refuses those of others with `UnknownOptionError`. The options of a driver of your own are not among them:
    keep these in a `dict[str, Any]` and pass it as `**own`.
    """

    additionalModelRequestFields: Any
    additionalModelResponseFieldPaths: Any
    allowed_tools: Any
    api: Any
    audio_timestamp: Any
    background: Any
    betas: Any
    cache: Any
    cache_control: Any
    cache_prompt: Any
    cached_content: Any
    chat_template_kwargs: Any
    citation_options: Any
    clear_thinking: Any
    compound_custom: Any
    container: Any
    context: Any
    context_length_exceeded_behavior: Any
    context_management: Any
    conversation: Any
    deferred: Any
    diagnostics: Any
    diffusing: Any
    disable_reasoning: Any
    disable_search: Any
    disable_tool_validation: Any
    do_sample: Any
    documents: Any
    draft_num_predict: Any
    ebnf: Any
    echo: Any
    enable_affective_dialog: Any
    enable_enhanced_civic_answers: Any
    enable_search: Any
    enable_search_classifier: Any
    enable_thinking: Any
    fallback_credit_token: Any
    fallbacks: Any
    generate: Any
    grammar: Any
    guardrailConfig: Any
    guardrails: Any
    guided_choice: Any
    guided_json: Any
    guided_regex: Any
    image_config: Any
    include: Any
    include_reasoning: Any
    include_thoughts: Any
    inferenceConfig: Any
    inference_geo: Any
    insecure: Any
    keep_alive: Any
    language_preference: Any
    last_updated_after_filter: Any
    last_updated_before_filter: Any
    low_vram: Any
    main_gpu: Any
    mask_sensitive_info: Any
    max_tool_calls: Any
    mcp_servers: Any
    media_resolution: Any
    media_response: Any
    min_p: Any
    mirostat: Any
    mirostat_eta: Any
    mirostat_tau: Any
    model_armor_config: Any
    models: Any
    moderation: Any
    num_batch: Any
    num_ctx: Any
    num_gpu: Any
    num_keep: Any
    num_thread: Any
    numa: Any
    options: Any
    outputConfig: Any
    output_config: Any
    penalize_newline: Any
    perf_metrics_in_response: Any
    performanceConfig: Any
    plugins: Any
    prediction: Any
    preset: Any
    previous_response_id: Any
    priority: Any
    prompt: Any
    promptVariables: Any
    prompt_cache_options: Any
    prompt_cache_retention: Any
    prompt_mode: Any
    prompt_truncate_len: Any
    provider: Any
    providerOptions: Any
    pull: Any
    raw: Any
    raw_prompting: Any
    reasoning: Any
    reasoning_context: Any
    reasoning_format: Any
    reasoning_history: Any
    reasoning_split: Any
    reasoning_summary: Any
    regex: Any
    repeat_last_n: Any
    repeat_penalty: Any
    repetition_penalty: Any
    requestMetadata: Any
    request_id: Any
    response_json_schema: Any
    response_mime_type: Any
    response_schema: Any
    return_images: Any
    return_related_questions: Any
    route: Any
    routing_config: Any
    safe_prompt: Any
    safety_identifier: Any
    safety_mode: Any
    safety_model: Any
    safety_settings: Any
    search_after_date_filter: Any
    search_before_date_filter: Any
    search_domain_filter: Any
    search_language_filter: Any
    search_mode: Any
    search_options: Any
    search_parameters: Any
    search_recency_filter: Any
    search_settings: Any
    separate_reasoning: Any
    serviceTier: Any
    session_id: Any
    shift: Any
    speech_config: Any
    speed: Any
    stream_mode: Any
    stream_options: Any
    strict_tools: Any
    structured_outputs: Any
    suffix: Any
    system_in_place: Any
    template: Any
    tfs_z: Any
    think: Any
    thinking: Any
    thinking_budget: Any
    thinking_config: Any
    thinking_level: Any
    toolConfig: Any
    tool_config: Any
    tool_stream: Any
    top_a: Any
    trace: Any
    transforms: Any
    translation_options: Any
    truncate: Any
    truncation: Any
    typical_p: Any
    use_mlock: Any
    use_mmap: Any
    venice_parameters: Any
    verbosity: Any
    vl_high_resolution_images: Any
    web_search_options: Any


class DriverOptions(MostDriverOptions, total=False):
    """`MostDriverOptions`, and the one that batches take from all drivers."""

    labels: Any


class SendOptions(SharedOptions, DriverOptions, total=False):
    """What the sending methods take beside `response_format`."""


class AllOptions(SendOptions, total=False):
    """What the sending methods take."""

    response_format: Any
