"""Several adapters in one pass: each document's tokens go through the adapter of its group.

A pack holds documents of many groups. The frozen base, nearly all of the work, sees the pack once; in each adapted layer the
tokens of a group are gathered, go through that group's two small matrices, and are added where they came from. The result is that
of training each group alone on its own documents (tests/test_train_groups.py compares gradients), at the price of one adapter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


class Router:
    """Sends tokens to adapters. `direct` comes before each batch.

    Args:
        model: With one plain LoRA a group, all of them active.
        groups: Category to adapter.
        adapters: The adapters, in the order of their numbers.
    """

    def __init__(self, model: torch.nn.Module, groups: Mapping[str, str], adapters: Sequence[str]) -> None:
        from peft.tuners.lora.layer import Linear

        self.groups = dict(groups)
        self.adapters = list(adapters)
        self.places: dict[str, Tensor] = {}
        for layer in model.modules():
            if isinstance(layer, Linear):
                layer.forward = self.forward_of(layer)

    def group_of(self, category: str) -> int:
        """The number of a category's adapter; -1 where no group trains it."""
        name = self.groups.get(category)
        return -1 if name is None else self.adapters.index(name)

    def direct(self, categories: Sequence[str], borders: Tensor) -> list[int]:
        """Sends the tokens of the next batch to adapters.

        Args:
            categories: Of each document.
            borders: `cu_seq_lens` of the batch.

        Returns:
            The number of each document's adapter, -1 for none.
        """
        numbers = [self.group_of(category) for category in categories]
        lengths = torch.diff(borders)
        numbers += [-1] * (len(lengths) - len(numbers))
        token_group = torch.repeat_interleave(torch.tensor(numbers, device=borders.device), lengths)
        places = {name: torch.nonzero(token_group == number).squeeze(1) for number, name in enumerate(self.adapters)}
        self.places = {name: place for name, place in places.items() if len(place)}
        return numbers

    def forward_of(self, layer: Any) -> Any:
        """The forward of one adapted layer."""

        def forward(x: Tensor, *arguments: Any, **named: Any) -> Tensor:
            result: Tensor = layer.base_layer(x, *arguments, **named)
            kind = result.dtype
            for name, place in self.places.items():
                if name not in layer.lora_A:
                    continue
                first, second = layer.lora_A[name], layer.lora_B[name]
                part = layer._cast_input_dtype(x.index_select(1, place), first.weight.dtype)
                part = second(first(layer.lora_dropout[name](part))) * layer.scaling[name]
                result = result.index_add(1, place, part.to(kind))
            return result

        return forward
