//! From lines of records to rows of a token store.

mod ledger;
mod overflow;
mod run;
mod spans;
#[cfg(test)]
mod tests;

pub(crate) use ledger::Sums;
pub use ledger::{Account, Ledger};
pub use run::{Built, Fault, Lines, Options, build};
pub use spans::{byte_spans, trained_tokens};

use crate::conversation::{Conversation, Refusal, Turn};
use crate::guard;
use crate::render::{Family, Marks, Rendered, Stop, Trained, What};
use crate::store::{NewDocument, NewRow};
use crate::tokenise::{Chosen, Scratch, Tokens};
use bumpalo::Bump;
use corpuskit_core::Result;
use corpuskit_core::json::{Limits, Node, parse};
use corpuskit_core::plan::tokenising::{LeakGuard, TokeniseSettings, TrainedTurns};

/// Changed whenever the same record, tokenizer, template and settings would give other tokens.
pub const VERSION: u32 = 1;

/// Renders what no family covers: transformers, through Python.
pub trait Fallback: Send + Sync {
    /// The text of a conversation and the stretches of it, in characters, that are trained: what the turns
    /// say whose flag is set.
    ///
    /// # Errors
    /// What the template raised.
    fn render(
        &self,
        conversation: &[u8],
        trained: &[bool],
    ) -> std::result::Result<(String, Vec<(usize, usize)>), Refusal>;
}

/// How records become tokens.
pub struct Feed {
    /// The template, if it is a known one.
    pub family: Option<Box<dyn Family>>,
    /// Where trained text begins and ends.
    pub marks: Marks,
    /// Whether the family also renders records with tools as the template does.
    pub tools: bool,
    /// What renders the rest.
    pub fallback: Option<Box<dyn Fallback>>,
    /// The tokenizer.
    pub chosen: Chosen,
    /// The end token that ends a plain text.
    pub eos: String,
    /// Tokens that may end a turn.
    pub ends: Vec<u32>,
    /// Which turns are trained, and what becomes of the rest.
    pub settings: TokeniseSettings,
    /// What becomes of tags in a record's own text.
    pub leak_guard: LeakGuard,
    /// Longest document, in tokens.
    pub length: u32,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").field("family", &self.family).field("chosen", &self.chosen).finish_non_exhaustive()
    }
}

/// What a thread keeps between records.
#[derive(Debug, Default)]
pub struct Workspace {
    arena: Bump,
    scratch: Scratch,
    rendered: Rendered,
    tokens: Tokens,
    /// Collects every document as it is made, where it is to be shown.
    shown: Option<Vec<Shown>>,
}

/// A row and what is to be said about it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What is stored.
    pub row: NewRow,
    /// What was found, where the row was refused.
    pub detail: String,
    /// `_origin` of the record.
    pub origin: String,
    /// Declared `_category`.
    pub category: String,
    /// `_source`.
    pub source: String,
    /// Documents in which an end token is trained.
    pub ended: u32,
    /// The record's own text holds a tag.
    pub tagged: bool,
    /// Python rendered it.
    pub slow: bool,
    /// Turns whose reasoning the template leaves out.
    pub left_out: u32,
}

/// One rendered conversation with its tokens.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// The text and what it is made of.
    pub rendered: Rendered,
    /// Its tokens.
    pub tokens: Tokens,
    /// Stretches of trained tokens.
    pub supervised: Vec<std::ops::Range<u32>>,
}

/// A record as it can be shown.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// What becomes of it.
    pub outcome: Outcome,
    /// The conversation as it is, where it can be rendered.
    pub whole: Option<Shown>,
    /// Every document that it becomes.
    pub documents: Vec<Shown>,
}

impl Workspace {
    fn look(&self, supervised: Vec<std::ops::Range<u32>>) -> Shown {
        Shown { rendered: self.rendered.clone(), tokens: self.tokens.clone(), supervised }
    }
}

impl Feed {
    /// What one line becomes. Never fails for what a record holds: that is a reason in the row.
    ///
    /// # Errors
    /// Where the tokenizer itself fails.
    pub fn row(&self, line: &[u8], space: &mut Workspace) -> Result<Outcome> {
        let arena = std::mem::take(&mut space.arena);
        let result = self.with_arena(line, &arena, space);
        space.arena = arena;
        space.arena.reset();
        result
    }

    fn with_arena(&self, line: &[u8], arena: &Bump, space: &mut Workspace) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        match self.read(line, arena, &mut outcome) {
            Ok(conversation) => overflow::documents(self, &conversation, space, &mut outcome)?,
            Err(refusal) => outcome.refuse(refusal),
        }
        Ok(outcome)
    }

    /// The conversation of a line, tags in it treated as the settings say.
    fn read<'a>(
        &self,
        line: &'a [u8],
        arena: &'a Bump,
        outcome: &mut Outcome,
    ) -> std::result::Result<Conversation<'a>, Refusal> {
        let broken = |what: String| Refusal::new("tokenise.no_messages", what);
        let text = std::str::from_utf8(line).map_err(|error| broken(error.to_string()))?;
        let record = parse(text, arena, Limits::default()).map_err(|defect| broken(format!("{defect:?}")))?;
        let field =
            |name: &str| record.get(name).and_then(|node: Node<'_>| node.as_str()).unwrap_or_default().to_owned();
        (outcome.origin, outcome.category, outcome.source) = (field("_origin"), field("_category"), field("_source"));
        let mut conversation = Conversation::read(&record)?;
        for turn in &mut conversation.turns {
            self.guard(turn, outcome)?;
        }
        Ok(conversation)
    }

    fn guard(&self, turn: &mut Turn<'_>, outcome: &mut Outcome) -> std::result::Result<(), Refusal> {
        let content = self.guarded(turn.role, turn.content.as_deref(), outcome)?;
        let reasoning = self.guarded(turn.role, turn.reasoning.as_deref(), outcome)?;
        content.into_iter().for_each(|text| turn.change(text));
        reasoning.into_iter().for_each(|text| turn.change_reasoning(text));
        Ok(())
    }

    /// What takes the place of a text that holds a tag, if the setting says that something does.
    fn guarded(
        &self,
        role: &str,
        text: Option<&str>,
        outcome: &mut Outcome,
    ) -> std::result::Result<Option<String>, Refusal> {
        let Some((text, place)) = text.and_then(|text| Some((text, guard::find(text)?))) else { return Ok(None) };
        outcome.tagged = true;
        match self.leak_guard {
            LeakGuard::Warn => Ok(None),
            LeakGuard::Strip => Ok(guard::stripped(text)),
            LeakGuard::Error => {
                let what = format!("a turn of role {role} holds `{}`", text[place].trim_end());
                Err(Refusal::new("condition.tag_in_text", what))
            }
        }
    }

    /// What of each turn is trained.
    fn trained(&self, conversation: &Conversation<'_>) -> Vec<Trained> {
        let last = conversation.turns.iter().rposition(Turn::is_assistant);
        let each = |(at, turn): (usize, &Turn<'_>)| {
            let asked = self.settings.train == TrainedTurns::All || Some(at) == last;
            let turn = turn.is_assistant() && turn.wanted && asked;
            Trained { turn, reasoning: self.settings.reasoning, calls: self.settings.tool_calls }
        };
        conversation.turns.iter().enumerate().map(each).collect()
    }

    /// Renders and tokenises a conversation into the workspace; returns the stretches of trained tokens.
    fn encode(
        &self,
        conversation: &Conversation<'_>,
        trained: &[Trained],
        space: &mut Workspace,
        slow: &mut bool,
    ) -> Result<std::result::Result<Vec<std::ops::Range<u32>>, Refusal>> {
        space.rendered.clear();
        space.tokens.clear();
        if let Err(refusal) = self.render(conversation, trained, &mut space.rendered, slow) {
            return Ok(Err(refusal));
        }
        if let Some(tag) = guard::leak(&space.rendered) {
            return Ok(Err(leaked(&tag)));
        }
        if u32::try_from(space.rendered.text.len()).is_err() {
            return Ok(Err(Refusal::new("tokenise.too_long", "more than 4 GiB of text")));
        }
        self.chosen.tokeniser.encode(&space.rendered.text, &mut space.scratch, &mut space.tokens)?;
        Ok(Ok(trained_tokens(&space.tokens.ends, &space.tokens.gaps, &space.rendered.trained())))
    }

    fn render(
        &self,
        conversation: &Conversation<'_>,
        trained: &[Trained],
        out: &mut Rendered,
        slow: &mut bool,
    ) -> std::result::Result<(), Refusal> {
        if let Some(text) = conversation.plain_text() {
            out.push(text, 0, What::Content, true);
            out.push(&self.eos, 0, What::Literal, true);
            return Ok(());
        }
        let mut why = "the template is none of the known ones".to_owned();
        let has_tools = !conversation.tools.is_empty()
            || conversation.turns.iter().any(|turn| !turn.calls.is_empty() || turn.role == "tool");
        if let Some(family) = self.family.as_ref().filter(|_| self.tools || !has_tools) {
            match family.render(conversation, trained, self.marks, out) {
                Ok(()) => return Ok(()),
                Err(Stop::Refused(refusal)) => return Err(refusal),
                Err(Stop::Unsupported(what)) => why = what,
            }
            out.clear();
        }
        let Some(fallback) = &self.fallback else { return Err(Refusal::new("tokenise.template", why)) };
        if conversation.turns.iter().zip(trained).any(|(turn, trained)| trained.leaves_out(turn)) {
            let what = format!("{why}, so reasoning and calls cannot be left untrained");
            return Err(Refusal::new("tokenise.mask", what));
        }
        *slow = true;
        let flags: Vec<bool> = trained.iter().map(|trained| trained.turn).collect();
        let (text, spans) = fallback.render(&conversation.to_json(), &flags)?;
        // Which part of this text is whose is found by searching, so its tags are counted instead.
        if let Some(tag) = guard::surplus(&text, conversation.said()) {
            return Err(leaked(tag));
        }
        spans::segments(conversation, &text, &byte_spans(&text, &spans), out)
    }

    /// Everything about a line that can be shown: text and tokens of the whole and of each document.
    ///
    /// # Errors
    /// Where the tokenizer itself fails.
    pub fn show(&self, line: &[u8], space: &mut Workspace) -> Result<Look> {
        space.shown = Some(Vec::new());
        let outcome = self.row(line, space)?;
        let documents = space.shown.take().unwrap_or_default();
        if outcome.row.seen > 0 && outcome.row.seen <= self.length && documents.len() == 1 {
            return Ok(Look { outcome, whole: documents.first().cloned(), documents });
        }
        let arena = Bump::new();
        let whole = match self.read(line, &arena, &mut Outcome::default()) {
            Ok(conversation) => {
                let trained = self.trained(&conversation);
                self.encode(&conversation, &trained, space, &mut false)?.ok().map(|supervised| space.look(supervised))
            }
            Err(_) => None,
        };
        Ok(Look { outcome, whole, documents })
    }
}

fn leaked(tag: &str) -> Refusal {
    Refusal::new("condition.leak", format!("`{tag}` is in the text and in none of the record's turns"))
}

impl Outcome {
    pub(crate) fn refuse(&mut self, refusal: Refusal) {
        self.row.documents.clear();
        self.row.reason = Some(refusal.reason.to_owned());
        self.detail = refusal.detail;
    }
}

pub(crate) fn count(runs: &[std::ops::Range<u32>]) -> u32 {
    runs.iter().map(|run| run.end - run.start).sum()
}

pub(crate) fn document(
    feed: &Feed,
    supervised: Vec<std::ops::Range<u32>>,
    space: &mut Workspace,
    weight: f32,
    outcome: &mut Outcome,
) {
    if let Some(mut shown) = space.shown.take() {
        shown.push(space.look(supervised.clone()));
        space.shown = Some(shown);
    }
    let ids = space.tokens.ids.clone();
    let trained = supervised.iter().flat_map(|run| &ids[run.start as usize..run.end as usize]);
    outcome.ended += u32::from(trained.into_iter().any(|id| feed.ends.contains(id)));
    outcome.row.documents.push(NewDocument { ids, supervised, weight });
}
