"""The tiny random model and its tokenizer: made from a corpus, usable by everything that takes a model folder."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
for package in ("transformers", "tokenizers", "peft"):
    pytest.importorskip(package, reason="the extra `train` is not installed")

import tiny
from corpuskit.errors import OutputError
from corpuskit.generate import generate
from support import SAMPLE

pytestmark = pytest.mark.filterwarnings("default")


def test_a_tiny_model_speaks_chatml(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tiny.make(tmp_path / "model", [str(SAMPLE / "gsm8k")], vocabulary=400)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert len(tokenizer) == model.config.vocab_size == 400
    turns = [{"role": "user", "content": "One and one?"}, {"role": "assistant", "content": "Two. Ünï 😀"}]
    text = tokenizer.apply_chat_template(turns, tokenize=False)
    assert text == "<|im_start|>user\nOne and one?<|im_end|><|im_start|>assistant\nTwo. Ünï 😀<|im_end|>"
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids) == text
    assert ids.count(tokenizer.eos_token_id) == 2
    assert 0.05 < float(model.get_output_embeddings().weight.detach().std()) < 0.2
    [answer] = generate(folder, ["Hi"], settings={"max_new_tokens": 4})
    assert 1 <= answer.tokens <= 4
    with pytest.raises(OutputError):
        tiny.make(folder, [str(SAMPLE / "gsm8k")])
    again = tiny.make(tmp_path / "again", [str(SAMPLE / "gsm8k")], vocabulary=400)
    for name in ("tokenizer.json", "model.safetensors", "config.json"):
        assert (again / name).read_bytes() == (folder / name).read_bytes(), name
