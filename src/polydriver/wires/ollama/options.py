"""What Ollama's API does with each option of a prompt."""

from __future__ import annotations

from collections.abc import Mapping

from ...contract import RENDERED, OptionRule, Wire, option_rules

__all__ = ["GENERATE_OPTIONS", "OLLAMA_OPTIONS", "OLLAMA_RULES", "RUNTIME_OPTIONS", "OllamaSettings"]

OLLAMA_RULES: Mapping[str, OptionRule] = option_rules(
    {
        "temperature": "temperature",
        "top_p": "top_p",
        "top_k": "top_k",
        "max_tokens": "num_predict",
        "stop": "stop",
        "seed": "seed",
        "presence_penalty": "presence_penalty",
        "frequency_penalty": "frequency_penalty",
        "logprobs": RENDERED,
        "top_logprobs": RENDERED,
        "reasoning_effort": RENDERED,
        "reasoning_budget": RENDERED,
        "tools": RENDERED,
        "tool_choice": RENDERED,
        "response_format": RENDERED,
    }
)

RUNTIME_OPTIONS = frozenset(
    {
        "draft_num_predict",
        "low_vram",
        "main_gpu",
        "min_p",
        "mirostat",
        "mirostat_eta",
        "mirostat_tau",
        "num_batch",
        "num_ctx",
        "num_gpu",
        "num_keep",
        "num_thread",
        "numa",
        "penalize_newline",
        "repeat_last_n",
        "repeat_penalty",
        "tfs_z",
        "typical_p",
        "use_mlock",
        "use_mmap",
    }
)
"""What goes into the body's `options`, beside the options that all providers share."""

GENERATE_OPTIONS = frozenset({"context", "raw", "suffix", "template"})
"""What only `generate` takes. `context` is the one of an earlier answer, from `AIResponse.provider_data`."""

OLLAMA_OPTIONS = (
    frozenset({"generate", "keep_alive", "options", "shift", "think", "truncate"}) | RUNTIME_OPTIONS | GENERATE_OPTIONS
)
"""Everything that can be given by name."""


class OllamaSettings(Wire, kw_only=True, eq=False):
    """What services set about this wire: `path` and `generate_path` are where to post."""

    rules = OLLAMA_RULES
    option_names: frozenset[str] = OLLAMA_OPTIONS
    path: str = "api/chat"
    generate_path: str = "api/generate"
