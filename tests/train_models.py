"""Tiny random models of many architectures, for tests of training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

SMALL: dict[str, Any] = {
    "vocab_size": 97, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 512, "initializer_range": 0.1,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "tie_word_embeddings": False,
}  # fmt: skip
EXTRA: dict[str, dict[str, Any]] = {
    "mistral": {"sliding_window": 16},
    "gemma3_text": {
        "sliding_window": 16,
        "layer_types": ["sliding_attention", "full_attention"],
        "query_pre_attn_scalar": 8,
    },
    "phi3": {"head_dim": None},
    "gpt_oss": {"num_local_experts": 4, "num_experts_per_tok": 2, "layer_types": ["full_attention", "full_attention"]},
    "falcon": {"head_dim": None, "new_decoder_architecture": False, "multi_query": True},
}


def make_model(kind: str, *, attention: str = "ck_varlen", seed: int = 3, **changes: Any) -> torch.nn.Module:
    """A random model in float32.

    Args:
        kind: The model type of transformers.
        attention: The implementation.
        seed: Of its weights.
        changes: Of its configuration.
    """
    from transformers import AutoConfig, AutoModelForCausalLM

    from attention import register

    register()
    values = {**SMALL, **EXTRA.get(kind, {}), **changes}
    config = AutoConfig.for_model(kind, **{key: value for key, value in values.items() if value is not None})
    torch.manual_seed(seed)
    model: torch.nn.Module = AutoModelForCausalLM.from_config(
        config, attn_implementation=attention, dtype=torch.float32
    )
    return model


def save_model(folder: Path, kind: str = "llama", **changes: Any) -> Path:
    """Writes a tiny random model in the format of transformers."""
    make_model(kind, attention="sdpa", **changes).save_pretrained(folder)
    return folder
