"""Text from a model with an adapter or a blend of adapters: for looking at what a training did."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpuskit._extra import require
from corpuskit.errors import InputError, PlanError

__all__ = ["PRESETS", "Generated", "generate"]

PathLike = str | os.PathLike[str]

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "code": {"do_sample": True, "temperature": 0.2, "top_p": 0.95, "top_k": 0},
    "story": {"do_sample": True, "temperature": 0.9, "top_p": 0.95, "top_k": 0},
    "exact": {"do_sample": False},
}
"""Ways to draw the next token: `code` and `story` with the temperatures that the corpus was designed for, and the likeliest token."""

KNOWN = {
    "do_sample": bool, "temperature": float, "top_p": float, "top_k": int, "min_p": float, "typical_p": float,
    "repetition_penalty": float, "no_repeat_ngram_size": int, "max_new_tokens": int, "min_new_tokens": int, "num_beams": int,
    "length_penalty": float,
}  # fmt: skip
"""What a preset may hold."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Generated:
    """One answer.

    Attributes:
        prompt: The question, as given.
        text: The answer, without special tokens.
        tokens: How many tokens it has.
        settings: What was handed to the model's `generate`.
        seed: What randomness started from.
    """

    prompt: str
    text: str
    tokens: int
    settings: Mapping[str, Any]
    seed: int


def generate(
    model: PathLike,
    prompts: Sequence[str],
    *,
    adapter: PathLike | None = None,
    blend: Mapping[str, float] | None = None,
    root: PathLike | None = None,
    preset: PathLike = "exact",
    settings: Mapping[str, Any] | None = None,
    system: str | None = None,
    seed: int = 17,
    device: str | None = None,
) -> Iterator[Generated]:
    """Answers prompts, one after the other.

    Args:
        model: Folder of the base model, with its tokenizer.
        prompts: Each becomes one user turn of the model's chat template; plain text where the tokenizer has none.
        adapter: Folder of an adapter.
        blend: Adapters and weights instead, as `corpuskit.adapters.blend` takes them.
        root: The folder of the adapters.
        preset: A name of `PRESETS`, or a TOML file with the same keys.
        settings: Single settings, which win over the preset.
        system: A system turn before each prompt.
        seed: Each answer is drawn from the seed and its place, so that it does not depend on the answers before.
        device: Where to compute; CUDA if there is one.

    Yields:
        The answers, in the order of the prompts.

    Raises:
        InputError: The model or an adapter is missing. Nothing is downloaded.
        PlanError: A setting is unknown or contradicts another.
    """
    require("train", "torch", "transformers", "peft")
    chosen = choose(preset, settings or {})
    if adapter is not None and blend is not None:
        raise PlanError("generate", "got an adapter and a blend, expected one of them")
    folder = Path(model)
    if not (folder / "config.json").is_file():
        raise InputError(
            str(folder), "is no model folder: it has no config.json", "nothing is downloaded; give a local folder"
        )
    return answers(folder, prompts, adapter if adapter is not None else blend, root, chosen, system, seed, device)


def answers(
    folder: Path, prompts: Sequence[str], adapter: PathLike | Mapping[str, float] | None, root: PathLike | None,
    chosen: Mapping[str, Any], system: str | None, seed: int, device: str | None,
) -> Iterator[Generated]:  # fmt: skip
    """The answers; nothing is loaded before the first is asked for."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from corpuskit import adapters

    where = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        model: Any = AutoModelForCausalLM.from_pretrained(str(folder), dtype="auto", local_files_only=True).to(where)
    except (OSError, ValueError) as error:
        raise InputError(str(folder), f"cannot be loaded: {str(error).strip().splitlines()[0]}") from error
    if adapter is not None:
        model = adapters.load(model, adapter, root=root)
    model.eval()
    end = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    for place, prompt in enumerate(prompts):
        encoded = encode(tokenizer, prompt, system).to(where)
        torch.manual_seed(seed + place)
        with torch.inference_mode():
            # by keyword: what a tokenizer returns is a mapping, and `generate` would take it for the ids
            out = model.generate(**encoded, **chosen, pad_token_id=end)
        new = out[0, encoded["input_ids"].shape[1] :]
        text = tokenizer.decode(new, skip_special_tokens=True)
        yield Generated(prompt=prompt, text=text, tokens=len(new), settings=dict(chosen), seed=seed + place)


def encode(tokenizer: Any, prompt: str, system: str | None) -> Any:
    """A prompt as the model was trained to see it."""
    if not getattr(tokenizer, "chat_template", None):
        text = prompt if system is None else f"{system}\n\n{prompt}"
        return tokenizer(text, return_tensors="pt", return_token_type_ids=False)
    turns = [{"role": "system", "content": system}] if system is not None else []
    turns.append({"role": "user", "content": prompt})
    return tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt", return_dict=True)


def choose(preset: PathLike, settings: Mapping[str, Any]) -> dict[str, Any]:
    """A preset with single settings on top.

    Raises:
        PlanError: The preset or a setting is unknown, or of the wrong kind.
    """
    name = os.fspath(preset)
    if name in PRESETS:
        found = dict(PRESETS[name])
    elif Path(name).is_file():
        try:
            found = tomllib.loads(Path(name).read_text("utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise PlanError(name, f"is not TOML: {error}") from error
    else:
        raise PlanError(
            "preset", f"`{name}` is neither a preset nor a file, expected {', '.join(PRESETS)} or a TOML file"
        )
    chosen = {"max_new_tokens": 256, **found, **settings}
    for key, value in chosen.items():
        kind = KNOWN.get(key)
        if kind is None:
            raise PlanError(f"{name}.{key}", f"is unknown, expected {', '.join(KNOWN)}")
        if not isinstance(value, (int, float) if kind is float else kind) or (
            isinstance(value, bool) and kind is not bool
        ):
            raise PlanError(f"{name}.{key}", f"is {value!r}, expected {kind.__name__}")
    if "temperature" in chosen and "do_sample" not in chosen:
        chosen["do_sample"] = chosen["temperature"] > 0
    if not chosen.get("do_sample", False):
        chosen = {
            key: value
            for key, value in chosen.items()
            if key not in {"temperature", "top_p", "top_k", "min_p", "typical_p"}
        }
    return chosen
