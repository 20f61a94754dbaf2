"""Rows of companies that serve open models of others."""

from __future__ import annotations

from ...config import Setting
from ...contract import LEFT_OUT
from ...operations.requests import EmbeddingLimits
from ...wires.operations import (
    Batches,
    Embeddings,
    Files,
    ImageGeneration,
    Reranking,
    Speech,
    Transcription,
    Translation,
)
from ...wires.shared.formats import FormatRules
from ..fireworks_batches import FireworksBatches
from ..together_batches import TogetherBatches
from .common import TEXT_ONLY, CompatibleChat, Row

__all__ = ["HOSTS"]

HOSTS: dict[str, Row] = {
    # https://console.groq.com/docs/api-reference
    "groq": Row(
        title="Groq",
        base_url="https://api.groq.com/openai/v1",
        responses=True,
        operations=(
            Batches(files=Files(default_purpose="batch")),
            Files(default_purpose="batch"),
            Speech(),
            Transcription(),
            Translation(),
        ),
        wire=CompatibleChat(
            replay_reasoning="reasoning",
            max_tokens_field="max_completion_tokens",
            server_tools_field="executed_tools",
            service_tiers=frozenset({"auto", "on_demand", "flex", "performance"}),
            speaker_names="none",
            max_stops=4,
            max_tools=128,
            formats=FormatRules(schemas="catalog", beside_tools=False, schemas_streamed=False),
            options=dict.fromkeys(
                ("top_k", "logit_bias", "logprobs", "top_logprobs", "n", "prompt_cache_key", "modalities", "audio"),
                LEFT_OUT,
            ),
            option_names=frozenset(
                {"citation_options", "compound_custom", "disable_tool_validation", "documents", "include_reasoning"}
                | {"reasoning_format", "search_settings"}
            ),
        ),
    ),
    # https://inference-docs.cerebras.ai/api-reference/chat-completions
    "cerebras": Row(
        title="Cerebras",
        base_url="https://api.cerebras.ai/v1",
        capabilities=TEXT_ONLY,
        operations=(),
        wire=CompatibleChat(
            max_tokens_field="max_completion_tokens",
            options={"top_k": LEFT_OUT},
            option_names=frozenset({"clear_thinking", "disable_reasoning", "prediction", "reasoning_format"}),
        ),
    ),
    # https://docs.together.ai/reference/chat-completions-1
    "together": Row(
        title="Together",
        base_url="https://api.together.xyz/v1",
        operations=(
            TogetherBatches(options={"create_batch": frozenset({"model_id", "priority"})}),
            Embeddings(),
            ImageGeneration(),
            Reranking(),
            Speech(),
            Transcription(),
            Translation(),
        ),
        wire=CompatibleChat(
            option_names=frozenset({"echo", "min_p", "reasoning", "repetition_penalty", "safety_model"}),
        ),
    ),
    # https://docs.fireworks.ai/api-reference/post-chatcompletions
    "fireworks": Row(
        title="Fireworks",
        base_url="https://api.fireworks.ai/inference/v1",
        responses=True,
        settings=(Setting("account_id", help="the account that batches are kept in"),),
        operations=(
            FireworksBatches(options={"create_batch": frozenset({"precision"})}),
            Embeddings(),
            Reranking(),
        ),
        wire=CompatibleChat(
            replay_reasoning="reasoning_content",
            option_names=frozenset(
                {"context_length_exceeded_behavior", "min_p", "perf_metrics_in_response", "prompt_truncate_len"}
                | {"reasoning_history", "repetition_penalty"}
            ),
        ),
    ),
    "nvidia": Row(
        title="NVIDIA",
        base_url="https://integrate.api.nvidia.com/v1",
        model_list="public",
        wire=CompatibleChat(option_names=frozenset({"chat_template_kwargs"})),
    ),
    "sambanova": Row(title="SambaNova", base_url="https://api.sambanova.ai/v1", model_list="public"),
    "hyperbolic": Row(title="Hyperbolic", base_url="https://api.hyperbolic.xyz/v1", operations=()),
    "novita": Row(title="Novita", base_url="https://api.novita.ai/openai", model_list="public"),
    "deepinfra": Row(
        title="DeepInfra",
        base_url="https://api.deepinfra.com/v1/openai",
        key_variables=("DEEPINFRA_API_KEY", "DEEPINFRA_TOKEN"),
        model_list="public",
        operations=(
            Embeddings(limits={"": EmbeddingLimits(1024)}),
            ImageGeneration(),
            Speech(),
            Transcription(),
            Translation(),
        ),
    ),
    "nebius": Row(
        title="Nebius", base_url="https://api.tokenfactory.nebius.com/v1", operations=(Embeddings(), ImageGeneration())
    ),
    "baseten": Row(title="Baseten", base_url="https://inference.baseten.co/v1", operations=()),
    "featherless": Row(
        title="Featherless",
        base_url="https://api.featherless.ai/v1",
        model_list="public",
        operations=(),
        wire=CompatibleChat(option_names=frozenset({"min_p", "repetition_penalty"})),
    ),
    "siliconflow": Row(
        title="SiliconFlow",
        base_url="https://api.siliconflow.com/v1",
        operations=(
            Embeddings(limits={"": EmbeddingLimits(32)}),
            ImageGeneration(),
            Reranking(),
            Speech(),
            Transcription(),
        ),
        wire=CompatibleChat(option_names=frozenset({"enable_thinking", "min_p", "thinking_budget"})),
    ),
    "friendli": Row(
        title="Friendli",
        base_url="https://api.friendli.ai/serverless/v1",
        key_variables=("FRIENDLI_TOKEN", "FRIENDLI_API_KEY"),
        operations=(),
    ),
    "chutes": Row(title="Chutes", base_url="https://llm.chutes.ai/v1", model_list="public", operations=()),
    "venice": Row(
        title="Venice",
        base_url="https://api.venice.ai/api/v1",
        model_list="public",
        operations=(Embeddings(), ImageGeneration(), Speech(), Transcription()),
        wire=CompatibleChat(option_names=frozenset({"venice_parameters"})),
    ),
    "crusoe": Row(title="Crusoe", base_url="https://api.inference.crusoecloud.com/v1", operations=()),
    "nscale": Row(
        title="Nscale",
        base_url="https://inference.api.nscale.com/v1",
        key_variables=("NSCALE_API_KEY", "NSCALE_SERVICE_TOKEN"),
        operations=(Embeddings(), ImageGeneration()),
    ),
    "wandb": Row(title="Weights & Biases", base_url="https://api.inference.wandb.ai/v1", operations=()),
    "inference_net": Row(
        title="Inference.net", base_url="https://api.inference.net/v1", key_variables=("INFERENCE_API_KEY",)
    ),
    "avian": Row(title="Avian", base_url="https://api.avian.io/v1", operations=()),
    "gmicloud": Row(title="GMI Cloud", base_url="https://api.gmi-serving.com/v1", operations=()),
    "io_net": Row(
        title="io.net",
        base_url="https://api.intelligence.io.solutions/api/v1",
        key_variables=("IOINTELLIGENCE_API_KEY",),
    ),
    "synthetic": Row(title="Synthetic", base_url="https://api.synthetic.new/openai/v1"),
}
"""Rows by the driver's name."""
