"""Documents of a pack must not see each other, and before training that is tried out.

The test is a perturbation: tokens of one document are exchanged for others, and the logits of all other documents must not move
by a single bit, with this very model, attention, adapter, precision and training mode. It works in bf16, where comparing
packed with separate documents would drown in rounding. The loss would not show the fault: it moves by less than one per cent
(see docs/wrong-masks.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from attention import IsolationError
from model import Batch, base_of, call_arguments

LENGTHS = (23, 40, 17, 31)
"""Tokens of the probe's documents."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What the probe found."""

    moved: float
    """The greatest change of another document's logits; 0 where documents are apart."""
    own: float
    """The greatest change of the exchanged document's own logits, which shows that the probe works."""
    allowed: float

    def __str__(self) -> str:
        return f"documents are apart: a document's logits moved by {self.own:.3g}, its neighbours' by {self.moved:.3g}"


def probe_batch(vocabulary: int, device: torch.device, lengths: tuple[int, ...] = LENGTHS, seed: int = 7) -> Batch:
    """A pack of random documents, in the loader's form.

    Args:
        vocabulary: Token ids are drawn below it.
        device: Where its tensors lie.
        lengths: Tokens of each document.
        seed: Of the tokens.
    """
    maker = torch.Generator().manual_seed(seed)
    total = sum(lengths)
    ids = torch.randint(0, vocabulary, (total,), generator=maker)
    sizes = torch.tensor(lengths)
    borders = torch.cat([torch.zeros(1, dtype=torch.int64), sizes.cumsum(0)])
    labels = ids.clone()
    labels[borders[:-1]] = -100
    batch = {
        "input_ids": ids[None],
        "labels": labels[None],
        "position_ids": torch.cat([torch.arange(length) for length in lengths])[None],
        "seq_idx": torch.repeat_interleave(torch.arange(len(lengths), dtype=torch.int32), sizes)[None],
        "cu_seq_lens": borders.to(torch.int32),
        "loss_weight": torch.ones(1, total),
    }
    return {**{name: tensor.to(device) for name, tensor in batch.items()}, "max_seq_len": max(lengths)}


def prove(model: torch.nn.Module, *, use_cache: bool | None = False, vocabulary: int | None = None) -> Finding:
    """Shows that documents of a pack do not see each other.

    Args:
        model: As it will be trained, in training mode.
        use_cache: As it will be passed in training.
        vocabulary: Tokens are drawn below it; the model's own size if None.

    Returns:
        How far the logits moved.

    Raises:
        IsolationError: Documents touch, or the model refuses to keep them apart.
    """
    base = base_of(model)
    kind = type(base).__name__
    config = base.config.get_text_config()
    size = min(vocabulary or config.vocab_size, config.vocab_size)
    device = base.get_input_embeddings().weight.device
    batch = probe_batch(size, device)
    edges = batch["cu_seq_lens"].tolist()
    try:
        before = logits(model, batch, use_cache)
        moved = own = 0.0
        for number in range(len(edges) - 1):
            inside = slice(edges[number], edges[number + 1])
            changed = {**batch, "input_ids": batch["input_ids"].clone()}
            changed["input_ids"][0, inside] = (changed["input_ids"][0, inside] + 1 + number) % size
            difference = (logits(model, changed, use_cache) - before).abs().amax(dim=-1)
            if not bool(torch.isfinite(difference).all()):
                raise IsolationError(f"{kind} returns logits that are not finite", "try another `model.attention`")
            own = max(own, float(difference[inside].max()))
            difference[inside] = 0
            moved = max(moved, float(difference.max()))
    except IsolationError:
        raise
    except Exception as error:  # whatever an architecture raises here says that it cannot be trusted with packs
        first = str(error).strip().splitlines()[0] if str(error).strip() else ""
        raise IsolationError(
            f"{kind} cannot keep documents apart: {type(error).__name__}: {first}", hint_for(base)
        ) from error
    # Experts are computed in groups whose size depends on all tokens, which moves the last bits of a sum.
    grouped = any(hasattr(config, name) for name in ("num_experts", "num_local_experts", "n_routed_experts"))
    allowed = (
        0.0
        if not grouped
        else (1e-4 if before.dtype == torch.float32 and not torch.is_autocast_enabled(device.type) else 0.05)
    )
    if own == 0.0:
        raise IsolationError(f"{kind} does not react to its input at all, so the test says nothing")
    if moved > allowed:
        problem = (
            f"documents touch: exchanging one document's tokens moved its neighbours' logits by {moved:.3g} in {kind}"
        )
        raise IsolationError(problem, hint_for(base))
    return Finding(moved, own, allowed)


def logits(model: torch.nn.Module, batch: Batch, use_cache: bool | None) -> Tensor:
    """All logits of a batch, with the same dropout each time."""
    torch.manual_seed(0)
    with torch.no_grad():
        out: Tensor = base_of(model)(**call_arguments(model, batch, use_cache=use_cache)).logits[0].float()
    return out


def hint_for(base: torch.nn.Module) -> str:
    """What to try."""
    backend = getattr(base.config, "_attn_implementation", None)
    if backend != "ck_varlen":
        return f"the attention is `{backend}`; set `model.attention: varlen` and `model.use_cache: false`"
    return "this architecture cannot be trained on packed documents; train another base model"
