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
    if supervised.is_empty() {
        let what = "no turn of the model is trained, so there is nothing to learn from it";
        outcome.refuse(Refusal::new("tokenise.nothing_trained", what));
        return Ok(());
    }
    if tokens <= feed.length {
        document(feed, supervised, space, conversation.weight, outcome);
        return Ok(());
    }
    let too_long = || Refusal::new("tokenise.too_long", format!("{tokens} tokens, expected at most {}", feed.length));
    let Some(parts) = Parts::of(conversation) else {
        outcome.refuse(too_long());
        return Ok(());
    };
    let mut cutting = Cutting { feed, conversation, trained: &trained, parts, space, outcome };
    match feed.settings.overflow {
        Overflow::Error | Overflow::Drop => {}
        Overflow::TailTurns => cutting.tail()?,
        Overflow::Window => cutting.windows()?,
    }
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

/// A conversation that is too long, and where its documents go.
struct Cutting<'c, 'r> {
    feed: &'c Feed,
    conversation: &'c Conversation<'r>,
    trained: &'c [Trained],
    parts: Parts,
    space: &'c mut Workspace,
    outcome: &'c mut Outcome,
}

impl Cutting<'_, '_> {
    /// Renders some exchanges with the head into the workspace; the stretches of trained tokens where that fits.
    fn attempt(&mut self, exchanges: Range<usize>) -> Result<Option<Vec<Range<u32>>>> {
        let turns = || self.parts.head.clone().chain(self.parts.exchanges[exchanges.clone()].iter().cloned().flatten());
        let some = self.conversation.some(turns());
        let trained: Vec<Trained> = turns().map(|at| self.trained[at]).collect();
        let found = self.feed.encode(&some, &trained, self.space, &mut self.outcome.slow)?.ok();
        Ok(found.filter(|_| self.space.tokens.ids.len() <= self.feed.length as usize))
    }

    /// Makes a document of some exchanges that fit, if anything of it is trained.
    fn keep(&mut self, exchanges: Range<usize>) -> Result<()> {
        if let Some(supervised) = self.attempt(exchanges)?.filter(|runs| !runs.is_empty()) {
            document(self.feed, supervised, self.space, self.conversation.weight, self.outcome);
        }
        Ok(())
    }

    /// The longest tail that fits and trains something.
    fn tail(&mut self) -> Result<()> {
        let count = self.parts.exchanges.len();
        // Tokens grow with exchanges, so the longest that fits is found by halving.
        let (mut fits, mut too_many) = (0, count);
        while too_many - fits > 1 {
            let middle = fits + (too_many - fits) / 2;
            if self.attempt(count - middle..count)?.is_some() { fits = middle } else { too_many = middle }
        }
        if fits > 0 { self.keep(count - fits..count) } else { Ok(()) }
    }

    /// Windows from the first exchange to the last; an exchange that fits in none is lost.
    fn windows(&mut self) -> Result<()> {
        let mut at = 0;
        while at < self.parts.exchanges.len() {
            let (mut fits, mut next) = (0, 1);
            // Twice as many as long as that fits, then halving.
            let left = self.parts.exchanges.len() - at;
            let mut too_many = left + 1;
            while fits < left && fits + 1 < too_many {
                next = next.min(left).max(fits + 1);
                if self.attempt(at..at + next)?.is_some() {
                    fits = next;
                    next = if too_many > left { fits * 2 } else { fits + (too_many - fits) / 2 };
                } else {
                    too_many = next;
                    next = fits + (too_many - fits) / 2;
                }
            }
            if fits > 0 {
                self.keep(at..at + fits)?;
            }
            at += fits.max(1);
        }
        Ok(())
    }
}
