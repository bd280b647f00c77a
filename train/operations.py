"""How many floating-point operations a step of LoRA training needs, and what the device could do in that time.

A frozen matrix costs a forward product and the gradient of its input, not that of its weight: 4 operations a weight and token,
where full training has 6. Adapter matrices cost 6. The head runs at supervised tokens only. Attention costs, for a document of
n tokens, 2 n² d forward (causal half of 4 n² d) and twice that backward, in each layer, and nothing across documents. Model FLOPs
utilisation (MFU, arXiv 2204.02311) counts these; what gradient checkpointing computes a second time is not counted.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from model import base_of

PEAK = {
    "H200": 989e12,
    "H100": 989e12,
    "GH200": 989e12,
    "H800": 989e12,
    "B200": 2250e12,
    "A100": 312e12,
    "A800": 312e12,
    "L40S": 362e12,
    "L4": 121e12,
    "A10": 125e12,
    "4090": 165e12,
    "3090": 71e12,
}
"""Dense bf16 operations a second, as the makers state them, by a part of the device's name."""


@dataclass(frozen=True, slots=True)
class Operations:
    """Operations by what they depend on."""

    per_token: float
    per_supervised: float
    per_square: float
    """For each document and the square of its length."""

    def step(self, tokens: int, supervised: int, squares: int) -> float:
        """Operations of forward and backward together."""
        return self.per_token * tokens + self.per_supervised * supervised + self.per_square * squares


def count(model: torch.nn.Module) -> Operations:
    """Counts a model with adapters.

    Args:
        model: Experts count as if each token went through `num_experts_per_tok` of them.
    """
    base = base_of(model)
    config = base.config.get_text_config()
    experts = next(
        (n for name in ("num_experts", "num_local_experts", "n_routed_experts") if (n := getattr(config, name, None))),
        None,
    )
    used = getattr(config, "num_experts_per_tok", 1) if experts else 1
    head = base.get_output_embeddings()
    embedding = base.get_input_embeddings().weight
    frozen = trained = 0.0
    for name, weight in base.named_parameters():
        if weight.ndim < 2 or weight is embedding or (head is not None and weight is head.weight):
            continue
        share = used / experts if experts and ".experts." in name else 1.0
        if weight.requires_grad:
            trained += weight.numel() * share
        else:
            frozen += weight.numel() * share
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    attention = 6 * width * config.num_attention_heads * config.num_hidden_layers
    return Operations(
        4 * frozen + 6 * trained, 4 * float(head.weight.numel()) if head is not None else 0.0, float(attention)
    )


def peak(device: torch.device, precision: torch.dtype) -> tuple[float, str]:
    """Operations a second that the device can do at best, and where that number comes from."""
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
        for part, speed in PEAK.items():
            if part in name:
                return speed, f"{name}, as stated by its maker"
    return measured(device, precision), "measured by a matrix product"


def measured(device: torch.device, precision: torch.dtype, seconds: float = 0.2) -> float:
    """The speed of a plain matrix product."""
    size = 4096 if device.type == "cuda" else 512
    left = torch.ones(size, size, dtype=precision, device=device)
    best = 0.0
    stop = time.perf_counter() + seconds
    left @ left
    while time.perf_counter() < stop:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        start = time.perf_counter()
        left @ left
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = max(best, 2 * size**3 / (time.perf_counter() - start))
    return best
