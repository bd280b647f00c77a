"""Attention that cannot see across documents, because it is driven by their borders alone.

Registered with transformers as `ck_varlen`. No mask is ever built, so no mask can be dropped, cast or overruled on the way
(each of which transformers does in common settings, silently). On CUDA the documents go through a variable-length kernel:
flash-attn where it is installed, else the one that ships with torch. Elsewhere each document is its own call to
`scaled_dot_product_attention`. What a backend cannot do (soft caps, attention sinks) is refused and not approximated.
"""

from __future__ import annotations

import importlib.util
import inspect
import itertools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor

from corpuskit.errors import CheckError

NAME = "ck_varlen"


class UnsupportedError(ValueError):
    """The model asks for a kind of attention that keeps no documents apart here."""


class IsolationError(CheckError):
    """Documents of a pack touch each other, or it cannot be made sure that they do not."""

    def __init__(self, problem: str, hint: str | None = None) -> None:
        super().__init__(f"isolation: {problem}")
        self.hint = hint


def register() -> str:
    """Makes `ck_varlen` known to transformers and returns its name."""
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, no_mask)
    return NAME


def no_mask(**_: Any) -> None:
    """No mask: the borders say everything."""


def attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    *,
    cu_seq_lens_q: Tensor | None = None,
    max_length_q: int | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    position_bias: Tensor | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Causal attention within each document.

    Args:
        module: The model's attention layer.
        query: `[1, heads, tokens, dimension]`; key and value may have fewer heads.
        key: See `query`.
        value: See `query`.
        attention_mask: Must be None.
        scaling: What products are multiplied by; 1 / sqrt(dimension) if None.
        dropout: Of attention weights, while training.
        cu_seq_lens_q: Borders of the documents, `[documents + 1]`; may end in repeated values (padding to a fixed size).
        max_length_q: The longest document, for the kernels.
        sliding_window: Tokens that a token may look back, itself included.
        softcap: Refused.
        s_aux: Attention sinks; refused.
        position_bias: Refused.

    Returns:
        `[1, tokens, heads, dimension]`, and None instead of weights.

    Raises:
        UnsupportedError: Borders are missing, or the model needs what is refused.
    """
    refused = {"a soft cap": softcap, "attention sinks": s_aux, "a position bias": position_bias}
    for name, given in refused.items():
        if given is not None:
            raise UnsupportedError(f"{type(module).__name__} needs {name}, which {NAME} does not do")
    if attention_mask is not None:
        raise UnsupportedError(f"{type(module).__name__} was given an attention mask, which {NAME} would not follow")
    if cu_seq_lens_q is None or max_length_q is None:
        raise UnsupportedError(f"{type(module).__name__} was given no `cu_seq_lens`, so documents would run together")
    if query.shape[0] != 1 or query.shape[2] != key.shape[2]:
        raise UnsupportedError(f"{NAME} takes one flat row of whole documents, got {tuple(query.shape)}")
    if getattr(module, "is_causal", True) is False:
        raise UnsupportedError(f"{type(module).__name__} is not causal")
    run = kernel() if query.is_cuda else per_document
    out = run(
        query[0].transpose(0, 1),
        key[0].transpose(0, 1),
        value[0].transpose(0, 1),
        cu_seq_lens_q,
        int(max_length_q),
        scaling,
        sliding_window,
        dropout if module.training else 0.0,
    )
    return out.unsqueeze(0), None


def per_document(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    borders: Tensor,
    longest: int,
    scale: float | None,
    window: int | None,
    dropout: float,
) -> Tensor:
    """One call of torch's attention a document; inputs and output are `[tokens, heads, dimension]`."""
    del longest  # kernels ask for it
    edges = borders.tolist()
    groups = query.shape[1] != key.shape[1]
    parts = []
    for start, end in itertools.pairwise(edges):
        if end == start:
            continue
        q, k, v = (tensor[start:end].transpose(0, 1).unsqueeze(0) for tensor in (query, key, value))
        mask = None
        if window is not None and end - start > window:
            place = torch.arange(end - start, device=query.device)
            back = place[:, None] - place[None, :]
            mask = (back >= 0) & (back < window)
        part = functional.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, dropout_p=dropout, is_causal=mask is None, scale=scale, enable_gqa=groups
        )
        parts.append(part[0].transpose(0, 1))
    return torch.cat(parts)


Run = Callable[[Tensor, Tensor, Tensor, Tensor, int, "float | None", "int | None", float], Tensor]


def kernel() -> Run:
    """The fastest variable-length kernel that is installed; documents one by one if there is none."""
    if importlib.util.find_spec("flash_attn"):
        return flash_attn
    if importlib.util.find_spec("torch.nn.attention.varlen"):
        return torch_varlen
    return per_document


def flash_attn(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    borders: Tensor,
    longest: int,
    scale: float | None,
    window: int | None,
    dropout: float,
) -> Tensor:
    """The flash-attn package."""
    from flash_attn import flash_attn_varlen_func

    back = (window - 1, 0) if window is not None else (-1, -1)
    out: Tensor = flash_attn_varlen_func(
        query, key, value, borders, borders, longest, longest,
        dropout_p=dropout, softmax_scale=scale, causal=True, window_size=back,
    )  # fmt: skip
    return out


def torch_varlen(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    borders: Tensor,
    longest: int,
    scale: float | None,
    window: int | None,
    dropout: float,
) -> Tensor:
    """The kernel that ships with torch from 2.10 on; its signature moved, so it is asked what it takes."""
    from torch.nn.attention.varlen import varlen_attn

    if dropout:
        raise UnsupportedError(
            "torch's variable-length attention knows no dropout; set the model's `attention_dropout` to 0"
        )
    takes = inspect.signature(varlen_attn).parameters
    extra: dict[str, Any] = {}
    if "window_size" in takes:
        extra["window_size"] = (window - 1, 0) if window is not None else (-1, 0)
    elif window is not None:
        raise UnsupportedError("this torch's variable-length attention knows no sliding window")
    if "is_causal" in takes:
        extra["is_causal"] = True
    if "scale" in takes:
        extra["scale"] = scale
    elif scale is not None:
        query = query * (scale * query.shape[-1] ** 0.5)
    if query.shape[1] != key.shape[1]:
        if "enable_gqa" in takes:
            extra["enable_gqa"] = True
        else:
            repeats = query.shape[1] // key.shape[1]
            key, value = key.repeat_interleave(repeats, 1), value.repeat_interleave(repeats, 1)
    out: Tensor = varlen_attn(query, key, value, borders, borders, longest, longest, **extra)
    return out
