#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use proptest::prelude::*;

/// The rule, character by character.
fn plain(text: &str) -> Vec<String> {
    let mut form = Vec::new();
    normal::comparable(text, &mut form);
    let form = String::from_utf8(form).unwrap();
    let mut tokens = Vec::new();
    let mut word = String::new();
    for character in form.chars() {
        let kind = chars::class(character) & KIND;
        if kind == WORD {
            word.push(character);
            continue;
        }
        if !word.is_empty() {
            tokens.push(std::mem::take(&mut word));
        }
        if kind == SINGLE {
            tokens.push(character.to_string());
        }
    }
    if !word.is_empty() {
        tokens.push(word);
    }
    let trimmed = form.trim_matches(chars::is_white);
    if tokens.is_empty() && !trimmed.is_empty() {
        tokens.push(trimmed.to_owned());
    }
    tokens
}

fn hashes(tokens: &[String]) -> Vec<u64> {
    tokens
        .iter()
        .map(|text| {
            let mut padded = text.as_bytes().to_vec();
            padded.extend([0; hash::PADDING]);
            hash::token(&padded, 0, text.len())
        })
        .collect()
}

fn read(text: &str) -> Tokens {
    let mut tokens = Tokens::default();
    tokens.read(text);
    tokens
}

#[test]
fn examples() {
    for (text, expected) in [
        ("C++ is not C#", &["c", "+", "+", "is", "not", "c", "#"][..]),
        ("x - 1 = y_2", &["x", "1", "=", "y_2"]),
        ("don't — stop", &["don", "t", "stop"]),
        ("我爱 Python3！", &["我", "爱", "python3"]),
        ("ภาษาไทย", &["ภ", "า", "ษ", "า", "ไ", "ท", "ย"]),
        ("한국 \u{1112}\u{1161}", &["한", "국", "하"]),
        ("❤\u{fe0f}\u{fe0f} a\u{fe0f}b", &["❤", "ab"]),
        ("  ?! ... \n", &["?! ..."]),
        (" \u{1f}\n\u{3000}", &[]),
        ("", &[]),
        ("\u{200b}", &["\u{200b}"]),
    ] {
        let expected: Vec<String> = expected.iter().map(|&token| token.to_owned()).collect();
        assert_eq!(plain(text), expected, "{text}");
        assert_eq!(read(text).hashes, hashes(&expected), "{text}");
    }
}

proptest! {
    #[test]
    fn tokens_agree_with_the_rule(text in "(\\PC|[a-zA-Z_0-9 .,+#]|[éÉΣσİ中한ก❤\u{fe0f}\u{301}\u{200b}\n]){0,300}") {
        for level in Level::all() {
            let mut tokens = Tokens::default();
            tokens.read_with(level, &text);
            prop_assert_eq!(&tokens.hashes, &hashes(&plain(&text)), "{:?}", level);
            prop_assert_eq!(tokens.numbers, numbers::of_text(&text), "{:?}", level);
        }
    }

    #[test]
    fn long_words(length in 0usize..400, before in 0usize..130) {
        let text = format!("{}{}", " ".repeat(before), "w".repeat(length));
        for level in Level::all() {
            let mut tokens = Tokens::default();
            tokens.read_with(level, &text);
            prop_assert_eq!(&tokens.hashes, &hashes(&plain(&text)), "{:?}", level);
        }
    }
}
