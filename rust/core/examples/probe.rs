//! Lines in, canonical lines out; with `--back`, restores each and prints it after a tab.
use bumpalo::Bump;
use corpuskit_core::json::{self, Limits};
use corpuskit_core::record::{Origin, Place};
use corpuskit_core::stage::parse::{ParseSettings, Parsed, Parser, family};
use corpuskit_core::stage::read::{Body, Unit};
use corpuskit_core::stage::write::form::{Form, write_record};
use std::io::{BufRead, Write};
fn main() {
    let parser = Parser::new(&ParseSettings::default()).unwrap();
    let mut arena = Bump::new();
    let out = std::io::stdout();
    let mut out = std::io::BufWriter::new(out.lock());
    let mut line = Vec::new();
    let mut input = std::io::stdin().lock();
    let mut number = 0;
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line).unwrap() == 0 { break; }
        if line.ends_with(b"\n") { line.pop(); }
        number += 1;
        arena.reset();
        let unit = Unit { origin: Origin { path: "x", place: Place::Line(number) }, byte: 0, body: Body::Json(&line) };
        match parser.parse(&unit, &arena).unwrap() {
            Parsed::Empty => writeln!(out, "EMPTY").unwrap(),
            Parsed::Rejected(r) => writeln!(out, "REJECTED\t{}\t{}", r.reason, r.detail.replace(['\n', '\t'], " ")).unwrap(),
            Parsed::Record(record) => {
                let mut canonical = Vec::new();
                write_record(&mut canonical, &record, Form::Messages).unwrap();
                out.write_all(b"OK\t").unwrap();
                out.write_all(&canonical).unwrap();
                let text = std::str::from_utf8(&canonical).unwrap();
                let node = json::parse(text, &arena, Limits { depth: 2000 }).unwrap_or_else(|d| panic!("{d:?} {text}"));
                let mut back = Vec::new();
                match family(record.schema.family).unwrap().restore(&node, &mut back) {
                    Ok(()) => { out.write_all(b"\t").unwrap(); out.write_all(&back).unwrap(); }
                    Err(e) => write!(out, "\tERR {e}").unwrap(),
                }
                out.write_all(b"\n").unwrap();
            }
        }
    }
}
