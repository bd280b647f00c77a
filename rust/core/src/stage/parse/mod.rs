//! From a unit to a record: JSON, repairs by stated policy, the schema detected per record.

mod alpaca;
mod context;
mod dolly;
mod draft;
mod family;
mod hole;
mod instructed;
mod openai;
mod openorca;
mod pair;
mod policy;
mod preference;
mod prompt_completion;
mod query_response;
mod question_answer;
pub mod restore;
pub mod roles;
mod template;
mod template_writer;
mod text;
mod turns;
mod values;

pub use context::{Context, kind_name};
pub use family::{FAMILIES, Family, family};
pub use policy::{Consecutive, ParseSettings, Policy, Refusal, RoleName};

pub(crate) use turns::part_text_key;

use crate::error::{Error, Result};
use crate::json::{self, Kind, Limits, Node};
use crate::record::{Origin, Record, Rejection, Role};
use crate::stage::read::{Body, Unit};
use bumpalo::Bump;

/// What became of a unit.
#[derive(Debug)]
pub enum Parsed<'a> {
    /// A record.
    Record(Record<'a>),
    /// White space.
    Empty,
    /// Refused: the unit goes to `rejected/` as it was.
    Rejected(Rejection),
}

/// The stage, checked and ready.
#[derive(Debug)]
pub struct Parser {
    settings: ParseSettings,
    limits: Limits,
}

impl Parser {
    /// Checks the settings.
    pub fn new(settings: &ParseSettings) -> Result<Self> {
        if !(1..=1024).contains(&settings.max_depth) {
            return Err(Error::plan("parse.max_depth", format!("must be from 1 to 1024, got {}", settings.max_depth)));
        }
        Ok(Self { settings: settings.clone(), limits: Limits { depth: settings.max_depth } })
    }

    /// Reads one unit. `Err` only where a policy is `strict`.
    pub fn parse<'a>(&self, unit: &Unit<'a>, arena: &'a Bump) -> Result<Parsed<'a>> {
        let parsed = match &unit.body {
            Body::Empty => return Ok(Parsed::Empty),
            Body::Rejected { rejection, .. } => return Ok(Parsed::Rejected(rejection.clone())),
            Body::Row(node) | Body::DecodedRow(node) => self.record(*node, unit.origin, arena),
            Body::Json(bytes) => {
                let text = match simdutf8::basic::from_utf8(bytes) {
                    Ok(text) => text,
                    Err(_) => {
                        return Ok(Parsed::Rejected(Rejection {
                            reason: "parse.encoding",
                            byte: 0,
                            detail: String::new(),
                        }));
                    }
                };
                match json::parse(text, arena, self.limits) {
                    Ok(node) => self.record(node, unit.origin, arena),
                    Err(defect) => {
                        Err(Rejection { reason: defect.kind.reason(), byte: defect.byte as u64, detail: String::new() })
                    }
                }
            }
            Body::Text(bytes) => match simdutf8::basic::from_utf8(bytes) {
                Ok(text) => {
                    let context = Context { arena, settings: &self.settings };
                    Ok(text::PlainText.of_file(text, unit.origin, &context))
                }
                Err(_) => Err(Rejection { reason: "parse.encoding", byte: 0, detail: String::new() }),
            },
        };
        Ok(match parsed {
            Ok(record) => Parsed::Record(record),
            Err(rejection) => Parsed::Rejected(rejection),
        })
    }

    /// The record of a parsed value.
    fn record<'a>(&self, node: Node<'a>, origin: Origin<'a>, arena: &'a Bump) -> Result<Record<'a>, Rejection> {
        let context = Context { arena, settings: &self.settings };
        let found = FAMILIES.iter().find_map(|family| Some((family, family.detect(&node)?)));
        let Some((family, dialect)) = found else {
            return Err(context.reject("parse.no_schema", seen(&node)));
        };
        let record = family.parse(dialect, node, origin, &context)?;
        if self.settings.consecutive == Consecutive::Reject {
            let twice =
                record.messages.windows(2).position(|pair| pair[0].role == pair[1].role && pair[0].role != Role::Tool);
            if let Some(index) = twice {
                let role = record.messages[index].role.name();
                return Err(context.reject(
                    "parse.consecutive",
                    format!("turns {} and {} are both of role `{role}`", index + 1, index + 2),
                ));
            }
        }
        Ok(record)
    }
}

/// What stands there instead of a known schema.
fn seen(node: &Node<'_>) -> String {
    const EXPECTED: &str = "expected a known schema, e.g. `messages`, `conversations`, `instruction` and `output`, `prompt` and `completion`, or `text`";
    match node.kind {
        Kind::Object(members) => {
            let mut keys = String::new();
            for (index, member) in members.iter().take(12).enumerate() {
                let shown: String = member.key.chars().take(32).collect();
                keys.push_str(if index == 0 { "`" } else { ", `" });
                keys.push_str(&shown);
                keys.push_str("` (");
                keys.push_str(kind_name(&member.value));
                keys.push(')');
            }
            let more = if members.len() > 12 { format!(" and {} more", members.len() - 12) } else { String::new() };
            if members.is_empty() {
                format!("an object without keys, {EXPECTED}")
            } else {
                format!("an object with {keys}{more}, {EXPECTED}")
            }
        }
        _ => format!("{}, {EXPECTED}", kind_name(node)),
    }
}
