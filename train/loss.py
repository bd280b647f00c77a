"""The loss: a sum over supervised tokens, each with its weight, divided by their number in the whole step.

The head, whose output has one column a vocabulary entry, runs at supervised positions only, and in slices: its gradient is
computed together with its value, so that no more than one slice of logits exists at a time (as Liger Kernel does, arXiv
2410.10989). That shortcut needs a plain frozen linear head; `Loss` compares it with the model's own head once and takes the
model's own whenever they differ (soft caps, scaled logits) or the head is trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor

from model import Batch, base_of, call_arguments

CHANGES_LOGITS = ("final_logit_softcapping", "logit_scale", "logits_scaling", "logits_scale", "lm_head_multiplier")
"""Keys of a model's configuration which say that logits are more than a linear map."""

SLICE = 2048
"""Supervised positions whose logits exist at the same time."""


@dataclass(frozen=True, slots=True)
class Supervised:
    """The supervised positions of a batch."""

    positions: Tensor
    """Where the prediction is made: one before the token that is predicted."""
    targets: Tensor
    weights: Tensor
    documents: Tensor
    """The number of the document, within the batch, that each target belongs to."""


def supervised(batch: Batch) -> Supervised:
    """What is trained in a batch: labels that are not -100 and whose weight is not 0; never a document's first token."""
    labels, weights = batch["labels"][0], batch["loss_weight"][0]
    places = torch.nonzero((labels != -100) & (weights > 0)).squeeze(1)
    places = places[places > 0]
    documents = torch.searchsorted(batch["cu_seq_lens"].to(places.dtype), places, right=True) - 1
    return Supervised(places - 1, labels[places], weights[places], documents)


class SlicedHead(torch.autograd.Function):
    """Weighted cross-entropy of a frozen linear head, slice by slice."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, weights: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The weighted sum, and each token's own loss."""
        losses = torch.empty(len(targets), dtype=torch.float32, device=hidden.device)
        gradient = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        for start in range(0, len(targets), SLICE):
            part = slice(start, start + SLICE)
            logits = functional.linear(hidden[part].to(weight.dtype), weight, bias).float()
            total = torch.logsumexp(logits, dim=-1)
            wanted = targets[part, None]
            losses[part] = total - logits.gather(1, wanted).squeeze(1)
            if gradient is not None:
                share = torch.exp_(logits.sub_(total[:, None]))
                share.scatter_add_(1, wanted, torch.full_like(wanted, -1, dtype=share.dtype))
                share.mul_(weights[part, None])
                gradient[part] = (share.to(weight.dtype) @ weight).to(gradient.dtype)
        ctx.save_for_backward(gradient)
        ctx.mark_non_differentiable(losses)
        return (losses * weights).sum(), losses

    @staticmethod
    def backward(ctx: Any, above: Tensor, _: Tensor) -> tuple[Tensor | None, None, None, None, None]:
        """The gradient is already there."""
        (gradient,) = ctx.saved_tensors
        return (None if gradient is None else gradient * above.to(gradient.dtype)), None, None, None, None


class Loss:
    """Computes the loss of batches for one model.

    Args:
        model: With or without adapters.
        use_cache: Passed on; None leaves the model's own default.
    """

    def __init__(self, model: torch.nn.Module, *, use_cache: bool | None = False) -> None:
        self.model = model
        self.use_cache = use_cache
        self.sliced = False
        """Whether the sliced head is in use; `choose_head` decides."""

    def choose_head(self, batch: Batch) -> float:
        """Compares the sliced head with the model's own on one batch, and takes it if they agree.

        Returns:
            The greatest difference of a token's loss, in nats.
        """
        head = base_of(self.model).get_output_embeddings()
        config = base_of(self.model).config.get_text_config()
        changed = [name for name in CHANGES_LOGITS if getattr(config, name, None) not in (None, 1, 1.0)]
        plain = type(head) is torch.nn.Linear and not changed and not any(p.requires_grad for p in head.parameters())
        if not plain:
            self.sliced = False
            return float("nan")
        autocast = torch.is_autocast_enabled(head.weight.device.type)
        training = self.model.training
        self.model.eval()
        with torch.no_grad():
            at = supervised(batch)
            self.sliced = True
            ours = self(batch, at)[1]
            self.sliced = False
            theirs = self(batch, at)[1]
        self.model.train(training)
        difference = float((ours - theirs).abs().max()) if len(ours) else 0.0
        # bf16 logits carry three digits
        self.sliced = difference <= (1e-4 if head.weight.dtype == torch.float32 and not autocast else 0.05)
        return difference

    def __call__(self, batch: Batch, at: Supervised | None = None) -> tuple[Tensor, Tensor]:
        """The weighted sum of the supervised tokens' losses (with gradient), and each token's loss (without).

        Args:
            batch: As the loader's `collate` makes it, on the model's device.
            at: Its supervised positions, if they are known already.
        """
        at = supervised(batch) if at is None else at
        arguments = call_arguments(self.model, batch, use_cache=self.use_cache)
        base = base_of(self.model)
        if self.sliced:
            hidden = base.get_decoder()(**arguments).last_hidden_state[0, at.positions]
            head = base.get_output_embeddings()
            with torch.autocast(hidden.device.type, enabled=False):
                summed, losses = SlicedHead.apply(hidden, head.weight, head.bias, at.targets, at.weights)
            return summed, losses
        # an empty tensor would mean "all positions" to some models, so one position stands in for none
        keep = at.positions if len(at.positions) else at.positions.new_zeros(1)
        logits = base(**arguments, logits_to_keep=keep).logits[0, : len(at.targets)]
        losses = functional.cross_entropy(logits.float(), at.targets, reduction="none")
        return (losses * at.weights).sum(), losses.detach()
