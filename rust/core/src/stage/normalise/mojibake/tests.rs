//! The torture table (`tests/data/mojibake`): Python made the misread texts, so it is the oracle.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::repair;
use bumpalo::Bump;
use std::path::PathBuf;

fn data(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/mojibake").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// Python's `unicode_escape`, as far as `make.py` produces it.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let length = match characters.next().unwrap() {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            '\\' => {
                out.push('\\');
                continue;
            }
            'n' => {
                out.push('\n');
                continue;
            }
            other => panic!("escape {other}"),
        };
        let digits: String = characters.by_ref().take(length).collect();
        out.push(char::from_u32(u32::from_str_radix(&digits, 16).unwrap()).unwrap());
    }
    out
}

fn repaired(text: &str) -> String {
    let arena = Bump::new();
    repair(text, &arena).map_or_else(|| text.to_owned(), |(new, _)| new.to_owned())
}

#[test]
fn misread_sentences_come_back() {
    let mut wrong = Vec::new();
    let mut total = 0;
    for row in data("misread.tsv").lines() {
        let fields: Vec<&str> = row.split('\t').collect();
        let misread = unescape(fields[3]);
        let found = repaired(&misread);
        total += 1;
        if found != fields[2] {
            wrong.push(format!(
                "{} {}\n  wanted {}\n  found  {found}\n  from   {misread}",
                fields[0], fields[1], fields[2]
            ));
        }
    }
    assert!(total > 500);
    assert!(wrong.is_empty(), "{} of {total}\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn clean_sentences_stay() {
    let sentences = data("sentences.txt");
    let clean = data("clean.txt");
    let texts = sentences.lines().map(|line| line.split('\t').nth(1).unwrap()).chain(clean.lines());
    let wrong: Vec<String> =
        texts.filter(|text| repaired(text) != *text).map(|text| format!("  {text}\n  {}", repaired(text))).collect();
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
    // All in one text: nothing may tip anything else over.
    for whole in [&sentences, &clean] {
        assert_eq!(&repaired(whole), whole);
    }
}

#[test]
fn the_codecs_are_those_of_the_table() {
    use super::codec::Codec;
    for (codec, c, byte) in [
        (Codec::Western, '€', 0x80),
        (Codec::Western, '\u{81}', 0x81),
        (Codec::Western, 'ÿ', 0xFF),
        (Codec::MacRoman, 'Ä', 0x80),
        (Codec::MacRoman, '\u{F8FF}', 0xF0),
        (Codec::MacRoman, 'ˇ', 0xFF),
    ] {
        assert_eq!(codec.byte(c), Some(byte), "{c:?}");
    }
    assert_eq!(Codec::MacRoman.byte('²'), None);
    assert_eq!(Codec::Western.byte('a'), None);
}

#[test]
fn a_text_that_shows_its_misreading_is_repaired_where_one_letter_would_prove_nothing() {
    // `—Å` is the Russian `с`; alone it is a dash and a letter.
    assert_eq!(repaired("—Å"), "—Å");
    assert_eq!(repaired("–ü—Ä–∏–≤–µ—Ç\n—Å –¥–æ–º–∞"), "Привет\nс дома");
    // A clean line of the same text stays.
    assert_eq!(repaired("–ü—Ä–∏–≤–µ—Ç\nl’été—Être"), "Привет\nl’été—Être");
}

#[test]
fn a_text_about_misreading_keeps_its_examples() {
    let text = "Common signs are `Ã©`, `â€™` and `√©`.";
    assert_eq!(repaired(text), text);
}

#[test]
fn long_texts_without_line_ends_take_linear_time() {
    let started = std::time::Instant::now();
    for unit in ["l’é ", "Ã©", "—Å ", "Ã", "“É” "] {
        repaired(&unit.repeat(100_000));
    }
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}
