"""Rows of companies that serve open models of others."""

from __future__ import annotations

from ...wires.operations import (
    Batches,
    Embeddings,
    ImageGeneration,
    Reranking,
    Speech,
    Transcription,
    Translation,
)
from .common import ROW, TEXT_ONLY

__all__ = ["HOSTS"]

HOSTS: dict[str, ROW] = {
    # https://console.groq.com/docs/api-reference
    "groq": {
        "title": "Groq",
        "base_url": "https://api.groq.com/openai/v1",
        "replay_reasoning": "reasoning",
        "max_tokens_field": "max_completion_tokens",
        "server_tools_field": "executed_tools",
        "option_fields": {"top_k": None, "logit_bias": None, "logprobs": None, "top_logprobs": None},
        "option_names": frozenset(
            {"citation_options", "compound_custom", "disable_tool_validation", "documents", "include_reasoning"}
            | {"reasoning_format", "search_settings"}
        ),
        "operations": (Batches, Speech, Transcription, Translation),
        "default_purpose": "batch",
        "responses": True,
    },
    # https://inference-docs.cerebras.ai/api-reference/chat-completions
    "cerebras": {
        "title": "Cerebras",
        "base_url": "https://api.cerebras.ai/v1",
        "max_tokens_field": "max_completion_tokens",
        "capabilities": TEXT_ONLY,
        "option_fields": {"top_k": None},
        "option_names": frozenset({"clear_thinking", "disable_reasoning", "prediction", "reasoning_format"}),
        "operations": (),
    },
    # https://docs.together.ai/reference/chat-completions-1
    "together": {
        "title": "Together",
        "base_url": "https://api.together.xyz/v1",
        "option_names": frozenset({"echo", "min_p", "reasoning", "repetition_penalty", "safety_model"}),
        "operations": (Embeddings, ImageGeneration, Reranking, Speech, Transcription, Translation),
    },
    # https://docs.fireworks.ai/api-reference/post-chatcompletions
    "fireworks": {
        "title": "Fireworks",
        "base_url": "https://api.fireworks.ai/inference/v1",
        "replay_reasoning": "reasoning_content",
        "option_names": frozenset(
            {"context_length_exceeded_behavior", "min_p", "perf_metrics_in_response", "prompt_truncate_len"}
            | {"reasoning_history", "repetition_penalty"}
        ),
        "operations": (Embeddings, Reranking),
        "responses": True,
    },
    "nvidia": {
        "title": "NVIDIA",
        "base_url": "https://integrate.api.nvidia.com/v1",
        "option_names": frozenset({"chat_template_kwargs"}),
        "model_list": "public",
    },
    "sambanova": {"title": "SambaNova", "base_url": "https://api.sambanova.ai/v1", "model_list": "public"},
    "hyperbolic": {"title": "Hyperbolic", "base_url": "https://api.hyperbolic.xyz/v1", "operations": ()},
    "novita": {"title": "Novita", "base_url": "https://api.novita.ai/openai", "model_list": "public"},
    "deepinfra": {
        "title": "DeepInfra",
        "base_url": "https://api.deepinfra.com/v1/openai",
        "key_variables": ("DEEPINFRA_API_KEY", "DEEPINFRA_TOKEN"),
        "model_list": "public",
        "operations": (Embeddings, ImageGeneration, Speech, Transcription, Translation),
    },
    "nebius": {
        "title": "Nebius",
        "base_url": "https://api.tokenfactory.nebius.com/v1",
        "operations": (Embeddings, ImageGeneration),
    },
    "baseten": {"title": "Baseten", "base_url": "https://inference.baseten.co/v1", "operations": ()},
    "featherless": {
        "title": "Featherless",
        "base_url": "https://api.featherless.ai/v1",
        "option_names": frozenset({"min_p", "repetition_penalty"}),
        "model_list": "public",
        "operations": (),
    },
    "siliconflow": {
        "title": "SiliconFlow",
        "base_url": "https://api.siliconflow.com/v1",
        "option_names": frozenset({"enable_thinking", "min_p", "thinking_budget"}),
        "operations": (Embeddings, ImageGeneration, Reranking, Speech, Transcription),
    },
    "friendli": {
        "title": "Friendli",
        "base_url": "https://api.friendli.ai/serverless/v1",
        "key_variables": ("FRIENDLI_TOKEN", "FRIENDLI_API_KEY"),
        "operations": (),
    },
    "chutes": {"title": "Chutes", "base_url": "https://llm.chutes.ai/v1", "model_list": "public", "operations": ()},
    "venice": {
        "title": "Venice",
        "base_url": "https://api.venice.ai/api/v1",
        "option_names": frozenset({"venice_parameters"}),
        "model_list": "public",
        "operations": (Embeddings, ImageGeneration, Speech, Transcription),
    },
    "crusoe": {"title": "Crusoe", "base_url": "https://api.inference.crusoecloud.com/v1", "operations": ()},
    "nscale": {
        "title": "Nscale",
        "base_url": "https://inference.api.nscale.com/v1",
        "key_variables": ("NSCALE_API_KEY", "NSCALE_SERVICE_TOKEN"),
        "operations": (Embeddings, ImageGeneration),
    },
    "wandb": {
        "title": "Weights & Biases",
        "base_url": "https://api.inference.wandb.ai/v1",
        "operations": (),
    },
    "inference_net": {
        "title": "Inference.net",
        "base_url": "https://api.inference.net/v1",
        "key_variables": ("INFERENCE_API_KEY",),
    },
    "avian": {"title": "Avian", "base_url": "https://api.avian.io/v1", "operations": ()},
    "gmicloud": {"title": "GMI Cloud", "base_url": "https://api.gmi-serving.com/v1", "operations": ()},
    "io_net": {
        "title": "io.net",
        "base_url": "https://api.intelligence.io.solutions/api/v1",
        "key_variables": ("IOINTELLIGENCE_API_KEY",),
    },
    "synthetic": {"title": "Synthetic", "base_url": "https://api.synthetic.new/openai/v1"},
}
"""Rows by the driver's name."""
