"""Writes `rfc8259.jsonl`: JSON documents, valid and not, made from the grammar of RFC 8259.

Each line: `name`, the document as `text` or, where it is not UTF-8, as `hex`; `outcome`: `ok` or the code of the
defect that has to be found first; `python`: whether Python's `json.loads` takes it too, where that differs.
The outcomes are written down here by hand, from the RFC and from our stated policies, never from a parser.

    python tests/data/json/make_corpus.py
"""

import json
from pathlib import Path
from typing import Any

CASES: list[dict[str, Any]] = []


def add(name: str, documents: list[Any], outcome: str, python: bool | None = None) -> None:
    for index, document in enumerate(documents):
        case: dict[str, Any] = {"name": f"{name}-{index + 1}"}
        if isinstance(document, bytes):
            case["hex"] = document.hex()
        else:
            case["text"] = document
        case["outcome"] = outcome
        if python is not None:
            case["python"] = python
        CASES.append(case)


def values() -> None:
    add("literal", ["null", "true", "false", " null", "null ", "\t\n\r true \r\n\t", "\n\n\nfalse"], "ok")
    add(
        "literal-broken",
        ["nul ", "nulls", "True", "FALSE", "None", "undefined", "tru\x65x", "nullnull", "truefalse"],
        "syntax",
    )
    for case in CASES[-9:]:
        if case["text"] in ("nulls", "tru\x65x", "nullnull", "truefalse"):
            case["outcome"] = "trailing"
    add("literal-cut", ["n", "nu", "nul", "t", "tr", "tru", "f", "fa", "fal", "fals"], "truncated")
    add("nothing", ["", " ", "\t\n\r "], "truncated")
    add(
        "white-space-foreign",
        ["\x0bnull", "\x0cnull", "\u00a0null", "\ufeffnull", "\u2028null", "\u3000null", "\x00null"],
        "syntax",
    )
    add(
        "white-space-foreign-after",
        ["null\x0b", "null\x0c", "null\u00a0", "null\x00", "1\u200b", "1\ufeff"],
        "trailing",
    )
    add(
        "no-value",
        ["]", "}", ",", ":", "'a'", "a", "*", "#", "//", "/* */ 1", "<a/>", "\\u0031", "$", "(1)", "@", "`1`", ";"],
        "syntax",
    )


def numbers() -> None:
    integers = [
        "0",
        "-0",
        "1",
        "-1",
        "9",
        "10",
        "123456789",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775809",
    ]
    add("integer", [*integers, "1" + "0" * 400], "ok")
    add(
        "fraction",
        [
            "0.0",
            "-0.0",
            "1.0",
            "1.50",
            "0.1",
            "-1.25",
            "123.456",
            "0." + "0" * 50 + "1",
            "3.141592653589793238462643383279",
        ],
        "ok",
    )
    add(
        "exponent",
        ["1e2", "1E2", "1e+2", "1e-2", "0e0", "0E+0", "-0e-0", "1.5e10", "1.5E-10", "1e0002", "123e45", "1.0e00"],
        "ok",
    )
    add("beyond-double", ["1e400", "-1e400", "1e-400", "123456789e9999"], "ok")
    add("leading-zero", ["00", "01", "-01", "00.5", "-00", "0123", "01e2"], "trailing")
    add(
        "number-broken",
        ["+1", ".5", "-.5", "-a", "--1", "-", "1.e2", "1.a", "1ex", "1e+-2", "1.2.", "-x", "+", "1e.5"],
        "syntax",
    )
    for case in CASES[-14:]:
        if case["text"] == "-":
            case["outcome"] = "truncated"
        if case["text"] == "1.2.":
            case["outcome"] = "trailing"
    add("number-cut", ["1.", "-1.", "1e", "1E", "1e+", "1e-", "0.", "[1.", '{"a":-'], "truncated")
    add("number-of-other-languages", ["0x10", "0b1", "0o7", "1_000", "1f", "1L", "10n", "1,5", "١", "１"], "trailing")
    for case in CASES[-2:]:
        case["outcome"] = "syntax"
    add(
        "non-finite",
        ["NaN", "Infinity", "-Infinity", "[NaN]", '{"a": NaN}', "[1, -Infinity]", "[ Infinity ]"],
        "non_finite",
        True,
    )
    add(
        "non-finite-unknown",
        ["-NaN", "+NaN", "nan", "inf", "-inf", "infinity", "+Infinity", "Nan", "Inf", "NaM"],
        "syntax",
    )
    for case in CASES[-10:]:
        if case["text"] == "Inf":
            case["outcome"] = "syntax"


def strings() -> None:
    add(
        "string",
        [
            '""',
            '"a"',
            '" "',
            '"a b"',
            '"é"',
            '"日本語"',
            '"😀"',
            '"\u007f"',
            '"\u0080"',
            '"\u2028\u2029"',
            '"\ufeff"',
            '"\uffff"',
            '"' + "a" * 1000 + '"',
        ],
        "ok",
    )
    add("string-of-every-length", ['"' + "x" * length + '"' for length in range(1, 70)], "ok")
    add(
        "escape",
        [
            r'"\""',
            r'"\\"',
            r'"\/"',
            r'"\b\f\n\r\t"',
            r'"a\nb"',
            r'"\\n"',
            r'"\\\""',
            r'"\u0041"',
            r'"\u00e9"',
            r'"\u00E9"',
            r'"\u0000"',
            r'"\u001f"',
            r'"\u007f"',
            r'"\uFFFF"',
            r'"\ud83d\ude00"',
            r'"\uD83D\uDE00x"',
            r'"\uDBFF\uDFFF"',
            r'"\uD800\uDC00"',
            r'"\u005C\u0022"',
            r'"\\u0041"',
        ],
        "ok",
    )
    add(
        "escape-after-a-run",
        ['"' + "x" * length + r"\n\"é" + "y" * length + '"' for length in (7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65)],
        "ok",
    )
    add(
        "escape-unknown",
        [r'"\a"', r'"\x41"', r'"\0"', r'"\'"', r'"\U0041"', r'"\v"', r'"\e"', r'"\ "', r'"\é"', '"\\\n"', r'"\N"'],
        "syntax",
    )
    add(
        "escape-u-broken",
        [
            r'"\u"',
            r'"\u1"',
            r'"\u12"',
            r'"\u123"',
            r'"\u123g"',
            r'"\uG123"',
            r'"\u 123"',
            r'"\u-123"',
            r'"\u+123"',
            r'"\u{41}"',
            r'"\u00"',
        ],
        "syntax",
    )
    add(
        "lone-surrogate",
        [
            r'"\ud800"',
            r'"\uDBFF"',
            r'"\udc00"',
            r'"\uDFFF"',
            r'"a\ud800b"',
            r'"\ud800\ud800"',
            r'"\udc00\ud800"',
            r'"\ud800\n"',
            r'"\ud800\u0041"',
            r'"\ud83dx\ude00"',
            r'{"\ud800": 1}',
            r'"\ud800\\dc00"',
        ],
        "lone_surrogate",
        True,
    )
    add(
        "control",
        ['"\x00"', '"\x01"', '"a\tb"', '"\n"', '"\r\n"', '"\x1f"', '"\x08"', '{"a\tb": 1}', '"' + "x" * 40 + '\x02"'],
        "control",
    )
    add(
        "string-cut",
        ['"', '"a', '"a\\', '"\\', '"\\u', '"\\u00', '"\\u004', '["a', '{"a', '"\\"', '"a\\\\\\"', '"' + "x" * 100],
        "truncated",
    )
    add("quotes", ["'a'", "“a”", "«a»", "`a`", 'a"'], "syntax")
    add("two-strings", ['"a" "b"', '"a"b', '"a""b"', '""""'], "trailing")


def arrays_and_objects() -> None:
    add(
        "array",
        [
            "[]",
            "[ ]",
            "[\n]",
            "[1]",
            "[ 1 , 2 ]",
            "[1,2,3]",
            "[[],[[]]]",
            '["a",1,null,true,{}]',
            "[" + ",".join("0" * 300) + "]",
            "[\t1\r\n]",
        ],
        "ok",
    )
    add(
        "array-broken",
        [
            "[1 2]",
            "[1,,2]",
            "[,1]",
            "[,]",
            "[1;2]",
            "[1:2]",
            '["a":1]',
            "[1}",
            "[}",
            "[a]",
            "[1,]2",
            "[-]",
            "[1,:]",
            "[,,]",
        ],
        "syntax",
    )
    for case in CASES[-14:]:
        if case["text"] == "[1,]2":
            case["outcome"] = "trailing_comma"
    add("array-cut", ["[", "[1", "[1,", "[[", "[[]", '["a"', '["a",', "[ ", "[1 ", "[true", "[null,"], "truncated")
    add("array-closed-twice", ["[]]", "[1]]", "[] []", "[],[]", "[]}", "[1] 2"], "trailing")
    add(
        "object",
        [
            "{}",
            "{ }",
            "{\n}",
            '{"a":1}',
            '{ "a" : 1 }',
            '{"a":1,"b":2}',
            '{"a":{"a":{"a":1}}}',
            '{"":0}',
            '{"a\\nb":1,"é":2}',
            '{"a":[],"b":{},"c":""}',
            '{"A":1,"a":2}',
            '{"a":1,"a ":2}',
        ],
        "ok",
    )
    add(
        "object-of-many-keys",
        [
            "{" + ",".join(f'"key{index}":{index}' for index in range(count)) + "}"
            for count in (16, 23, 24, 25, 26, 64, 500)
        ],
        "ok",
    )
    add(
        "object-broken",
        [
            "{1:2}",
            "{a:1}",
            "{'a':1}",
            '{"a"}',
            '{"a",1}',
            '{"a" 1}',
            '{"a":}',
            '{"a":,}',
            '{"a":1 "b":2}',
            '{"a":1,,"b":2}',
            '{,"a":1}',
            "{,}",
            '{"a"::1}',
            '{"a":1]',
            "{]",
            '{"a":1;"b":2}',
            '{"a"=1}',
            "{null:1}",
            '{"a":1,b:2}',
            "{[]:1}",
            "{{}}",
            '{"a":{]}',
        ],
        "syntax",
    )
    add(
        "object-cut",
        ["{", '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":{', '{"a":[', '{"a":[1]', "{ ", '{"a" ', '{"a": '],
        "truncated",
    )
    add("object-closed-twice", ["{}}", '{"a":1}}', "{}{}", "{} {}", "{}]", '{"a":1}"b"', "{}x"], "trailing")
    add(
        "trailing-comma",
        [
            "[1,]",
            "[1, ]",
            '{"a":1,}',
            '{"a":1 , }',
            "[[1,],2]",
            '{"a":[1,]}',
            "[1,\n]",
            '{"a":{"b":1,}}',
            "1,",
            '{"a":1},',
            "[1] , ",
        ],
        "trailing_comma",
    )
    add(
        "duplicate-key",
        [
            '{"a":1,"a":2}',
            '{"a":1,"a":1}',
            '{"a":1,"b":2,"a":3}',
            '{"":1,"":2}',
            '{"a":1,"\\u0061":2}',
            '{"x":{"a":1,"a":2}}',
            '[{"a":1,"a":null}]',
            '{"é":1,"\\u00e9":2}',
            "{" + ",".join(f'"k{index}":0' for index in range(40)) + ',"k7":1}',
        ],
        "duplicate_key",
        True,
    )
    add(
        "depth-allowed",
        ["[" * 256 + "]" * 256, '{"a":' * 256 + "1" + "}" * 256, '[{"a":' * 128 + "0" + "}]" * 128],
        "ok",
    )
    add("depth-beyond", ["[" * 257 + "]" * 257, '{"a":' * 257 + "1" + "}" * 257, "[" * 5000, '{"a":[' * 3000], "depth")
    for case in CASES[-4:-2]:
        case["python"] = True
    add("comments", ["// a\n1", "/* a */1", "# a\n1", "[/**/1]", "[1/**/]", '{"a"/**/:1}', '{/**/"a":1}'], "syntax")
    add("comments-after", ["1 // a", "1 /* a */", "1 # a", "{} // a"], "trailing")


def encodings() -> None:
    add(
        "bytes-not-utf8",
        [
            b'"\xff"',
            b'"\xe9"',
            b'"caf\xe9"',
            b'"\x93a\x94"',
            b'"\xc3"',
            b'"\xc3\x28"',
            b'"\xe2\x82"',
            b'"\xf0\x9f\x98"',
            b'{"\xe9":1}',
            b'"\x80"',
            b"\xff",
            b'"\xc0\x80"',
            b'"\xc1\xbf"',
            b'"\xe0\x80\xaf"',
            b'"\xed\xa0\x80"',
            b'"\xed\xbf\xbf"',
            b'"\xf4\x90\x80\x80"',
            b'"\xf5\x80\x80\x80"',
            b'"\xfe"',
            b'"' + b"a" * 50 + b'\xa0"',
            b"\xff\xfe1\x00",
            b"\xfe\xff\x001",
        ],
        "encoding",
    )
    add("bytes-utf8", ['"é"'.encode(), '"\U0010ffff"'.encode(), '["\u0800"]'.encode(), '"\ud7ff\ue000"'.encode()], "ok")


def records() -> None:
    add(
        "record",
        [
            '{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}',
            '{"messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\\"a\\": [1, 2.0]}"}}]}],"weight":1.0}',
            '{"conversations": [{"from": "human", "value": "a\\nb\\t\\"c\\""}, {"from": "gpt", "value": "\\u4f60\\u597d"}], "id": "x"}',
            '{"instruction": "a", "input": "", "output": "b", "score": -0, "big": 18446744073709551616, "e": 1e2}',
            '  {"text": "a"}  ',
        ],
        "ok",
    )


def main() -> None:
    for part in (values, numbers, strings, arrays_and_objects, encodings, records):
        part()
    path = Path(__file__).parent / "rfc8259.jsonl"
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for case in CASES:
            out.write(json.dumps(case) + "\n")
    print(f"{path.name}: {len(CASES)} documents")


if __name__ == "__main__":
    main()
