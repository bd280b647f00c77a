"""Isolation, speed, MFU and memory of LoRA training on this machine's GPU; see gpu_check.sh."""

from __future__ import annotations

import argparse
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

import adapter
import attention
import isolation
import model as models
import operations
from corpuskit.cli.terminal import complain, say
from loss import Loss, supervised
from settings import Adapters, Lora

SHAPES: dict[str, dict[str, int]] = {
    "tiny": {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2},
    "1b": {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8},
    "8b": {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8},
}  # fmt: skip
"""Llamas of these sizes; `tiny` tries the script itself."""

VOCABULARY = 32000


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    shape: str
    way: str
    tokens: float
    """Tokens of documents a second; padding does not count."""
    mfu: float
    memory: float
    """Most memory, in GiB."""
    fill: float
    """Documents' share of what was computed."""


def lengths_of(total: int, longest: int, seed: int) -> list[int]:
    """Lengths of chats that fill a row: log-normal, a median of 300 tokens."""
    chance = random.Random(seed)  # noqa: S311
    found: list[int] = []
    while (rest := total - sum(found)) > 0:
        length = min(longest, max(16, int(chance.lognormvariate(5.7, 0.9))))
        found.append(min(length, rest))
    return found


def build(shape: str, device: torch.device, *, compiled: bool, checkpointing: bool) -> torch.nn.Module:
    """A random llama in bf16 with the seed's adapter."""
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model("llama", vocab_size=VOCABULARY, max_position_embeddings=8192, **SHAPES[shape])
    with torch.device(device):
        base = AutoModelForCausalLM.from_config(config, attn_implementation=attention.register(), dtype=torch.bfloat16)
    base.requires_grad_(False)
    base.config.use_cache = False
    if checkpointing:
        base.gradient_checkpointing_enable({"use_reentrant": False})
    wrapped = adapter.attach(base, Adapters(lora=Lora(dropout=0.0)), 17)
    if compiled:
        models.compile_layers(wrapped)
    return wrapped


def batch_of(lengths: list[int], device: torch.device, *, padded: bool) -> dict[str, Any]:
    """One row of documents; padded, each document is filled up to the longest, as a batch without packing is."""
    longest = max(lengths)
    sizes = [longest] * len(lengths) if padded else lengths
    batch = isolation.probe_batch(VOCABULARY, device, tuple(sizes))
    if padded:
        for number, length in enumerate(lengths):
            batch["labels"][0, number * longest + length : (number + 1) * longest] = -100
    return batch


def finish(device: torch.device) -> None:
    """Waits for what was handed to the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def measure(
    shape: str, way: str, device: torch.device, length: int, steps: int, *, padded: bool, compiled: bool
) -> Row:
    """Times forward, backward and optimizer step."""
    on_cuda = device.type == "cuda"  # tests time `tiny` elsewhere
    if on_cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    trained = build(shape, device, compiled=compiled, checkpointing=shape == "8b")
    parameters = [parameter for parameter in trained.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, fused=on_cuda)
    loss = Loss(trained)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        loss.choose_head(isolation.probe_batch(VOCABULARY, device))
    count = operations.count(trained)
    peak, _ = operations.peak(device, torch.bfloat16)
    real = computed = needed = 0.0
    start = 0.0
    for step in range(steps + 2):
        if step == 2:  # two for warming up and compiling
            finish(device)
            start, real, computed, needed = time.perf_counter(), 0.0, 0.0, 0.0
        lengths = lengths_of(length if not padded else length // 4, length, step)
        batch = batch_of(lengths, device, padded=padded)
        at = supervised(batch)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            summed, _ = loss(batch, at)
        (summed / max(1, len(at.targets))).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        real += sum(lengths)
        computed += batch["input_ids"].numel()
        needed += count.step(sum(lengths), len(at.targets), sum(one * one for one in lengths))
    finish(device)
    seconds = time.perf_counter() - start
    memory = torch.cuda.max_memory_allocated(device) / 2**30 if on_cuda else 0.0
    return Row(shape, way, real / seconds, needed / seconds / peak, memory, real / computed)


def main(words: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="train/runs/gpu_check.sh", description=__doc__)
    parser.add_argument("--shapes", default="1b,8b", metavar="A,B", help="tiny, 1b, 8b (1b,8b)")
    parser.add_argument("--length", type=int, default=4096, metavar="N", help="tokens a row (4096)")
    parser.add_argument("--steps", type=int, default=8, metavar="N", help="steps that are timed (8)")
    options = parser.parse_args(words)
    if not torch.cuda.is_available():
        complain("no GPU", "this check needs one that torch can use (CUDA); nothing was measured")
        return 2
    device = torch.device("cuda")
    say(
        f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}, kernel {attention.kernel().__name__}, rows of {options.length:,} tokens"
    )
    probe = build("tiny", device, compiled=False, checkpointing=False)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        say(f"{isolation.prove(probe)} (bf16 on CUDA)")
    say("\n| shape | way | tokens/s | MFU | memory | fill |\n|---|---|---|---|---|---|")
    for shape in options.shapes.split(","):
        for way, padded, compiled in (
            ("packed", False, False),
            ("packed, compiled", False, True),
            ("padded", True, False),
        ):
            row = measure(shape, way, device, options.length, options.steps, padded=padded, compiled=compiled)
            say(
                f"| {row.shape} | {row.way} | {row.tokens:,.0f} | {100 * row.mfu:.1f} % | {row.memory:.1f} GiB | {100 * row.fill:.1f} % |"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
