//! What becomes of conversations that are too long: cut between exchanges, never inside a turn.

use super::{Feed, Outcome, Workspace, count, document};
use crate::conversation::{Conversation, Refusal};
use crate::render::Trained;
use corpuskit_core::Result;
use corpuskit_core::plan::tokenising::Overflow;
use std::ops::Range;

/// The documents of a conversation, or why there are none.
pub(super) fn documents(
    feed: &Feed,
    conversation: &Conversation<'_>,
    space: &mut Workspace,
    outcome: &mut Outcome,
) -> Result<()> {
    let trained = feed.trained(conversation);
    let supervised = match feed.encode(conversation, &trained, space, &mut outcome.slow)? {
        Ok(supervised) => supervised,
        Err(refusal) => {
            outcome.refuse(refusal);
            return Ok(());
        }
    };
    outcome.left_out = space.rendered.left_out;
    let tokens = space.tokens.ids.len() as u32;
    (outcome.row.seen, outcome.row.seen_supervised) = (tokens, count(&supervised));
    outcome.lost_supervised = outcome.row.seen_supervised;
    if supervised.is_empty() {
        let what = "no turn of the model is trained, so there is nothing to learn from it";
        outcome.refuse(Refusal::new("tokenise.nothing_trained", what));
        return Ok(());
    }
    if tokens <= feed.length {
        document(feed, supervised, space, conversation.weight, outcome);
        outcome.lost_supervised = 0;
        return Ok(());
    }
    let too_long = || Refusal::new("tokenise.too_long", format!("{tokens} tokens, expected at most {}", feed.length));
    let Some(parts) = Parts::of(conversation) else {
        outcome.refuse(too_long());
        return Ok(());
    };
    match feed.settings.overflow {
        Overflow::Error | Overflow::Drop => {}
        Overflow::TailTurns => tail(feed, conversation, &trained, &parts, space, outcome)?,
        Overflow::Window => windows(feed, conversation, &trained, &parts, space, outcome)?,
    }
    let kept: u32 = outcome.row.documents.iter().map(|document| count(&document.supervised)).sum();
    outcome.lost_supervised = outcome.row.seen_supervised.saturating_sub(kept);
    if outcome.row.documents.is_empty() {
        outcome.refuse(too_long());
    }
    Ok(())
}

/// The turns that stand before everything, and the exchanges: each from a question to before the next.
struct Parts {
    head: Range<usize>,
    exchanges: Vec<Range<usize>>,
}

impl Parts {
    fn of(conversation: &Conversation<'_>) -> Option<Self> {
        let turns = &conversation.turns;
        let head = turns.iter().take_while(|turn| matches!(turn.role, "system" | "developer")).count();
        let mut exchanges: Vec<Range<usize>> = Vec::new();
        for at in head..turns.len() {
            let begins = at == head || (turns[at].role == "user" && turns[at - 1].role != "user");
            match exchanges.last_mut() {
                Some(last) if !begins => last.end = at + 1,
                _ => exchanges.push(at..at + 1),
            }
        }
        (exchanges.len() > 1).then_some(Self { head: 0..head, exchanges })
    }
}

/// Renders some exchanges with the head and says how many tokens that are and which are trained; `None` if refused.
fn attempt(
    feed: &Feed,
    (conversation, trained): (&Conversation<'_>, &[Trained]),
    parts: &Parts,
    exchanges: Range<usize>,
    space: &mut Workspace,
    outcome: &mut Outcome,
) -> Result<Option<Vec<Range<u32>>>> {
    let turns = || parts.head.clone().chain(parts.exchanges[exchanges.clone()].iter().cloned().flatten());
    let some = conversation.some(turns());
    let trained: Vec<Trained> = turns().map(|at| trained[at]).collect();
    Ok(feed.encode(&some, &trained, space, &mut outcome.slow)?.ok())
}

/// The longest tail that fits and trains something.
fn tail(
    feed: &Feed,
    conversation: &Conversation<'_>,
    trained: &[Trained],
    parts: &Parts,
    space: &mut Workspace,
    outcome: &mut Outcome,
) -> Result<()> {
    let count = parts.exchanges.len();
    // Tokens grow with exchanges, so the longest that fits is found by halving.
    let (mut fits, mut too_many) = (0, count);
    while too_many - fits > 1 {
        let middle = fits + (too_many - fits) / 2;
        attempt(feed, (conversation, trained), parts, count - middle..count, space, outcome)?;
        if space.tokens.ids.len() <= feed.length as usize { fits = middle } else { too_many = middle }
    }
    if fits > 0 {
        let found = attempt(feed, (conversation, trained), parts, count - fits..count, space, outcome)?;
        if let Some(supervised) = found.filter(|runs| !runs.is_empty()) {
            document(feed, supervised, space, conversation.weight, outcome);
        }
    }
    Ok(())
}

/// Windows from the first exchange to the last; an exchange that fits in none is lost.
fn windows(
    feed: &Feed,
    conversation: &Conversation<'_>,
    trained: &[Trained],
    parts: &Parts,
    space: &mut Workspace,
    outcome: &mut Outcome,
) -> Result<()> {
    let mut at = 0;
    while at < parts.exchanges.len() {
        let (mut fits, mut next) = (0, 1);
        // Twice as many as long as that fits, then halving.
        let left = parts.exchanges.len() - at;
        let mut too_many = left + 1;
        while fits < left && fits + 1 < too_many {
            next = next.min(left).max(fits + 1);
            let found = attempt(feed, (conversation, trained), parts, at..at + next, space, outcome)?;
            if found.is_some() && space.tokens.ids.len() <= feed.length as usize {
                fits = next;
                next = if too_many > left { fits * 2 } else { fits + (too_many - fits) / 2 };
            } else {
                too_many = next;
                next = fits + (too_many - fits) / 2;
            }
        }
        if fits == 0 {
            at += 1;
            continue;
        }
        let found = attempt(feed, (conversation, trained), parts, at..at + fits, space, outcome)?;
        if let Some(supervised) = found.filter(|runs| !runs.is_empty()) {
            document(feed, supervised, space, conversation.weight, outcome);
        }
        at += fits;
    }
    Ok(())
}
