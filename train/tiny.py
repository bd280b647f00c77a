"""Makes a tiny random model and a tokenizer for it, from a corpus and nothing else: for tests, and to try a whole run on any machine.

    python train/tiny.py out/tiny-model tests/data/sample [--vocabulary 1024] [--hidden 64] [--layers 2] [--seed 17]

The tokenizer is byte-level BPE learnt from the corpus, with a ChatML template; the model is a llama whose weights are drawn with a
standard deviation of 0.1, wide enough for an adapter on frozen random weights to learn something. Nothing is downloaded.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import corpuskit
from corpuskit.cli.terminal import complain, say
from corpuskit.errors import CorpuskitError, InputError, OutputError

END, START, STOP = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
TEMPLATE = (
    "{%- if tools %}<|im_start|>system\n{{ tools | tojson }}<|im_end|>{% endif -%}"
    "{%- for message in messages -%}"
    "<|im_start|>{{ message['role'] }}\n{{ message['content'] or '' }}"
    "{%- for call in message['tool_calls'] or [] %}{{ call['function'] | tojson }}{% endfor -%}"
    "<|im_end|>"
    "{%- endfor -%}"
    "{%- if add_generation_prompt %}<|im_start|>assistant\n{% endif -%}"
)
"""ChatML with nothing between turns; tools and calls as JSON."""

LEARNT = 4000
"""Records that the tokenizer is learnt from."""


def texts(corpus: Sequence[str]) -> Iterator[str]:
    """What the first records of a corpus say."""
    for number, record in enumerate(corpuskit.Pipeline().iterate(list(corpus))):
        if number >= LEARNT:
            return
        yield from (message["content"] for message in record["messages"] if isinstance(message.get("content"), str))


def make(
    folder: Path, corpus: Sequence[str], *, vocabulary: int = 1024, hidden: int = 64, layers: int = 2, seed: int = 17
) -> Path:
    """Writes model and tokenizer.

    Args:
        folder: Must not be there yet.
        corpus: Files or folders, as `corpuskit process` takes them.
        vocabulary: Tokens at most, those of the template included.
        hidden: Width of the model; a multiple of 16.
        layers: Its depth.
        seed: Of its weights.

    Raises:
        InputError: The corpus holds no text.
        OutputError: The folder is there already.
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
    from transformers.utils import logging

    logging.disable_progress_bar()
    if folder.exists():
        raise OutputError(str(folder), "is there already")
    plain = Tokenizer(models.BPE())
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=[END, START, STOP], show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )  # fmt: skip
    learnt = list(texts(corpus))
    if not learnt:
        raise InputError(", ".join(corpus), "holds no text to learn a tokenizer from")
    plain.train_from_iterator(learnt, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=plain, eos_token=STOP, pad_token=END, clean_up_tokenization_spaces=False, model_max_length=4096
    )
    tokenizer.chat_template = TEMPLATE
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=hidden, intermediate_size=2 * hidden, num_hidden_layers=layers,
        num_attention_heads=hidden // 16, num_key_value_heads=max(1, hidden // 32), head_dim=16, max_position_embeddings=4096,
        initializer_range=0.1, tie_word_embeddings=False, bos_token_id=None, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    torch.manual_seed(seed)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def main(words: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="train/tiny.py", description="Makes a tiny random model and its tokenizer.")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where to write them")
    parser.add_argument("corpus", nargs="+", metavar="PATH", help="files or folders to learn the tokenizer from")
    parser.add_argument("--vocabulary", type=int, default=1024, metavar="N", help="tokens at most (1024)")
    parser.add_argument("--hidden", type=int, default=64, metavar="N", help="width of the model (64)")
    parser.add_argument("--layers", type=int, default=2, metavar="N", help="its depth (2)")
    parser.add_argument("--seed", type=int, default=17, metavar="N", help="of its weights (17)")
    options = vars(parser.parse_args(words))
    try:
        say(f"{make(options.pop('folder'), options.pop('corpus'), **options)}: model and tokenizer")
    except CorpuskitError as error:
        complain(str(error), error.hint)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
