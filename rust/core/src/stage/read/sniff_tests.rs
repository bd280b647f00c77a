//! What files are taken for.

use super::settings::ReadSettings;
use super::sniff::sniff;

fn container(name: &str, text: &str) -> &'static str {
    sniff(text.as_bytes(), true, name, &ReadSettings::default()).0.name()
}

#[test]
fn containers_are_told_by_content() {
    let cases = [
        ("lines named json", "a.json", "{\"a\": 1}\n{\"a\": 2}\n", "lines"),
        ("array named jsonl", "a.jsonl", "[{\"a\": 1},\n{\"a\": 2}]", "array"),
        ("without a name", "-", "{\"a\": 1}\n{\"a\": 2}\n", "lines"),
        ("first line broken", "a.jsonl", "{\"a\": tru\n{\"b\": 1}\n{\"b\": 2}\n{\"b\": 3}\n", "lines"),
        ("garbage named jsonl", "a.jsonl", "garbage\nmore\n", "lines"),
        ("strings named jsonl", "a.jsonl", "\"one\"\n\"two\"\n", "lines"),
        ("speech", "a.txt", "\"one\"\n\"two\"\n", "text"),
        ("a conversation a line", "a.jsonl", "[{\"role\": \"user\"}]\n[{\"role\": \"user\"}]\n", "lines"),
        (
            "one conversation",
            "a.json",
            "[\n {\"role\": \"user\", \"content\": \"a\"},\n {\"role\": \"bot\", \"content\": \"b\"}\n]",
            "json",
        ),
        (
            "conversations",
            "a.json",
            "[[{\"role\": \"user\", \"content\": \"a\"}], [{\"role\": \"user\", \"content\": \"b\"}]]",
            "array",
        ),
        (
            "a tree's flat turns",
            "a.json",
            "[{\"parent_id\": 1, \"role\": \"a\", \"text\": \"x\"}, {\"parent_id\": 2, \"role\": \"b\", \"text\": \"x\"}]",
            "array",
        ),
        ("one record", "a.json", "{\n \"instruction\": \"a\",\n \"output\": \"b\"\n}", "json"),
        (
            "one record with turns",
            "a.json",
            "{\n \"id\": 1, \"conversations\": [{\"from\": \"human\", \"value\": \"a\"}]\n}",
            "json",
        ),
        ("one record a line, one line", "a.jsonl", "{\"instruction\": \"a\", \"output\": \"b\"}\n", "lines"),
        ("holder", "a.json", "{\"version\": 1, \"data\": [{\"a\": 1}]}", "object"),
        ("splits", "a.json", "{\"train\": [{\"a\": 1}], \"test\": [{\"a\": 2}]}", "object"),
        ("map", "a.json", "{\"1\": {\"a\": 1}, \"2\": {\"a\": 2}}", "map"),
        (
            "map of conversations",
            "a.json",
            "{\"1\": [{\"role\": \"u\", \"content\": \"a\"}], \"2\": [{\"role\": \"u\", \"content\": \"a\"}]}",
            "map",
        ),
        ("pretty values", "a.json", "{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n", "values"),
        ("elements without brackets", "a.json", "{\"a\": 1},\n{\"a\": 2},\n", "values"),
        ("a stage direction", "story.txt", "[scene]\n\nAll the world\n", "text"),
        ("braces in prose", "README.md", "{ see below }\n\nText.\n", "text"),
        ("markdown", "a.md", "# Title\n\n- a, b\n- c, d\n", "text"),
        ("no extension", "LICENSE", "Permission is hereby granted, free of charge\n", "text"),
        ("latin-1", "trivia", "#Q caf\u{e9}?\n", "text"),
        ("csv", "a.csv", "question,answer\na,b\n", "table"),
        ("one column", "a.csv", "question\na\n", "table"),
        ("tsv without a name", "-", "question\tanswer\na\tb\nc\td\n", "table"),
        ("prose with commas", "-", "First, this.\nThen, that, and more.\nEnd.\n", "text"),
        ("xml", "a.txt", "<?xml version=\"1.0\"?><a/>", "unsupported"),
        ("html", "-", "<!DOCTYPE html><html></html>", "unsupported"),
        ("yaml", "a.yml", "a: 1\n", "unsupported"),
        ("code", "a.py", "import os\n", "unsupported"),
        ("script", "run", "#!/bin/sh\necho\n", "unsupported"),
        ("binary", "a.txt", "a\0b", "unsupported"),
        ("parquet", "a.jsonl", "PAR1....", "parquet"),
        ("empty", "a.jsonl", "", "empty"),
        ("blank", "a.jsonl", "\n\n", "lines"),
        ("no elements", "a.json", "[]", "array"),
    ];
    for (what, name, text, expected) in cases {
        assert_eq!(container(name, text), expected, "{what}");
    }
}
