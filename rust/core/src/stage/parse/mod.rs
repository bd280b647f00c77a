//! From a unit to a record: JSON, repairs by stated policy, the schema detected per record.

mod alpaca;
mod arena;
mod bfcl;
mod canonical;
mod context;
mod dialogue;
mod dolly;
mod draft;
mod family;
#[cfg(test)]
mod family_samples;
#[cfg(test)]
mod family_tests;
mod glaive;
mod hermes;
mod hh;
mod hole;
mod instructed;
mod known;
mod mapped;
mod markers;
mod markup;
mod multiple_choice;
mod oasst;
mod openai;
mod openorca;
mod pair;
mod pairwise;
mod plain;
mod policy;
mod preference;
mod prompt_completion;
#[cfg(test)]
mod properties;
mod query_response;
mod question_answer;
mod responses;
pub mod restore;
pub mod roles;
mod rounds;
mod scenario;
mod schemas;
mod self_instruct;
mod sharegpt;
mod template;
mod template_writer;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod text;
mod toolbench;
mod turns;
mod values;

pub(crate) use context::LABELS;
pub use context::{Context, kind_name};
pub use family::{FAMILIES, Family, family};
pub use known::{Known, QuietRecord};
pub use policy::{Consecutive, ParseSettings, Policy, Refusal, RoleName};
pub use schemas::{SchemaSettings, TurnListSettings, TurnSettings};

pub(crate) use turns::{is_bare, part_text_key};

use crate::error::{Error, Result};
use crate::json::{self, Defect, DefectKind, Kind, Limits, Mended, Node, Repair};
use crate::record::{Change, Changes, Origin, Record, Rejection, Role};
use crate::stage::read::{Body, Unit};
use bumpalo::Bump;

/// What became of a unit.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly every unit is a record, and it is moved once")]
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
    /// Schemas that the plan describes.
    schemas: mapped::Schemas,
    /// Whether plain lines may go their own way.
    plain: bool,
}

impl Parser {
    /// Checks the settings.
    pub fn new(settings: &ParseSettings) -> Result<Self> {
        if !(1..=1024).contains(&settings.max_depth) {
            return Err(Error::plan("parse.max_depth", format!("must be from 1 to 1024, got {}", settings.max_depth)));
        }
        if let Some(name) = settings.roles.keys().find(|name| name.trim().is_empty()) {
            return Err(Error::plan(
                "parse.roles",
                format!("{name:?} is no name of a role, expected one that stands in the data"),
            ));
        }
        let limits = Limits { depth: settings.max_depth };
        let schemas = mapped::Schemas::new(&settings.schemas)?;
        Ok(Self { settings: settings.clone(), limits, schemas, plain: plain::applies(settings) })
    }

    /// Reads one unit. `Err` only where a policy is `strict`.
    pub fn parse<'a>(&self, unit: &Unit<'a>, arena: &'a Bump) -> Result<Parsed<'a>> {
        self.parse_known(unit, &Known::default(), arena)
    }

    /// The same of a unit that is part of bytes of which something is known.
    pub fn parse_known<'a>(&self, unit: &Unit<'a>, known: &Known<'a>, arena: &'a Bump) -> Result<Parsed<'a>> {
        if self.plain
            && let Body::Json(bytes) = &unit.body
            && let Some(turns) = plain::turns(bytes, known, arena)
        {
            return Ok(Parsed::Record(plain::record(turns, unit.origin, arena)));
        }
        self.parse_any(unit, arena)
    }

    /// The record of a unit whose texts no stage has to look at, if that can be told from their spelling; `passes`
    /// judges a spelling that has characters beyond ASCII.
    pub(crate) fn quiet<'a>(
        &self,
        unit: &Unit<'a>,
        known: &Known<'a>,
        arena: &'a Bump,
        passes: impl Fn(&str) -> bool,
    ) -> Option<QuietRecord<'a>> {
        match &unit.body {
            Body::Json(bytes) if self.plain => plain::quiet(bytes, known, unit.origin, arena, passes),
            _ => None,
        }
    }

    /// Reads a unit of any shape.
    fn parse_any<'a>(&self, unit: &Unit<'a>, arena: &'a Bump) -> Result<Parsed<'a>> {
        let read = match &unit.body {
            Body::Empty => return Ok(Parsed::Empty),
            Body::Rejected { rejection, .. } => return Ok(Parsed::Rejected(rejection.clone())),
            Body::Row(node) => self.record(*node, unit.origin, arena),
            Body::DecodedRow(node) if self.settings.encoding == Policy::Repair => {
                self.record(*node, unit.origin, arena).map(|mut record| {
                    record.changes.add(Change::Encoding, 1);
                    record
                })
            }
            Body::DecodedRow(_) => Err(Rejection {
                reason: DefectKind::Encoding.reason(),
                byte: 0,
                detail: "the row has bytes that are not UTF-8".into(),
            }),
            Body::Json(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => return Ok(Parsed::Empty),
            Body::Json(bytes) => self.json(bytes, arena).and_then(|(node, changes)| {
                let mut record = self.record(node, unit.origin, arena)?;
                record.changes = changes;
                Ok(record)
            }),
            Body::Text(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => return Ok(Parsed::Empty),
            Body::Text(bytes) => self.text(bytes, arena).map(|(text, changes)| {
                let context = Context { arena, settings: &self.settings };
                let mut record = text::PlainText.of_file(text, unit.origin, &context);
                record.changes = changes;
                record
            }),
        };
        match read {
            Ok(record) => Ok(Parsed::Record(record)),
            Err(rejection) if self.is_strict(&rejection) => {
                Err(Error::Strict { origin: unit.origin.to_string(), reason: rejection.reason.into() })
            }
            Err(rejection) => Ok(Parsed::Rejected(rejection)),
        }
    }

    /// Whether the policy for what is wrong is to stop the run.
    fn is_strict(&self, rejection: &Rejection) -> bool {
        match DefectKind::ALL.into_iter().find(|kind| kind.reason() == rejection.reason) {
            Some(kind) => self.settings.policy(kind) == Policy::Strict,
            None => rejection.reason == "parse.no_schema" && self.settings.no_schema == Refusal::Strict,
        }
    }

    /// A JSON value. The strict parser decides; where it refuses and the policy is to repair, the
    /// text is mended and parsed again, each way of mending once.
    fn json<'a>(&self, bytes: &'a [u8], arena: &'a Bump) -> Result<(Node<'a>, Changes), Rejection> {
        if let Ok(text) = simdutf8::basic::from_utf8(bytes)
            && let Ok(node) = json::parse(text, arena, self.limits)
        {
            return Ok((node, Changes::default()));
        }
        self.mend(bytes, arena)
    }

    #[cold]
    fn mend<'a>(&self, bytes: &'a [u8], arena: &'a Bump) -> Result<(Node<'a>, Changes), Rejection> {
        let mut repair = Repair::default();
        self.mend_by(&mut repair, bytes, arena).map(|node| (node, changes_of(&repair)))
    }

    /// The same; `repair` holds every place that was mended, also where the value is refused then.
    fn mend_by<'a>(&self, repair: &mut Repair, bytes: &'a [u8], arena: &'a Bump) -> Result<Node<'a>, Rejection> {
        let mut text = self.decode(bytes, arena, repair)?;
        let mut tokens_done = false;
        let mut duplicates_done = false;
        loop {
            let mut defect = match json::parse(text, arena, self.limits) {
                Ok(node) => return Ok(node),
                Err(defect) => defect,
            };
            let wanted = |kind| self.settings.policy(kind) == Policy::Repair;
            if defect.kind == DefectKind::DuplicateKey && wanted(defect.kind) && !duplicates_done {
                match repair.duplicates(text, arena, self.limits) {
                    Ok(mended) => {
                        duplicates_done = true;
                        text = mended.unwrap_or(text);
                        continue;
                    }
                    // Something else is wrong further on; that first.
                    Err(other) => defect = other,
                }
            }
            if wanted(defect.kind)
                && !tokens_done
                && let Some(mended) = repair.tokens(text, arena, wanted)
            {
                tokens_done = true;
                text = mended;
                continue;
            }
            return Err(refusal(Defect { byte: repair.source_place(defect.byte), ..defect }, bytes));
        }
    }

    /// A text that is UTF-8, or is made so where the policy says it.
    fn decode<'a>(&self, bytes: &'a [u8], arena: &'a Bump, repair: &mut Repair) -> Result<&'a str, Rejection> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text),
            Err(_) if self.settings.encoding == Policy::Repair => Ok(repair.decode(bytes, arena)),
            Err(error) => Err(refusal(Defect { byte: error.valid_up_to(), kind: DefectKind::Encoding }, bytes)),
        }
    }

    /// The places of a unit that have to be mended to be read, at most `most`, in the order of the mending;
    /// of a unit that is refused, those before the defect that is the reason. Rows are mended by `read`.
    pub fn mended(&self, unit: &Unit<'_>, arena: &Bump, most: usize) -> Vec<Mended> {
        let mut repair = Repair::default();
        match &unit.body {
            Body::Json(bytes) => drop(self.mend_by(&mut repair, bytes, arena)),
            Body::Text(bytes) => drop(self.decode(bytes, arena, &mut repair)),
            Body::Empty | Body::Row(_) | Body::DecodedRow(_) | Body::Rejected { .. } => {}
        }
        repair.mends().take(most).collect()
    }

    /// The text of a whole file.
    fn text<'a>(&self, bytes: &'a [u8], arena: &'a Bump) -> Result<(&'a str, Changes), Rejection> {
        let mut repair = Repair::default();
        let text = self.decode(bytes, arena, &mut repair)?;
        Ok((text, changes_of(&repair)))
    }

    /// The record of a parsed value.
    fn record<'a>(&self, node: Node<'a>, origin: Origin<'a>, arena: &'a Bump) -> Result<Record<'a>, Rejection> {
        let context = Context { arena, settings: &self.settings };
        let record = match self.schemas.parse(node, origin, &context) {
            Some(mapped) => mapped?,
            None => {
                let found = FAMILIES.iter().find_map(|family| Some((family, family.detect(&node)?)));
                let Some((family, dialect)) = found else {
                    return Err(context.reject("parse.no_schema", seen(&node) + &self.schemas.missing(&node)));
                };
                family.parse(dialect, node, origin, &context)?
            }
        };
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

fn refusal(defect: Defect, source: &[u8]) -> Rejection {
    Rejection { reason: defect.kind.reason(), byte: defect.byte as u64, detail: defect.describe(source) }
}

/// What was mended, as it stands in the trace.
fn changes_of(repair: &Repair) -> Changes {
    let mut changes = Changes::default();
    for (kind, times) in repair.mended() {
        let change = match kind {
            DefectKind::Encoding => Change::Encoding,
            DefectKind::LoneSurrogate => Change::LoneSurrogate,
            DefectKind::NonFinite => Change::NonFinite,
            DefectKind::DuplicateKey => Change::DuplicateKey,
            DefectKind::Control => Change::ControlInString,
            DefectKind::TrailingComma => Change::TrailingComma,
            DefectKind::Syntax | DefectKind::Truncated | DefectKind::Trailing | DefectKind::Depth => continue,
        };
        changes.add(change, times);
    }
    changes
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
