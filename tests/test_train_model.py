"""Isolation, loss and heads on tiny random models: the packed row must be what its documents are one by one."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
pytest.importorskip("transformers", reason="the extra `train` is not installed")
pytest.importorskip("peft", reason="the extra `train` is not installed")

import adapter
import attention
import isolation
import operations
from loss import Loss, supervised
from model import call_arguments
from settings import Adapters, Lora
from train_models import make_model
from train_packs import collate, make_corpus, make_pack

pytestmark = pytest.mark.filterwarnings("default")
KEEPS_APART = ("llama", "qwen3", "mistral", "gemma3_text", "phi3")


def separate(model: Any, batch: dict[str, Any]) -> Any:
    """Logits of each document alone, by transformers' own attention, one behind the other."""
    edges = batch["cu_seq_lens"].tolist()
    rows = [
        model(input_ids=batch["input_ids"][:, a:b], use_cache=False).logits[0] for a, b in itertools.pairwise(edges)
    ]
    return torch.cat(rows)


@pytest.mark.parametrize("kind", KEEPS_APART)
def test_logits_and_gradients_are_those_of_separate_documents(kind: str) -> None:
    packed_model, plain = make_model(kind), make_model(kind, attention="sdpa")
    plain.load_state_dict(packed_model.state_dict())
    batch = isolation.probe_batch(97, torch.device("cpu"), (23, 1, 40, 17))
    packed = packed_model(**call_arguments(packed_model, batch)).logits[0]
    alone = separate(plain, batch)
    assert float((packed - alone).abs().max()) <= 1e-5
    for model, logits in ((packed_model, packed), (plain, alone)):
        labels = batch["labels"][0, 1:]
        torch.nn.functional.cross_entropy(logits[:-1], labels, ignore_index=-100, reduction="sum").backward()
        assert any(parameter.grad is not None for parameter in model.parameters())
    for (name, mine), (_, theirs) in zip(packed_model.named_parameters(), plain.named_parameters(), strict=True):
        if theirs.grad is not None:
            scale = max(1.0, float(theirs.grad.abs().max()))
            assert float((mine.grad - theirs.grad).abs().max()) / scale <= 1e-5, name


@pytest.mark.parametrize("kind", KEEPS_APART)
def test_the_probe_passes_models_that_keep_documents_apart(kind: str) -> None:
    found = isolation.prove(make_model(kind).train())
    assert found.moved == 0
    assert found.own > 0.1


@pytest.mark.parametrize(
    ("kind", "backend", "use_cache", "message"),
    [
        ("gpt_oss", "ck_varlen", False, "attention sinks"),
        ("gpt_oss", "eager", False, "documents touch"),
        ("falcon", "sdpa", False, "documents touch"),
        ("mamba", "ck_varlen", False, "documents touch"),
        ("gemma2", "ck_varlen", False, "a soft cap"),
        ("llama", "sdpa", None, "documents touch"),
    ],
)
def test_the_probe_refuses_what_mixes_documents(kind: str, backend: str, use_cache: bool | None, message: str) -> None:
    model = make_model(kind, attention=backend).train()
    with pytest.raises(attention.IsolationError, match=message) as caught:
        isolation.prove(model, use_cache=use_cache)
    assert caught.value.hint


def test_borders_that_are_missing_are_an_error() -> None:
    model = make_model("llama")
    with pytest.raises(attention.UnsupportedError, match="no `cu_seq_lens`"):
        model(input_ids=torch.zeros(1, 8, dtype=torch.int64), use_cache=False)


def test_the_kernel_of_torch_is_asked_what_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """No CUDA here: the call is checked against torch's signature, and against that of an older torch."""
    varlen = pytest.importorskip("torch.nn.attention.varlen", reason="this torch has no variable-length attention")
    import inspect

    real = inspect.signature(varlen.varlen_attn)
    seen: list[dict[str, Any]] = []

    def new(*arguments: Any, **named: Any) -> Any:
        real.bind(*arguments, **named)
        seen.append(named)
        return arguments[0]

    def old(query: Any, key: Any, value: Any, a: Any, b: Any, c: int, d: int, is_causal: bool = False) -> Any:
        assert is_causal
        assert key.shape == query.shape
        return query

    q, k = torch.ones(6, 4, 8), torch.ones(6, 2, 8)
    borders = torch.tensor([0, 2, 6], dtype=torch.int32)
    new.__signature__ = real  # type: ignore[attr-defined]
    monkeypatch.setattr(varlen, "varlen_attn", new)
    attention.torch_varlen(q, k, k, borders, 4, 0.5, 3, 0.0)
    assert seen[0]["window_size"] == (2, 0)
    assert seen[0]["scale"] == 0.5
    monkeypatch.setattr(varlen, "varlen_attn", old)
    out = attention.torch_varlen(q, k, k, borders, 4, 0.5, None, 0.0)
    assert torch.allclose(out, q * 0.5 * 8**0.5)
    with pytest.raises(attention.UnsupportedError):
        attention.torch_varlen(q, k, k, borders, 4, None, 3, 0.0)


@pytest.mark.parametrize(("kind", "changes", "sliced"), [
    ("llama", {}, True),
    ("llama", {"tie_word_embeddings": True}, True),
    ("gemma3_text", {"final_logit_softcapping": 30.0}, False),
    ("granite", {"logits_scaling": 4.0}, False),
])  # fmt: skip
def test_the_loss_is_that_of_all_logits(kind: str, changes: dict[str, Any], sliced: bool) -> None:
    model = adapter.attach(make_model(kind, **changes).requires_grad_(False), Adapters(lora=Lora(r=4, dropout=0.0)), 1)
    corpus = make_corpus([("a", 1e-3, ["factual", "creative"])], documents=12)
    batch = collate(corpus.packs[:2])
    batch["loss_weight"][0, 10:30] = 0.25
    batch["loss_weight"][0, 30:34] = 0.0
    loss = Loss(model)
    loss.choose_head(batch)
    assert loss.sliced is sliced
    summed, losses = loss(batch)
    summed.backward()
    mine = {name: parameter.grad.clone() for name, parameter in adapter.parameters(model, "default").items()}
    model.zero_grad()
    logits = model(**call_arguments(model, batch)).logits[0, :-1].float()
    each = torch.nn.functional.cross_entropy(logits, batch["labels"][0, 1:], ignore_index=-100, reduction="none")
    expected = (each * batch["loss_weight"][0, 1:]).sum()
    expected.backward()
    assert float(summed) == pytest.approx(float(expected), rel=1e-5)
    assert len(losses) == int(((batch["labels"][0] != -100) & (batch["loss_weight"][0] > 0)).sum())
    for name, parameter in adapter.parameters(model, "default").items():
        scale = max(1.0, float(parameter.grad.abs().max()))
        assert float((mine[name] - parameter.grad).abs().max()) / scale <= 1e-5, name


def test_slices_of_the_head_do_not_change_the_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    import loss as module

    model = make_model("llama")
    batch = collate(make_corpus([("a", 1e-3, ["factual"])], documents=12).packs[:2])
    loss = Loss(model)
    loss.choose_head(batch)
    whole = loss(batch)[1]
    monkeypatch.setattr(module, "SLICE", 7)
    assert torch.equal(loss(batch)[1], whole)


def test_a_batch_without_supervised_tokens_has_no_loss_and_no_gradient() -> None:
    model = adapter.attach(make_model("llama").requires_grad_(False), Adapters(lora=Lora(r=2)), 1)
    batch = collate([make_pack([([1, 2, 3], "factual", 0)], 8, prompt=9)])
    for sliced in (True, False):
        loss = Loss(model)
        loss.sliced = sliced
        summed, losses = loss(batch)
        assert float(summed) == 0
        assert len(losses) == 0
        assert not supervised(batch).positions.numel()


def test_operations_are_those_of_the_formula() -> None:
    model = adapter.attach(make_model("llama").requires_grad_(False), Adapters(lora=Lora(r=4)), 1)
    found = operations.count(model)
    h, mlp, kv, layers, r, vocabulary = 32, 64, 16, 2, 4, 97
    frozen = layers * (2 * h * h + 2 * h * kv + 3 * h * mlp)
    lora = layers * r * (2 * (h + h) + 2 * (h + kv) + 3 * (h + mlp))
    assert found.per_token == 4 * frozen + 6 * lora
    assert found.per_supervised == 4 * h * vocabulary
    assert found.per_square == 6 * h * layers
