"""Makes `tests/data/sample/` from the unpacked corpora: real records, permissive licences only.

    python tests/data/make_sample.py            (wants `make data`)

Nothing is drawn at random: records are ranked by a digest of themselves, so the same corpora give the same bytes.
Sources and licences: `tests/data/README.md`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import zstandard
from sample_defects import broken_lines, edited_records

ROOT = Path(__file__).resolve().parents[2]
RAW = Path(os.environ.get("CORPUSKIT_DATA") or ROOT / "data") / "raw"
SAMPLE = ROOT / "tests" / "data" / "sample"
LICENCES = ROOT / "tests" / "data" / "licences"

Record = dict[str, Any]


def rank(item: str | bytes) -> bytes:
    """The place of a record in the draw."""
    return hashlib.blake2b(item if isinstance(item, bytes) else item.encode(), digest_size=8).digest()


def draw(items: Iterable[Any], count: int, key: Callable[[Any], str | bytes], longest: int = 1 << 30) -> list[Any]:
    """`count` items of at most `longest` characters, in their own order."""
    ranked = sorted((rank(key(item)), index, item) for index, item in enumerate(items) if len(key(item)) <= longest)
    return [item for _, item in sorted((index, item) for _, index, item in ranked[:count])]


def lines(path: str, count: int, longest: int = 1 << 30) -> list[bytes]:
    """Lines of a source, byte for byte, without their ends."""
    return draw((RAW / path).read_bytes().splitlines(), count, lambda line: line, longest)


def elements(path: str, count: int, longest: int = 1 << 30) -> list[Record]:
    """Elements of a source that is one JSON array."""
    return draw(json.loads((RAW / path).read_text("utf-8")), count, compact, longest)


def compact(value: object) -> str:
    """JSON on one line, other scripts as themselves."""
    return json.dumps(value, ensure_ascii=False)


def write(name: str, content: bytes | str) -> None:
    """Writes a sample file, compressed as its name says."""
    data = content if isinstance(content, bytes) else content.encode()
    if name.endswith(".gz"):
        data = gzip.compress(data, 9, mtime=0)
    elif name.endswith(".zst"):
        data = zstandard.ZstdCompressor(19).compress(data)
    path = SAMPLE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def jsonl(records: Iterable[object]) -> str:
    """Records as lines."""
    return "".join(compact(record) + "\n" for record in records)


def bfcl(count: int) -> Iterator[Record]:
    """Function-calling questions with their first accepted answer, as OpenAI chat with `tools`."""
    folder = "ShishirPatil__gorilla/berkeley-function-call-leaderboard/bfcl_eval/data"
    for kind in ("simple_python", "multiple", "parallel", "live_simple"):
        questions = lines(f"{folder}/BFCL_v4_{kind}.json", count, 1500)
        answers = {
            answer["id"]: answer["ground_truth"]
            for answer in map(
                json.loads, (RAW / folder / f"possible_answer/BFCL_v4_{kind}.json").open(encoding="utf-8")
            )
        }
        for question in map(json.loads, questions):
            calls = []
            for index, call in enumerate(answers[question["id"]]):
                [(name, accepted)] = call.items()
                arguments = {key: values[0] for key, values in accepted.items() if values and values[0] != ""}
                function = {"name": name, "arguments": compact(arguments)}
                calls.append({"id": f"call_{index}", "type": "function", "function": function})
            answer = {"role": "assistant", "content": None, "tool_calls": calls}
            tools = [{"type": "function", "function": function} for function in question["function"]]
            yield {"id": question["id"], "messages": [*question["question"][0], answer], "tools": tools}


def history(count: int) -> Iterator[Record]:
    """Dialogues of several rounds as query/response/history, the form that Chinese chat sets are often kept in."""
    several = [r for r in json.loads((RAW / "SmartFlowAI__EmoLLM/datasets/aiwei.json").read_text("utf-8"))
               if len(r["conversation"]) > 1]  # fmt: skip
    for record in draw(several, count, compact):
        rounds = [[turn["input"], turn["output"]] for turn in record["conversation"]]
        query, response = rounds[-1]
        yield {
            "system": record["conversation"][0].get("system", ""),
            "query": query,
            "response": response,
            "history": rounds[:-1],
        }


def csv_rows(path: str, count: int, longest: int) -> bytes:
    """Whole rows of a CSV file (a row may hold line ends inside quotes), under its own header."""
    rows: list[bytes] = []
    quoted = False
    for line in (RAW / path).read_bytes().splitlines(keepends=True):
        if quoted:
            rows[-1] += line
        else:
            rows.append(line)
        quoted ^= line.count(b'"') % 2 == 1
    return rows[0] + b"".join(draw(rows[1:], count, lambda row: row, longest))


def conversations() -> None:
    """Chat, tools, preferences."""
    write(
        "fastchat/identity.json", json.dumps(elements("lm-sys__FastChat/data/dummy_conversation.json", 450), indent=2)
    )
    factory = "hiyouga__LLaMA-Factory/data"
    glaive = elements(f"{factory}/glaive_toolcall_en_demo.json", 90, 2600)
    write("llamafactory/glaive_toolcall.json", json.dumps(glaive, indent=2, ensure_ascii=False))
    write(
        "llamafactory/dpo.json.zst", json.dumps(elements(f"{factory}/dpo_en_demo.json", 120, 4000), ensure_ascii=False)
    )
    write("llamafactory/kto.jsonl", jsonl(elements(f"{factory}/kto_en_demo.json", 60, 1500)))
    patterns = "ProfSynapse__Toolset-Training/Datasets/behavior_datasets/response_patterns"
    old = lines(f"{patterns}/tool_text_pairs_v1.0.jsonl", 120, 1200)
    write("toolset/pairs_v1.0.jsonl", b"\r\n".join(old))  # CRLF, and no line end after the last one
    new = lines(f"{patterns}/tool_text_pairs_v1.1.jsonl", 250)
    write("toolset/pairs_v1.1.jsonl.gz", b"".join(line + b"\n" for line in new))
    write("bfcl/calls.jsonl", jsonl(bfcl(60)))
    write("emollm/history.jsonl.zst", jsonl(history(220)))
    write(
        "emollm/ruozhiba.jsonl", (RAW / "SmartFlowAI__EmoLLM/datasets/processed/ruozhiba_format_emo.jsonl").read_bytes()
    )
    files = sorted((RAW / "qiuhuachuan__smile/data").glob("*.json"), key=lambda path: (path.stat().st_size, path.name))
    for path in files[:25]:
        write(f"smile/{path.name}", path.read_bytes())


def questions() -> None:
    """Instructions, questions, prompts, tables."""
    gsm8k = "openai__grade-school-math/grade_school_math/data"
    write("gsm8k/train.jsonl", b"\n".join([*lines(f"{gsm8k}/train.jsonl", 600), b""]))
    write(
        "gsm8k/socratic.json", b"\n".join([*lines(f"{gsm8k}/test_socratic.jsonl", 150), b""])
    )  # lines, whatever its name
    teacher = "teknium1__GPTeacher"
    write(
        "gpteacher/toolformer.jsonl.zst",
        jsonl(elements(f"{teacher}/Toolformer/toolformer-dedupe-only-dataset.json", 900)),
    )
    roleplay = elements(f"{teacher}/Roleplay/roleplay-simple-deduped-roleplay-instruct.json", 250)
    write("gpteacher/roleplay.json", json.dumps(roleplay, indent=4, ensure_ascii=False))
    write(
        "evol/alpaca.json",
        json.dumps(elements("nickrosh__evol-teacher/converted_alpaca_2k.json", 350), ensure_ascii=False),
    )
    coach = lines("daveshap__CreativeWritingCoach/creative_writing_coach.jsonl", 40, 4500)
    write("coach/stories.jsonl.gz", b"\n".join([*coach, b""]))
    write("counsel/answers.csv", csv_rows("nbertagnolli__counsel-chat/data/20200325_counsel_chat.csv", 70, 2200))
    write("banking77/test.csv", csv_rows("PolyAI-LDN__task-specific-datasets/banking_data/test.csv", 400, 300))
    tasks = "suzgunmirac__BIG-Bench-Hard/bbh"
    write("bbh/boolean_expressions.json", (RAW / tasks / "boolean_expressions.json").read_bytes())


def texts() -> None:
    """Plain text, and one file of a kind that is not read."""
    pages = draw((RAW / "tldr-pages__tldr/pages/common").glob("*.md"), 60, lambda path: path.name)
    for path in sorted(pages):
        write(f"tldr/{path.name}", path.read_bytes())
    exercises = sorted((RAW / "exercism__python/exercises").glob("*/*/.docs/instructions.md"))
    chosen = draw(exercises, 120, lambda path: path.as_posix().split("exercises", 1)[1])
    write("exercism/instructions.jsonl.gz", jsonl({"text": path.read_text("utf-8")} for path in chosen))
    article = sorted((RAW / "abachaa__MedQuAD").glob("5_NIDDK_QA/*.xml"))[0]
    write("medquad/article.xml", article.read_bytes())


def licences() -> None:
    """The licence of each source, as its repository has it."""
    shutil.rmtree(LICENCES, ignore_errors=True)
    LICENCES.mkdir()
    readme = (ROOT / "tests" / "data" / "README.md").read_text("utf-8")
    for repository in sorted(path.name for path in RAW.iterdir()):
        if repository.replace("__", "/", 1) in readme:
            found = [RAW / repository / name for name in ("LICENSE", "LICENSE.md", "LICENSE.txt")]
            texts = [path.read_text("utf-8") for path in found if path.is_file()]
            if texts and "Apache License" not in texts[0] and "Creative Commons Attribution 4.0" not in texts[0]:
                (LICENCES / f"{repository}.txt").write_text(texts[0], "utf-8")


def main() -> None:
    """Makes the folder again."""
    shutil.rmtree(SAMPLE, ignore_errors=True)
    conversations()
    questions()
    texts()
    sources = [json.loads(line) for line in (SAMPLE / "gsm8k/train.jsonl").read_text("utf-8").splitlines()]
    sources += json.loads((SAMPLE / "gpteacher/roleplay.json").read_text("utf-8"))
    write("edited/edits.jsonl.gz", jsonl(edited_records(sources)))
    write("broken/lines.jsonl", broken_lines((SAMPLE / "gsm8k/train.jsonl").read_bytes().splitlines()))
    licences()
    size = sum(path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file())
    print(f"{SAMPLE.relative_to(ROOT)}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
