//! Counts against files that the tests made themselves; estimates against the truth.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use unicode_width::UnicodeWidthStr;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("corpuskit-peek-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        std::fs::write(self.0.join(name), bytes).unwrap();
        self
    }

    fn peek(&self, count_whole: bool) -> Peek {
        let (read, parse) = (ReadSettings::default(), ParseSettings::default());
        let options = Options { budget: Duration::from_secs(60), threads: 2 };
        run(&[self.0.to_str().unwrap().to_owned()], &read, &parse, options, count_whole).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn chat(text: &str) -> String {
    let turns = [("user", text), ("assistant", "Sure.")];
    let turns = turns.map(|(role, content)| serde_json::json!({"role": role, "content": content}));
    serde_json::json!({"messages": turns}).to_string()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// Lines in blocks: chats, then alpaca records, then chats, with one broken line in ten.
fn large(lines: usize) -> (String, u64, u64, u64) {
    let (mut text, mut chats, mut alpacas, mut broken) = (String::new(), 0, 0, 0);
    let mut state = 1u64;
    for line in 0..lines {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let filler =
            format!("{state:016x} ").repeat(1 + line % 3) + &format!("{:032x} ", u128::from(state).pow(2)).repeat(6);
        if line % 10 == 3 {
            broken += 1;
            writeln!(text, "{{\"messages\": [{filler}").unwrap();
        } else if line / 1000 % 3 == 1 {
            alpacas += 1;
            writeln!(text, "{}", serde_json::json!({"instruction": filler, "input": "", "output": "x"})).unwrap();
        } else {
            chats += 1;
            writeln!(text, "{}", chat(&filler)).unwrap();
        }
    }
    (text, chats, alpacas, broken)
}

fn records(peek: &Peek, family: &str) -> (u64, bool) {
    let rows = peek.schemas.iter().filter(|row| row.family == family);
    rows.fold((0, false), |(count, estimated), row| (count + row.records.count, estimated | row.records.estimated))
}

#[test]
fn small_folders_are_counted() {
    let folder = Folder::new("small");
    let lines = format!("{}\n\n{}\nnot json\n", chat("one"), chat("two"));
    folder
        .write("a.jsonl", &lines)
        .write("b.json", format!("[{},{}]", chat("three"), chat("four")))
        .write("c.jsonl.gz", gzip(&lines))
        .write("d.pdf", b"%PDF-1.7 \x00");
    let peek = folder.peek(true);
    let count = |count| Count { count, estimated: false };
    assert!(peek.exact);
    assert_eq!((peek.files, peek.estimated_files, peek.unseen_files), (4, 0, 0));
    assert_eq!((peek.units, peek.records, peek.empty, peek.rejected), (count(11), count(6), count(2), count(3)));
    assert_eq!(records(&peek, "openai"), (6, false));
    let reasons: Vec<_> = peek.rejects.iter().map(|row| (row.reason.as_str(), row.units)).collect();
    assert_eq!(reasons, [("parse.syntax", count(2)), ("read.unsupported", count(1))]);
    assert!(peek.rejects[0].first.ends_with("a.jsonl:4"));
    let groups = |groups: &[Group]| groups.iter().map(|group| (group.name.clone(), group.files)).collect::<Vec<_>>();
    assert_eq!(groups(&peek.containers), [("lines".into(), 2), ("array".into(), 1), ("unsupported".into(), 1)]);
    assert_eq!(groups(&peek.compressions), [("none".into(), 3), ("gzip".into(), 1)]);
    // Three samples of three files.
    let origins: Vec<_> =
        peek.schemas[0].samples.iter().map(|sample| sample.origin.rsplit('/').next().unwrap()).collect();
    assert_eq!(origins, ["a.jsonl:1", "b.json#0", "c.jsonl.gz:1"]);
    assert_eq!(peek.schemas[0].samples[1].turns[0].text, "three");
}

#[test]
fn large_files_are_counted_or_estimated_and_marked() {
    let folder = Folder::new("large");
    let (text, chats, alpacas, broken) = large(90_000);
    assert!(text.len() > 20 << 20);
    folder.write("plain.jsonl", &text).write("packed.jsonl.gz", gzip(&text));

    let exact = folder.peek(true);
    assert!(exact.exact);
    assert_eq!(records(&exact, "openai"), (2 * chats, false));
    assert_eq!(records(&exact, "alpaca"), (2 * alpacas, false));
    assert_eq!(exact.rejected, Count { count: 2 * broken, estimated: false });

    let sampled = folder.peek(false);
    assert_eq!((sampled.exact, sampled.estimated_files), (false, 2));
    let units = 2 * (chats + alpacas + broken);
    assert!(sampled.units.estimated && sampled.units.count.abs_diff(units) < units / 10, "{:?} {units}", sampled.units);
    let (found, estimated) = records(&sampled, "alpaca");
    assert!(estimated && found.abs_diff(2 * alpacas) < alpacas, "{found} {alpacas}");
    assert!(sampled.to_string().contains("≈ estimated: 2 files were too large"));
    // The middle and the end of the plain file were looked at.
    assert_eq!(folder.peek(false), sampled);
    assert_eq!(sampled.schemas[0].samples, exact.schemas[0].samples);
}

#[test]
fn the_answer_does_not_depend_on_threads() {
    let folder = Folder::new("threads");
    for file in 0..40 {
        folder.write(
            &format!("{file}.jsonl"),
            chat(&format!("question {file}")).repeat(1 + file % 3).replace("}{", "}\n{"),
        );
    }
    let arguments = [folder.0.to_str().unwrap().to_owned()];
    let with = |threads| {
        let options = Options { threads, ..Options::default() };
        peek(&arguments, &ReadSettings::default(), &ParseSettings::default(), options).unwrap()
    };
    assert_eq!(with(1), with(5));
}

#[test]
fn the_text_fits_a_terminal_and_steers_nothing() {
    let folder = Folder::new("text");
    let long = format!("{} \u{1b}[31m{}\r\n{}", "很长的问题".repeat(40), "\u{202E}word ".repeat(50), "🎭".repeat(60));
    folder.write("a.jsonl", format!("{}\n{}\n", chat(&long), "{".repeat(90))).write("b.txt", "A text.\n");
    let text = folder.peek(true).to_string();
    for line in text.lines() {
        assert!(line.width() <= 100, "{} {line}", line.width());
        assert!(!line.chars().any(|c| c.is_control() || c == '\u{202E}'), "{line}");
    }
    assert!(text.starts_with("2 files, "), "{text}");
    assert!(text.contains("\nopenai."), "{text}");
}

#[test]
fn time_that_ran_out_is_said() {
    let folder = Folder::new("late");
    folder.write("a.jsonl", chat("x"));
    let options = Options { budget: Duration::ZERO, threads: 1 };
    let arguments = [folder.0.to_str().unwrap().to_owned()];
    let late = peek(&arguments, &ReadSettings::default(), &ParseSettings::default(), options).unwrap();
    assert_eq!((late.exact, late.unseen_files), (false, 1));
    assert!(late.to_string().contains("≈ estimated: no time was left for 1 file;"), "{late}");
}

#[test]
fn every_file_is_visited_once_whatever_their_number() {
    for count in (0..200).chain([999, 1000, 1024]) {
        let mut order = spread(count);
        order.sort_unstable();
        assert_eq!(order, (0..count).collect::<Vec<_>>());
    }
}
