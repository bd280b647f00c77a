//! How long one record takes to parse, to go through the stage `parse`, and to be written again.
//!
//! `cargo run --release --example json_speed -- FILE.jsonl`: nanoseconds a record of each, the best
//! of several rounds, with serde_json's `Value` in the same run as the yardstick. Before anything is
//! timed, every line is parsed by both and compared.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement, run by hand")]

use bumpalo::Bump;
use corpuskit_core::json::{self, Kind, Limits, Node};
use corpuskit_core::record::{Origin, Place};
use corpuskit_core::stage::parse::{ParseSettings, Parsed, Parser};
use corpuskit_core::stage::read::{Body, Unit};
use corpuskit_core::stage::write::form::{Form, write_record};
use serde_json::Value;
use std::hint::black_box;
use std::time::{Duration, Instant};

fn same(node: &Node<'_>, value: &Value) -> bool {
    match (node.kind, value) {
        (Kind::Null, Value::Null) => true,
        (Kind::Bool(a), Value::Bool(b)) => a == *b,
        (Kind::Number, Value::Number(number)) => {
            serde_json::from_str::<serde_json::Number>(node.raw).unwrap() == *number
        }
        (Kind::String(a), Value::String(b)) => a == b,
        (Kind::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Kind::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|member| b.get(member.key).is_some_and(|value| same(&member.value, value)))
        }
        _ => false,
    }
}

fn best(rounds: usize, mut round: impl FnMut()) -> Duration {
    (0..rounds)
        .map(|_| {
            let start = Instant::now();
            round();
            start.elapsed()
        })
        .min()
        .unwrap()
}

fn main() {
    let path = std::env::args().nth(1).unwrap_or_else(|| "tests/data/sample/chat.jsonl".into());
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let mut arena = Bump::new();
    for line in &lines {
        let value: Value = serde_json::from_str(line).unwrap();
        assert!(same(&json::parse(line, &arena, Limits::default()).unwrap(), &value), "{line}");
        arena.reset();
    }
    let parser = Parser::new(&ParseSettings::default()).unwrap();
    let records = lines.len();
    println!("{path}: {records} records, {} bytes each", text.len() / records);
    let show = |name: &str, time: Duration| {
        println!("{name:<28} {:>7.0} ns a record", time.as_nanos() as f64 / records as f64);
    };
    let rounds = 7;
    let blocks: Vec<&[&str]> = lines.chunks(4000).collect();
    show(
        "serde_json::Value",
        best(3, || {
            for line in &lines {
                black_box(serde_json::from_str::<Value>(line).unwrap());
            }
        }),
    );
    show(
        "UTF-8 validation",
        best(rounds, || {
            for line in &lines {
                black_box(simdutf8::basic::from_utf8(line.as_bytes()).unwrap());
            }
        }),
    );
    show(
        "json::parse",
        best(rounds, || {
            for block in &blocks {
                for line in *block {
                    black_box(json::parse(line, &arena, Limits::default()).unwrap());
                }
                arena.reset();
            }
        }),
    );
    let mut out = Vec::new();
    let mut stage = |write: bool| {
        best(rounds, || {
            out.clear();
            for block in &blocks {
                for line in *block {
                    let origin = Origin { path: "chat.jsonl", place: Place::Line(1) };
                    let unit = Unit { origin, byte: 0, body: Body::Json(line.as_bytes()) };
                    let Parsed::Record(mut record) = parser.parse(&unit, &arena).unwrap() else { continue };
                    if write {
                        write_record(&mut out, &record, Form::Messages).unwrap();
                        out.push(b'\n');
                    }
                    black_box(&mut record);
                }
                arena.reset();
            }
        })
    };
    show("parse stage", stage(false));
    show("parse stage and write", stage(true));
    let texts: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    show(
        "write_string of the lines",
        best(rounds, || {
            out.clear();
            for text in &texts {
                json::write_string(&mut out, text);
            }
            black_box(&out);
        }),
    );
}
