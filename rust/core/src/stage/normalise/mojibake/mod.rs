//! UTF-8 that was read as cp1252, latin-1 or MacRoman, once or more often.
//!
//! A stretch of characters whose bytes in such an encoding are valid UTF-8 is a candidate. It is
//! repaired where its decoding looks much less odd than itself (`cost`). A text that shows one
//! encoding's misreading beyond doubt also has its doubtful candidates repaired: those that look
//! less odd decoded, and those in lines that decode as a whole. Everything else stays, which is
//! what clean text is: `l’été` holds the bytes of an Armenian letter in MacRoman and is left alone.

mod class;
mod codec;
mod cost;
mod stretch;

#[cfg(test)]
mod tests;

pub(super) use codec::parts;

use bumpalo::Bump;
use bumpalo::collections::{String as ArenaString, Vec as ArenaVec};
use codec::Codec;
use stretch::Stretch;

/// From this gain in points a candidate is beyond doubt.
const CERTAIN: i32 = 4;

/// This many letters of other scripts, each alone and each a likely repair, vouch for each other.
const LONE_LETTERS: usize = 3;

/// So many stretches beyond doubt make the slightest gain of another enough.
const MANY: usize = 3;

/// How often a text can have been misread one over the other. Each time about doubles its length.
const DEPTH: usize = 8;

/// The repaired text, and how many stretches were repaired.
pub(super) fn repair<'a>(text: &'a str, arena: &'a Bump) -> Option<(&'a str, u32)> {
    let mut current = text;
    let mut total = 0;
    for _ in 0..DEPTH {
        let Some((repaired, count)) = repair_once(current, arena) else { break };
        current = repaired;
        total += count;
    }
    (total > 0).then_some((current, total))
}

fn repair_once<'a>(text: &'a str, arena: &'a Bump) -> Option<(&'a str, u32)> {
    // Of two readings the one that explains more of the text is right: pieces of a text that was
    // misread through one encoding may look misread through the other.
    let mut best: Option<((usize, i32), Codec, ArenaVec<'a, Stretch>)> = None;
    for codec in [Codec::Western, Codec::MacRoman] {
        let mut stretches = stretch::find(text, codec, arena);
        let explained = choose(text, &mut stretches);
        if explained.1 > 0 && best.as_ref().is_none_or(|(most, ..)| explained > *most) {
            best = Some((explained, codec, stretches));
        }
    }
    let (_, codec, stretches) = best?;
    let mut out = ArenaString::with_capacity_in(text.len(), arena);
    let mut copied = 0;
    let mut count = 0;
    for stretch in stretches.iter().filter(|stretch| stretch.chosen) {
        out.push_str(&text[copied..stretch.start]);
        stretch::decode(&text[stretch.start..stretch.end], codec, |c| out.push(c));
        copied = stretch.end;
        count += 1;
    }
    out.push_str(&text[copied..]);
    Some((out.into_bump_str(), count))
}

/// Marks the stretches to repair: how many characters they have and the points gained; no points
/// where none is beyond doubt.
fn choose(text: &str, stretches: &mut [Stretch]) -> (usize, i32) {
    let lone_count = stretches.iter().filter(|stretch| stretch.lone && stretch.gain >= CERTAIN).count();
    let mut certain = 0;
    for stretch in stretches.iter_mut() {
        stretch.chosen = stretch.gain >= CERTAIN && (!stretch.lone || lone_count >= LONE_LETTERS);
        certain += usize::from(stretch.chosen);
    }
    if certain == 0 {
        return (0, 0);
    }
    choose_by_consensus(text, stretches, if certain >= MANY { 1 } else { 2 });
    let chosen = stretches.iter().filter(|stretch| stretch.chosen);
    chosen.fold((0, 0), |(characters, gain), stretch| (characters + stretch.characters, gain + stretch.gain))
}

/// Marks the doubtful stretches of a text that shows its misreading elsewhere.
fn choose_by_consensus(text: &str, stretches: &mut [Stretch], least: i32) {
    let mut rest = stretches;
    while let Some(first) = rest.first() {
        // The stretches of one line; none holds a line feed.
        let line_end = memchr::memchr(b'\n', &text.as_bytes()[first.start..]).map_or(text.len(), |at| first.start + at);
        let line_start = memchr::memrchr(b'\n', &text.as_bytes()[..first.start]).map_or(0, |at| at + 1);
        let count = rest.iter().take_while(|stretch| stretch.start < line_end).count();
        let (line, others) = rest.split_at_mut(count);
        rest = others;
        if line.iter().all(|stretch| stretch.chosen) {
            continue;
        }
        let covered: usize = line.iter().map(|stretch| stretch.characters).sum();
        let is_whole = covered == text[line_start..line_end].bytes().filter(|&byte| byte >= 0xC0).count();
        for stretch in line {
            stretch.chosen |= stretch.possible && (stretch.gain >= least || is_whole);
        }
    }
}
