"""Rows of companies that serve their own models."""

from __future__ import annotations

from ...contract import LEFT_OUT
from ...errors import (
    ContentFilterError,
    ContextLengthError,
    InvalidCredentialsError,
    ModelNotFoundError,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
)
from ...operations.requests import EmbeddingLimits
from ...wires.chat_completions import reasoning
from ...wires.operations import Embeddings, ImageEditing, ImageGeneration
from ...wires.shared.formats import FormatRules
from ..traits import ErrorTable
from ..xai_batches import XAIBatches
from .common import TEXT_ONLY, CompatibleChat, Row

__all__ = ["MAKERS"]

# https://docs.z.ai/api-reference/api-code
_ZAI_CODES: dict[str, type[ProviderError]] = {
    **dict.fromkeys(("1000", "1001", "1002", "1003", "1110", "1112", "1220"), InvalidCredentialsError),
    **dict.fromkeys(("1113", "1308", "1309"), QuotaExceededError),
    **dict.fromkeys(("1302", "1303", "1304", "1305"), RateLimitError),
    "1211": ModelNotFoundError,
    "1261": ContextLengthError,
    "1301": ContentFilterError,
}

MAKERS: dict[str, Row] = {
    # https://api-docs.deepseek.com/guides/thinking_mode, `/json_mode`, `/chat_prefix_completion`
    "deepseek": Row(
        title="DeepSeek",
        base_url="https://api.deepseek.com",
        capabilities=TEXT_ONLY,
        responses=True,
        operations=(),
        wire=CompatibleChat(
            replay_reasoning="reasoning_content",
            replay_only_with_tools=True,
            requires_reasoning=True,
            reasoning=reasoning.thinking_with_effort,
            formats=FormatRules(schemas="none"),
            forces_while_thinking=False,
            max_stops=16,
            max_tools=128,
            marks_prefix=True,
            prefix_path="beta/chat/completions",
            options={"top_k": LEFT_OUT, "user": "user_id"},
            option_names=frozenset({"thinking"}),
        ),
    ),
    # https://docs.x.ai/docs/api-reference
    "xai": Row(
        title="xAI",
        base_url="https://api.x.ai/v1",
        responses=True,
        operations=(ImageGeneration(), ImageEditing(), XAIBatches()),
        wire=CompatibleChat(
            replay_reasoning="reasoning_content",
            speaker_names="users",
            max_stops=4,
            max_tools=128,
            options={"top_k": LEFT_OUT},
            option_names=frozenset({"deferred", "search_parameters", "web_search_options"}),
        ),
    ),
    # https://docs.z.ai/api-reference/llm/chat-completion
    "zai": Row(
        title="Z.ai",
        base_url="https://api.z.ai/api/paas/v4",
        errors=ErrorTable(branch="ZAi", codes=_ZAI_CODES),
        key_variables=("ZAI_API_KEY", "ZHIPU_API_KEY"),
        operations=(ImageGeneration(),),
        wire=CompatibleChat(
            replay_reasoning="reasoning_content",
            reasoning=reasoning.thinking_switch,
            options={"user": "user_id"},
            option_names=frozenset({"do_sample", "request_id", "thinking", "tool_stream"}),
        ),
    ),
    "zhipu": Row(
        title="Zhipu",
        base_url="https://open.bigmodel.cn/api/paas/v4",
        errors=ErrorTable(branch="Zhipu", codes=_ZAI_CODES),
        key_variables=("ZHIPU_API_KEY", "ZHIPUAI_API_KEY"),
        origin="zai",
        operations=(Embeddings(limits={"": EmbeddingLimits(64)}), ImageGeneration()),
        wire=CompatibleChat(
            replay_reasoning="reasoning_content",
            reasoning=reasoning.thinking_switch,
            options={"user": "user_id"},
            option_names=frozenset({"do_sample", "request_id", "thinking", "tool_stream"}),
        ),
    ),
    # https://platform.moonshot.ai/docs/api/chat
    "moonshot": Row(
        title="Moonshot",
        base_url="https://api.moonshot.ai/v1",
        errors=ErrorTable(
            branch="Moonshot",
            codes={
                "exceeded_current_quota_error": QuotaExceededError,
                "engine_overloaded_error": ServerError,
                "resource_not_found_error": ModelNotFoundError,
            },
            client_statuses={"engine_overloaded_error": 429},
        ),
        key_variables=("MOONSHOT_API_KEY", "KIMI_API_KEY"),
        operations=(),
        wire=CompatibleChat(
            replay_reasoning="reasoning_content",
            reasoning=reasoning.thinking_switch,
            option_names=frozenset({"thinking"}),
        ),
    ),
    # https://www.alibabacloud.com/help/en/model-studio/use-qwen-by-calling-api; for China set base_url to
    # https://dashscope.aliyuncs.com/compatible-mode/v1
    "alibaba": Row(
        title="Alibaba",
        base_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        errors=ErrorTable(
            branch="Alibaba",
            codes={
                "Arrearage": QuotaExceededError,
                "DataInspectionFailed": ContentFilterError,
                "data_inspection_failed": ContentFilterError,
            },
        ),
        key_variables=("DASHSCOPE_API_KEY", "ALIBABA_API_KEY"),
        # https://www.alibabacloud.com/help/en/model-studio/embedding-interfaces-compatible-with-openai
        operations=(
            Embeddings(
                limits={
                    **dict.fromkeys(("text-embedding-v1", "text-embedding-v2"), EmbeddingLimits(25)),
                    "": EmbeddingLimits(10),
                }
            ),
        ),
        wire=CompatibleChat(
            reasoning=reasoning.thinking_budget,
            option_names=frozenset(
                {
                    "enable_search",
                    "enable_thinking",
                    "search_options",
                    "translation_options",
                    "vl_high_resolution_images",
                }
            ),
        ),
    ),
    # https://platform.minimax.io/docs/api-reference/text-openai-api
    "minimax": Row(
        title="MiniMax",
        base_url="https://api.minimax.io/v1",
        capabilities=TEXT_ONLY,
        model_list="none",
        operations=(),
        wire=CompatibleChat(think_tags=True, option_names=frozenset({"mask_sensitive_info", "reasoning_split"})),
    ),
    "stepfun": Row(title="StepFun", base_url="https://api.stepfun.com/v1", operations=(ImageGeneration(),)),
    "ai21": Row(
        title="AI21",
        base_url="https://api.ai21.com/studio/v1",
        capabilities=TEXT_ONLY,
        model_list="none",
        operations=(),
        wire=CompatibleChat(option_names=frozenset({"documents"})),
    ),
    "upstage": Row(title="Upstage", base_url="https://api.upstage.ai/v1/solar", capabilities=TEXT_ONLY),
    "inception": Row(
        title="Inception",
        base_url="https://api.inceptionlabs.ai/v1",
        capabilities=TEXT_ONLY,
        operations=(),
        wire=CompatibleChat(option_names=frozenset({"diffusing"})),
    ),
    # https://llama.developer.meta.com/docs/features/compatibility
    "meta": Row(
        title="Meta Llama", base_url="https://api.llama.com/compat/v1", key_variables=("LLAMA_API_KEY",), operations=()
    ),
    # https://nova.amazon.com/dev/documentation
    "nova": Row(title="Amazon Nova", base_url="https://api.nova.amazon.com/v1", operations=()),
    "sarvam": Row(title="Sarvam", base_url="https://api.sarvam.ai/v1", capabilities=TEXT_ONLY, operations=()),
    "xiaomi": Row(title="Xiaomi MiMo", base_url="https://api.xiaomimimo.com/v1", operations=()),
    "arcee": Row(title="Arcee", base_url="https://api.arcee.ai/api/v1", capabilities=TEXT_ONLY, operations=()),
    "morph": Row(title="Morph", base_url="https://api.morphllm.com/v1", capabilities=TEXT_ONLY),
}
"""Rows by the driver's name."""
