//! What a `tokenizer.json` says, as far as the fast backend knows how to do the same. Everything else is
//! refused with what it is, and the reference does the work.

use super::added::AddedTokens;
use super::bpe::Merges;
use super::split::Cut;
use serde_json::Value;
use std::collections::HashMap;

/// The sign that stands for a space in SentencePiece's vocabularies.
pub(super) const SPACE_SIGN: char = '▁';

/// When a space is put before a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Prepend {
    /// Never.
    Never,
    /// Before every piece between control tokens.
    Always,
    /// Before every piece that does not begin with one.
    Unless,
    /// Before the first piece of a text, unless it begins with one.
    First,
}

/// How words and symbols are made.
#[derive(Debug)]
pub enum Kind {
    /// Bytes; words by an expression; composed characters (NFC) if asked for.
    Bytes {
        /// Where words end.
        cut: Cut,
        /// The text is composed first.
        nfc: bool,
        /// The token of each byte.
        bytes: Box<[u32; 256]>,
    },
    /// Characters, bytes for those that are unknown; words begin at spaces.
    Characters {
        /// When a space is put in front.
        prepend: Prepend,
        /// Every space begins a word; else a run of spaces does.
        each_space: bool,
        /// The tokens of known characters.
        characters: HashMap<char, u32>,
        /// The token of each byte of a character that is unknown.
        bytes: Box<[u32; 256]>,
    },
}

/// A byte-pair tokenizer.
#[derive(Debug)]
pub struct Definition {
    pub kind: Kind,
    pub merges: Merges,
    /// Words that are tokens as they stand are not merged (`ignore_merges`).
    pub whole: Option<HashMap<Vec<u8>, u32>>,
    /// Bytes of text that a token stands for, by token.
    pub lengths: Vec<u32>,
    /// Control tokens that are looked for first.
    pub first: Option<AddedTokens>,
    /// Control tokens that are looked for in between.
    pub second: Option<AddedTokens>,
}

type Known<T> = Result<T, String>;

impl Definition {
    /// Reads a `tokenizer.json`; fails with what is not known here.
    pub fn read(json: &Value) -> Known<Self> {
        let model = &json["model"];
        let kind = model["type"].as_str().unwrap_or("a model without type");
        if kind != "BPE" {
            return Err(format!("the model {kind}"));
        }
        for name in ["dropout", "continuing_subword_prefix", "end_of_word_suffix"] {
            if !(model[name].is_null() || model[name] == "" || model[name] == 0.0) {
                return Err(format!("BPE with `{name}`"));
            }
        }
        let vocabulary = model["vocab"].as_object().ok_or("a BPE model without vocabulary")?;
        let tokens: HashMap<&str, u32> =
            vocabulary.iter().filter_map(|(token, id)| Some((token.as_str(), id.as_u64()? as u32))).collect();
        let (kind, letters) = kind_of(json, &tokens)?;
        let merges = merges(model, &tokens, letters.is_none())?;
        let greatest = tokens.values().max().copied().unwrap_or(0);
        let mut lengths = vec![0; greatest as usize + 1];
        let mut whole = HashMap::new();
        let ignore = model["ignore_merges"] == true;
        for (token, &id) in &tokens {
            // Of a byte-level vocabulary, each character stands for a byte; of the other, `▁` for a space.
            lengths[id as usize] = match (&letters, &kind) {
                (Some(_), _) => token.chars().count() as u32,
                (None, Kind::Characters { bytes, .. }) if bytes.contains(&id) => 1,
                _ => token.chars().map(|c| if c == SPACE_SIGN { 1 } else { c.len_utf8() as u32 }).sum(),
            };
            if ignore {
                let Some(letters) = &letters else { return Err("`ignore_merges` without byte-level".to_owned()) };
                if let Some(bytes) = token.chars().map(|c| letters.get(&c).copied()).collect::<Option<Vec<u8>>>() {
                    whole.insert(bytes, id);
                }
            }
        }
        let none = Vec::new();
        let added = json["added_tokens"].as_array().unwrap_or(&none);
        let (first, second) = (AddedTokens::read(added, false)?, AddedTokens::read(added, true)?);
        if second.is_some() && matches!(kind, Kind::Characters { .. }) {
            return Err("added tokens that are normalised".to_owned());
        }
        Ok(Self { kind, merges, whole: ignore.then_some(whole), lengths, first, second })
    }
}

/// How words and symbols are made, and of a byte-level vocabulary which byte a character stands for.
fn kind_of(json: &Value, tokens: &HashMap<&str, u32>) -> Known<(Kind, Option<HashMap<char, u8>>)> {
    let (before, normal) = (&json["pre_tokenizer"], &json["normalizer"]);
    let model = &json["model"];
    if let Some(cut) = byte_level(before)? {
        let nfc = match normal["type"].as_str() {
            None => false,
            Some("NFC") => true,
            Some(other) => return Err(format!("the normaliser {other}")),
        };
        let letters = byte_letters();
        let mut bytes = Box::new([0; 256]);
        for (letter, &byte) in &letters {
            let token = tokens.get(letter.encode_utf8(&mut [0; 4]) as &str);
            bytes[usize::from(byte)] = *token.ok_or_else(|| format!("a vocabulary without the byte {byte:#04x}"))?;
        }
        return Ok((Kind::Bytes { cut, nfc, bytes }, Some(letters)));
    }
    let (prepend, each_space) = spaces(before, normal)?;
    if model["byte_fallback"] != true {
        return Err("a vocabulary of characters without bytes to fall back on".to_owned());
    }
    let mut bytes = Box::new([0; 256]);
    for (byte, token) in bytes.iter_mut().enumerate() {
        let name = format!("<{byte:#04X}>");
        *token = *tokens.get(name.as_str()).ok_or_else(|| format!("a vocabulary without {name}"))?;
    }
    let one = |token: &str| token.chars().next().filter(|first| first.len_utf8() == token.len());
    let characters: HashMap<char, u32> = tokens.iter().filter_map(|(token, &id)| Some((one(token)?, id))).collect();
    if !characters.contains_key(&SPACE_SIGN) {
        return Err(format!("a vocabulary without {SPACE_SIGN}"));
    }
    Ok((Kind::Characters { prepend, each_space, characters, bytes }, None))
}

/// The cut of a byte-level pre-tokenizer; `None` if it is none.
fn byte_level(before: &Value) -> Known<Option<Cut>> {
    let plain = |part: &Value, regex: bool| {
        part["type"] == "ByteLevel" && part["add_prefix_space"] == false && part["use_regex"].as_bool() == Some(regex)
    };
    if before["type"] == "ByteLevel" {
        return if plain(before, true) { Ok(Some(Cut::Gpt2)) } else { Err("its byte-level settings".to_owned()) };
    }
    let Some(parts) = before["pretokenizers"].as_array() else { return Ok(None) };
    match parts.as_slice() {
        [split, bytes] if plain(bytes, false) && split["type"] == "Split" && split["behavior"] == "Isolated" => {
            let expression = split["pattern"]["Regex"].as_str().filter(|_| split["invert"] == false);
            match expression.and_then(Cut::of) {
                Some(cut) => Ok(Some(cut)),
                None => Err("the expression that it cuts words with".to_owned()),
            }
        }
        _ => Err("its sequence of pre-tokenizers".to_owned()),
    }
}

/// When a space is put in front and whether each space begins a word.
fn spaces(before: &Value, normal: &Value) -> Known<(Prepend, bool)> {
    let sign = SPACE_SIGN.to_string();
    let replaces = |step: &Value| {
        step["type"] == "Replace" && step["pattern"]["String"] == " " && step["content"] == sign.as_str()
    };
    let prepends = |step: &Value| step["type"] == "Prepend" && step["prepend"] == sign.as_str();
    if before.is_null() {
        let steps = normal["normalizers"].as_array().map_or(std::slice::from_ref(normal), Vec::as_slice);
        return match steps {
            [one, two] if prepends(one) && replaces(two) => Ok((Prepend::Always, false)),
            [one] if replaces(one) => Ok((Prepend::Never, false)),
            _ => Err("its normaliser".to_owned()),
        };
    }
    if before["type"] == "Metaspace" && normal.is_null() && before["replacement"] == sign.as_str() {
        let prepend = match before["prepend_scheme"].as_str() {
            Some("always") => Prepend::Unless,
            Some("first") => Prepend::First,
            Some("never") => Prepend::Never,
            _ => return Err("its Metaspace settings".to_owned()),
        };
        return Ok((prepend, before["split"].as_bool().unwrap_or(true)));
    }
    Err(format!("the pre-tokenizer {}", before["type"].as_str().unwrap_or("without type")))
}

/// Left, right and result of each merge. Where words are cut at spaces (`cut`), no merge may cross the cut.
fn merges(model: &Value, tokens: &HashMap<&str, u32>, cut: bool) -> Known<Merges> {
    let list = model["merges"].as_array().ok_or("a BPE model without merges")?;
    let mut merges = Vec::with_capacity(list.len());
    for merge in list {
        let pair = match merge {
            Value::String(both) => both.split_once(' '),
            Value::Array(both) if both.len() == 2 => both[0].as_str().zip(both[1].as_str()),
            _ => None,
        };
        let (left, right) = pair.ok_or("a merge that is no pair")?;
        let merged = format!("{left}{right}");
        if cut && merged.trim_start_matches(SPACE_SIGN).contains(SPACE_SIGN) {
            return Err(format!("tokens of several words ({merged:?})"));
        }
        match (tokens.get(left), tokens.get(right), tokens.get(merged.as_str())) {
            (Some(&left), Some(&right), Some(&merged)) => merges.push((left, right, merged)),
            _ => return Err(format!("the merge {left:?} {right:?}, whose tokens are not in the vocabulary")),
        }
    }
    Ok(Merges::new(&merges))
}

/// GPT-2's printable stand-ins for bytes.
fn byte_letters() -> HashMap<char, u8> {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let mut others = 0x100;
    let letter = |byte: u8| {
        if printable(byte) {
            return (char::from(byte), byte);
        }
        let stand_in = char::from_u32(others).unwrap_or('\0');
        others += 1;
        (stand_in, byte)
    };
    (0..=u8::MAX).map(letter).collect()
}
