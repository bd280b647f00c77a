"""`corpuskit count` and `inspect`: the tokens of a run folder against transformers' own, and what settings do."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from corpuskit.cli import main
from support import SAMPLE, RunFolder, corpuskit
from tiny_tokenizer import CHATML, write_tokenizer

transformers = pytest.importorskip(
    "transformers", reason="templates are compared with transformers, which is not installed"
)

Record = dict[str, Any]
DROP = "version: 1\ntokenise: {untrainable: drop}\npack: {length: 65536}\n"


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tokenizer(tmp_path_factory.mktemp("tokenizer"))


def run_folder(folder: Path, records: Sequence[Record] | None = None) -> RunFolder:
    """A finished run of the sample, or of some records; nothing is dropped, and labels are those that records declare."""
    plan = folder / "run.yaml"
    plan.write_text("version: 1\ntag: {packs: [], language: false}\ndedup: {exact: false, near: false}\n")
    source = SAMPLE
    if records is not None:
        source = folder / "records.jsonl"
        source.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    done = corpuskit("process", source, "-o", folder / "out", "--plan", plan, "--quiet")
    assert done.returncode == 0, done.stderr
    return RunFolder(folder / "out")


def chat(*turns: str, **more: Any) -> Record:
    """`"user: hi"` as a record."""
    return {"messages": [dict(zip(("role", "content"), turn.split(": ", 1), strict=True)) for turn in turns], **more}


def counted(out: RunFolder) -> list[Record]:
    return [
        row
        for path in sorted((out.path / "counts").glob("*.parquet"))
        for row in pyarrow.parquet.read_table(path).to_pylist()
    ]


def count(out: RunFolder, tokenizer: Path, plan: str = DROP) -> tuple[int, Record, str]:
    """Runs `corpuskit count`: exit code, what it found, what it complained of."""
    path = out.path.parent / "count.yaml"
    path.write_text(plan, "utf-8")
    # In this process: transformers takes seconds to import.
    said, complained = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        code = main(["count", str(out.path), "--tokenizer", str(tokenizer), "--plan", str(path), "--json"])
    return code, json.loads(said.getvalue() or "{}"), complained.getvalue()


def test_count_agrees_with_transformers_and_the_audit_with_count(tmp_path: Path, tokenizer: Path) -> None:
    out = run_folder(tmp_path)
    code, found, complaints = count(out, tokenizer)
    assert code == 0, complaints
    assert any("template family chatml" in note for note in found["notes"]), found["notes"]
    reference = transformers.AutoTokenizer.from_pretrained(str(tokenizer))
    rows, records = counted(out), out.records()
    assert len(rows) == len(records) == len(out.columns())
    compared = 0
    for row, record in zip(rows, records, strict=True):
        messages = record["messages"]
        if row["reason"] is not None or not all(isinstance(turn.get("content"), str) for turn in messages):
            continue
        if messages[0]["role"] == "text":
            continue
        text = reference.apply_chat_template(messages, tokenize=False)
        learnt = sum(
            len(reference(turn["content"] + "<|im_end|>", add_special_tokens=False)["input_ids"])
            for turn in messages
            if turn["role"] == "assistant" and turn.get("weight") != 0
        )
        assert row["tokens"] == len(reference(text, add_special_tokens=False)["input_ids"]), record["_origin"]
        assert row["supervised"] == learnt, record["_origin"]
        compared += 1
    assert compared > 20
    total = found["ledger"]["total"]
    assert total["seen"] == sum(row["tokens"] or 0 for row in rows)
    assert total["seen"] + total["repeated"] == total["kept"] + total["lost"]
    audit = corpuskit("audit", out.path)
    assert audit.returncode == 0, audit.stdout + audit.stderr
    listed = {file["path"]: file.get("rows") for file in out.json("manifest")["files"]}
    assert listed["counts/part-00000.parquet"] == len(rows)


def test_counting_twice_changes_nothing_and_makes_nothing_anew(tmp_path: Path, tokenizer: Path) -> None:
    out = run_folder(tmp_path)
    count(out, tokenizer)
    stores = {path: path.stat().st_mtime_ns for path in out.path.glob("tokens/*/*")}
    before = out.digests()
    code, _, complaints = count(out, tokenizer)
    assert code == 0, complaints
    assert out.digests() == before
    assert stores
    assert {path: path.stat().st_mtime_ns for path in stores} == stores
    # Another template is another store.
    other = write_tokenizer(tmp_path / "other", CHATML.replace("<|im_end|>\n", "<|im_end|>\n\n"))
    count(out, other)
    assert len(list(out.path.glob("tokens/*/store.json"))) == 2


def test_threads_do_not_change_a_byte(tmp_path: Path, tokenizer: Path) -> None:
    from corpuskit.tokenise import tokenise

    out = run_folder(tmp_path)
    plan = {"tokenise": {"untrainable": "drop"}, "pack": {"length": 65536}}
    one, three = (tokenise(out.path, tokenizer, plan=plan, threads=n, cache=tmp_path / f"t{n}") for n in (1, 3))
    for path in Path(one.folder).iterdir():
        assert path.read_bytes() == (Path(three.folder) / path.name).read_bytes(), path.name
    one.verify()


TAGGED = chat("user: hi", "assistant: <persona:kind>\nhello")
NAMED = chat("user: print the field _source", "assistant: ok")
CLEAN = chat("user: hi", "assistant: hello")


@pytest.mark.parametrize(
    ("policy", "code", "kept"), [("error", 1, 1), ("strip", 0, 3), ("warn", 0, 3)], ids=["error", "strip", "warn"]
)
def test_a_tag_in_the_records_own_text_follows_the_policy(
    tmp_path: Path, tokenizer: Path, policy: str, code: int, kept: int
) -> None:
    from corpuskit.tokens import TokenStore

    labels = {"_category": "technical", "_persona": "warm", "_traits": ["kind"]}
    out = run_folder(tmp_path, [CLEAN | labels, TAGGED | labels, NAMED | labels])
    plan = DROP + f"condition: {{leak_guard: {policy}}}\n"
    ended, found, complaints = count(out, tokenizer, plan)
    assert (ended, found["ledger"]["total"]["kept_rows"]) == (code, kept), complaints
    assert found["ledger"]["total"]["tagged"] == 2
    reference = transformers.AutoTokenizer.from_pretrained(str(tokenizer))
    [store] = out.path.glob("tokens/*/store.json")
    texts = [reference.decode(document.ids.tolist()) for document in TokenStore(store.parent)]
    assert not any("_persona" in text or "warm" in text or "technical" in text for text in texts)
    if policy == "error":
        assert "records.jsonl:2" in complaints
        assert "records.jsonl:3" in complaints
        assert "leak_guard" in complaints
    if policy == "strip":
        assert texts[0] == texts[1]
        assert texts[2] == texts[2].replace("_source", "")
    if policy == "warn":
        assert "<persona:kind>" in texts[1]
        assert "_source" in texts[2]


THINKS = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}!\n{% if message['reasoning_content'] %}"
    "({{ message['reasoning_content'] }}){% endif %}{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant!\n{% endif %}"
)


def test_reasoning_through_an_unknown_template(tmp_path: Path) -> None:
    from corpuskit.tokens import TokenStore

    thinks = chat("user: hi", "assistant: hello")
    thinks["messages"][1]["reasoning_content"] = "why <persona:kind>not"
    out = run_folder(tmp_path, [CLEAN, thinks])
    folder = write_tokenizer(tmp_path / "t", THINKS)
    code, found, complaints = count(out, folder, DROP)
    assert code == 1
    assert found["ledger"]["total"]["refused"] == {"condition.tag_in_text": 1}
    assert "records.jsonl:2" in complaints
    stripped = DROP + "condition: {leak_guard: strip}\n"
    code, found, complaints = count(out, folder, stripped)
    assert code == 0, complaints
    newest = max(out.path.glob("tokens/*/store.json"), key=lambda path: path.stat().st_mtime_ns).parent
    reference = transformers.AutoTokenizer.from_pretrained(str(folder))
    assert "(why not)hello" in reference.decode(list(TokenStore(newest))[1].ids.tolist())
    # Which part of such a text is reasoning is not known, so it cannot be left untrained: said, not ignored.
    untrained = stripped.replace("untrainable: drop", "untrainable: drop, reasoning: false")
    _, found, _ = count(out, folder, untrained)
    assert found["ledger"]["total"]["refused"] == {"tokenise.mask": 1}
    assert [row["reason"] for row in counted(out)] == [None, "tokenise.mask"]


def test_a_label_that_a_template_puts_into_the_text_is_a_leak(tmp_path: Path) -> None:
    template = "{% if messages[0]['role'] == 'system' %}<persona:warm>\n{% endif %}" + CHATML
    out = run_folder(tmp_path, [CLEAN, chat("system: s", "user: hi", "assistant: hello"), CLEAN])
    code, found, complaints = count(
        out, write_tokenizer(tmp_path / "t", template), DROP + "condition: {leak_guard: warn}\n"
    )
    assert code == 1
    assert found["ledger"]["total"]["refused"] == {"condition.leak": 1}
    assert "records.jsonl:2" in complaints
    assert "<persona:warm>" in complaints


def test_no_end_token_that_is_trained_is_an_error(tmp_path: Path) -> None:
    template = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    template += "{% if add_generation_prompt %}assistant: {% endif %}"
    out = run_folder(tmp_path, [CLEAN])
    code, found, complaints = count(out, write_tokenizer(tmp_path / "t", template))
    assert code == 1
    assert "end token" in complaints
    assert any("no known family" in note for note in found["notes"])


def test_what_cannot_be_trained_on_is_an_error_unless_told_otherwise(tmp_path: Path, tokenizer: Path) -> None:
    records = [CLEAN, chat("user: a", "assistant: b"), chat("user: c", "assistant: d")]
    for record in records[1:]:
        record["messages"][1]["weight"] = 0
    out = run_folder(tmp_path, records)
    code, _found, complaints = count(out, tokenizer, "version: 1\n")
    assert code == 1
    assert "tokenise.nothing_trained: 2 records" in complaints
    assert "untrainable" in complaints
    assert [row["reason"] for row in counted(out)] == [None, "tokenise.nothing_trained", "tokenise.nothing_trained"]
    assert count(out, tokenizer)[0] == 0


def test_inspect_shows_what_is_trained(tmp_path: Path, tokenizer: Path) -> None:
    out = run_folder(tmp_path, [chat("user: <b>hi</b>\x1b[31m", "assistant: the <i>answer</i>"), CLEAN])
    shown = corpuskit("inspect", out.path, "--tokenizer", tokenizer)
    assert shown.returncode == 0, shown.stderr
    assert "⟦the <i>answer</i><|im_end|>⟧" in shown.stdout
    assert "\x1b" not in shown.stdout
    page = tmp_path / "page.html"
    named = corpuskit("inspect", out.path, "records.jsonl:2", "--tokenizer", tokenizer, "--html", page)
    assert named.returncode == 1
    assert "records.jsonl:2" in named.stderr
    shown = corpuskit("inspect", out.path, "--tokenizer", tokenizer, "--html", page)
    text = page.read_text("utf-8")
    assert shown.returncode == 0
    assert "<b>" not in text
    assert "<i>" not in text
    assert "&lt;" in text
    assert "<script" not in text
    assert os.fspath(tmp_path / "records.jsonl") + ":1" in text


def test_inspect_shows_the_borders_of_documents(tmp_path: Path, tokenizer: Path) -> None:
    words = [f"{role}: {name} " + "word " * 20 for name in "abc" for role in ("user", "assistant")]
    out = run_folder(tmp_path, [chat("system: be brief", *words), CLEAN])
    policy = ["--set", "tokenise.overflow=window", "--set", "pack.length=400"]
    shown = corpuskit("inspect", out.path, "--tokenizer", tokenizer, *policy)
    assert shown.returncode == 0, shown.stderr
    first, *documents = re.split(r"^┄┄ document (?:\d) of \d: ", shown.stdout, flags=re.MULTILINE)
    assert f"; {len(documents)} documents" in first
    assert len(documents) > 1
    assert all("be brief" in document for document in documents)
    trained = [part for document in documents for part in re.findall("⟦(\\w) word", document)]
    assert trained == ["a", "b", "c"]
    page = tmp_path / "page.html"
    corpuskit("inspect", out.path, "--tokenizer", tokenizer, *policy, "--html", page)
    assert page.read_text("utf-8").count("<h3>document ") == len(documents)


def test_the_ledger_counts_by_the_categories_of_the_columns(tmp_path: Path, tokenizer: Path) -> None:
    refused = chat("user: b", "assistant: c")
    refused["messages"][1]["weight"] = 0
    out = run_folder(tmp_path, [CLEAN | {"_category": "factual"}, refused | {"_category": "creative"}, CLEAN])
    _, found, _ = count(out, tokenizer)
    ledger, rows = found["ledger"], counted(out)
    assert {name: account["rows"] for name, account in ledger["categories"].items()} == {
        "": 1,
        "creative": 1,
        "factual": 1,
    }
    assert ledger["categories"]["creative"]["refused"] == {"tokenise.nothing_trained": 1}
    assert ledger["categories"]["factual"]["seen"] == rows[0]["tokens"]
    for key in ("seen", "seen_supervised", "kept", "lost", "lost_supervised", "documents"):
        assert sum(account[key] for account in ledger["categories"].values()) == ledger["total"][key], key


def test_the_known_defect_of_transformers_mask(tmp_path: Path) -> None:
    """A stretch whose last character is in no token marks all that follows; the acceptance point of masks allows for that."""
    from corpuskit.tokenise import Tokeniser

    template = (
        "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{% if message['role'] == 'assistant' %}{% generation %}"
        "{{ message['content'] }}{% endgeneration %}{% else %}{{ message['content'] }}{% endif %}<|im_end|>\n{% endfor %}"
    )
    folder = write_tokenizer(tmp_path / "t", template)
    whole = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    whole["normalizer"] = {"type": "Replace", "pattern": {"String": "~"}, "content": ""}
    (folder / "tokenizer.json").write_text(json.dumps(whole), "utf-8")
    record = chat("user: hi", "assistant: hello~", "user: secret", "assistant: bye")
    reference = transformers.AutoTokenizer.from_pretrained(str(folder))
    theirs = reference.apply_chat_template(
        record["messages"], tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )
    ours = Tokeniser(folder).record(record)
    assert ours.ids == list(theirs["input_ids"])
    marked = [number for number, bit in zip(theirs["input_ids"], theirs["assistant_masks"], strict=True) if bit]
    learnt = [number for number in ours.labels if number != -100]
    assert "secret" in reference.decode(marked)
    assert reference.decode(learnt) == "hellobye"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (b"{% for m in messages %}{{ m.content }", "not Jinja, line 1"),
        (b"\xff\xfe", "not UTF-8 at byte 0"),
        (None, "no such file"),
    ],
)
def test_a_template_that_cannot_be_read_is_named(
    tmp_path: Path, tokenizer: Path, template: bytes | None, said: str
) -> None:
    out, path = run_folder(tmp_path, [CLEAN]), tmp_path / "template.jinja"
    if template is not None:
        path.write_bytes(template)
    done = corpuskit("count", out.path, "--tokenizer", tokenizer, "--template", path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
