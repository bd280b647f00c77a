"""S5: labels stay out of the text: 100,000 records with inline labels through six templates, decoded and searched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import real_chats
from support import RunFolder

transformers = pytest.importorskip(
    "transformers", reason="texts are rendered with transformers' templates, which is not installed"
)

Figure = Callable[[str], None]
RECORDS = 100_000
CANARY = "CANARYlabel"
PLAN = {
    "tokenise": {"untrainable": "drop", "overflow": "drop"},
    "pack": {"length": 1 << 20},
    "condition": {"leak_guard": "strip"},
}
NAMES = ("minimind", "qwen2_5", "qwen3_training", "llama3_training", "phi3", "phi3_training")


@pytest.fixture(scope="module")
def labelled(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run over real records that all carry labels that no text holds."""
    folder = tmp_path_factory.mktemp("leak")
    lines: list[str] = []
    for record in real_chats.run_folder(corpora, folder / "plain").records():
        if len(lines) == RECORDS:
            break
        if record["messages"][0]["role"] == "text" or record.get("tools"):
            continue
        at = len(lines)
        kept = {
            "messages": [{k: v for k, v in turn.items() if k in ("role", "content")} for turn in record["messages"]]
        }
        labels = {f"_{name}": f"{CANARY}-{name}-{at}" for name in ("category", "persona", "source")}
        lines.append(json.dumps(kept | labels | {"_traits": [CANARY], "note": CANARY}))
    source = folder / "labelled.jsonl"
    source.write_text("\n".join(lines) + "\n", "utf-8")
    return real_chats.run_folder_of(source, out=folder / "out")


def texts(store: Any, folder: Path) -> list[str]:
    """What the ids of every document say, decoded by `tokenizers`."""
    backend = transformers.AutoTokenizer.from_pretrained(str(folder)).backend_tokenizer
    found: list[str] = backend.decode_batch([document.ids.tolist() for document in store], skip_special_tokens=False)
    return found


@pytest.mark.slow
@pytest.mark.point("S5", "leak guard")
def test_no_label_in_the_text(corpora: Path, labelled: RunFolder, tmp_path: Path, figure: Figure) -> None:
    from corpuskit.tokenise import tokenise

    documents = 0
    for name in NAMES:
        folder, template = real_chats.templates(corpora)[name]
        store = tokenise(labelled.path, folder, template=template, plan=PLAN, cache=tmp_path / name)
        found = texts(store, folder)
        assert len(found) > 0.7 * RECORDS, (name, len(found))
        assert not any(CANARY in text or "<persona:" in text for text in found), name
        documents += len(found)
    figure(
        f"{documents:,} documents of {len(labelled.records()):,} records through {len(NAMES)} templates, no label in any"
    )


@pytest.mark.slow
@pytest.mark.point("S5", "planted leak")
def test_a_planted_leak_is_found_with_its_line(
    corpora: Path, labelled: RunFolder, tmp_path: Path, figure: Figure
) -> None:
    from corpuskit.errors import CheckError
    from corpuskit.tokenise import tokenise

    folder, template = real_chats.templates(corpora)["qwen2_5"]
    lines = list(labelled.lines())[:2_000]
    at = next(n for n, line in enumerate(lines) if n > 1_000 and json.loads(line)["messages"][0]["role"] == "user")
    record = json.loads(lines[at])
    record["messages"].insert(0, {"role": "system", "content": "planted"})
    records = [json.loads(line) for line in lines[:at]] + [record]
    source = tmp_path / "planted.jsonl"
    source.write_text("".join(json.dumps({"messages": each["messages"]}) + "\n" for each in records), "utf-8")
    out = real_chats.run_folder_of(source, out=tmp_path / "out")
    planted = "{% if messages[0]['content'] == 'planted' or messages[0]['content'] == 's' %}<persona:warm>{% endif %}"
    with pytest.raises(CheckError) as raised:
        tokenise(out.path, folder, template=planted + (template or ""), plan=PLAN)
    assert f"planted.jsonl:{at + 1}:" in str(raised.value)
    assert "condition.leak: 1 records" in str(raised.value)
    assert "<persona:warm>" in str(raised.value)
    figure(f"found at planted.jsonl:{at + 1} of {len(records):,}")
