"""S5: labels stay out of the text: 100,000 records with inline labels through six templates, decoded and searched."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
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
LINES = 120_000
"""All corpora, and again from the first; some templates refuse some conversations."""

CANARY = "CANARYlabel"
TAG = re.compile("<(persona|category|traits?):[^>]*>")
OWN = re.compile(r"<(persona|category|traits?):|_(category|domain|origin|parent|persona|schema|scores|source|traits)\b")
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
    plain = [record for record in real_chats.run_folder(corpora, folder / "plain").records() if is_plain(record)]
    lines: list[str] = []
    for at, record in enumerate(itertools.islice(itertools.cycle(plain), LINES)):
        kept = {
            "messages": [{k: v for k, v in turn.items() if k in ("role", "content")} for turn in record["messages"]]
        }
        labels = {f"_{name}": f"{CANARY}-{name}-{at}" for name in ("category", "persona", "source")}
        lines.append(json.dumps(kept | labels | {"_traits": [CANARY], "note": CANARY}))
    source = folder / "labelled.jsonl"
    source.write_text("\n".join(lines) + "\n", "utf-8")
    return real_chats.run_folder_of(source, out=folder / "out")


def is_plain(record: dict[str, Any]) -> bool:
    """Whether a record is a conversation of texts that answers; its tools are another matter."""
    turns = record["messages"]
    talk = all(
        turn["role"] in ("system", "user", "assistant")
        and isinstance(turn.get("content"), str)
        and not turn.get("tool_calls")
        for turn in turns
    )
    return talk and not record.get("tools") and any(turn["role"] == "assistant" and turn["content"] for turn in turns)


def texts(store: Any, folder: Path) -> Iterator[str]:
    """What the ids of every document say, decoded by `tokenizers`."""
    backend = transformers.AutoTokenizer.from_pretrained(str(folder)).backend_tokenizer
    documents = iter(store)
    while some := [document.ids.tolist() for document in itertools.islice(documents, 5_000)]:
        yield from backend.decode_batch(some, skip_special_tokens=False)


@pytest.mark.slow
@pytest.mark.point("S5", "leak guard")
def test_no_label_in_the_text(corpora: Path, labelled: RunFolder, tmp_path: Path, figure: Figure) -> None:
    from corpuskit.tokenise import tokenise

    documents, least = 0, LINES
    for name in NAMES:
        folder, template = real_chats.templates(corpora)[name]
        store = tokenise(labelled.path, folder, template=template, plan=PLAN, cache=tmp_path / name, check=False)
        # The end token of Llama 3 is no token of the tokenizer that its template is tried with here.
        faults = [problem for problem, _ in store.ledger()["faults"] if "end token" not in problem]
        assert faults == [], name
        found = 0
        for text in texts(store, folder):
            assert CANARY not in text, name
            assert not TAG.search(text), name
            found += 1
        assert found == len(store) >= RECORDS, (name, found)
        documents += found
        least = min(least, found)
    figure(f"{documents:,} documents through {len(NAMES)} templates, at least {least:,} through each, no label in any")


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


@pytest.mark.slow
@pytest.mark.point("S5", "a record's own tags")
@pytest.mark.parametrize("policy", ["error", "strip", "warn"])
def test_a_records_own_tags_follow_the_policy(
    corpora: Path, labelled: RunFolder, tmp_path: Path, policy: str, figure: Figure
) -> None:
    from corpuskit.errors import CheckError
    from corpuskit.tokenise import tokenise

    folder, template = real_chats.templates(corpora)["qwen2_5"]
    records = [{"messages": json.loads(line)["messages"]} for line in itertools.islice(labelled.lines(), 10_000)]
    records = [each for each in records if not any(OWN.search(turn["content"] or "") for turn in each["messages"])]
    plain = tokenise(records, folder, template=template, plan=PLAN, cache=tmp_path / "plain")
    records = [each for row, each in enumerate(records) if plain.document(0, row) is not None]
    tagged = range(7, len(records), 100)
    for at in tagged:
        turn = records[at]["messages"][at // 100 % 2]
        turn["content"] = f"<persona:planted>{turn['content']}" if at // 200 % 2 else f"{turn['content']} _source"
    plan = PLAN | {"condition": {"leak_guard": policy}}
    if policy == "error":
        with pytest.raises(CheckError) as raised:
            tokenise(records, folder, template=template, plan=plan, cache=tmp_path)
        assert f"condition.tag_in_text: {len(tagged)} records" in str(raised.value)
    store = tokenise(records, folder, template=template, plan=plan, cache=tmp_path, check=False)
    total = store.ledger()["ledger"]["total"]
    found = sum("<persona:planted>" in text or "_source" in text for text in texts(store, folder))
    assert total["tagged"] == len(tagged)
    assert total["kept_rows"] == len(records) - (len(tagged) if policy == "error" else 0)
    assert found == (len(tagged) if policy == "warn" else 0)
    figure(
        f"{policy}: {total['kept_rows']:,} of {len(records):,} kept, {len(tagged)} with a tag, {found} of them in texts"
    )
