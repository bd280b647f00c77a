"""Corpora that public readers know and that are not among ours: a few records of each, written here in its own layout.

Each names its file, what stands in it, and the last answers that a reader of the corpus takes from it. The texts are invented; keys, nesting, order and file names are the corpus's.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Shape:
    """A corpus of which only the shape is here."""

    path: str
    """Where its file stands, below the folder of the corpora."""
    content: bytes
    answers: list[str | None]
    """The last assistant text of each record; `None` where there is none."""
    built: bool = False
    """Every reader has to make up the text of its answers, so that only the record is counted."""


def lines(*records: object) -> bytes:
    """A record a line."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def array(*records: object) -> bytes:
    """One array."""
    return json.dumps(records, ensure_ascii=False, indent=2).encode()


def table(columns: str, *rows: list[Any], delimiter: str = ",") -> bytes:
    """A header and rows."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(columns.split())
    writer.writerows(rows)
    return out.getvalue().encode()


def alpaca(path: str, answer: str = "output") -> Shape:
    """Instruction, input, answer."""
    records = [
        {"instruction": "Name a river.", "input": "", answer: "The Rhine."},
        {"instruction": "Put it into French.", "input": "water", answer: "de l'eau"},
    ]
    return Shape(path, array(*records), ["The Rhine.", "de l'eau"])


def said(speaker: str, utterance: str, **frame: Any) -> dict[str, Any]:
    """A turn of a schema-guided dialogue."""
    return {"frames": [{"actions": [], "service": "Hotels_1", "slots": [], **frame}], "speaker": speaker} | {
        "utterance": utterance
    }


CALL = {"service_call": {"method": "Search", "parameters": {"city": "Oslo"}}, "service_results": [{"name": "Fjord"}]}
SGD = [
    {
        "dialogue_id": "1_00000",
        "services": ["Hotels_1"],
        "turns": [said("USER", "A hotel in Oslo?"), said("SYSTEM", "The Fjord is free.", **CALL)],
    },
    {
        "dialogue_id": "1_00001",
        "services": ["Hotels_1"],
        "turns": [said("USER", "Hello"), said("SYSTEM", "Which city?"), said("USER", "Oslo."), said("SYSTEM", "Done.")],
    },
]


def topical(*messages: str) -> dict[str, Any]:
    """A chat about articles."""
    content = [
        {"message": text, "agent": f"agent_{1 + place % 2}", "sentiment": "Neutral", "knowledge_source": ["FS1"]}
        for place, text in enumerate(messages)
    ]
    return {"article_url": "https://example.org/1", "config": "C", "content": content, "conversation_rating": {}}


def interview(*turns: tuple[str, str]) -> dict[str, Any]:
    """An interview with somebody who plays a part."""
    content = [
        {"turn_role": role, "turn_content": [{"role": role, "action": "(speaking)", "content": text}]}
        for role, text in turns
    ]
    return {"character": "Ludwig", "content": content}


MOSS = {
    "conversation_id": 7,
    "meta_instruction": "MOSS is a helpful model.",
    "num_turns": 2,
    "chat": {
        "turn_1": {"Human": "<|Human|>: Hi<eoh>\n", "Inner Thoughts": "none", "MOSS": "<|MOSS|>: Hello.<eom>\n"},
        "turn_2": {"Human": "<|Human|>: Bye<eoh>\n", "Inner Thoughts": "none", "MOSS": "<|MOSS|>: Farewell.<eom>\n"},
    },
}
ED = [
    ["hit:0_conv:1", 1, "sentimental", "I remember", 1, "I remember the fireworks.", "5|5|5_2|2|5", ""],
    ["hit:0_conv:1", 2, "sentimental", "I remember", 0, "Was this a friend?", "5|5|5_2|2|5", ""],
    ["hit:1_conv:2", 1, "afraid", "I hear noises", 2, "I hear noises at night.", "5|5|5_2|2|5", ""],
    ["hit:1_conv:2", 2, "afraid", "I hear noises", 3, "That must be frightening.", "5|5|5_2|2|5", ""],
]
ANNOMI = [
    ["high", 0, "Quitting", 0, "therapist", "Thanks for coming.", "question"],
    ["high", 0, "Quitting", 1, "client", "I try to quit.", "change"],
    ["high", 0, "Quitting", 2, "therapist", "What helped so far?", "question"],
    ["low", 1, "Diet", 0, "client", "I eat too much.", "neutral"],
    ["low", 1, "Diet", 1, "therapist", "Tell me more.", "other"],
]
HH = {
    "chosen": "\n\nHuman: May I ask you?\n\nAssistant: You may.\n\nHuman: Is it safe?\n\nAssistant: It is.",
    "rejected": "\n\nHuman: May I ask you?\n\nAssistant: You may.\n\nHuman: Is it safe?\n\nAssistant: Who knows.",
}
SQL = {
    "query-split": "train",
    "sentences": [{"question-split": "train", "text": "rivers in state0", "variables": {"state0": "ohio"}}],
    "sql": ['SELECT NAME FROM RIVER WHERE STATE = "state0" ;'],
    "variables": [{"name": "state0", "example": "ohio"}],
}
STORY = ["He ran.", "He fell.", "He got up.", "He ran on."]
ROC = "InputStoryid InputSentence1 InputSentence2 InputSentence3 InputSentence4 RandomFifthSentenceQuiz1 RandomFifthSentenceQuiz2 AnswerRightEnding"

SHAPES: dict[str, Shape] = {
    "dolly3k": alpaca("gpt4life__alpagasus/data/filtered/dolly_3k.json"),
    "codegen": alpaca("teknium1__GPTeacher/Codegen/codegen-instruct.json", "response"),
    "chatdoctor": alpaca("Kent0n-Li__ChatDoctor/chatdoctor5k.json"),
    "alpaca_eval": Shape(
        "tatsu-lab__alpaca_eval/results/model/model_outputs.json",
        array({"dataset": "koala", "instruction": "Name a sea.", "output": "The Baltic.", "generator": "m"}),
        ["The Baltic."],
    ),
    "t0": Shape(
        "yizhongw__self-instruct/data/finetuning/t0_train_50k/data_per_template/one.jsonl",
        lines({"prompt": "Is it so? yes or no", "completion": "yes"}, {"prompt": "And this?", "completion": "no"}),
        ["yes", "no"],
    ),
    "sgd": Shape(
        "google-research-datasets__dstc8-schema-guided-dialogue/train/dialogues_001.json",
        array(*SGD),
        ["The Fjord is free.", "Done."],
    ),
    "topical": Shape(
        "alexa__Topical-Chat/conversations/train.json",
        json.dumps({"t_1": topical("Hi", "Hey", "Do you read?", "I do."), "t_2": topical("Dogs?", "Cats.")}).encode(),
        ["I do.", "Cats."],
    ),
    "mutual": Shape(
        "Nealcly__MuTual/data/mutual/train/train_1.txt",
        json.dumps(
            {"answers": "B", "options": ["m : no", "m : yes", "m : why", "m : so"], "article": "f : Ready?", "id": "1"}
        ).encode(),
        [None],
        built=True,
    ),
    "ed": Shape(
        "ChaShaoAn__EmpatheticDialogues/data/fixed_train.csv",
        table("conv_id utterance_idx context prompt speaker_idx utterance selfeval tags", *ED),
        ["Was this a friend?", "That must be frightening."],
    ),
    "annomi": Shape(
        "uccollab__AnnoMI/AnnoMI-simple.csv",
        table("mi_quality transcript_id topic utterance_id interlocutor utterance_text main_behaviour", *ANNOMI),
        ["What helped so far?", "Tell me more."],
    ),
    "ethics": Shape(
        "oughtinc__ice/ethics/justice/justice_test.csv",
        table("label scenario", [1, "I thank the driver."], [0, "I push the driver."]),
        ["1", "0"],
    ),
    "hh": Shape("anthropics__hh-rlhf/harmless-base/train.jsonl.gz", gzip.compress(lines(HH), mtime=0), ["It is."]),
    "metatool": Shape(
        "HowieHwong__MetaTool/dataset/data/all_clean_data.csv",
        table("Query Tool", ["What is the weather in Rome?", "WeatherTool"]),
        ["WeatherTool"],
    ),
    "taskbench": Shape(
        "microsoft__JARVIS/taskbench/data_multimedia/user_requests.json",
        lines({"id": "1", "user_request": "Cut the clip and add my voice."}, {"id": "2", "user_request": "Mute it."}),
        [None, None],
    ),
    "mxeval": Shape(
        "amazon-science__mxeval/data/mbxp/examples/mbpp.jsonl",
        lines(
            {"task_id": "A/1", "language": "python", "prompt": "def f():", "test": "", "canonical_solution": " pass"},
            {"task_id": "A/2", "language": "go", "prompt": "func f()", "test": "f()", "canonical_solution": None},
        ),
        [" pass", "f()"],
    ),
    "text2sql": Shape("jkkummerfeld__text2sql-data/data/geography.json", array(SQL), [None], built=True),
    "concode": Shape(
        "microsoft__CodeXGLUE/Text-Code/text-to-code/dataset/concode/train.json",
        lines({"code": "int f ( ) { return 1 ; }", "nl": "returns one"}, {"code": "int g ( ) { }", "nl": "nothing"}),
        ["int f ( ) { return 1 ; }", "int g ( ) { }"],
    ),
    "codeio": Shape(
        "open-thought__reasoning-gym/reasoning_gym/data/codeio.jsonl.gz",
        gzip.compress(
            lines({"task_description": "Add.", "input_output_spec": "a, b: int", "code_sample": "def main(a, b): ..."})
            * 2,
            mtime=0,
        ),
        ["def main(a, b): ..."] * 2,
    ),
    "bbh": Shape(
        "suzgunmirac__BIG-Bench-Hard/code-davinci-002-outputs/code-davinci-002-cot/navigate.json",
        json.dumps({"outputs": [{"input": "Q: so?\nA:", "target": "Yes", "prediction": "It is Yes."}] * 2}).encode(),
        ["It is Yes."] * 2,
    ),
    "gsmperturb": Shape(
        "apple__ml-gsm-symbolic/generated_data/GSM_p1.jsonl",
        lines(
            {"id": 0, "instance": 1, "question": "3 and 4?", "answer": "3+4=7\n#### 7", "original_id": 5},
            {"id": 0, "instance": 2, "question": "3 and 5?", "answer": "3+5=8\n#### 8", "original_id": 5},
        ),
        ["3+4=7\n#### 7", "3+5=8\n#### 8"],
    ),
    "jeopardy": Shape(
        "jwolle1__jeopardy_clue_dataset/combined_season1-41.tsv",
        table(
            "round clue_value daily_double_value category comments answer question air_date notes",
            [1, 100, 0, "LAKES", "", "The largest of the Great Lakes", "Lake Superior", "1984-09-10", ""],
            delimiter="\t",
        ),
        ["Lake Superior"],
    ),
    "webquestions": Shape(
        "brmson__dataset-factoid-webquestions/main/test.json",
        array({"qId": "wqs1", "qText": "who was it?", "answers": ["Ada", "Countess Lovelace"]}),
        ["Ada | Countess Lovelace"],
    ),
    "jokes": Shape(
        "taivop__joke-dataset/wocka.json",
        array({"body": "What is brown? A stick.", "category": "Puns", "id": 1, "title": "Stick"}),
        ["What is brown? A stick."],
    ),
    "roc": Shape(
        "snigdhac__StoryCloze/dev/set.tsv",
        table(ROC, ["1", *STORY, "He won.", "He slept.", 1], ["2", *STORY, "He slept.", "He won.", 2], delimiter="\t"),
        ["He won.", "He won."],
    ),
    "trainable": Shape(
        "choosewhatulike__trainable-agents/data/gen_results/interview_turns/model/ludwig.jsonl",
        lines(
            interview(("interviewer", "Who are you?"), ("character", "A composer.")),
            interview(
                ("interviewer", "Where?"), ("character", "Bonn."), ("interviewer", "And?"), ("character", "Vienna.")
            ),
        ),
        ["A composer.", "Vienna."],
    ),
    "aci": Shape(
        "wyim__aci-bench/data/challenge_data/train.csv",
        table("dataset encounter_id dialogue note", ["virtassist", "D2N001", "[doctor] hi", "CHIEF COMPLAINT"]),
        ["CHIEF COMPLAINT"],
    ),
    "pubmedqa": Shape(
        "pubmedqa__pubmedqa/data/ori_pqal.json",
        json.dumps(
            {
                key: {"QUESTION": "Is it?", "CONTEXTS": ["It may.", "So."], "LONG_ANSWER": "It is."}
                for key in ("21645374", "16418930")
            }
        ).encode(),
        ["It is."] * 2,
    ),
    "coreobjective": Shape(
        "daveshap__CoreObjectiveFunctions/data/reduce.jsonl",
        lines({"prompt": "A is hungry.", "completion": "Bring bread."}, {"prompt": "B rests.", "completion": "Wait."}),
        ["Bring bread.", "Wait."],
    ),
    "moss": Shape(
        "OpenMOSS__MOSS/SFT_data/conversations/conversation_without_plugins/en/1.json",
        json.dumps(MOSS, indent=1).encode(),
        ["<|MOSS|>: Farewell.<eom>\n"],
    ),
}
"""Each corpus by the name of its reader."""


def write(folder: Path) -> None:
    """Writes every corpus below a folder."""
    for shape in SHAPES.values():
        path = folder / shape.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(shape.content)
