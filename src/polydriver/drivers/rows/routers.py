"""Rows of gateways that pass calls on to many providers."""

from __future__ import annotations

from ...wires.operations import Embeddings, ImageGeneration
from .common import CompatibleChat, Row

__all__ = ["ROUTERS"]

ROUTERS: dict[str, Row] = {
    # https://huggingface.co/docs/inference-providers; a model's id may end in :provider, :cheapest or :fastest
    "huggingface": Row(
        title="Hugging Face",
        base_url="https://router.huggingface.co/v1",
        key_variables=("HF_TOKEN", "HUGGINGFACE_API_KEY"),
        model_list="public",
        responses=True,
        operations=(),
    ),
    # https://vercel.com/docs/ai-gateway/openai-compat
    "vercel": Row(
        title="Vercel AI Gateway",
        base_url="https://ai-gateway.vercel.sh/v1",
        key_variables=("AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN"),
        model_list="public",
        responses=True,
        operations=(Embeddings(), ImageGeneration()),
        wire=CompatibleChat(option_names=frozenset({"models", "providerOptions", "reasoning"})),
    ),
    "requesty": Row(title="Requesty", base_url="https://router.requesty.ai/v1", model_list="public"),
    "poe": Row(title="Poe", base_url="https://api.poe.com/v1", model_list="public", operations=()),
    "helicone": Row(title="Helicone", base_url="https://ai-gateway.helicone.ai/v1", model_list="public", operations=()),
    "llmgateway": Row(
        title="LLM Gateway",
        base_url="https://api.llmgateway.io/v1",
        key_variables=("LLMGATEWAY_API_KEY", "LLM_GATEWAY_API_KEY"),
        model_list="public",
    ),
    "zenmux": Row(title="ZenMux", base_url="https://zenmux.ai/api/v1", model_list="public", operations=()),
    # https://docs.litellm.ai/docs/proxy/user_keys
    "litellm": Row(
        title="LiteLLM Proxy",
        base_url="http://localhost:4000/v1",
        key_variables=("LITELLM_API_KEY", "LITELLM_MASTER_KEY", "LITELLM_PROXY_API_KEY"),
        requires_key=False,
        responses=True,
        operations=(Embeddings(), ImageGeneration()),
    ),
}
"""Rows by the driver's name."""
