"""S1: ids are what `apply_chat_template` gives, labels what an independent search for each turn gives.

Where a template has generation marks, labels are also compared with transformers' assistant mask. That mask has a defect: where
the last character of a stretch belongs to no token, everything up to the end of the conversation is marked. Records where it
bites are told by that and compared with the stretches themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import real_chats
from mask_reference import Compared, Job, compare
from side_by_side import cores

pytest.importorskip("transformers", reason="compared with transformers, which is not installed")

Figure = Callable[[str], None]
Record = dict[str, Any]
RECORDS = 2_000
HEADS = {
    "phi3": ("<|assistant|>\n", "<|end|>"),
    "phi3_training": ("<|assistant|>\n", "<|end|>\n"),
    "llama3_training": ("<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>"),
    "gemma_training": ("<start_of_turn>model\n", "<end_of_turn>\n"),
    "minimind": ("<|im_start|>assistant\n", "<|im_end|>"),
    "qwen2_5": ("<|im_start|>assistant\n", "<|im_end|>"),
    "qwen2_5_training": ("<|im_start|>assistant", "<|im_end|>\n"),
    "qwen3_training": ("<|im_start|>assistant\n", "<|im_end|>\n"),
}
"""What stands before what is trained of an answer, and what ends it. Generation marks decide about the line breaks."""


@pytest.fixture(scope="module")
def records(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More conversations than are compared, for some templates refuse some; every thirteenth or so with tools."""
    folder = tmp_path_factory.mktemp("masks")
    out = real_chats.run_folder(corpora, folder / "out", real_chats.TALKS)
    found = [record for record in out.records() if is_conversation(record)]
    with_tools = [
        record for record in found if record.get("tools") or any(turn.get("tool_calls") for turn in record["messages"])
    ]
    plain = [record for record in found if not record.get("tools")]
    chosen = [*with_tools[:300], *plain[:: max(1, len(plain) // (3 * RECORDS))]]
    path = folder / "records.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in chosen), "utf-8")
    return path


def is_conversation(record: Record) -> bool:
    turns = record["messages"]
    return turns[0]["role"] != "text" and all(isinstance(turn.get("content"), str | None) for turn in turns)


@pytest.mark.slow
@pytest.mark.point("S1", "masks")
@pytest.mark.parametrize("name", HEADS)
def test_ids_and_labels(corpora: Path, records: Path, pool: ProcessPoolExecutor, name: str, figure: Figure) -> None:
    folder, template = real_chats.templates(corpora)[name]
    jobs = [
        Job(folder, template, *HEADS[name], records, first, cores(), -(-RECORDS // cores())) for first in range(cores())
    ]
    found = sum(pool.map(compare, jobs), Compared())
    figure(f"{name}: {found.same:,} records with equal ids; labels of {found.turns:,} equal to the search for turns")
    if found.marked:
        figure(f"of {found.marks:,} to transformers' mask ({found.defects} where its defect bites)")
    refused = ", ".join(f"{count} {reason}" for reason, count in sorted(found.refused.items()))
    figure(f"refused: {refused or 'none'}")
    assert found.same >= RECORDS
    assert found.turns >= found.same * 0.95
