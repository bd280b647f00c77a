//! Rows against csv-core, and what csv-core reads otherwise.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::super::reader::tests::read_one;
use super::super::{Header, OwnedBody, ReadSettings};
use crate::record::Place;
use proptest::prelude::*;

const TARGETS: [usize; 5] = [1 << 21, 1, 20, 100, 300];

/// Rows by csv-core's state machine, blank lines left out.
fn oracle(text: &[u8], delimiter: u8) -> Vec<Vec<String>> {
    let mut reader =
        csv_core::ReaderBuilder::new().delimiter(delimiter).terminator(csv_core::Terminator::Any(b'\n')).build();
    let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), Vec::new());
    let mut at = 0;
    loop {
        let mut out = [0; 64];
        let (result, used, made) = reader.read_field(&text[at..], &mut out);
        at += used;
        field.extend_from_slice(&out[..made]);
        match result {
            csv_core::ReadFieldResult::Field { record_end } => {
                row.push(String::from_utf8(std::mem::take(&mut field)).unwrap());
                if record_end {
                    rows.push(std::mem::take(&mut row));
                }
            }
            csv_core::ReadFieldResult::End => break,
            csv_core::ReadFieldResult::InputEmpty | csv_core::ReadFieldResult::OutputFull => {}
        }
    }
    rows
}

fn rows_of(text: &[u8], name: &str, targets: &[usize]) -> Vec<(String, u64, Vec<String>)> {
    let all = read_one(name, text, 1 << 20, targets);
    all.units
        .iter()
        .filter_map(|unit| match &unit.body {
            OwnedBody::Row(json) | OwnedBody::DecodedRow(json) => {
                let row: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).unwrap();
                let cells = row.values().map(|cell| cell.as_str().unwrap().to_owned()).collect();
                Some((unit.origin().to_string(), unit.byte, cells))
            }
            OwnedBody::Empty => None,
            other => panic!("{other:?}"),
        })
        .collect()
}

fn quote(cell: &str, delimiter: char) -> String {
    if cell.contains([delimiter, '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]
    #[test]
    fn well_formed_rows_are_those_of_csv_core(
        cells in prop::collection::vec(prop::collection::vec("[ab,;\t\"\n\u{e9}]{0,12}", 2..5), 1..12),
        tab: bool, carriage: bool, last: bool, blank: bool,
    ) {
        let delimiter = if tab { '\t' } else { ',' };
        let end = if carriage { "\r\n" } else { "\n" };
        let mut text = format!("question{delimiter}answer{delimiter}c{end}");
        for row in &cells {
            let row: Vec<String> = row.iter().map(|cell| quote(cell, delimiter)).collect();
            text.push_str(&row.join(&delimiter.to_string()));
            text.push_str(end);
            if blank { text.push_str(end); }
        }
        if !last { text.truncate(text.trim_end_matches(['\r', '\n']).len()); }
        let found = rows_of(text.as_bytes(), if tab { "a.tsv" } else { "a.csv" }, &TARGETS);
        let expected = oracle(text.replace("\r\n", "\n").as_bytes(), delimiter as u8);
        prop_assert_eq!(found.iter().map(|row| row.2.clone()).collect::<Vec<_>>(), &expected[1..]);
        for (origin, byte, _) in &found {
            let before = &text.as_bytes()[..*byte as usize];
            let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
            prop_assert_eq!(origin, &format!("F:{line}"));
        }
    }

    #[test]
    fn any_text_is_cut_into_the_same_rows_everywhere(rows in "[ab,\"\n\r]{0,80}") {
        let text = format!("question,answer\n{rows}");
        let all = read_one("a.csv", text.as_bytes(), 1 << 20, &TARGETS);
        // Each byte after the header is in exactly one unit.
        let mut starts: Vec<u64> = all.units.iter().map(|unit| unit.byte).collect();
        starts.dedup();
        prop_assert_eq!(starts.len(), all.units.len());
        prop_assert_eq!(starts.first().copied().unwrap_or(16), 16);
    }
}

#[test]
fn stray_quotes_are_text_and_cost_nothing() {
    let text = b"question,answer\n\"never closed,a\nb\"c\",\"d\"e\n\"x, \"\"y\"\"\nz\",1\n";
    let rows: Vec<Vec<String>> = rows_of(text, "a.csv", &TARGETS).into_iter().map(|row| row.2).collect();
    assert_eq!(rows, [vec!["\"never closed", "a"], vec!["b\"c\"", "\"d\"e"], vec!["x, \"y\"\nz", "1"]]);
}

#[test]
fn ragged_rows_keep_their_fields() {
    let all = read_one("a.csv", b"question,,question\n1,2,3,4,5\n6\n", 1 << 20, &TARGETS);
    let OwnedBody::Row(long) = &all.units[0].body else { panic!("row") };
    let OwnedBody::Row(short) = &all.units[1].body else { panic!("row") };
    assert_eq!(long, r#"{"question": "1", "column_2": "2", "question_3": "3", "column_4": "4", "column_5": "5"}"#);
    assert_eq!(short, r#"{"question": "6"}"#);
}

#[test]
fn rows_that_are_not_utf8_are_decoded_and_say_so() {
    let all = read_one("a.csv", b"question,answer\ncaf\xe9,\x93yes\x94\nplain,no\n", 1 << 20, &TARGETS);
    assert_eq!(all.units[0].body, OwnedBody::DecodedRow("{\"question\": \"café\", \"answer\": \"“yes”\"}".to_owned()));
    assert_eq!(all.units[1].body, OwnedBody::Row("{\"question\": \"plain\", \"answer\": \"no\"}".to_owned()));
}

#[test]
fn a_header_is_told_from_data() {
    let header = |text: &str, header: Header| {
        let settings = ReadSettings { header, ..ReadSettings::default() };
        super::super::table::recognise(text.as_bytes(), true, Some(b','), &settings).map(|(table, _)| table.columns)
    };
    let named = |text: &str| header(text, Header::Auto).unwrap();
    assert_eq!(named("question,answer\nWhy?,Because.\n"), ["question", "answer"]);
    assert_eq!(named("\u{feff}ID,Dialogue\n1,hello\n".trim_start_matches('\u{feff}')), ["ID", "Dialogue"]);
    assert_eq!(named(",questionID,topic\n0,1,a\n"), ["column_1", "questionID", "topic"]);
    assert!(named("What is 2+2?,3,4,5,B\nWhat is 3+3?,6,7,8,A\n").is_empty());
    assert!(named("Buses_1/test.json,377\nBuses_2/dev.json,12\n").is_empty());
    assert!(named("yes,A\nno,A\n").is_empty());
    assert_eq!(header("a?,1\nb,2\n", Header::Present).unwrap(), ["a?", "1"]);
    assert!(header("question,answer\nb,2\n", Header::Absent).unwrap().is_empty());
}

#[test]
fn the_rows_of_a_dialogue_are_one_unit_whatever_the_batches() {
    let mut text = b"conversationId\tturnNumber\tutterance\n".to_vec();
    let mut expected = Vec::new();
    let mut line = 2;
    for dialogue in 0..400_u64 {
        let turns = 1 + dialogue * 7919 % 9;
        expected.push((line, turns));
        for turn in 0..turns {
            text.extend_from_slice(
                format!("d{dialogue}\t{turn}\twhat is said in turn {turn} of {dialogue}\n").as_bytes(),
            );
            line += 1;
        }
    }
    for target in TARGETS {
        let all = read_one("a.tsv", &text, 1 << 20, &[target]);
        let found: Vec<(u64, u64)> = all
            .units
            .iter()
            .map(|unit| {
                let OwnedBody::Row(row) = &unit.body else { panic!("row") };
                let row: serde_json::Value = serde_json::from_str(row).unwrap();
                let turns = row["turns"].as_array().unwrap();
                assert!(turns.iter().all(|turn| turn["conversationId"] == row["conversationId"]));
                let Place::Line(line) = unit.origin().place else { panic!("line") };
                (line, turns.len() as u64)
            })
            .collect();
        assert_eq!(found, expected, "{target}");
    }
}

#[test]
fn rows_without_an_id_or_with_another_one_are_not_joined() {
    let text = b"dialog_id,speaker,text\n1,a,x\n1,b,y\n,a,z\n,b,w\n\n1,a,v\n";
    let all = read_one("a.csv", text, 1 << 20, &TARGETS);
    let rows: Vec<&str> = all
        .units
        .iter()
        .map(|unit| match &unit.body {
            OwnedBody::Row(row) => row.as_str(),
            _ => "",
        })
        .collect();
    assert_eq!(
        rows,
        [
            r#"{"dialog_id": "1", "turns": [{"dialog_id": "1", "speaker": "a", "text": "x"}, {"dialog_id": "1", "speaker": "b", "text": "y"}]}"#,
            r#"{"dialog_id": "", "speaker": "a", "text": "z"}"#,
            r#"{"dialog_id": "", "speaker": "b", "text": "w"}"#,
            "",
            r#"{"dialog_id": "1", "turns": [{"dialog_id": "1", "speaker": "a", "text": "v"}]}"#,
        ]
    );
}
