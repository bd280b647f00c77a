"""The adapter: one LoRA on the seed's seven modules, or one for each group of categories. Saved alone, never with the base."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from corpuskit.errors import InputError, PlanError
from model import base_of
from settings import Adapters

SINGLE = "default"
"""PEFT's name of the adapter in mode `single`."""


def names(settings: Adapters) -> list[str]:
    """The adapters that a run trains, in a fixed order."""
    return [SINGLE] if settings.mode == "single" else sorted(set(settings.groups.values()))


def attach(model: torch.nn.Module, settings: Adapters, seed: int) -> torch.nn.Module:
    """The model with fresh adapters, in float32; nothing else is trained.

    Args:
        model: The frozen base.
        settings: Section `adapters`.
        seed: Of the adapters' first values; each adapter has its own, so that a group's does not depend on which others there are.

    Raises:
        PlanError: The model has none of the target modules.
    """
    from peft import LoraConfig, get_peft_model

    lora = settings.lora
    present = {name.rpartition(".")[2] for name, _ in base_of(model).named_modules()}
    target = [name for name in lora.target_modules if name in present]
    fused = {"qkv_proj": {"q_proj", "k_proj", "v_proj"}, "gate_up_proj": {"gate_proj", "up_proj"}}
    for whole, parts in fused.items():  # phi3 keeps several projections in one matrix
        if whole in present and parts & set(lora.target_modules):
            target.append(whole)
    missing = [
        name
        for name in lora.target_modules
        if name not in present and not any(name in fused[whole] for whole in fused if whole in present)
    ]
    if missing or not target:
        linear = sorted(
            name.rpartition(".")[2]
            for name, part in base_of(model).named_modules()
            if isinstance(part, torch.nn.Linear)
        )
        raise PlanError(
            "adapters.lora.target_modules",
            f"{type(base_of(model)).__name__} has no {', '.join(missing)}, expected some of {', '.join(dict.fromkeys(linear))}",
        )
    config = LoraConfig(
        r=lora.r, lora_alpha=lora.alpha, lora_dropout=lora.dropout, bias=lora.bias, task_type=lora.task_type,
        target_modules=target, use_rslora=lora.rslora,
    )  # fmt: skip
    wrapped = None
    for name in names(settings):
        torch.manual_seed(seed + sum(name.encode()))
        if wrapped is None:
            wrapped = get_peft_model(model, config, adapter_name=name)
        else:
            wrapped.add_adapter(name, config)
    assert wrapped is not None  # noqa: S101 - names() is never empty
    for name, parameter in wrapped.named_parameters():
        parameter.requires_grad_("lora_" in name)
    if settings.mode == "grouped":
        wrapped.base_model.set_adapter(names(settings))
    return wrapped.train()


def parameters(model: torch.nn.Module, adapter: str) -> dict[str, torch.nn.Parameter]:
    """The trained parameters of one adapter, by name, in a fixed order."""
    found = {name: p for name, p in model.named_parameters() if p.requires_grad and f".{adapter}." in name}
    return dict(sorted(found.items()))


def save(model: torch.nn.Module, adapter: str, folder: Path, base: str) -> None:
    """Writes `adapter_model.safetensors` and `adapter_config.json`, the same bytes for the same adapter.

    Args:
        model: With adapters.
        adapter: Which.
        folder: Is made.
        base: What the configuration names as the base model.
    """
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    state = get_peft_model_state_dict(model, adapter_name=adapter)
    save_file(
        {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(state.items())},
        folder / "adapter_model.safetensors",
        metadata={"format": "pt"},
    )
    config = model.peft_config[adapter].to_dict()
    config.update(base_model_name_or_path=base, inference_mode=True)
    # PEFT keeps the modules in a set, whose order changes from process to process
    plain = {key: sorted(value) if isinstance(value, set) else value for key, value in config.items()}
    (folder / "adapter_config.json").write_text(json.dumps(plain, indent=2, sort_keys=True) + "\n", "utf-8")


def restore(model: torch.nn.Module, adapter: str, folder: Path) -> None:
    """Reads an adapter's values from a folder that `save` wrote.

    Raises:
        InputError: The file does not fit the model.
    """
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    path = folder / "adapter_model.safetensors"
    found = set_peft_model_state_dict(model, load_file(path), adapter_name=adapter)
    wrong = list(found.unexpected_keys) + [
        name for name in found.missing_keys if "lora_" in name and f".{adapter}." in name
    ]
    if wrong:
        raise InputError(str(path), f"does not fit the model: {len(wrong)} tensors, the first of them {wrong[0]}")
