"""Rows of servers that people run themselves. None of them needs a key, unless it is started with one."""

from __future__ import annotations

from ...wires.operations import Embeddings, ImageGeneration, Reranking, Speech, Transcription, Translation
from .common import CompatibleChat, Row

__all__ = ["LOCAL"]

_SAMPLING = frozenset({"min_p", "repetition_penalty", "chat_template_kwargs"})

LOCAL: dict[str, Row] = {
    # https://docs.ollama.com/api/openai-compatibility; for Ollama's own API there is the driver `ollama`
    "ollama_openai": Row(
        title="Ollama",
        base_url="http://localhost:11434/v1",
        key_variables=("OLLAMA_API_KEY",),
        origin="ollama",
        catalog_name="ollama",
        requires_key=False,
        responses=True,
    ),
    # https://docs.vllm.ai/en/latest/serving/openai_compatible_server
    "vllm": Row(
        title="vLLM",
        base_url="http://localhost:8000/v1",
        requires_key=False,
        responses=True,
        operations=(Embeddings(), Reranking(), Transcription(), Translation()),
        wire=CompatibleChat(
            option_names=_SAMPLING | {"guided_json", "guided_regex", "guided_choice", "structured_outputs"},
        ),
    ),
    "lmstudio": Row(title="LM Studio", base_url="http://localhost:1234/v1", requires_key=False, responses=True),
    # https://github.com/ggml-org/llama.cpp/tree/master/tools/server
    "llamacpp": Row(
        title="llama.cpp",
        base_url="http://localhost:8080/v1",
        requires_key=False,
        operations=(Embeddings(), Reranking()),
        wire=CompatibleChat(option_names=_SAMPLING | {"cache_prompt", "grammar", "reasoning_format"}),
    ),
    "sglang": Row(
        title="SGLang",
        base_url="http://localhost:30000/v1",
        requires_key=False,
        responses=True,
        wire=CompatibleChat(option_names=_SAMPLING | {"ebnf", "regex", "separate_reasoning"}),
    ),
    # https://huggingface.co/docs/text-generation-inference
    "tgi": Row(
        title="TGI",
        base_url="http://localhost:8080/v1",
        key_variables=("TGI_API_KEY", "HF_TOKEN"),
        requires_key=False,
        operations=(),
    ),
    "localai": Row(
        title="LocalAI",
        base_url="http://localhost:8080/v1",
        requires_key=False,
        operations=(Embeddings(), ImageGeneration(), Reranking(), Speech(), Transcription()),
    ),
    # https://docs.docker.com/ai/model-runner/api-reference
    "docker": Row(title="Docker Model Runner", base_url="http://localhost:12434/engines/v1", requires_key=False),
    "jan": Row(title="Jan", base_url="http://localhost:1337/v1", requires_key=False, operations=()),
    "ramalama": Row(title="RamaLama", base_url="http://localhost:8080/v1", requires_key=False),
}
"""Rows by the driver's name."""
