"""Blends are exact, or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
peft = pytest.importorskip("peft", reason="the extra `train` is not installed")

from corpuskit import adapters
from corpuskit.errors import InputError, OutputError, PlanError
from train_models import make_model, save_model

pytestmark = pytest.mark.filterwarnings("default")
SEVEN = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def make_adapter(folder: Path, seed: int, **changes: Any) -> Path:
    """A random adapter on disk."""
    config = peft.LoraConfig(**{"r": 4, "lora_alpha": 8, "target_modules": SEVEN, "task_type": "CAUSAL_LM", **changes})
    model = peft.get_peft_model(make_model("llama", attention="sdpa"), config)
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.normal_(0, 0.1)
    model.save_pretrained(folder)
    return folder


def added(folder: Path, model: Path | None = None) -> dict[str, Any]:
    """What an adapter adds to each weight of a model, by PEFT's own arithmetic."""
    from transformers import AutoModelForCausalLM

    base = make_model("llama", attention="sdpa") if model is None else AutoModelForCausalLM.from_pretrained(model)
    before = {name: tensor.clone() for name, tensor in base.state_dict().items()}
    merged = peft.PeftModel.from_pretrained(base, str(folder)).merge_and_unload()
    return {name: tensor - before[name] for name, tensor in merged.state_dict().items()}


def worst(folder: Path, parts: dict[Path, float], model: Path | None = None) -> float:
    """The greatest difference between a blend and the weighted sum of what its parts add."""
    expected: dict[str, Any] = {}
    for part, weight in parts.items():
        for name, tensor in added(part, model).items():
            expected[name] = expected.get(name, 0) + weight * tensor
    found = added(folder, model)
    return max(float((found[name] - expected[name]).abs().max()) for name in expected)


CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}),
    "ranks": ({"r": 2}, {"r": 8, "lora_alpha": 4}),
    "rslora": ({"use_rslora": True}, {"use_rslora": True, "r": 8}),
    "mixed": ({"use_rslora": True, "r": 3}, {"r": 5}),
    "modules": ({"target_modules": ["q_proj", "down_proj"]}, {"target_modules": ["q_proj", "v_proj"]}),
    "patterns": ({"rank_pattern": {"q_proj": 2}, "alpha_pattern": {"v_proj": 16}}, {"layers_to_transform": [1]}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_blend_is_the_weighted_sum(case: str, tmp_path: Path) -> None:
    first, second = (
        make_adapter(tmp_path / name, n, **changes)
        for n, (name, changes) in enumerate(zip("ab", CASES[case], strict=True))
    )
    made = adapters.blend({"a": 0.7, "b": -0.3}, root=tmp_path)
    assert made.lost == 0
    assert worst(made.folder, {first: 0.7, second: -0.3}) <= 1e-5
    # in a loaded model too: the same logits as the base with the sum worked into its weights
    base = make_model("llama", attention="sdpa")
    expected = make_model("llama", attention="sdpa")
    sums = {name: 0.7 * tensor for name, tensor in added(first).items()}
    other = added(second)
    state = expected.state_dict()
    expected.load_state_dict({name: state[name] + sums[name] - 0.3 * other[name] for name in state})
    blended = adapters.load(base, {"a": 0.7, "b": -0.3}, root=tmp_path)
    ids = torch.arange(30)[None]
    with torch.no_grad():
        assert float((blended(input_ids=ids).logits - expected(input_ids=ids).logits).abs().max()) <= 1e-5
    assert not any(parameter.requires_grad for parameter in blended.parameters())


@pytest.mark.parametrize("changes", [{}, {"use_rslora": True}], ids=["plain", "rslora"])
def test_one_adapter_at_weight_1_is_itself(changes: dict[str, Any], tmp_path: Path) -> None:
    only = make_adapter(tmp_path / "a", 1, **changes)
    made = adapters.blend({str(only): 1.0}, output=tmp_path / "same")
    assert worst(made.folder, {only: 1.0}) <= 1e-6
    with pytest.raises(OutputError, match="is there already"):
        adapters.blend({str(only): 1.0}, output=tmp_path / "same")


def test_blends_are_cached_by_content_and_weights(tmp_path: Path) -> None:
    make_adapter(tmp_path / "a", 1)
    make_adapter(tmp_path / "b", 2)
    one = adapters.blend({"a": 0.7, "b": 0.3}, root=tmp_path)
    stamp = (one.folder / "adapter_model.safetensors").stat().st_mtime_ns
    assert adapters.blend({"b": 0.3, "a": 0.7}, root=tmp_path).folder == one.folder
    assert (one.folder / "adapter_model.safetensors").stat().st_mtime_ns == stamp
    assert adapters.blend({"a": 0.6, "b": 0.4}, root=tmp_path).folder != one.folder
    make_adapter(tmp_path / "b", 3)
    assert adapters.blend({"a": 0.7, "b": 0.3}, root=tmp_path).folder != one.folder


def test_compression_says_what_it_cost(tmp_path: Path) -> None:
    parts = {make_adapter(tmp_path / name, n): 0.5 for n, name in enumerate("ab")}
    made = adapters.blend({"a": 0.5, "b": 0.5}, root=tmp_path, compress=3)
    assert made.rank == 3
    assert 0.01 < made.lost < 0.9
    whole = adapters.blend({"a": 0.5, "b": 0.5}, root=tmp_path, compress=8)
    assert whole.lost == 0
    assert worst(whole.folder, parts) <= 1e-5
    name = "model.layers.0.self_attn.q_proj.weight"
    exact = added(whole.folder)[name]
    values = torch.linalg.svdvals(exact)
    error = float((added(made.folder)[name] - exact).norm() ** 2)
    assert error == pytest.approx(float((values[3:] ** 2).sum()), rel=1e-3), "no approximation of that rank is nearer"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"use_dora": True}, "use_dora"),
        ({"lora_bias": True}, "lora_bias"),
        ({"bias": "lora_only"}, "bias: lora_only"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"init_lora_weights": "pissa"}, "changes the base model"),
    ],
)
def test_what_has_no_exact_sum_is_refused(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    make_adapter(tmp_path / "a", 1)
    make_adapter(tmp_path / "b", 2, **({} if "init_lora_weights" in changes else changes))
    if "init_lora_weights" in changes:  # PEFT converts these on saving; a folder may still say so
        path = tmp_path / "b/adapter_config.json"
        path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")
    with pytest.raises(InputError, match=message):
        adapters.blend({"a": 0.7, "b": 0.3}, root=tmp_path)


def test_wrong_names_and_weights_are_named(tmp_path: Path) -> None:
    make_adapter(tmp_path / "emotive", 1)
    with pytest.raises(InputError, match="is no adapter") as caught:
        adapters.blend({"emotion": 1.0}, root=tmp_path)
    assert caught.value.hint == "there are emotive"
    for weights in ({}, {"emotive": float("nan")}, {"emotive": 0.0}):
        with pytest.raises(PlanError):
            adapters.blend(weights, root=tmp_path)


def test_merging_works_the_adapter_into_the_weights(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    save_model(tmp_path / "base", initializer_range=0.1)
    (tmp_path / "base/tokenizer_config.json").write_text("{}", "utf-8")
    make_adapter(tmp_path / "a", 1)
    out = adapters.merge(tmp_path / "base", tmp_path / "a", tmp_path / "merged")
    merged = AutoModelForCausalLM.from_pretrained(out, dtype="auto")
    with_adapter = adapters.load(AutoModelForCausalLM.from_pretrained(tmp_path / "base"), tmp_path / "a")
    ids = torch.arange(20)[None]
    with torch.no_grad():
        assert float((merged(input_ids=ids).logits - with_adapter(input_ids=ids).logits).abs().max()) <= 1e-5
    assert (out / "tokenizer_config.json").exists()
    with pytest.raises(OutputError):
        adapters.merge(tmp_path / "base", tmp_path / "a", out)
