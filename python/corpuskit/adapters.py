"""Blending, loading and merging of LoRA adapters, exactly.

A blend is the weighted sum of what its adapters add to each layer: `sum of w_i * scaling_i * B_i A_i`. Matrices put side by side
(`A` stacked, `B` with weight and scaling multiplied in) compute that sum without any cross term and for adapters of any rank, with
and without rsLoRA. PEFT's own `add_weighted_adapter` mixes `A` and `B` separately (`linear`), cuts the rank (`svd`) or carries
rsLoRA's scaling over to the larger rank (`cat`). What has no exact sum is refused: DoRA, adapters with biases, whatever replaces
or changes the base.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpuskit._extra import require
from corpuskit.errors import InputError, OutputError, PlanError

__all__ = ["Blend", "blend", "load", "merge"]

PathLike = str | os.PathLike[str]
WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
VERSION = 1
"""Of the blend; part of the name in the cache."""

FREE = {
    "r", "lora_alpha", "lora_dropout", "target_modules", "exclude_modules", "use_rslora", "rank_pattern", "alpha_pattern",
    "base_model_name_or_path", "revision", "inference_mode", "task_type", "peft_type", "peft_version", "auto_mapping",
    "fan_in_fan_out", "layers_to_transform", "layers_pattern", "init_lora_weights", "loftq_config", "corda_config", "eva_config",
    "megatron_config", "megatron_core", "qalora_group_size", "ensure_weight_tying",
}  # fmt: skip
"""Keys of an adapter's configuration that do not change what it computes, or that are allowed for here."""

KEEPS_BASE = (True, False, "gaussian", "eva", "orthogonal", None)
"""Ways to initialise an adapter that leave the base as it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Blend:
    """A blended adapter.

    Attributes:
        folder: Where it is: an ordinary LoRA adapter, which any tool can load.
        weights: The adapters' folders and weights.
        rank: Its greatest rank.
        lost: Share of the blend's energy that compression cut off (the largest of any layer); 0 for an exact blend.
    """

    folder: Path
    weights: Mapping[str, float]
    rank: int
    lost: float


@dataclass(frozen=True, slots=True)
class _Adapter:
    """An adapter on disk."""

    folder: Path
    config: dict[str, Any]
    digest: str

    def scaling(self, module: str, rank: int) -> float:
        """What the product of a module's two matrices is multiplied by."""
        alpha = float(self.config["lora_alpha"])
        for pattern, value in (self.config.get("alpha_pattern") or {}).items():
            if re.match(rf"(.*\.)?({pattern})$", module):
                alpha = float(value)
                break
        return alpha / (math.sqrt(rank) if self.config.get("use_rslora") else rank)


def blend(
    weights: Mapping[str, float],
    *,
    root: PathLike | None = None,
    output: PathLike | None = None,
    compress: int | None = None,
) -> Blend:
    """Makes one adapter of several.

    Args:
        weights: Adapter to weight. An adapter is the path of its folder, or its name below `root`. Weights may be negative and
            need not sum to 1.
        root: The folder of the adapters, e.g. `RUN/adapters`.
        output: Where to write the blend. If None, a folder in the cache `.blends` beside the first adapter, named after the
            adapters' content and weights and used again if it is there.
        compress: Cuts the blend to this rank by singular values, and says what was lost. None keeps it exact.

    Returns:
        The blend and where it is.

    Raises:
        InputError: An adapter is missing, does not fit the others, or has no exact sum.
        OutputError: The output is there already.
        PlanError: There are no weights, or one is no finite number.
    """
    require("train", "torch", "safetensors", "peft")
    if not weights or not all(math.isfinite(weight) for weight in weights.values()):
        raise PlanError("blend", f"needs one finite weight an adapter, got {dict(weights)}")
    if compress is not None and compress < 1:
        raise PlanError("blend.compress", f"must be at least 1, got {compress}")
    parts = sorted(
        ((_read(_find(name, root)), float(weight)) for name, weight in weights.items()), key=lambda p: str(p[0].folder)
    )
    named = {str(part.folder): weight for part, weight in parts}
    key = hashlib.sha256(json.dumps([VERSION, compress, sorted((p.digest, w) for p, w in parts)]).encode()).hexdigest()
    if output is None:
        target = parts[0][0].folder.parent / ".blends" / key[:24]
    else:
        target = Path(output)
        if target.exists():
            raise OutputError(str(target), "is there already")
    note = target / "blend.json"
    if not note.exists():
        _write(parts, target, compress, key)
    found = json.loads(note.read_text("utf-8"))
    return Blend(folder=target, weights=named, rank=found["rank"], lost=found["lost"])


def load(model: Any, adapter: PathLike | Mapping[str, float], *, root: PathLike | None = None) -> Any:
    """A transformers model with an adapter or a blend of adapters, ready for generation.

    Args:
        model: The base model; it is wrapped.
        adapter: A folder, or adapters and weights as `blend` takes them.
        root: The folder of the adapters.

    Returns:
        The PEFT model, with nothing to train.
    """
    require("train", "torch", "peft")
    from peft import PeftModel

    if isinstance(adapter, Mapping):
        folder = blend(adapter, root=root).folder
    else:
        folder = _find(os.fspath(adapter), root)
        _read_config(folder)
    wrapped = PeftModel.from_pretrained(model, str(folder), is_trainable=False)
    wrapped.requires_grad_(False)
    return wrapped.eval()


def merge(
    model: PathLike, adapter: PathLike | Mapping[str, float], output: PathLike, *, root: PathLike | None = None
) -> Path:
    """Writes a model with an adapter worked into its weights: a plain model folder, tokenizer included.

    Args:
        model: Folder of the base model.
        adapter: A folder, or adapters and weights as `blend` takes them.
        output: A folder that is not there yet.
        root: The folder of the adapters.

    Returns:
        The output.

    Raises:
        InputError: Model or adapter is missing.
        OutputError: The output is there already.
    """
    require("train", "torch", "transformers", "peft")
    from transformers import AutoModelForCausalLM

    base, target = Path(model), Path(output)
    if not (base / "config.json").is_file():
        raise InputError(
            str(base), "is no model folder: it has no config.json", "nothing is downloaded; give a local folder"
        )
    if target.exists():
        raise OutputError(str(target), "is there already")
    loaded = AutoModelForCausalLM.from_pretrained(str(base), dtype="auto", local_files_only=True)
    merged = load(loaded, adapter, root=root).merge_and_unload(safe_merge=True)
    draft = target.with_name(f".{target.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    merged.save_pretrained(draft)
    for path in sorted(base.iterdir()):
        beside = path.is_file() and path.suffix in {".json", ".jinja", ".txt", ".model"}
        if beside and path.name != "model.safetensors.index.json" and not (draft / path.name).exists():
            shutil.copy2(path, draft / path.name)
    draft.rename(target)
    return target


def _find(name: str, root: PathLike | None) -> Path:
    """An adapter's folder."""
    choices = [Path(name)] if root is None else [Path(root) / name, Path(name)]
    for folder in choices:
        if (folder / CONFIG).is_file():
            return folder
    near = sorted(path.parent.name for path in Path(root).glob(f"*/{CONFIG}")) if root is not None else []
    hint = f"there are {', '.join(near)}" if near else f"an adapter is a folder with {CONFIG} and {WEIGHTS}"
    raise InputError(str(choices[0]), "is no adapter", hint)


def _read_config(folder: Path) -> dict[str, Any]:
    """An adapter's configuration."""
    try:
        config: dict[str, Any] = json.loads((folder / CONFIG).read_text("utf-8"))
    except ValueError as error:
        raise InputError(str(folder / CONFIG), f"is not JSON ({error})") from error
    return config


def _read(folder: Path) -> _Adapter:
    """An adapter, refused if it has no exact sum.

    Raises:
        InputError: It is not plain LoRA.
    """
    from peft import LoraConfig

    config = _read_config(folder)
    if config.get("peft_type") != "LORA":
        raise InputError(str(folder), f"is of type {config.get('peft_type')}, and only LoRA has an exact sum")
    usual = LoraConfig().to_dict()
    for key, value in config.items():
        if key in FREE:
            continue
        if value != usual.get(key) and value not in (None, False, [], {}, "none"):
            raise InputError(
                str(folder),
                f"has `{key}: {value}`, so a blend of it would not be exact",
                "train it without, or use it alone",
            )
    if config.get("init_lora_weights", True) not in KEEPS_BASE:
        raise InputError(str(folder), f"was initialised by {config['init_lora_weights']}, which changes the base model")
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise InputError(str(weights), "is missing")
    seen = hashlib.sha256()
    seen.update(
        json.dumps(
            {key: config.get(key) for key in ("r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern")},
            sort_keys=True,
        ).encode()
    )
    seen.update(weights.read_bytes())
    return _Adapter(folder, config, seen.hexdigest())


def _write(parts: list[tuple[_Adapter, float]], target: Path, compress: int | None, key: str) -> None:
    """Computes a blend and writes it, whole or not at all."""
    import torch
    from safetensors.torch import load_file, save_file

    pairs: dict[str, list[tuple[Any, Any]]] = {}
    for part, weight in parts:
        tensors = load_file(part.folder / WEIGHTS)
        firsts = {name: tensor for name, tensor in tensors.items() if "lora_A" in name or "lora_embedding_A" in name}
        others = [name for name in tensors if name not in firsts and name.replace("_B", "_A") not in firsts]
        if others:
            raise InputError(
                str(part.folder), f"holds tensors that are no LoRA matrices, the first of them {others[0]}"
            )
        for name, first in firsts.items():
            second = tensors[name.replace("lora_A", "lora_B").replace("embedding_A", "embedding_B")]
            if first.ndim != 2:
                raise InputError(str(part.folder), f"adapts a convolution ({name}), which is not blended")
            if weight:
                scale = weight * part.scaling(_module(name), first.shape[0])
                pairs.setdefault(name, []).append((first.float(), second.float() * scale))
    result, ranks, lost = {}, {}, 0.0
    for name, several in sorted(pairs.items()):
        if len({(first.shape[1], second.shape[0]) for first, second in several}) > 1:
            raise InputError(str(parts[0][0].folder), f"is of another model than the rest: {name} has another shape")
        first = torch.cat([first for first, _ in several])
        second = torch.cat([second for _, second in several], dim=1)
        if compress is not None and first.shape[0] > compress:
            first, second, cut = _compress(first, second, compress)
            lost = max(lost, cut)
        result[name] = first.contiguous()
        result[name.replace("lora_A", "lora_B").replace("embedding_A", "embedding_B")] = second.contiguous()
        ranks[_module(name)] = int(first.shape[0])
    if not ranks:
        raise PlanError("blend", "has only weights of 0")
    if len({part.config.get("fan_in_fan_out") for part, _ in parts}) > 1:
        raise InputError(str(parts[0][0].folder), "differs from the others in `fan_in_fan_out`")
    targets = {json.dumps(part.config["target_modules"], sort_keys=True) for part, _ in parts}
    chosen = any(part.config.get("layers_to_transform") or part.config.get("exclude_modules") for part, _ in parts)
    usual = max(set(ranks.values()), key=lambda rank: (list(ranks.values()).count(rank), rank))
    other = {module: rank for module, rank in sorted(ranks.items()) if rank != usual}
    config = {
        **parts[0][0].config,
        "r": usual,
        "lora_alpha": usual,
        "use_rslora": False,
        "rank_pattern": other,
        "alpha_pattern": other,
        "target_modules": sorted(ranks) if len(targets) > 1 or chosen else parts[0][0].config["target_modules"],
        "layers_to_transform": None,
        "exclude_modules": None,
        "inference_mode": True,
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    save_file(result, draft / WEIGHTS, metadata={"format": "pt"})
    (draft / CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", "utf-8")
    note = {
        "weights": {part.folder.name: weight for part, weight in parts},
        "rank": max(ranks.values()),
        "lost": lost,
        "key": key,
    }
    (draft / "blend.json").write_text(json.dumps(note, indent=2) + "\n", "utf-8")
    try:
        draft.rename(target)
    except OSError:  # another process was quicker with the same blend
        shutil.rmtree(draft, ignore_errors=True)
        if not (target / "blend.json").exists():
            raise


def _module(name: str) -> str:
    """The module that a tensor of an adapter belongs to."""
    return re.sub(r"\.lora_(?:embedding_)?[AB](?:\.weight)?$", "", name).removeprefix("base_model.model.")


def _compress(first: Any, second: Any, rank: int) -> tuple[Any, Any, float]:
    """The best approximation of `second @ first` of a rank, and the share of its energy that is lost."""
    import torch

    left, upper = torch.linalg.qr(second)
    right, lower = torch.linalg.qr(first.T)
    u, values, v = torch.linalg.svd(upper @ lower.T)
    energy = float((values**2).sum())
    root = values[:rank].sqrt()
    cut = float((values[rank:] ** 2).sum()) / energy if energy else 0.0
    return (root[:, None] * v[:rank]) @ right.T, left @ (u[:, :rank] * root), cut
