//! From stretches of text to stretches of tokens.

use crate::conversation::{Conversation, Refusal};
use crate::render::{NO_TURN, Rendered, What, is_space};
use std::ops::Range;

/// Stretches of trained tokens: every token that covers a trained byte. A token of no length (a later
/// piece of one character) goes with the one before it. `gaps` as in [`crate::tokenise::Tokens`].
pub fn trained_tokens(ends: &[u32], gaps: &[(u32, u32)], trained: &[Range<u32>]) -> Vec<Range<u32>> {
    let mut runs: Vec<Range<u32>> = Vec::new();
    let (mut stretches, mut gaps) = (trained.iter().peekable(), gaps.iter().peekable());
    let mut start = 0;
    let mut before = false;
    for (token, &end) in ends.iter().enumerate() {
        if let Some((_, later)) = gaps.next_if(|(at, _)| *at as usize == token) {
            start = *later;
        }
        while stretches.peek().is_some_and(|stretch| stretch.end <= start) {
            stretches.next();
        }
        if end > start {
            before = stretches.peek().is_some_and(|stretch| stretch.start < end && start < stretch.end);
        }
        if before {
            match runs.last_mut() {
                Some(last) if last.end == token as u32 => last.end += 1,
                _ => runs.push(token as u32..token as u32 + 1),
            }
        }
        start = end;
    }
    runs
}

/// Stretches in characters as stretches in bytes, sorted, those that touch joined.
pub fn byte_spans(text: &str, characters: &[(usize, usize)]) -> Vec<Range<u32>> {
    let mut sorted: Vec<(usize, usize)> = characters.iter().copied().filter(|(start, end)| start < end).collect();
    sorted.sort_unstable();
    let mut joined: Vec<(usize, usize)> = Vec::new();
    for (start, end) in sorted {
        match joined.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => joined.push((start, end)),
        }
    }
    let mut borders = text.char_indices().map(|(byte, _)| byte).chain(std::iter::once(text.len())).enumerate();
    let mut byte_of = |character: usize| {
        borders.by_ref().find(|(at, _)| *at == character).map_or(text.len(), |(_, byte)| byte) as u32
    };
    joined.into_iter().map(|(start, end)| byte_of(start)..byte_of(end)).collect()
}

/// Fills `out` with a text that a template rendered: what each turn says is looked for in order, so that nothing
/// that a record says is missing and the rest is the template's own.
pub(super) fn segments(
    conversation: &Conversation<'_>,
    text: &str,
    trained: &[Range<u32>],
    out: &mut Rendered,
) -> Result<(), Refusal> {
    let mut said: Vec<(Range<usize>, u32)> = Vec::new();
    let mut from = 0;
    for (at, turn) in conversation.turns.iter().enumerate() {
        let content = turn.content.as_deref().unwrap_or_default();
        for part in content.split("</think>").flat_map(|part| part.split("<think>")) {
            let part = part.trim_matches(is_space);
            if part.is_empty() {
                continue;
            }
            let found = memchr::memmem::find(&text.as_bytes()[from..], part.as_bytes()).map(|found| from + found);
            // Some templates put the system turn inside the first user turn, some order tools before it.
            let found = found.or_else(|| memchr::memmem::find(text.as_bytes(), part.as_bytes()));
            let reasoning = content.contains("</think>");
            match found {
                Some(start) => {
                    said.push((start..start + part.len(), at as u32));
                    from = from.max(start + part.len());
                }
                None if reasoning => out.left_out += 1,
                None => {
                    let shown: String = part.chars().take(40).collect();
                    let what = format!("the template leaves out what role {} says: {shown:?}", turn.role);
                    return Err(Refusal::new("tokenise.dropped_content", what));
                }
            }
        }
    }
    for name in names(conversation) {
        if !text.contains(name) {
            let what = format!("the template leaves out the tool {name:?}");
            return Err(Refusal::new("tokenise.dropped_content", what));
        }
    }
    said.sort_by_key(|(place, _)| place.start);
    // Cut at every border of either kind.
    let mut borders: Vec<usize> = vec![0, text.len()];
    borders.extend(said.iter().flat_map(|(place, _)| [place.start, place.end]));
    borders.extend(trained.iter().flat_map(|stretch| [stretch.start as usize, stretch.end as usize]));
    borders.sort_unstable();
    borders.dedup();
    let (mut places, mut stretches) = (said.iter().peekable(), trained.iter().peekable());
    for pair in borders.windows(2) {
        let (start, end) = (pair[0], pair[1]);
        while places.peek().is_some_and(|(place, _)| place.end <= start) {
            places.next();
        }
        while stretches.peek().is_some_and(|stretch| stretch.end as usize <= start) {
            stretches.next();
        }
        let learnt = stretches.peek().is_some_and(|stretch| stretch.start as usize <= start);
        let turn = places.peek().filter(|(place, _)| place.start <= start).map(|(_, turn)| *turn);
        let what = if turn.is_some() { What::Content } else { What::Literal };
        out.push(&text[start..end], turn.unwrap_or(NO_TURN), what, learnt);
    }
    Ok(())
}

/// Names of tools that are defined or called.
fn names<'c>(conversation: &'c Conversation<'_>) -> impl Iterator<Item = &'c str> {
    let calls = conversation.turns.iter().flat_map(|turn| turn.calls);
    calls.chain(conversation.tools).filter_map(|node| {
        let function = node.get("function").filter(|function| function.as_object().is_some()).unwrap_or(*node);
        function.get("name").and_then(|name| name.as_str())
    })
}
