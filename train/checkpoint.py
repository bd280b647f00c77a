"""Checkpoints: adapters, optimizer, and where the stream goes on. Never the base model, never half a checkpoint.

A checkpoint is written to a temporary folder, synced, given digests of its files, and renamed. One that a crash or a full disk cut
short has no valid `state.json` and is not looked at. Random numbers need no state: dropout of a pack is drawn from the run's seed
and the pack's number.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch

import adapter
from corpuskit.errors import InputError, OutputError

FORMAT = 1
PREFIX = "step-"


def write(
    folder: Path,
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    names: list[str],
    base: str,
    state: dict[str, Any],
    keep: int,
) -> Path:
    """Writes a checkpoint and removes the oldest beyond `keep`.

    Args:
        folder: Where the run's checkpoints are.
        model: With adapters.
        optimizer: Its moments are saved.
        names: Adapters to save.
        base: What the adapters name as their base model.
        state: Plain data; `step` names the checkpoint.
        keep: How many stay.

    Raises:
        OutputError: It could not be written; the one before is untouched.
    """
    target = folder / f"{PREFIX}{state['step']:08d}"
    draft = folder / f".{target.name}.part"
    try:
        shutil.rmtree(draft, ignore_errors=True)
        for name in names:
            adapter.save(model, name, draft / "adapters" / name, base)
        save_optimizer(optimizer, model, draft / "optimizer.safetensors")
        files = {str(path.relative_to(draft)): digest(path) for path in sorted(draft.rglob("*")) if path.is_file()}
        (draft / "state.json").write_text(
            json.dumps({"format": FORMAT, **state, "files": files}, indent=1) + "\n", "utf-8"
        )
        sync(draft)
        if target.exists():  # the same step, reached again after a resume
            shutil.rmtree(target)
        draft.rename(target)
        sync_folder(folder)
    except Exception as error:
        shutil.rmtree(draft, ignore_errors=True)
        if not isinstance(error, OSError) and "SafetensorError" not in type(error).__name__:
            raise
        last = latest(folder)
        why = (getattr(error, "strerror", None) or str(error)).lower()
        kept = f"the last whole checkpoint is {last.name}" if last else "there is no checkpoint yet"
        raise OutputError(
            str(target), f"checkpoint not written ({why}); {kept}", "make room and continue with `--resume auto`"
        ) from error
    for old in sorted(folder.glob(f"{PREFIX}*"))[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def save_optimizer(optimizer: torch.optim.Optimizer, model: torch.nn.Module, path: Path) -> None:
    """The moments by parameter name; no pickled objects."""
    from safetensors.torch import save_file

    tensors = {}
    for name, parameter in model.named_parameters():
        for key, value in sorted(optimizer.state.get(parameter, {}).items()):
            tensors[f"{name}|{key}"] = torch.as_tensor(value).detach().cpu().contiguous()
    save_file(tensors, path)


def load_optimizer(optimizer: torch.optim.Optimizer, model: torch.nn.Module, path: Path) -> None:
    """Puts the moments back."""
    from safetensors.torch import load_file

    parameters = dict(model.named_parameters())
    for name, value in load_file(path).items():
        owner, _, key = name.rpartition("|")
        parameter = parameters[owner]
        # the step count lives where torch keeps it: beside the parameter when fused, else on the processor
        fused = any(group.get("fused") for group in optimizer.param_groups)
        device = parameter.device if key != "step" or fused else torch.device("cpu")
        optimizer.state[parameter][key] = value.to(device)


def latest(folder: Path) -> Path | None:
    """The newest checkpoint that is whole."""
    for path in sorted(folder.glob(f"{PREFIX}*"), reverse=True):
        if problem(path) is None:
            return path
    return None


def problem(path: Path) -> str | None:
    """What is wrong with a checkpoint; None if it is whole."""
    try:
        state = json.loads((path / "state.json").read_text("utf-8"))
        for name, expected in state["files"].items():
            if digest(path / name) != expected:
                return f"{name} is not what was written"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def read_state(path: Path) -> dict[str, Any]:
    """The state of a checkpoint.

    Raises:
        InputError: It is not whole, or of another version.
    """
    wrong = problem(path)
    if wrong is not None:
        raise InputError(str(path), f"is no whole checkpoint ({wrong})")
    state: dict[str, Any] = json.loads((path / "state.json").read_text("utf-8"))
    if state["format"] != FORMAT:
        raise InputError(str(path), f"has format {state['format']}, expected {FORMAT}")
    return state


def restore(path: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, names: list[str]) -> None:
    """Puts a checkpoint's adapters and moments into a model and its optimizer."""
    for name in names:
        adapter.restore(model, name, path / "adapters" / name)
    load_optimizer(optimizer, model, path / "optimizer.safetensors")


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(folder: Path) -> None:
    """Makes sure that every file of a folder is on the disk."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Makes sure that a folder's entries are on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
