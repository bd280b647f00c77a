"""Records of every schema family that are put together at random, and what must be true of each.

Used by test_families.py (few tries) and by the acceptance of round trips (2,000 tries a family).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from corpuskit import _core

OURS = ("messages", "tools", "rejected", "_origin", "_source", "_schema", "_parent")
PIECES = [
    "a", "two words", " ", "\n", "\n\n", "\t", "\r\n", "é", "😀", '"', "\\", "\u2028", "\ufeff", "0", "3.5", "$turn", "</s>",
    "Human:", "\n\nHuman: ", "\n\nAssistant: ", "<|im_start|>user\n", "<|im_end|>", "[INST]", "A. ", "B) ", "Answer: ",
]  # fmt: skip

texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=3).filter(lambda text: text.isprintable()), max_size=5).map(
    "".join
)
words = texts.map(lambda text: f"w{text}w")
numbers = st.sampled_from(["0", "-0", "1.0", "1e2", "1E+2", "-7.50", "18446744073709551616"])


class Raw(str):
    """A JSON value as it is to be spelled."""


def spelled(value: object) -> str:
    """The value as JSON, `Raw` parts as they stand."""
    match value:
        case Raw():
            return str(value)
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)}: {spelled(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ",".join(map(spelled, value)) + "]"
        case _:
            return json.dumps(value)


escaped = texts.map(lambda text: Raw(json.dumps(text, ensure_ascii=True))) | texts.map(
    lambda text: Raw(json.dumps(text, ensure_ascii=False))
)
scalars = st.none() | st.booleans() | numbers.map(Raw) | escaped
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "$turn", "$$x", "role", "content", "is", "é"]), inner, max_size=3)
    ),
    max_leaves=6,
)
answers = escaped | escaped | scalars | st.lists(scalars, max_size=3)


def record(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A record of these members, with others, in any order."""
    keys = ["id", "meta", "weight", "_category", "_source", "_origin", "_schema", "$turn", "template", "tools", "ключ"]
    others = st.dictionaries(st.sampled_from([key for key in keys if key not in members]), values, max_size=3)

    @st.composite
    def build(draw: st.DrawFn) -> dict[str, Any]:
        parts = [(key, draw(value)) for key, value in members.items()] + list(draw(others).items())
        return dict(draw(st.permutations(parts)) if draw(st.booleans()) else parts)

    return build()


def objects(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object of these members in this order."""
    return st.fixed_dictionaries(members)


def some(item: st.SearchStrategy[Any], least: int = 1) -> st.SearchStrategy[list[Any]]:
    """A list of a few."""
    return st.lists(item, min_size=least, max_size=4)


def speakers(*names: str, said: str = "text", key: str = "speaker") -> st.SearchStrategy[list[Any]]:
    """Turns with speaker and text."""
    return some(objects(**{key: st.sampled_from(names), "x": values, said: escaped}))


def marked(opening: str, middle: str, closing: str) -> st.SearchStrategy[str]:
    """A text with markup around two turns."""
    return st.tuples(words, words).map(lambda pair: f"{opening}{pair[0]}{middle}{pair[1]}{closing}")


openai_turn = objects(role=st.sampled_from(["user", "assistant", "system", "human"]), content=escaped, weight=values)
sharegpt_turn = objects(**{"from": st.sampled_from(["human", "gpt"]), "value": escaped})
either_turn = openai_turn | sharegpt_turn
pairs = some(st.lists(escaped, min_size=2, max_size=2), 0)
transcript = st.lists(st.tuples(words, words), min_size=1, max_size=3).map(
    lambda rounds: "".join(f"\n\nHuman: {user}\n\nAssistant: {bot}" for user, bot in rounds)
)
reply = objects(text=escaped, role=st.just("assistant"), rank=st.none() | numbers.map(Raw), replies=st.just([]))
tools = some(objects(name=words, parameters=values), 0)

call = st.tuples(texts, values, texts).map(
    lambda parts: f'{parts[0]}<tool_call>\n{{"name": "f", "arguments": {spelled(parts[1])}}}\n</tool_call>{parts[2]}'
)
hermes_turns = st.tuples(call, words).map(
    lambda pair: [
        {"from": "human", "value": "go"},
        {"from": "gpt", "value": pair[0]},
        {"from": "tool", "value": f"<tool_response>\n{pair[1]}\n</tool_response>"},
    ]
)

FAMILIES: dict[str, st.SearchStrategy[Any]] = {
    "openai": record(messages=some(openai_turn))
    | record(conversations=some(openai_turn), tools=tools)
    | some(openai_turn),
    "sharegpt": record(conversations=some(sharegpt_turn), tools=tools | st.just("[]")),
    "hermes": record(conversations=hermes_turns),
    "alpaca": record(instruction=escaped, input=answers, output=values)
    | record(instruction=escaped, response=answers)
    | record(instruction=escaped, input=escaped, output=escaped, system=escaped, history=pairs | some(either_turn)),
    "dolly": record(instruction=escaped, context=escaped, response=escaped, category=escaped),
    "self_instruct": record(instruction=escaped, instances=some(objects(input=answers, output=escaped))),
    "prompt_completion": record(prompt=escaped, completion=answers, label=values)
    | record(prompt=escaped, response=escaped, system=escaped, history=pairs)
    | record(input=escaped, target=escaped),
    "question_answer": record(question=escaped, answer=answers)
    | record(questionTitle=escaped, questionText=escaped, answerText=escaped)
    | record(question=escaped, answer_matching_behavior=escaped, answer_not_matching_behavior=escaped),
    "query_response": record(query=escaped, response=answers, history=pairs),
    "openorca": record(id=escaped, system_prompt=escaped, question=escaped, response=escaped),
    "preference": record(prompt=words, chosen=words, rejected=escaped)
    | record(instruction=escaped, input=escaped, chosen=either_turn, rejected=either_turn)
    | record(chosen=some(either_turn), rejected=some(either_turn))
    | record(conversations=some(either_turn), chosen=either_turn, rejected=either_turn),
    "hh": record(chosen=transcript, rejected=transcript),
    "pairwise": record(input=escaped, output_1=escaped, output_2=escaped, label=answers)
    | record(instruction=escaped, input=escaped, response1=escaped, response2=escaped, annotator1=numbers.map(Raw)),
    "dialogue": record(utterances=speakers("user", "assistant", "SYSTEM"))
    | record(chat_logs=speakers("agent_1", "agent_2", "agent_3", key="id"))
    | record(dialog=speakers("seeker", "supporter", said="content"))
    | record(dialogue=some(words, 2)),
    "rounds": record(conversation=some(objects(system=escaped, input=escaped, output=escaped)))
    | record(log=some(objects(**{"turn id": numbers.map(Raw), "user utterance": escaped, "system response": escaped}))),
    "responses": record(context=some(words), positive_responses=some(words))
    | record(personality=some(words), utterances=some(objects(candidates=some(words), history=some(words)))),
    "multiple_choice": record(question=escaped, options=some(escaped, 2), rationale=escaped, correct=answers)
    | record(
        question=escaped, choice0=answers, choice1=answers, choice2=escaped, answer=st.sampled_from(["0", "1", "2"])
    )
    | record(
        question=objects(stem=escaped, choices=some(objects(label=st.just("A"), text=escaped))), answerKey=escaped
    ),
    "bfcl": record(question=some(some(openai_turn)), function=values)
    | record(question=some(openai_turn), function=tools),
    "toolbench": record(query=escaped, available_tools=tools, answer=objects(method=escaped, final_answer=escaped))
    | record(win=values, answer_generation=objects(query=escaped, final_answer=escaped, function=values)),
    "oasst": record(message_id=escaped, text=escaped, role=st.just("prompter"), replies=some(reply, 0))
    | record(message_tree_id=escaped, prompt=objects(text=escaped, role=st.just("prompter"), replies=some(reply, 0))),
    "arena": record(question_id=values, turns=some(words))
    | record(question_id=values, choices=some(objects(index=numbers.map(Raw), turns=some(objects(content=escaped))))),
    "scenario": record(scenario=escaped, label=answers),
    "glaive": record(
        system=words.map("SYSTEM: {}".format), chat=marked("USER: ", "\n\n\nASSISTANT: ", " <|endoftext|>")
    ),
    "markup": record(text=marked("<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>\n"))
    | record(text=marked("<s>[INST] <<SYS>>\nsystem\n<</SYS>>\n\n", " [/INST] ", " </s>"))
    | record(text=marked("Below is a task.\n\n### Instruction:\n", "\n\n### Response:\n", ""))
    | record(text=marked("Human: ", "\n\nAssistant: ", "")),
    "text": record(text=st.sampled_from(["", "word", "a\nb", "é: ü"])),
}


class Number(str):
    """A number by its spelling."""


def meaning(text: str | bytes) -> Any:
    """The JSON value, numbers by their spelling."""
    return json.loads(text, parse_int=Number, parse_float=Number)


def members(text: str) -> dict[str, str]:
    """How each top-level member's value is spelled, by Python's own scanner."""
    decoder = json.JSONDecoder()
    found: dict[str, str] = {}
    at = text.index("{") + 1
    while True:
        at += len(text[at:]) - len(text[at:].lstrip(" ,\t\r\n"))
        if text[at] == "}":
            return found
        key, at = decoder.raw_decode(text, at)
        at = text.index(":", at) + 1
        at += len(text[at:]) - len(text[at:].lstrip(" \t\r\n"))
        _, end = decoder.raw_decode(text, at)
        found[key], at = text[at:end], end


def assert_comes_back(
    line: str, family: str | None = None, convert: Callable[[bytes, str], bytes] = _core.convert_line
) -> str:
    """Source, canonical, source again: equal as JSON, fields that no turn came from equal byte for byte."""
    canonical = convert(line.encode(), "messages").decode()
    assert "\n" not in canonical, canonical
    schema = json.loads(canonical)["_schema"]
    assert family in (None, schema["family"]), canonical
    back = convert(canonical.encode(), "own").decode()
    assert meaning(back) == meaning(line), f"\nsource:    {line}\ncanonical: {canonical}\nback:      {back}"
    if line.lstrip().startswith("{"):
        source, carried, returned = members(line), members(canonical), members(back)
        for key, spelling in source.items():
            if key in carried and key not in OURS:
                assert spelling == carried[key] == returned[key], f"{key} was spelled {spelling}\n{canonical}\n{back}"
        assert list(source) == list(returned), f"order of keys\n{line}\n{back}"
    return str(schema["family"])
