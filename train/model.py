"""The base model: found on disk, loaded frozen, called the same way everywhere."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import attention
from corpuskit.cli.terminal import is_terminal
from corpuskit.errors import InputError
from settings import Model

Batch = dict[str, Any]


def find(path: str) -> tuple[str, bool]:
    """Where the model is, and whether it may be downloaded.

    Raises:
        InputError: There is no such folder, or it holds no model.
    """
    if path.startswith("hub:"):
        return path.removeprefix("hub:"), True
    folder = Path(path).expanduser()
    if not folder.is_dir():
        hint = "give the path of a folder that holds config.json and *.safetensors"
        if path.count("/") == 1 and not path.startswith((".", "/", "~")):
            hint += f"; `hub:{path}` would download it"
        raise InputError(path, "no such model folder, and nothing is downloaded unasked", hint)
    if not (folder / "config.json").is_file():
        raise InputError(path, "is no model folder: it has no config.json")
    if not any(folder.glob("*.safetensors")):
        raise InputError(path, "has a config.json but no weights (*.safetensors)")
    return str(folder), False


def load(settings: Model, precision: torch.dtype, device: torch.device) -> torch.nn.Module:
    """The frozen base model in training mode.

    Args:
        settings: Section `model`.
        precision: Of the weights.
        device: Where to put them.

    Raises:
        InputError: It is missing, broken, or of a kind that cannot be trained here.
    """
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    where, remote = find(settings.path)
    if not is_terminal(sys.stderr):
        logging.disable_progress_bar()
    backend = attention.register() if settings.attention == "varlen" else settings.attention
    try:
        loaded = AutoModelForCausalLM.from_pretrained(
            where, dtype=precision, attn_implementation=backend, local_files_only=not remote, trust_remote_code=False
        )
    except KeyError as error:
        if attention.NAME not in str(error):
            raise InputError(settings.path, f"cannot be loaded: unknown {error}") from error
        problem = (
            "this architecture does not use transformers' attention interface, so its documents cannot be kept apart"
        )
        raise attention.IsolationError(f"{settings.path}: {problem}", "train another base model") from error
    except (OSError, ValueError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(settings.path, f"cannot be loaded: {first}") from error
    model: torch.nn.Module = loaded.to(device)
    model.requires_grad_(False)
    if settings.use_cache is not None:
        model.config.use_cache = settings.use_cache
    if settings.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    return model.train()


def vocabulary(path: str) -> int | None:
    """The vocabulary size that a local model's config.json states, without loading the model."""
    where, remote = find(path)
    if remote:
        return None
    config = json.loads((Path(where) / "config.json").read_text("utf-8"))
    size = config.get("vocab_size") or (config.get("text_config") or {}).get("vocab_size")
    return int(size) if size else None


def base_of(model: torch.nn.Module) -> torch.nn.Module:
    """The transformers model below a PEFT wrapper."""
    base: torch.nn.Module = model.get_base_model() if hasattr(model, "get_base_model") else model
    return base


def compile_layers(model: torch.nn.Module) -> None:
    """Compiles each decoder layer by itself: one graph serves all of them, and borders stay outside of it."""
    for layer in base_of(model).get_decoder().layers:
        layer.compile(dynamic=True)


def call_arguments(model: torch.nn.Module, batch: Batch, *, use_cache: bool | None = False) -> dict[str, Any]:
    """What the model's forward gets of a batch.

    Everything that any architecture can use to keep documents apart is passed: a model that needs `seq_idx` and lacks the kernel
    for it then stops instead of mixing documents.

    Raises:
        UnsupportedError: The model's forward takes no extra arguments, so borders would be ignored.
    """
    everything = {
        "input_ids": batch["input_ids"],
        "position_ids": batch["position_ids"],
        "cu_seq_lens_q": batch["cu_seq_lens"],
        "cu_seq_lens_k": batch["cu_seq_lens"],
        "max_length_q": batch["max_seq_len"],
        "max_length_k": batch["max_seq_len"],
        "seq_idx": batch["seq_idx"],
    }
    takes = inspect.signature(base_of(model).forward).parameters
    if not any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in takes.values()):
        missing = [name for name in everything if name not in takes]
        if missing:
            kind = type(base_of(model)).__name__
            raise attention.UnsupportedError(
                f"{kind} takes no {', '.join(missing)}, so it would not know where documents end"
            )
    if use_cache is not None:
        everything["use_cache"] = use_cache
    return everything


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch with its tensors on the device, copied while the processor goes on."""
    return {
        name: value.to(device, non_blocking=True) if isinstance(value, Tensor) else value
        for name, value in batch.items()
    }
